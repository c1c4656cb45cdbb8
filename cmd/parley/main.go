// Command parley answers a shop's customers with a bot and puts every dialogue into one inbox, where a human takes
// over and hands back. `parley up` runs everything on this machine; `parley api` and `parley worker` are the roles of
// a larger installation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"parley/config"
	"parley/dialogue"
)

// Exit codes of every command.
const (
	exitFailed = 1
	exitUsage  = 2 // wrong flags or configuration
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The second Ctrl-C ends the process at once; the next start recovers.
	context.AfterFunc(ctx, stop)

	started := false
	root := &cobra.Command{
		Use:               "parley",
		Short:             "A bot answers your customers; one inbox where people take over",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { started = true },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(commands()...)

	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "parley:", strings.ReplaceAll(dialogue.Told(err), "\n", "; "))
	if _, wrong := errors.AsType[*config.Error](err); wrong || !started {
		return exitUsage
	}
	return exitFailed
}

// Command chaos is the fault harness: it runs a whole installation, two nodes of
// each role on a real Postgres and a real Temporal server, has many customers and
// some operators work with it, and meanwhile kills, pauses and cuts off whatever it
// consists of. What everybody saw goes to a journal (package journal); whether it is
// what Parley promises is decided by the checker (command check), which reads only
// that.
//
// What is done, to whom and when follows from the seed. How the processes then
// interleave does not: a seed that finds something may have to be run again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options say what to run.
type options struct {
	seed      uint64
	duration  time.Duration // of the load; the rest comes on top
	customers int
	rate      float64       // messages of customers, all together, per second
	every     time.Duration // a fault, on average
	rest      time.Duration // how long everything may take to come to rest, when nothing is broken any more
	log       string        // directory of the journal and the processes' logs
	parley    string        // the binary under test
	deploy    string        // the binary that is deployed meanwhile; empty: the same
	tell      func(format string, args ...any)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	o := options{tell: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }}
	flag.Uint64Var(&o.seed, "seed", 0, "what follows from chance follows from this; 0 takes the time")
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long customers write")
	flag.IntVar(&o.customers, "customers", 150, "how many customers there are")
	flag.Float64Var(&o.rate, "rate", 8.5, "how many messages they write a second, all together")
	flag.DurationVar(&o.every, "fault-every", 7*time.Second, "how often something is broken, on average")
	flag.DurationVar(&o.rest, "rest", 4*time.Minute, "how long everything may take to come to rest afterwards")
	flag.StringVar(&o.log, "log", "", "directory for the journal and the logs; a new one when empty")
	flag.StringVar(&o.parley, "parley", "", "the binary to test; the one beside this when empty")
	flag.StringVar(&o.deploy, "deploy", "", "the binary to deploy meanwhile; the same when empty")
	check := flag.String("check", "", "the checker; the one beside this when empty")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is not understood: there are only flags, see -help", flag.Arg(0))
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the own executable: %w", err)
	}
	if o.parley == "" {
		o.parley = filepath.Join(filepath.Dir(self), "parley")
	}
	if *check == "" {
		*check = filepath.Join(filepath.Dir(self), "check")
	}
	if o.log == "" {
		if o.log, err = os.MkdirTemp("", "parley-chaos-"); err != nil {
			return fmt.Errorf("make a directory for the journal: %w", err)
		}
	}
	if err := run(ctx, o); err != nil {
		return err
	}
	return judge(ctx, *check, o.log)
}

// judge has the checker read the journal.
func judge(ctx context.Context, check, log string) error {
	cmd := exec.CommandContext(ctx, check, log)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); ended {
			return fmt.Errorf("a promise is broken; the journal is in %s", log)
		}
		return fmt.Errorf("run the checker: %w", err)
	}
	return nil
}

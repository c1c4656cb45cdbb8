package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"parley/config"
	"parley/worker"
)

// promoteWithin is how long a version's first worker may take to come.
const promoteWithin = time.Minute

func versionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "List the versions of the workers, and say which one is current",
		Long: "Workers that are started with PARLEY_BUILD_ID have a version. A dialogue that runs stays with the version it " +
			"began under until another is promoted, or it has something new to do; new ones begin under the current version. Works on the Temporal of " +
			"TEMPORAL_ADDRESS, else on that of the `parley up` that runs on this machine.",
	}
	cmd.AddCommand(versionsListCommand(), versionsPromoteCommand())
	return cmd
}

func versionsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the versions that workers came with, and which of them are still needed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onEngine(func(engine client.Client, _ config.Config) error {
				versions, err := worker.Versions(cmd.Context(), engine)
				if err != nil {
					return err
				}
				return printVersions(cmd.OutOrStdout(), versions)
			})
		},
	}
}

func printVersions(out io.Writer, versions []worker.Version) error {
	if len(versions) == 0 {
		_, err := fmt.Fprintln(out, "No versions: all workers run without PARLEY_BUILD_ID.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUILD ID\tSTATE\tSINCE\tITS WORKERS")
	for _, v := range versions {
		needed := "are needed"
		if v.State == worker.VersionDrained {
			needed = "may end"
		} else if v.State == worker.VersionUnused {
			needed = "wait: promote it, or end them"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", v.BuildID, v.State, v.Since.Local().Format(time.DateTime), needed)
	}
	return table.Flush()
}

func versionsPromoteCommand() *cobra.Command {
	var none bool
	cmd := &cobra.Command{
		Use:   "promote BUILD_ID",
		Short: "Make a version the current one; waits up to a minute for its first worker",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if none == (len(args) == 1) {
				return fmt.Errorf("give the PARLEY_BUILD_ID of the workers that shall be current, or --none")
			}
			buildID := ""
			if !none {
				buildID = args[0]
			}
			return onEngine(func(engine client.Client, cfg config.Config) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), promoteWithin)
				defer cancel()
				if err := worker.Promote(ctx, engine, buildID); err != nil {
					return err
				}
				if err := worker.ComeOver(ctx, engine, cfg.TemporalNamespace); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "%v: dialogues that run come over when they next have something to do\n", err)
				}
				if none {
					buildID = "workers without a version"
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "Current: %s. Keep the other workers until `parley versions list` says that they may end.\n", buildID)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&none, "none", false, "go back to workers without a version")
	return cmd
}

// onEngine runs f with a connection to the engine.
func onEngine(f func(engine client.Client, cfg config.Config) error) error {
	cfg, err := config.Load(os.Environ())
	if err == nil && cfg.TemporalAddress == "" {
		cfg, err = operatorConfig()
	}
	if err == nil {
		err = cfg.Require("TEMPORAL_ADDRESS")
	}
	if err != nil {
		return err
	}
	engine, err := newEngine(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	defer engine.Close()
	return f(engine, cfg)
}

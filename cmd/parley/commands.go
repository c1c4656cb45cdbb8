package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"parley/config"
)

// commands lists what parley can do.
func commands() []*cobra.Command {
	return []*cobra.Command{upCommand(), apiCommand(), workerCommand(), migrateCommand(), userCommand(), environmentTopic()}
}

func apiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "Serve the inbox, the API, the widget and the webhooks",
		Long:  "Serve the inbox, the API, the widget and the webhooks. Any number of these may run side by side.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := roleConfig()
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return fmt.Errorf("listen on %s: %w", cfg.Listen, err)
			}
			return runAPI(cmd.Context(), cfg, listener, roleLogger(cfg))
		},
	}
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Run the dialogues: answers, sends, ingestion",
		Long:  "Run the dialogues' workflows and activities. Any number of these may run side by side.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := roleConfig()
			if err != nil {
				return err
			}
			return runWorker(cmd.Context(), cfg, roleLogger(cfg))
		},
	}
}

func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return err
			}
			if err := cfg.Require("DATABASE_URL"); err != nil {
				return err
			}
			return migrate(cmd.Context(), cfg, roleLogger(cfg))
		},
	}
}

// roleConfig is the configuration of a process that finds everything else running.
func roleConfig() (config.Config, error) {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return config.Config{}, err
	}
	return cfg, cfg.Require("DATABASE_URL", "TEMPORAL_ADDRESS")
}

func roleLogger(cfg config.Config) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "List the environment variables that configure Parley",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, v := range config.Table() {
				fmt.Fprintf(table, "%s\t%s\n", v.Name, v.Help)
				fmt.Fprintf(table, "\t  accepted: %s\n", v.Accepts)
				if v.Default != "" {
					fmt.Fprintf(table, "\t  default: %s\n", v.Default)
				}
			}
			return table.Flush()
		},
	}
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/config"
	"parley/metrics"
)

// commands lists what parley can do.
func commands() []*cobra.Command {
	return []*cobra.Command{upCommand(), apiCommand(), workerCommand(), migrateCommand(), userCommand(), channelCommand(), turnsCommand(), versionsCommand(), doctorCommand(), environmentTopic()}
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
			log := roleLogger(cfg)
			defer watchdog(cmd.Context(), cfg, log)()
			return runAPI(cmd.Context(), cfg, listener, metrics.New(), log)
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
			log := roleLogger(cfg)
			defer watchdog(cmd.Context(), cfg, log)()
			return runWorker(cmd.Context(), cfg, metrics.New(), log)
		},
	}
}

// watchdogGrace is how much longer than its work a process may take to end.
const watchdogGrace = 10 * time.Second

// watchdog ends a process that was told to end and does not. What it leaves is
// taken up by others, as after a crash. The returned function calls it off.
func watchdog(ctx context.Context, cfg config.Config, log *slog.Logger) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		time.AfterFunc(cfg.DrainDelay+cfg.StopTimeout+watchdogGrace, func() {
			log.Error("not everything stopped in time")
			os.Exit(exitFailed)
		})
	})
}

func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date, and make the first admin when there is none",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return err
			}
			if err := cfg.Require("DATABASE_URL"); err != nil {
				return err
			}
			log := roleLogger(cfg)
			if err := migrate(cmd.Context(), cfg, log); err != nil {
				return err
			}
			email, password, created, err := ensureAdmin(cmd.Context(), cfg, log)
			if err != nil || !created {
				return err
			}
			if cfg.AdminPassword != "" {
				password = "as set in PARLEY_ADMIN_PASSWORD"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "First admin: %s\nPassword: %s\n", email, password)
			return nil
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

// environmentTopic is a page of `parley help`: a command that cannot be run.
func environmentTopic() *cobra.Command {
	var page strings.Builder
	page.WriteString("The environment variables that configure Parley:\n")
	for _, v := range config.Table() {
		fmt.Fprintf(&page, "\n  %s\n      %s\n      Accepted: %s.", v.Name, v.Help, v.Accepts)
		if v.Default != "" {
			fmt.Fprintf(&page, " Default: %s.", v.Default)
		}
		page.WriteString("\n")
	}
	page.WriteString(`
What the tools of a checkout read:

  PARLEY_CACHE_DIR
      Where Postgres and the Temporal engine are kept between builds. Default: /var/cache/parley for root, else the
      user's cache directory.

  PARLEY_POSTGRES, PARLEY_ENGINE
      The Postgres installation and the engine that ` + "`parley up`" + ` runs. Default: those beside its own executable.

  PARLEY_TEST_DATABASE_URL
      The Postgres in which the tests make their databases. Default: one of their own.

  PARLEY_CHROMIUM
      The browser of the browser tests. Default: an installed Chromium or Chrome, else one is installed.`)
	return &cobra.Command{
		Use:   "environment",
		Short: "The environment variables that configure Parley",
		Long:  page.String(),
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"parley/config"
	"parley/demo"
	"parley/dialogue"
	"parley/local"
	"parley/metrics"
	"parley/store"
)

const (
	stopWorking = 3 * time.Second  // for answers that are being written
	stopServing = 4 * time.Second  // for the API and the worker, before their databases go
	stopAll     = 10 * time.Second // then the process ends whatever still runs
	demoMarker  = "demo.decided"
)

// upFlags are the command line of `parley up`.
type upFlags struct {
	dataDir, listen string
	demo            bool
	demoAsked       bool // --demo was given, so it counts after the first start too
}

func upCommand() *cobra.Command {
	var flags upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine",
		Long: "Run Parley and whatever it needs on this machine: Postgres unless DATABASE_URL is set, Temporal unless\n" +
			"TEMPORAL_ADDRESS is set. Everything is kept in the data directory.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags.demoAsked = cmd.Flags().Changed("demo")
			cfg, err := upConfig(cmd, flags)
			if err != nil {
				return err
			}
			return up(cmd.Context(), cfg, flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&flags.dataDir, "data-dir", "", "where everything is kept (instead of PARLEY_DATA_DIR)")
	cmd.Flags().StringVar(&flags.listen, "listen", "", "host:port to serve on (instead of PARLEY_LISTEN)")
	cmd.Flags().BoolVar(&flags.demo, "demo", true, "load a demo shop at the first start")
	return cmd
}

// upConfig lets the flags stand in for their variables.
func upConfig(cmd *cobra.Command, flags upFlags) (config.Config, error) {
	environ, flagOf := os.Environ(), map[string]string{}
	for flag, variable := range map[string]string{"data-dir": "PARLEY_DATA_DIR", "listen": "PARLEY_LISTEN"} {
		if cmd.Flags().Changed(flag) {
			environ = append(environ, variable+"="+cmd.Flag(flag).Value.String())
			flagOf[variable] = "--" + flag
		}
	}
	cfg, err := config.Load(environ)
	if wrong, ok := errors.AsType[*config.Error](err); ok && flagOf[wrong.Variable] != "" {
		wrong.Variable = flagOf[wrong.Variable]
	}
	if err != nil {
		return config.Config{}, err
	}
	if cfg.DataDir == "" {
		cfg.DataDir, err = local.DefaultDataDir()
	}
	return cfg, err
}

func up(ctx context.Context, cfg config.Config, flags upFlags, stdout, stderr io.Writer) (err error) {
	began := time.Now()
	dir, err := local.OpenDataDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	cfg.DataDir = dir.Path()
	if cfg.SecretKey == nil {
		if cfg.SecretKey, err = dir.SecretKey(); err != nil {
			return err
		}
	}
	log, closeLog, err := upLogger(dir, cfg, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()

	listener, err := listenNear(ctx, cfg.Listen, stdout)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	cfg.Listen = listener.Addr().String()

	ended := context.AfterFunc(ctx, func() {
		fmt.Fprintln(stdout, "\nStopping…")
		time.AfterFunc(stopAll, func() {
			fmt.Fprintln(stderr, "parley: not everything stopped in time; the next start cleans up")
			os.Exit(exitFailed)
		})
	})
	defer ended()

	stack, err := local.Start(ctx, local.Options{
		Dir: dir, DatabaseURL: cfg.DatabaseURL, TemporalAddress: cfg.TemporalAddress, TemporalUIURL: cfg.TemporalUIURL,
		Namespace: cfg.TemporalNamespace, Log: log,
		Progress: func(step string) { fmt.Fprintln(stdout, step+"…") },
	})
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	cfg.DatabaseURL, cfg.TemporalAddress, cfg.TemporalUIURL = stack.DatabaseURL, stack.TemporalAddress, stack.TemporalUIURL

	about, err := prepare(ctx, cfg, flags, log, stdout)
	if err != nil {
		return stopped(ctx, err)
	}
	about.url, about.started = baseURL(listener), time.Since(began)
	return stopped(ctx, serve(ctx, cfg, listener, log, func() error {
		if err := dir.WriteState(local.State{
			PID: os.Getpid(), StartedAt: began, URL: about.url, PublicURL: cfg.PublicURL, DatabaseURL: cfg.DatabaseURL,
			TemporalAddress: cfg.TemporalAddress, TemporalNamespace: cfg.TemporalNamespace, TemporalUIURL: cfg.TemporalUIURL,
		}); err != nil {
			return err
		}
		about.started = time.Since(began)
		return about.print(stdout, cfg)
	}))
}

// stopped forgets the errors of a start that somebody interrupted.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// prepare brings the database to where the API and the worker can use it.
func prepare(ctx context.Context, cfg config.Config, flags upFlags, log *slog.Logger, stdout io.Writer) (banner, error) {
	if err := migrate(ctx, cfg, log); err != nil {
		return banner{}, err
	}
	var about banner
	var err error
	if about.email, about.password, about.created, err = ensureAdmin(ctx, cfg, log); err != nil {
		return banner{}, err
	}

	// What was chosen at the first start holds: a shop that began without the demo does not find it one day.
	marker := filepath.Join(cfg.DataDir, demoMarker)
	_, err = os.Stat(marker)
	first := errors.Is(err, os.ErrNotExist)
	if flags.demo && (first || flags.demoAsked) {
		fmt.Fprintln(stdout, "Loading the demo shop…")
		if err := loadDemo(ctx, cfg, log); err != nil {
			return banner{}, fmt.Errorf("load the demo shop: %w", err)
		}
	}
	if first {
		if err := os.WriteFile(marker, nil, 0o600); err != nil {
			return banner{}, fmt.Errorf("remember the choice of the demo: %w", err)
		}
	}
	err = withStore(ctx, cfg, func(s *store.Store) error {
		_, err := s.Channel(ctx, demo.ChannelSlug)
		about.demo = err == nil
		if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
			return nil
		}
		return err
	})
	return about, err
}

// serve runs the API and the worker until the context ends or one of them fails, and calls ready once.
func serve(ctx context.Context, cfg config.Config, listener net.Listener, log *slog.Logger, ready func() error) error {
	// Nobody else takes over here, and somebody waits at the terminal.
	cfg.DrainDelay, cfg.StopTimeout = 0, min(cfg.StopTimeout, stopWorking)
	m := metrics.New()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return runAPI(running, cfg, listener, m, log) })
	group.Go(func() error { return runWorker(running, cfg, m, log) })
	group.Go(func() error {
		if err := awaitReady(running, baseURL(listener)); err != nil {
			return err
		}
		return ready()
	})

	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-running.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopServing):
		log.Warn("the API or the worker did not stop in time")
		return context.Cause(running)
	}
}

// upLogger keeps the terminal calm: everything goes to a file, only warnings are shown.
func upLogger(dir *local.DataDir, cfg config.Config, stderr io.Writer) (*slog.Logger, func() error, error) {
	file, err := dir.OpenLog("parley")
	if err != nil {
		return nil, nil, err
	}
	return slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(file, &slog.HandlerOptions{Level: cfg.LogLevel}),
		slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: max(cfg.LogLevel, slog.LevelWarn)}),
	)), file.Close, nil
}

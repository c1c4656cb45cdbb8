// Command parley-engine is the Temporal server and its UI in one process, on a Postgres given by DATABASE_URL. It is
// what `parley up` and the tests start where nobody runs Temporal for them; production uses a real cluster.
//
// When everything answers it prints one line of JSON with its addresses. It ends on SIGINT, on SIGTERM, and when its
// standard input ends, which is how it learns that the process that started it is gone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 8 * time.Second
)

// options are the command line.
type options struct {
	databaseURL  string
	frontendPort int
	uiPort       int
	namespace    string
	shards       int
	pool         int
	logLevel     string
}

// ready is the line printed when the engine can be used.
type ready struct {
	Frontend string `json:"frontend"`
	UI       string `json:"ui"`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	opts, err := parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "parley-engine:", err)
		return 2
	}

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	// A service that hangs while it starts or stops must not keep the process, and its ports, alive.
	context.AfterFunc(ctx, func() {
		time.AfterFunc(stopTimeout, func() {
			fmt.Fprintln(os.Stderr, "parley-engine: did not stop in time")
			os.Exit(1)
		})
	})

	if err := serve(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "parley-engine:", err)
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	opts := options{databaseURL: os.Getenv("DATABASE_URL")}
	flags := flag.NewFlagSet("parley-engine", flag.ContinueOnError)
	flags.IntVar(&opts.frontendPort, "frontend-port", 0, "port of the gRPC frontend; 0 chooses a free one")
	flags.IntVar(&opts.uiPort, "ui-port", 0, "port of the UI; 0 chooses a free one")
	flags.StringVar(&opts.namespace, "namespace", "default", "namespace to register, with 30 days of retention")
	flags.IntVar(&opts.shards, "shards", 4, "history shards; fixed for the life of the database")
	flags.IntVar(&opts.pool, "pool", 12, "most connections of each of the four services to each of the two databases")
	flags.String("owner", "", "not used; the data directory, by which the process is recognised")
	flags.StringVar(&opts.logLevel, "log-level", "warn", "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if opts.databaseURL == "" {
		return options{}, errors.New("DATABASE_URL is not set")
	}
	return opts, nil
}

func serve(ctx context.Context, opts options) error {
	started := time.Now()
	startCtx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	stores, err := openStores(opts.databaseURL, opts.pool)
	if err != nil {
		return err
	}
	logger := newLogger(opts.logLevel)
	if err := stores.migrate(startCtx, logger); err != nil {
		return err
	}

	ports, err := choosePorts(opts.frontendPort, opts.uiPort)
	if err != nil {
		return err
	}
	server, err := newServer(stores, ports, opts.shards, logger)
	if err != nil {
		return fmt.Errorf("create the Temporal server: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	stopUI, err := startUI(startCtx, ports)
	if err != nil {
		return errors.Join(err, server.Stop())
	}
	if err := registerNamespace(startCtx, ports.frontendAddress(), opts.namespace); err != nil {
		stopUI()
		return errors.Join(err, server.Stop())
	}

	if err := json.NewEncoder(os.Stdout).Encode(ready{Frontend: ports.frontendAddress(), UI: ports.uiURL()}); err != nil {
		stopUI()
		return errors.Join(fmt.Errorf("report the addresses: %w", err), server.Stop())
	}
	fmt.Fprintf(os.Stderr, "parley-engine: ready after %s\n", time.Since(started).Round(time.Millisecond))

	<-ctx.Done()
	stopUI()
	if err := server.Stop(); err != nil {
		return fmt.Errorf("stop the Temporal server: %w", err)
	}
	return nil
}

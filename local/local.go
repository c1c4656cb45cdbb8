// Package local runs what Parley needs beside itself on one machine, Postgres and Temporal, as child processes that
// keep their data in one directory. It starts them in order, starts them again when they die, stops them in reverse,
// and recovers by itself from whatever a killed predecessor left behind.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"parley/local/install"
)

// Options say what to run.
type Options struct {
	Dir             *DataDir
	DatabaseURL     string // when set, no Postgres is started
	TemporalAddress string // when set, no Temporal is started
	TemporalUIURL   string
	Namespace       string
	Log             *slog.Logger
	Progress        func(step string) // told before every step that takes a while; may be nil
}

// Stack is what runs, or what was given instead.
type Stack struct {
	DatabaseURL     string
	TemporalAddress string
	TemporalUIURL   string // empty when Temporal was given without it

	postgres *Postgres
	engine   *Engine
}

// databaseName is the database of the product in an embedded Postgres.
const databaseName = "parley"

// Start runs the parts that were not given, and returns when they can be used.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	stack := &Stack{
		DatabaseURL: opts.DatabaseURL, TemporalAddress: opts.TemporalAddress, TemporalUIURL: opts.TemporalUIURL,
	}
	if stack.DatabaseURL != "" && stack.TemporalAddress != "" {
		return stack, nil
	}
	tools, err := FindTools()
	if err != nil {
		return nil, err
	}

	// An engine that outlived its parent would fight the new one for its shards.
	if err := EndOrphans(ctx, opts.Dir); err != nil {
		return nil, err
	}
	var credential *Credential
	if stack.DatabaseURL == "" {
		opts.Progress("Starting Postgres")
		stack.postgres, err = StartPostgres(ctx, PostgresOptions{
			Binaries: tools.Postgres, Dir: opts.Dir.path, Log: opts.Log,
		})
		if err != nil {
			return nil, fmt.Errorf("start Postgres: %w", err)
		}
		credential = stack.postgres.credential
		if err := stack.postgres.CreateDatabase(ctx, databaseName); err != nil {
			return nil, errors.Join(err, stack.Stop())
		}
		stack.DatabaseURL = stack.postgres.URL(databaseName)
	}
	if stack.TemporalAddress == "" {
		opts.Progress("Starting Temporal")
		stack.engine, err = StartEngine(ctx, EngineOptions{
			Executable: tools.Engine, Dir: opts.Dir.path, DatabaseURL: stack.DatabaseURL, Namespace: opts.Namespace,
			Log: opts.Log, Credential: credential,
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start Temporal: %w", err), stack.Stop())
		}
		stack.TemporalAddress = stack.engine.Address
		if stack.TemporalUIURL == "" {
			stack.TemporalUIURL = stack.engine.UIURL
		}
	}
	return stack, nil
}

// PIDs are the process numbers of what Start started, as they are now: 0 for what
// was given. A process that dies is started again under another number.
func (s *Stack) PIDs() (postgres, engine int) {
	if s.postgres != nil {
		postgres = s.postgres.supervisor.pid()
	}
	if s.engine != nil {
		engine = s.engine.supervisor.pid()
	}
	return postgres, engine
}

// Stop ends what Start started, Temporal before its database.
func (s *Stack) Stop() error {
	var errs []error
	if s.engine != nil {
		errs = append(errs, s.engine.Stop())
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop())
	}
	return errors.Join(errs...)
}

// EndOrphans ends the processes that a killed process left behind on a data directory.
func EndOrphans(ctx context.Context, dir *DataDir) error {
	engines := func() ([]int, error) { return processesWith("parley-engine", "--owner="+dir.path) }
	if err := endAll(ctx, engines, step{syscall.SIGTERM, 3 * time.Second}, step{syscall.SIGKILL, 3 * time.Second}); err != nil {
		return fmt.Errorf("stop the Temporal server of an earlier run: %w", err)
	}
	servers := func() ([]int, error) { return processesIn("postgres", filepath.Join(dir.path, "postgres")) }
	if err := endServers(ctx, servers); err != nil {
		return fmt.Errorf("stop the Postgres of an earlier run: %w", err)
	}
	return nil
}

// FindTools finds the programs to run: PARLEY_POSTGRES and PARLEY_ENGINE, else those beside the running executable.
func FindTools() (install.Tools, error) {
	executable, err := os.Executable()
	if err != nil {
		return install.Tools{}, fmt.Errorf("find the own executable: %w", err)
	}
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return install.Tools{}, fmt.Errorf("find the own executable: %w", err)
	}
	beside := filepath.Dir(executable)

	tools := install.Tools{Postgres: os.Getenv("PARLEY_POSTGRES"), Engine: os.Getenv("PARLEY_ENGINE")}
	if tools.Postgres == "" {
		tools.Postgres = filepath.Join(beside, "postgres")
	}
	if tools.Engine == "" {
		tools.Engine = filepath.Join(beside, "parley-engine")
	}
	// The links lie where only their owner may look; what they point to can be reached by the user Postgres runs as.
	if tools.Postgres, err = filepath.EvalSymlinks(tools.Postgres); err != nil {
		return install.Tools{}, fmt.Errorf("Postgres is not installed here (%w): run `make up`, or set DATABASE_URL", err)
	}
	if tools.Engine, err = filepath.EvalSymlinks(tools.Engine); err != nil {
		return install.Tools{}, fmt.Errorf("the Temporal engine is not installed here (%w): run `make up`, or set TEMPORAL_ADDRESS", err)
	}
	return tools, nil
}

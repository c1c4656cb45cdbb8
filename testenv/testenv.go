// Package testenv gives tests real databases and a real Temporal server. A package that uses it has
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// The servers start when the first test asks for them, one of each per test binary, in a temporary directory that goes
// away with the binary, or, if that is killed, with the next one. With PARLEY_TEST_DATABASE_URL set, the databases are
// made in that Postgres, which must let them be created.
package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"parley/local"
	"parley/local/install"
)

const (
	startTimeout = 15 * time.Minute // the first test ever may have to build the engine
	dirPrefix    = "parley-test-"
)

// environment is what the tests of one binary share.
type environment struct {
	log *slog.Logger

	mu        sync.Mutex
	dir       *local.DataDir
	toolsOnce func() (install.Tools, error)
	admin     func() (string, error) // address of a database to create others from
	template  func() (string, error) // name of the migrated database
	engine    func() (*local.Engine, error)
	closers   []func() error
	engines   int
}

// current is the environment of this test binary: tests have no other way to reach what TestMain made.
var current *environment //nolint:gochecknoglobals

// Main runs the tests and then ends the servers that they needed. It does not return.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	env := newEnvironment()
	current = env
	defer func() {
		if err := env.close(); err != nil {
			fmt.Fprintln(os.Stderr, "testenv: clean up:", err)
			code = max(code, 1)
		}
	}()
	return m.Run()
}

func newEnvironment() *environment {
	env := &environment{log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	env.toolsOnce = sync.OnceValues(findTools)
	env.admin = sync.OnceValues(env.startPostgres)
	env.template = sync.OnceValues(env.makeTemplate)
	env.engine = sync.OnceValues(env.startShared)
	return env
}

// get returns the environment, for a test.
func get(t testing.TB) *environment {
	t.Helper()
	if current == nil {
		t.Fatal("testenv: the package needs func TestMain(m *testing.M) { testenv.Main(m) }")
	}
	return current
}

// findTools installs Postgres and the engine for the checkout that the test runs in.
func findTools() (install.Tools, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	dir, err := os.Getwd()
	if err != nil {
		return install.Tools{}, err
	}
	root, err := install.Root(dir)
	if err != nil {
		return install.Tools{}, err
	}
	return install.Ensure(ctx, root, os.Stderr)
}

// dataDir makes the temporary directory of this binary, and removes those of killed ones.
func (e *environment) dataDir() (*local.DataDir, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir != nil {
		return e.dir, nil
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		if err := sweep(path); err != nil {
			return nil, fmt.Errorf("remove %s, left by a killed test: %w", path, err)
		}
	}
	path, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return nil, err
	}
	if e.dir, err = local.OpenDataDir(path); err != nil {
		return nil, err
	}
	return e.dir, nil
}

// sweep removes a directory if nobody holds its lock.
func sweep(path string) error {
	// A directory without a lock file is one that its owner is just about to lock.
	info, err := os.Stat(path)
	if err != nil || (time.Since(info.ModTime()) < time.Minute && !local.HasLock(path)) {
		return nil
	}
	dir, err := local.OpenDataDir(path)
	if err != nil {
		if _, running := errors.AsType[*local.RunningError](err); running || errors.Is(err, os.ErrPermission) {
			return nil
		}
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(local.EndOrphans(ctx, dir), os.RemoveAll(path), dir.Close())
}

func (e *environment) startPostgres() (string, error) {
	if given := os.Getenv("PARLEY_TEST_DATABASE_URL"); given != "" {
		return given, nil
	}
	tools, err := e.toolsOnce()
	if err != nil {
		return "", err
	}
	cache, err := install.CacheDir()
	if err != nil {
		return "", err
	}
	dir, err := e.dataDir()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	template := filepath.Join(cache, "testenv", filepath.Base(tools.Postgres))
	if err := install.Once(cache, "testenv", template, new(bytes.Buffer), func(work string) error {
		return local.MakeTemplate(ctx, tools.Postgres, work)
	}); err != nil {
		return "", fmt.Errorf("create database files: %w", err)
	}
	postgres, err := local.StartPostgres(ctx, local.PostgresOptions{
		Binaries: tools.Postgres, Dir: dir.Path(), Template: template, Log: e.log, Volatile: true,
	})
	if err != nil {
		return "", err
	}
	e.onClose(postgres.Stop)
	return postgres.URL("postgres"), nil
}

func (e *environment) onClose(closer func() error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closers = append(e.closers, closer)
}

// close undoes everything, the latest first.
func (e *environment) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	if e.dir != nil {
		errs = append(errs, os.RemoveAll(e.dir.Path()), e.dir.Close())
	}
	return errors.Join(errs...)
}

// withDatabase puts another database's name into an address.
func withDatabase(databaseURL, name string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", errors.New("PARLEY_TEST_DATABASE_URL is not a URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

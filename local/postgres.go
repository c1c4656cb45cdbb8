package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser       = "parley"
	postgresTimeout = time.Minute // a start may have to replay the log first
	portFile        = "postgres.port"
)

// PostgresOptions say how to run Postgres.
type PostgresOptions struct {
	Binaries string // directory with bin, lib and share
	Dir      string // absolute, without symbolic links; the database is in its subdirectory postgres
	Log      *slog.Logger
	// Volatile trades the safety of the data for speed: what was written last is lost when the machine stops.
	Volatile bool
	// Template, if set, is a directory filled by MakeTemplate, which is copied instead of creating new data.
	Template string
}

// Postgres is a running, supervised database server on loopback.
type Postgres struct {
	opts       PostgresOptions
	data       string
	port       int
	password   string
	credential *Credential
	log        *logFile
	supervisor *supervisor
}

// StartPostgres starts the server on the data in opts.Dir, which it creates at the first start, and waits until it
// answers. A server that a killed process left behind on this data is stopped first.
func StartPostgres(ctx context.Context, opts PostgresOptions) (*Postgres, error) {
	p := &Postgres{opts: opts, data: filepath.Join(opts.Dir, "postgres")}
	var err error
	if p.credential, err = unprivileged(p.data); err != nil {
		return nil, err
	}
	if err := p.credential.checkReach(opts.Dir, opts.Dir, "choose another --data-dir"); err != nil {
		return nil, err
	}
	if err := p.credential.checkReach(filepath.Join(opts.Binaries, "bin"), "", "set PARLEY_CACHE_DIR to a directory that everybody may read"); err != nil {
		return nil, err
	}
	if p.log, err = newLogFile(opts.Dir, "postgres"); err != nil {
		return nil, err
	}
	if err := p.endOrphans(ctx); err != nil {
		return nil, fmt.Errorf("stop the Postgres of an earlier run: %w", err)
	}
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}

	child, err := p.startAnywhere(ctx)
	if err != nil {
		return nil, err
	}
	p.supervisor = &supervisor{name: "postgres", log: opts.Log, logFile: p.log, restart: func(ctx context.Context) (*process, error) {
		if err := p.endOrphans(ctx); err != nil {
			return nil, err
		}
		return p.start(ctx)
	}}
	p.supervisor.run(child)
	return p, nil
}

// URL is the address of one of the server's databases, with the password.
func (p *Postgres) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, p.password), Path: "/" + database,
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase creates a database unless it is there.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) (err error) {
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Stop disconnects everybody and shuts the server down. It may be called more than once.
func (p *Postgres) Stop() error {
	return p.supervisor.stop(
		step{syscall.SIGINT, 4 * time.Second}, step{syscall.SIGQUIT, 2 * time.Second}, step{syscall.SIGKILL, 2 * time.Second})
}

// endOrphans ends whatever still runs on the data. Postgres itself would refuse to start beside its own leftovers.
func (p *Postgres) endOrphans(ctx context.Context) error {
	if err := endServers(ctx, func() ([]int, error) { return processesIn("postgres", p.data) }); err != nil {
		return err
	}
	// The number in the pid file may belong to somebody else by now, which Postgres would take for itself.
	if err := os.Remove(filepath.Join(p.data, "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the stale pid file: %w", err)
	}
	return nil
}

func endServers(ctx context.Context, find func() ([]int, error)) error {
	return endAll(ctx, find,
		step{syscall.SIGINT, 5 * time.Second}, step{syscall.SIGQUIT, 2 * time.Second}, step{syscall.SIGKILL, 3 * time.Second})
}

// startAnywhere starts the server on the port it had last, or on a free one.
func (p *Postgres) startAnywhere(ctx context.Context) (*process, error) {
	path := filepath.Join(p.opts.Dir, portFile)
	if last, err := os.ReadFile(path); err == nil {
		p.port, _ = strconv.Atoi(strings.TrimSpace(string(last)))
	}
	var child *process
	for attempt := 0; child == nil; attempt++ {
		port, err := freePort(p.port)
		if err != nil {
			return nil, err
		}
		p.port = port
		child, err = p.start(ctx)
		// Between the choice and the start somebody else can take the port.
		if err != nil && (attempt == 2 || !strings.Contains(p.log.lastLines(), "could not create any TCP/IP sockets")) {
			return nil, err
		}
	}
	if err := writeFile(path, strconv.Itoa(p.port)+"\n"); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the port: %w", err), child.stop(step{syscall.SIGINT, postgresTimeout}))
	}
	return child, nil
}

// start starts the server on p.port and waits until it answers.
func (p *Postgres) start(ctx context.Context) (*process, error) {
	out, err := p.log.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()

	args := []string{"-D", p.data, "-p", strconv.Itoa(p.port)}
	for _, setting := range p.settings() {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(p.opts.Binaries, "bin", "postgres"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.data, postgresEnv(), out, out
	child, err := startProcess(cmd, p.credential, syscall.SIGINT)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, child); err != nil {
		stopErr := child.stop(step{syscall.SIGINT, 3 * time.Second}, step{syscall.SIGQUIT, 2 * time.Second}, step{syscall.SIGKILL, 2 * time.Second})
		return nil, errors.Join(err, stopErr)
	}
	return child, nil
}

func (p *Postgres) await(ctx context.Context, child *process) error {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "28P01" {
			return fmt.Errorf("%s does not hold the password of the database", filepath.Join(p.opts.Dir, passwordFile))
		}
		select {
		case <-child.done:
			return fmt.Errorf("the server ended at once: %s (%s)", p.log.lastLines(), p.log.path)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w (%s)", context.Cause(ctx), p.log.path)
		case <-ticker.C:
		}
	}
}

// settings suit a small machine that runs everything else as well.
func (p *Postgres) settings() []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=",
		"max_connections=200",
		"shared_buffers=128MB",
		"effective_cache_size=1GB",
		"maintenance_work_mem=64MB",
		"random_page_cost=1.1",
		"jit=off",
		"wal_level=minimal",
		"max_wal_senders=0",
		"wal_compression=on",
		"max_wal_size=1GB",
		"checkpoint_timeout=15min",
		"log_min_messages=warning",
		"log_checkpoints=off",
		"log_timezone=UTC",
		"timezone=UTC",
	}
	if p.opts.Volatile {
		return append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	return append(settings, "synchronous_commit=on")
}

// postgresEnv keeps the settings that a person has for psql away from the server.
func postgresEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

// freePort returns the wanted port if nobody listens on it, else any free one.
func freePort(wanted int) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	if err != nil {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return 0, fmt.Errorf("choose a free port: %w", err)
		}
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

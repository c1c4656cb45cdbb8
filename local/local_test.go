package local_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"parley/local"
)

func TestStackSurvivesTheDeathOfAnyProcess(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first := startHelper(t, dir)
	exec1(t, first.DatabaseURL, "CREATE TABLE kept AS SELECT 42 AS answer")

	// The database server alone: it is started again, at the same address.
	old := first.postmaster(t)
	signalAll(t, syscall.SIGKILL, old)
	require.Equal(t, 42, query(t, first.DatabaseURL, "SELECT answer FROM kept"))
	require.NotEqual(t, old, first.postmaster(t))
	requireNamespace(t, first.TemporalAddress)

	// The parent, with a database server that cannot react: the next start ends the orphans.
	orphan := first.postmaster(t)
	signalAll(t, syscall.SIGSTOP, orphan)
	first.kill()
	second := startHelper(t, dir)
	require.Equal(t, 42, query(t, second.DatabaseURL, "SELECT answer FROM kept"))
	require.NotEqual(t, orphan, second.postmaster(t))
	require.Equal(t, first.DatabaseURL, second.DatabaseURL, "the address stays")
	require.Equal(t, first.TemporalUIURL, second.TemporalUIURL, "links into the UI stay")
	requireNamespace(t, second.TemporalAddress)

	// Everything at once.
	signalAll(t, syscall.SIGKILL, second.postmaster(t))
	second.kill()
	third := startHelper(t, dir)
	require.Equal(t, 42, query(t, third.DatabaseURL, "SELECT answer FROM kept"))

	// An orderly end leaves nothing behind.
	began := time.Now()
	require.NoError(t, third.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, third.cmd.Wait())
	require.Less(t, time.Since(began), 10*time.Second)
	require.NoFileExists(t, filepath.Join(dir, "postgres", "postmaster.pid"))
	_, err := net.Dial("tcp", third.TemporalAddress)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func requireNamespace(t *testing.T, address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		namespaces, err := client.NewNamespaceClient(client.Options{HostPort: address})
		if err != nil {
			return false
		}
		defer namespaces.Close()
		var found *workflowservice.DescribeNamespaceResponse
		found, err = namespaces.Describe(t.Context(), "default")
		return err == nil && found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == 30*24*time.Hour
	}, 30*time.Second, 50*time.Millisecond)
}

func TestStartWithEverythingGivenStartsNothing(t *testing.T) {
	t.Parallel()
	stack, err := local.Start(t.Context(), local.Options{
		DatabaseURL: "postgres://u:p@db/shop", TemporalAddress: "temporal:7233", TemporalUIURL: "https://temporal.example",
	})
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@db/shop", stack.DatabaseURL)
	require.Equal(t, "temporal:7233", stack.TemporalAddress)
	require.Equal(t, "https://temporal.example", stack.TemporalUIURL)
	require.NoError(t, stack.Stop())
}

func startPostgres(t *testing.T, dir string) (*local.Postgres, error) {
	t.Helper()
	have, err := tools()
	require.NoError(t, err)
	return local.StartPostgres(t.Context(), local.PostgresOptions{
		Binaries: have.Postgres, Dir: dir, Log: slog.New(slog.DiscardHandler), Volatile: true,
	})
}

func TestPostgresRefusesDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	data := filepath.Join(dir, "postgres")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("15\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(data, "precious"), []byte("rows"), 0o600))

	_, err := startPostgres(t, dir)
	require.EqualError(t, err, data+" was written by Postgres 15, and Parley brings Postgres 18; nothing was changed. "+
		"Dump it with Postgres 15 (pg_dumpall) and load the dump into a new --data-dir, or start with another --data-dir")
	content, err := os.ReadFile(filepath.Join(data, "precious"))
	require.NoError(t, err)
	require.Equal(t, "rows", string(content))
}

func TestPostgresRefusesADirectoryOfSomethingElse(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "postgres"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "thesis.txt"), []byte("x"), 0o600))
	_, err := startPostgres(t, dir)
	require.ErrorContains(t, err, "is not empty and not a data directory of Postgres: nothing was changed")
}

func TestPostgresStartsAfterAHalfFinishedFirstStart(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	half := filepath.Join(dir, ".postgres-123", "data")
	require.NoError(t, os.MkdirAll(half, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("18\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres.password"), []byte("of the killed start\n"), 0o600))

	postgres, err := startPostgres(t, dir)
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Dir(half))
	require.Equal(t, 1, query(t, postgres.URL("postgres"), "SELECT 1"))
	require.NoError(t, postgres.Stop())
	require.NoError(t, postgres.Stop(), "stopping twice is harmless")
}

func TestPostgresIgnoresAStalePidFileAndATakenPort(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first, err := startPostgres(t, dir)
	require.NoError(t, err)
	require.NoError(t, first.Stop())

	// The pid is alive, but somebody else's: our own.
	pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte("1\n/somewhere\n"), 0o644))
	port, err := os.ReadFile(filepath.Join(dir, "postgres.port"))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()

	second, err := startPostgres(t, dir)
	require.NoError(t, err)
	require.NotEqual(t, first.URL("postgres"), second.URL("postgres"))
	require.Equal(t, 1, query(t, second.URL("postgres"), "SELECT 1"))
	require.NoError(t, second.Stop())
}

func TestPostgresThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first, err := startPostgres(t, dir)
	require.NoError(t, err)
	require.NoError(t, first.Stop())
	require.NoError(t, os.Remove(filepath.Join(dir, "postgres", "global", "pg_control")))

	_, err = startPostgres(t, dir)
	require.ErrorContains(t, err, "could not find the database system")
	require.ErrorContains(t, err, filepath.Join(dir, "logs", "postgres.log"))
}

func TestStartEndsWhenItsContextDoes(t *testing.T) {
	t.Parallel()
	have, err := tools()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = local.StartPostgres(ctx, local.PostgresOptions{
		Binaries: have.Postgres, Dir: tempDir(t), Log: slog.New(slog.DiscardHandler),
	})
	require.ErrorIs(t, err, context.Canceled)
}

package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"parley/local"
	"parley/local/install"
)

// helperDir makes the test binary behave as a process that runs a stack on that directory, so that it can be killed.
const helperDir = "PARLEY_TEST_STACK_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(runStack(dir))
	}
	os.Exit(m.Run())
}

func runStack(path string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	dir, err := local.OpenDataDir(path)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stack, err := local.Start(ctx, local.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	encoded, err := json.Marshal(stack)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(string(encoded))
	<-ctx.Done()
	if err := stack.Stop(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// tools installs the programs once for all tests.
var tools = sync.OnceValues(func() (install.Tools, error) {
	working, err := os.Getwd()
	if err != nil {
		return install.Tools{}, err
	}
	root, err := install.Root(working)
	if err != nil {
		return install.Tools{}, err
	}
	return install.Ensure(context.Background(), root, os.Stderr)
})

// tempDir is like t.TempDir, but open to the user that Postgres runs as.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley-local-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	return dir
}

// helper is a running process with a stack of its own.
type helper struct {
	local.Stack
	dir string
	cmd *exec.Cmd
}

func startHelper(t *testing.T, dir string) *helper {
	t.Helper()
	have, err := tools()
	require.NoError(t, err)
	executable, err := os.Executable()
	require.NoError(t, err)

	h := &helper{dir: dir, cmd: exec.Command(executable)}
	h.cmd.Env = append(os.Environ(), helperDir+"="+dir, "PARLEY_POSTGRES="+have.Postgres, "PARLEY_ENGINE="+have.Engine)
	h.cmd.Stderr = os.Stderr
	output, err := h.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.cmd.Start())
	t.Cleanup(h.kill)
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(line), &h.Stack), line)
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return h
}

func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// postmaster reads who serves the data.
func (h *helper) postmaster(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(h.dir, "postgres", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	return pid
}

// query runs one statement that returns a number; it waits for a server that is just coming back.
func query(t *testing.T, databaseURL, statement string) int {
	t.Helper()
	var number int
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), databaseURL)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(t.Context()) }()
		return conn.QueryRow(t.Context(), statement).Scan(&number) == nil
	}, 30*time.Second, 20*time.Millisecond)
	return number
}

func exec1(t *testing.T, databaseURL, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, err)
}

func signalAll(t *testing.T, signal syscall.Signal, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		require.NoError(t, syscall.Kill(pid, signal))
	}
}

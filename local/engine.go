package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

const (
	engineTimeout = 2 * time.Minute // the first start creates its tables
	engineFile    = "engine.json"
)

// EngineOptions say how to run Temporal.
type EngineOptions struct {
	Executable  string
	Dir         string // of its log and its ports
	DatabaseURL string // its own databases are made beside this one
	Namespace   string
	Log         *slog.Logger
	Credential  *Credential // user to run as; nil for the own one
}

// Engine is a running, supervised Temporal server with its UI, on loopback.
type Engine struct {
	Address string // host:port of the frontend
	UIURL   string

	opts       EngineOptions
	log        *logFile
	supervisor *supervisor
}

// addresses is what the engine prints when it is ready, and what is kept to have the same ports next time.
type addresses struct {
	Frontend string `json:"frontend"`
	UI       string `json:"ui"`
}

// StartEngine starts the server, on the ports it had last if they are free, and waits until it can be used.
func StartEngine(ctx context.Context, opts EngineOptions) (*Engine, error) {
	if opts.Namespace == "" {
		opts.Namespace = "default"
	}
	if err := opts.Credential.checkReach(opts.Executable, "", "set PARLEY_CACHE_DIR to a directory that everybody may read"); err != nil {
		return nil, err
	}
	e := &Engine{opts: opts}
	var err error
	if e.log, err = newLogFile(opts.Dir, "engine"); err != nil {
		return nil, err
	}
	if err := e.choosePorts(); err != nil {
		return nil, err
	}
	if err := e.Start(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Start starts an engine that was stopped, with the same addresses and data.
func (e *Engine) Start(ctx context.Context) error {
	child, err := e.start(ctx)
	if err != nil {
		return err
	}
	e.supervisor = &supervisor{name: "temporal", log: e.opts.Log, logFile: e.log, restart: e.start}
	e.supervisor.run(child)
	return nil
}

// Stop ends the server; what it was told is in its database. It may be called more than once.
func (e *Engine) Stop() error {
	return e.supervisor.stop(step{syscall.SIGTERM, 3 * time.Second}, step{syscall.SIGKILL, 2 * time.Second})
}

// choosePorts keeps the addresses of the last run where possible: links into the UI and open browsers go on working.
func (e *Engine) choosePorts() error {
	path := filepath.Join(e.opts.Dir, engineFile)
	var last addresses
	if content, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(content, &last) // a damaged file only means other ports
	}
	frontend, err := freePort(portOf(last.Frontend))
	if err != nil {
		return err
	}
	ui, err := freePort(portOf(strings.TrimPrefix(last.UI, "http://")))
	if err != nil {
		return err
	}
	if ui == frontend {
		return e.choosePorts()
	}
	e.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(frontend))
	e.UIURL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(ui))
	content, err := json.Marshal(addresses{Frontend: e.Address, UI: e.UIURL})
	if err != nil {
		return err
	}
	if err := writeFile(path, string(content)+"\n"); err != nil {
		return fmt.Errorf("keep the ports: %w", err)
	}
	return nil
}

func portOf(address string) int {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1024 || n > 65535 {
		return 0
	}
	return n
}

func (e *Engine) start(ctx context.Context) (*process, error) {
	out, err := e.log.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()

	ui, err := url.Parse(e.UIURL)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(e.opts.Executable,
		"--owner="+e.opts.Dir, "--namespace="+e.opts.Namespace,
		"--frontend-port="+strconv.Itoa(portOf(e.Address)), "--ui-port="+ui.Port())
	cmd.Dir, cmd.Env, cmd.Stderr = "/", engineEnv(e.opts.DatabaseURL), out
	// The engine ends when its input does, so this pipe ties its life to ours, however we end.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = input
	child, err := startProcess(cmd, e.opts.Credential, syscall.SIGTERM)
	_ = input.Close()
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	if err := e.await(ctx, child, output); err != nil {
		return nil, errors.Join(err, child.stop(step{syscall.SIGTERM, 3 * time.Second}, step{syscall.SIGKILL, 2 * time.Second}))
	}
	return child, nil
}

// await reads the line that the engine prints when everything answers.
func (e *Engine) await(ctx context.Context, child *process, output io.ReadCloser) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	ready := make(chan error, 1)
	go func() {
		defer func() { _ = output.Close() }()
		line, err := bufio.NewReader(output).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, new(addresses))
		}
		ready <- err
		// A process that writes to a pipe which nobody reads is killed.
		_, _ = io.Copy(io.Discard, output)
	}()
	select {
	case err := <-ready:
		if err == nil {
			return nil
		}
		select {
		case <-child.done:
		case <-ctx.Done():
		}
		return fmt.Errorf("the server ended at once: %s (%s)", e.log.lastLines(), e.log.path)
	case <-ctx.Done():
		return fmt.Errorf("the server does not answer: %w (%s)", context.Cause(ctx), e.log.path)
	}
}

// engineEnv gives the engine its database, and none of the product's own secrets.
func engineEnv(databaseURL string) []string {
	env := []string{"DATABASE_URL=" + databaseURL}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if name != "DATABASE_URL" && !strings.HasPrefix(name, "OPENAI_") && !strings.HasPrefix(name, "PARLEY_") {
			env = append(env, pair)
		}
	}
	return env
}

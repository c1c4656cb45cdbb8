package testenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"parley/local"
)

const engineTimeout = 2 * time.Minute

// Engine is a Temporal server as a test sees it.
type Engine struct {
	Address   string // host:port of the frontend
	UIURL     string
	Namespace string // made for this test

	own *local.Engine
	t   testing.TB
}

// Temporal returns the Temporal server that the tests of this binary share, with a fresh namespace.
func Temporal(t testing.TB) *Engine {
	t.Helper()
	engine, err := get(t).engine()
	if err != nil {
		t.Fatalf("testenv: start Temporal: %v", err)
	}
	namespace := randomName("ns")
	if err := register(engine.Address, namespace); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return &Engine{Address: engine.Address, UIURL: engine.UIURL, Namespace: namespace, t: t}
}

// OwnTemporal returns a Temporal server of this test alone, which it can stop and start. Its start takes seconds.
func OwnTemporal(t testing.TB) *Engine {
	t.Helper()
	env := get(t)
	engine, drop, err := env.startEngine()
	if err != nil {
		t.Fatalf("testenv: start Temporal: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(engine.Stop(), drop()); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	return &Engine{Address: engine.Address, UIURL: engine.UIURL, Namespace: "default", own: engine, t: t}
}

// Stop takes the server down. Its data stay.
func (e *Engine) Stop() {
	e.t.Helper()
	if e.own == nil {
		e.t.Fatal("testenv: other tests use this Temporal server too; ask for OwnTemporal to stop it")
	}
	if err := e.own.Stop(); err != nil {
		e.t.Fatalf("testenv: stop Temporal: %v", err)
	}
}

// Start brings a stopped server back, under the same address and with its data.
func (e *Engine) Start() {
	e.t.Helper()
	if e.own == nil {
		e.t.Fatal("testenv: only a server of OwnTemporal can be started")
	}
	ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
	defer cancel()
	if err := e.own.Start(ctx); err != nil {
		e.t.Fatalf("testenv: start Temporal again: %v", err)
	}
}

func (e *environment) startShared() (*local.Engine, error) {
	engine, drop, err := e.startEngine()
	if err != nil {
		return nil, err
	}
	e.onClose(sync.OnceValue(func() error { return errors.Join(engine.Stop(), drop()) }))
	return engine, nil
}

// startEngine starts a server on new databases, which drop removes.
func (e *environment) startEngine() (engine *local.Engine, drop func() error, err error) {
	tools, err := e.toolsOnce()
	if err != nil {
		return nil, nil, err
	}
	name := randomName("engine")
	// The server makes its own two databases beside this one.
	address, err := e.createDatabase(name, "template0")
	if err != nil {
		return nil, nil, err
	}
	drop = func() error {
		return errors.Join(e.dropDatabase(name), e.dropDatabase(name+"_temporal"), e.dropDatabase(name+"_temporal_visibility"))
	}
	dir, err := e.dataDir()
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	e.engines++
	path := filepath.Join(dir.Path(), "engine-"+strconv.Itoa(e.engines))
	e.mu.Unlock()
	if err := os.Mkdir(path, 0o711); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
	defer cancel()
	engine, err = local.StartEngine(ctx, local.EngineOptions{
		Executable: tools.Engine, Dir: path, DatabaseURL: address, Log: e.log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return engine, drop, nil
}

// register makes a namespace and waits until workflows can be started in it.
func register(address, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
	defer cancel()
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: address, Logger: quiet})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer namespaces.Close()
	if err := namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}); err != nil {
		return fmt.Errorf("register namespace %s: %w", name, err)
	}
	temporal, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: name, Logger: quiet})
	if err != nil {
		return fmt.Errorf("connect to namespace %s: %w", name, err)
	}
	defer temporal.Close()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		// Each service hears of a new namespace on its own.
		_, err := temporal.DescribeTaskQueue(ctx, "probe", enums.TASK_QUEUE_TYPE_WORKFLOW)
		if err == nil {
			_, err = temporal.DescribeWorkflowExecution(ctx, "probe", "")
		}
		if _, absent := errors.AsType[*serviceerror.NotFound](err); absent {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for namespace %s: %w", name, err)
		case <-ticker.C:
		}
	}
}

package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"parley/worker"
	"parley/workflows"
)

// fakeReplays are the batches that run, and the engine that is to run their workflows.
type fakeReplays struct {
	mu      sync.Mutex
	running []uuid.UUID
	away    bool     // the engine
	started []string // ids of workflows
}

func (f *fakeReplays) RunningReplays(context.Context) ([]uuid.UUID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running, nil
}

func (f *fakeReplays) ExecuteWorkflow(_ context.Context, options client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errors.New("connection refused")
	}
	f.started = append(f.started, options.ID)
	return nil, nil
}

// after lets a while of the bubble's clock pass, and returns what was started so far.
func (f *fakeReplays) after(d time.Duration, then func()) []string {
	<-time.After(d)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	then()
	return append([]string(nil), f.started...)
}

func TestEveryRunningReplayHasItsWorkflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := uuid.New(), uuid.New()
		f := &fakeReplays{away: true}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		starter := worker.ReplayStarter{Record: f, Engine: f, Log: slog.New(slog.DiscardHandler)}
		go func() { ended <- starter.Run(ctx) }()

		require.Empty(t, f.after(time.Minute, func() { f.running = []uuid.UUID{first} }))
		require.Empty(t, f.after(time.Minute, func() { f.away = false }), "the engine is away")
		want := []string{workflows.ReplayID(first)}
		require.Equal(t, want, f.after(3*time.Second, func() { f.running = []uuid.UUID{first, second} }), "once")
		want = append(want, workflows.ReplayID(second))
		require.Equal(t, want, f.after(3*time.Second, func() { f.running = []uuid.UUID{second} }))
		// It may have been terminated meanwhile: a workflow that still runs is not started again by the engine.
		want = append(want, workflows.ReplayID(second))
		require.Equal(t, want, f.after(31*time.Second, func() { f.running = nil }))
		require.Equal(t, want, f.after(5*time.Minute, func() {}))
		stop()
		require.NoError(t, <-ended)
	})
}

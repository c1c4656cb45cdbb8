package upkeep_test

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
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"parley/upkeep"
	"parley/workflows"
)

// fakeRecord holds dialogues that wait.
type fakeRecord struct {
	mu                 sync.Mutex
	unsent, unanswered []uuid.UUID
	late               []uuid.UUID // whose timers are
	waitedFor          time.Time   // since when what waits has waited
	rung               []uuid.UUID
	visitors           int // who have stayed away for too long
	down               bool
}

func (f *fakeRecord) ForgetVisitors(_ context.Context, _ time.Time, n int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return 0, errors.New("connection refused")
	}
	gone := min(f.visitors, n)
	f.visitors -= gone
	return gone, nil
}

func (f *fakeRecord) ShowStuck(_ context.Context, since time.Time, _ int) ([]uuid.UUID, int, error) {
	if !f.waitedFor.Before(since) {
		return nil, 0, nil
	}
	defer func() { f.unsent = nil }()
	return f.unsent, len(f.unsent), nil
}

func (f *fakeRecord) StuckReplies(_ context.Context, since time.Time, _ int) ([]uuid.UUID, error) {
	if !f.waitedFor.Before(since) {
		return nil, nil
	}
	return f.unanswered, nil
}

func (f *fakeRecord) LateTimers(_ context.Context, since time.Time, _ int) ([]uuid.UUID, error) {
	if !f.waitedFor.Before(since) {
		return nil, nil
	}
	return f.late, nil
}

// comesBack has the record answer from now on, and says how many visitors are there who stay away.
func (f *fakeRecord) comesBack() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = false
	return f.visitors
}

func (f *fakeRecord) RingAgain(_ context.Context, id uuid.UUID) error {
	f.rung = append(f.rung, id)
	return nil
}

// fakeEngine knows workflows by their state.
type fakeEngine map[string]enums.WorkflowExecutionStatus

func (f fakeEngine) DescribeWorkflow(_ context.Context, id, _ string) (*client.WorkflowExecutionDescription, error) {
	status, ok := f[id]
	if !ok {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	d := &client.WorkflowExecutionDescription{}
	d.Status = status
	return d, nil
}

func TestForgetsAllVisitorsWhoStayAway(t *testing.T) {
	t.Parallel()
	record := &fakeRecord{waitedFor: time.Now(), visitors: 2500}
	u := upkeep.New(upkeep.Config{Record: record, Engine: fakeEngine{}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, u.Round(t.Context()))
	require.Zero(t, record.visitors)
}

func TestRingsOnlyWhereNoWorkflowRuns(t *testing.T) {
	t.Parallel()
	now := time.Now()
	runs, ended, lost, unsent, late := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	record := &fakeRecord{waitedFor: now, unanswered: []uuid.UUID{runs, ended, lost}, unsent: []uuid.UUID{unsent}, late: []uuid.UUID{runs, late}}
	engine := fakeEngine{
		workflows.DialogueID(runs):   enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		workflows.DialogueID(ended):  enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		workflows.DialogueID(unsent): enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
	}
	u := upkeep.New(upkeep.Config{Record: record, Engine: engine, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	require.NoError(t, u.Round(t.Context()))
	require.Empty(t, record.rung, "a slow answer is no lost one")
	now = now.Add(time.Hour)
	require.NoError(t, u.Round(t.Context()))
	require.Equal(t, []uuid.UUID{unsent, ended, lost, late}, record.rung)
}

func TestGoesOnAfterTheRecordWasAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		record := &fakeRecord{down: true, visitors: 1, waitedFor: time.Now()}
		u := upkeep.New(upkeep.Config{Record: record, Engine: fakeEngine{}, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- u.Run(ctx) }()
		<-time.After(5 * time.Minute) // of the bubble's clock
		synctest.Wait()
		require.Equal(t, 1, record.comesBack())
		<-time.After(time.Minute)
		synctest.Wait()
		require.Zero(t, record.comesBack())
		stop()
		require.NoError(t, <-ended)
	})
}

package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"parley/workflows"
)

const (
	// startEvery is how soon a batch that was just begun is taken up.
	startEvery = time.Second
	// startAgain is after how long a batch that still runs is looked at again: its workflow may have been terminated, or
	// lost with its engine.
	startAgain = 30 * time.Second
	// startWithin bounds one call of the engine.
	startWithin = 10 * time.Second
)

// RunningReplays lists the batches that have not ended.
type RunningReplays interface {
	RunningReplays(ctx context.Context) ([]uuid.UUID, error)
}

// WorkflowStarter starts workflows.
type WorkflowStarter interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// ReplayStarter sees to it that every batch in the record that has not ended has its
// workflow. Whoever begins a batch only writes it there, whether or not the engine
// runs. Every worker has a starter; they do not get in each other's way.
type ReplayStarter struct {
	Record RunningReplays
	Engine WorkflowStarter
	Log    *slog.Logger
}

// Run starts workflows until ctx is done.
func (s *ReplayStarter) Run(ctx context.Context) error {
	tick := time.NewTicker(startEvery)
	defer tick.Stop()
	started := map[uuid.UUID]time.Time{}
	for told := false; ; {
		err := s.round(ctx, started)
		if err != nil && ctx.Err() == nil && !told {
			s.Log.Warn("replays of many wait: the engine or the database does not answer", "error", err)
		}
		told = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round starts the workflows of batches that were not looked at lately.
func (s *ReplayStarter) round(ctx context.Context, started map[uuid.UUID]time.Time) error {
	for id, at := range started {
		if time.Since(at) > startAgain {
			delete(started, id)
		}
	}
	running, err := s.Record.RunningReplays(ctx)
	if err != nil {
		return err
	}
	for _, id := range running {
		if _, known := started[id]; known {
			continue
		}
		if err := s.start(ctx, id); err != nil {
			return err
		}
		started[id] = time.Now()
	}
	return nil
}

// start starts a batch's workflow, if it does not run.
func (s *ReplayStarter) start(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	_, err := s.Engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.ReplayID(id), TaskQueue: workflows.ReplayQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		Priority:                 temporal.Priority{PriorityKey: workflows.ReplayPriority},
		StaticSummary:            "replay of failed turns",
	}, workflows.ReplayBatch, workflows.ReplayInput{BatchID: id})
	if err != nil {
		return fmt.Errorf("start the workflow of replay %s: %w", id, err)
	}
	return nil
}

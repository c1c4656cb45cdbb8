// Package upkeep does what no message asks for: it shows messages that do not
// leave, rings again at dialogues whose workflow was lost, and forgets visitors who
// stay away. Every worker runs it;
// they do not get in each other's way.
package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"parley/workflows"
)

const (
	every     = 30 * time.Second
	page      = 100             // dialogues in one transaction, or looked at in one round
	visitors  = 1000            // forgotten in one transaction
	lostAfter = 5 * time.Minute // what has waited for so long may have been forgotten
)

// Record is where the dialogues are.
type Record interface {
	ShowStuck(ctx context.Context, since time.Time, n int) (stuck []uuid.UUID, shown int, err error)
	StuckReplies(ctx context.Context, since time.Time, n int) ([]uuid.UUID, error)
	LateTimers(ctx context.Context, since time.Time, n int) ([]uuid.UUID, error)
	RingAgain(ctx context.Context, id uuid.UUID) error
	ForgetVisitors(ctx context.Context, before time.Time, n int) (int, error)
}

// Engine knows which workflows run.
type Engine interface {
	DescribeWorkflow(ctx context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error)
}

// Config is what an Upkeep works with.
type Config struct {
	Record Record
	Engine Engine
	Log    *slog.Logger

	Now func() time.Time // nil: the clock
}

// Upkeep looks after dialogues.
type Upkeep struct{ Config }

// New makes an Upkeep; Run serves it.
func New(c Config) *Upkeep {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Upkeep{c}
}

// Run looks after the dialogues until ctx is done.
func (u *Upkeep) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := u.Round(ctx); err != nil && ctx.Err() == nil {
			u.Log.Warn("dialogues are not looked after; trying again", "error", err)
		}
	}
}

// Round does once what there is to do.
func (u *Upkeep) Round(ctx context.Context) error {
	return errors.Join(u.recover(ctx), u.forgetVisitors(ctx))
}

func (u *Upkeep) forgetVisitors(ctx context.Context) error {
	for before := u.Now(); ; {
		n, err := u.Record.ForgetVisitors(ctx, before, visitors)
		if err != nil {
			return err
		}
		if n > 0 {
			u.Log.Info("visitors forgotten who stay away", "sessions", n)
		}
		if n < visitors {
			return nil
		}
	}
}

// recover rings again at dialogues that wait for a workflow that does not run: it
// was terminated, or lost with its engine.
func (u *Upkeep) recover(ctx context.Context) error {
	since := u.Now().Add(-lostAfter)
	unsent, shown, err := u.Record.ShowStuck(ctx, since, page)
	if err != nil {
		return err
	}
	if shown > 0 {
		u.Log.Warn("messages do not leave; operators see their dialogues as waiting", "dialogues", shown)
	}
	unanswered, err := u.Record.StuckReplies(ctx, since, page)
	if err != nil {
		return err
	}
	late, err := u.Record.LateTimers(ctx, since, page)
	if err != nil {
		return err
	}
	for _, id := range slices.Concat(unsent, unanswered, late) {
		runs, err := u.runs(ctx, id)
		if err != nil {
			return err
		}
		if runs {
			continue
		}
		u.Log.Warn("a dialogue waits for a workflow that does not run; ringing again", "dialogue_id", id)
		if err := u.Record.RingAgain(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (u *Upkeep) runs(ctx context.Context, id uuid.UUID) (bool, error) {
	w, err := u.Engine.DescribeWorkflow(ctx, workflows.DialogueID(id), "")
	if _, absent := errors.AsType[*serviceerror.NotFound](err); absent {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether the workflow of dialogue %s runs: %w", id, err)
	}
	return w.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

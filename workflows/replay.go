package workflows

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ReplayQueue is where replays of many failed turns run: on a queue of their own,
// so that no dialogue waits behind them.
const ReplayQueue = "replays"

// ReplayPriority is the lowest that the engine knows by default.
const ReplayPriority = 5

// The activities that a replay of many calls, by the names that the worker
// registers them under.
const (
	ReplayPageActivity = "ReplayPage"
	StopReplayActivity = "StopReplay"
)

// ReplayGoneErrorType is the type of the error by which an activity says that the
// batch is not in the record any more.
const ReplayGoneErrorType = "ReplayGone"

// replayPages is after how many pages a run continues as new: about ten thousand
// events (a page, a timer and their workflow tasks are eleven).
const replayPages = 500

// ReplayID is the id of a batch's workflow.
func ReplayID(batch uuid.UUID) string { return "replay/" + batch.String() }

// ReplayInput starts a batch's workflow. Fields are only ever added: runs that
// were started by an older version continue as new with it.
type ReplayInput struct {
	BatchID uuid.UUID `json:"batch_id"`
	Pages   int       `json:"pages,omitzero"` // continue as new after so many; 0: replayPages
}

// ReplayPageInput asks for the next page of a batch.
type ReplayPageInput struct {
	BatchID uuid.UUID `json:"batch_id"`
}

// ReplayPageResult is how a batch stands after a page.
type ReplayPageResult struct {
	Over     bool          `json:"over,omitzero"` // it has ended, or was stopped
	Wait     time.Duration `json:"wait,omitzero"` // until the next page may be asked for
	Why      string        `json:"why,omitzero"`  // of a wait that has another reason than the rate
	Total    int           `json:"total"`
	Replayed int           `json:"replayed"`
	Skipped  int           `json:"skipped"`
}

// ReplayBatch is the workflow of one replay of many: it asks for page after page
// until nothing is left. What a page does, how fast pages may follow each other and
// how the batch stands is in the record, where it is stopped too; cancelling the
// workflow stops it as well.
func ReplayBatch(ctx workflow.Context, in ReplayInput) error {
	pages := in.Pages
	if pages == 0 {
		pages = replayPages
	}
	for page := 0; ; page++ {
		if page > 0 && (page >= pages || newRunDue(ctx)) {
			return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
				InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
			}, ReplayBatch, in)
		}
		res, err := replayPage(ctx, in.BatchID)
		if err == nil && !res.Over {
			describeReplay(ctx, res)
			err = workflow.Sleep(ctx, res.Wait)
		}
		switch {
		case ctx.Err() != nil:
			if err := stopReplay(ctx, in.BatchID); err != nil {
				return err
			}
			return ctx.Err()
		case err != nil:
			return err
		case res.Over:
			describeReplay(ctx, res)
			return nil
		}
	}
}

// newRunDue reports whether the engine wants a new run: the history is long, or
// another version of the workers is current.
func newRunDue(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetTargetWorkerDeploymentVersionChanged()
}

// replayPage has the next page replayed. The activity gives the batch up itself
// when a turn cannot be replayed for good; what is retried without an end is a dead
// worker, or a database that is away.
func replayPage(ctx workflow.Context, batch uuid.UUID) (res ReplayPageResult, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    activityHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{ReplayGoneErrorType},
		},
		Summary: "replay the next failed turns",
	})
	err = workflow.ExecuteActivity(ctx, ReplayPageActivity, ReplayPageInput{BatchID: batch}).Get(ctx, &res)
	return res, err
}

// stopReplay records that a batch whose workflow was cancelled is stopped. A page
// that still runs finds it.
func stopReplay(ctx workflow.Context, batch uuid.UUID) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{ReplayGoneErrorType},
		},
		Summary: "record that the replay is stopped",
	})
	return workflow.ExecuteActivity(ctx, StopReplayActivity, ReplayPageInput{BatchID: batch}).Get(ctx, nil)
}

// describeReplay tells those who look at the workflow in the Temporal UI how far it is.
func describeReplay(ctx workflow.Context, res ReplayPageResult) {
	details := fmt.Sprintf("**Replayed:** %d of %d\n\n**Skipped:** %d\n\n", res.Replayed, res.Total, res.Skipped)
	if res.Why != "" {
		details += "**Waits:** " + res.Why + "\n\n"
	}
	workflow.SetCurrentDetails(ctx, details)
}

package activities

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

const (
	// replayPace is how long after a page the next one may begin: a page has as many turns as may be replayed in that time.
	replayPace = time.Second
	// replayRest is how long a batch waits before it looks again whether it may go on.
	replayRest = 2 * time.Second
	// replaysAnswered bounds how many replayed turns the bot has to answer at a time: the model is there for live customers
	// too.
	replaysAnswered = 20
	// replayForgotten is after how long a replayed turn that is not answered holds up the others no more.
	replayForgotten = 10 * time.Minute
	// replayAttempts is how often a page is tried before its batch is given up.
	replayAttempts = 10
)

// Replays are the activities that replay all failed turns of a filter.
type Replays struct {
	Store *store.Store
	Rate  int // turns a second at most, of all batches together
	Log   *slog.Logger

	Attempts int32 // how often a page is tried before its batch is given up; 0: replayAttempts
}

// ReplayPage replays the next failed turns of a batch, as many as may be replayed
// in a second and as the bot has room for, and says when the next page may come.
// Run again after a crash it goes on with the turn after the last one that is
// replayed or skipped.
func (r *Replays) ReplayPage(ctx context.Context, in workflows.ReplayPageInput) (workflows.ReplayPageResult, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go beat(ctx)

	b, err := r.Store.Replay(ctx, in.BatchID)
	if err != nil {
		return workflows.ReplayPageResult{}, replayGone(err)
	}
	if b.State != store.ReplayRunning {
		return pageResult(b), nil
	}
	wait, why, err := r.page(ctx, b)
	if err != nil && ctx.Err() == nil && activity.GetInfo(ctx).Attempt >= cmp.Or(r.Attempts, replayAttempts) {
		// Where even this cannot be recorded the database is away: that passes.
		if b, ended := r.Store.EndReplay(ctx, b.ID, err); ended == nil {
			r.Log.Error("a replay of many is given up", "replay_id", b.ID, "error", err)
			return pageResult(b), nil
		}
	}
	if err != nil {
		return workflows.ReplayPageResult{}, err
	}
	if b, err = r.Store.Replay(ctx, b.ID); err != nil {
		return workflows.ReplayPageResult{}, replayGone(err)
	}
	res := pageResult(b)
	if res.Wait, res.Why = wait, why; res.Over {
		res.Wait = 0
		r.Log.Info("replay of many ended", "replay_id", b.ID, "state", b.State, "replayed", b.Replayed, "skipped", b.Skipped)
	}
	return res, nil
}

// page replays what there is room for. It returns how long the batch waits after
// that, and why if it is not for the rate.
func (r *Replays) page(ctx context.Context, b store.ReplayBatch) (wait time.Duration, why string, err error) {
	running, err := r.Store.RunningReplays(ctx)
	if err != nil {
		return 0, "", err
	}
	if len(running) > 0 && running[0] != b.ID {
		return replayRest, "an earlier replay has not ended", nil
	}
	unanswered, err := r.Store.ReplaysUnanswered(ctx, replayForgotten)
	if err != nil {
		return 0, "", err
	}
	room := min(r.Rate, replaysAnswered-unanswered)
	if room <= 0 {
		return replayRest, "the bot still answers what is replayed already", nil
	}
	turns, err := r.Store.NextToReplay(ctx, b, room)
	if err != nil {
		return 0, "", err
	}
	for _, turn := range turns {
		err := r.Store.ReplayInBatch(ctx, b, turn)
		if errors.Is(err, store.ErrReplayMoved) {
			return replayPace, "", nil // stopped, or another run of this page was faster: the record says which
		}
		if err != nil {
			return 0, "", err
		}
	}
	if len(turns) < room {
		_, err = r.Store.EndReplay(ctx, b.ID, nil)
	}
	return replayPace, "", err
}

// StopReplay records that a batch is stopped because its workflow was cancelled.
func (r *Replays) StopReplay(ctx context.Context, in workflows.ReplayPageInput) error {
	_, err := r.Store.StopReplay(ctx, in.BatchID)
	return replayGone(err)
}

func pageResult(b store.ReplayBatch) workflows.ReplayPageResult {
	return workflows.ReplayPageResult{Over: b.State != store.ReplayRunning, Total: b.Total, Replayed: b.Replayed, Skipped: b.Skipped}
}

// replayGone is an error as the engine understands it: a batch that is not in the
// record is not looked for again.
func replayGone(err error) error {
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
		return temporal.NewNonRetryableApplicationError(err.Error(), workflows.ReplayGoneErrorType, err)
	}
	return err
}

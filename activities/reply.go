// Package activities holds what workflows call: everything that reads, waits or
// reaches outside. Each group is a struct with its dependencies as fields.
package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// maxAttempts is how often the activity is tried, whatever ended it, before the
// dialogue goes to the operators.
const maxAttempts = 12

// retryWithin bounds how long after a turn began a model is tried again: a customer
// who hears nothing for longer is better off with a human, and with knowing it.
const retryWithin = 3 * time.Minute

// maxRestarts bounds how often newer messages make a turn begin again, so that a
// customer who never stops writing is answered too.
const maxRestarts = 5

// heartbeatEvery keeps the server from taking the worker for dead.
const heartbeatEvery = 3 * time.Second

// typingEvery keeps the sign that the bot is typing on the screen.
const typingEvery = 3 * time.Second

// Progress shows a reply while it is written. Its methods never block.
type Progress interface {
	// Typing shows that the bot is typing, for about five seconds.
	Typing(turn store.Turn)
	// Writing shows the text so far to those who have the dialogue on the screen.
	Writing(turn store.Turn, text string)
	// Ended takes both away again.
	Ended(turn store.Turn)
}

// Bot answers customers.
type Bot interface {
	Answer(ctx context.Context, in bot.Input, onText func(textSoFar string)) (bot.Answer, error)
}

// Replies is the activity that has the bot answer a dialogue.
type Replies struct {
	Store     *store.Store
	Bot       Bot
	Watcher   *Watcher
	Progress  Progress
	Summaries *Folder // nil: dialogues get no summaries
	Log       *slog.Logger

	Quiet    time.Duration // how long the customer must have been silent before the bot begins
	QuietMax time.Duration // how long the first unanswered message waits for that at most
	Drain    time.Duration // how long a model may go on writing once the worker stops; then another worker asks again
}

// errDraining says that the worker stops: another takes the turn up at once.
var errDraining = errors.New("the worker stops")

// Reply waits for the customer to pause, has the bot answer everything that is
// unanswered, and commits the answer behind the fence. A message that comes
// after the model call began makes it begin again; a takeover makes its result
// void. It can be run again at any point: what is committed is found.
func (r *Replies) Reply(ctx context.Context, in workflows.ReplyInput) (res workflows.ReplyResult, err error) {
	watch := r.Watcher.Watch(in.DialogueID)
	defer watch.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go beat(ctx)

	for restarts := 0; ; restarts++ {
		due, err := r.waitForQuiet(ctx, in.DialogueID, watch)
		if err != nil {
			return res, edge(err)
		}
		if !due {
			return r.nothing(ctx, in.DialogueID)
		}
		res, err = r.turn(ctx, in.DialogueID, watch, restarts >= maxRestarts)
		switch {
		case errors.Is(err, store.ErrNewerMessage):
			continue
		case errors.Is(err, store.ErrSuperseded):
			return r.nothing(ctx, in.DialogueID)
		case err != nil:
			return res, edge(err)
		}
		return res, nil
	}
}

// beat tells the server every now and then that the activity lives.
func beat(ctx context.Context) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			activity.RecordHeartbeat(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// waitForQuiet waits until the customer has been silent for the quiet period, or
// has waited for its maximum. It reports false when the bot has nothing to do.
func (r *Replies) waitForQuiet(ctx context.Context, id uuid.UUID, watch *Watch) (bool, error) {
	p, err := r.Store.Pending(ctx, id)
	if err != nil {
		return false, err
	}
	for p.Due() {
		left := min(r.Quiet-p.Now.Sub(p.Last), r.QuietMax-p.Now.Sub(p.First))
		if left <= 0 {
			return true, nil
		}
		if changed, err := sleep(ctx, left, watch, p); err != nil || !changed {
			return err == nil, err
		}
		if p, err = r.Store.Pending(ctx, id); err != nil {
			return false, err
		}
	}
	return false, nil
}

// sleep waits for d, or until the dialogue's counters have moved on from those of p. A look-up from before p says
// nothing.
func sleep(ctx context.Context, d time.Duration, watch *Watch, p store.Pending) (changed bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return false, nil
		case c := <-watch.C:
			if c.CustomerSeq > p.CustomerSeq || c.Epoch > p.Epoch || c.AnsweredSeq > p.AnsweredSeq || c.Closed {
				return true, nil
			}
		case <-activity.GetWorkerStopChannel(ctx):
			return false, draining()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// nothing reports that there was nothing to do, with the counters as they are. An
// earlier attempt that died before it could report may have left a notice to send.
func (r *Replies) nothing(ctx context.Context, id uuid.UUID) (workflows.ReplyResult, error) {
	p, err := r.Store.Pending(ctx, id)
	if err != nil {
		return workflows.ReplyResult{}, edge(err)
	}
	left, err := r.Store.NextOutgoing(ctx, id)
	if err != nil {
		return workflows.ReplyResult{}, err
	}
	return workflows.ReplyResult{Outcome: workflows.ReplyNothing, ToSend: left != nil, State: pendingState(p)}, nil
}

// turn is one model call and what comes of it. last says that newer messages do
// not make it begin again.
func (r *Replies) turn(ctx context.Context, id uuid.UUID, watch *Watch, last bool) (workflows.ReplyResult, error) {
	began := time.Now()
	t, err := r.Store.OpenTurn(ctx, id)
	if err != nil {
		return workflows.ReplyResult{}, err
	}
	if t.State == store.TurnDrafted {
		// An earlier attempt wrote the answer and died before it could say so.
		return workflows.ReplyResult{Outcome: workflows.ReplyAnswered, TurnID: t.ID, ToSend: true, State: workflows.Doorbell{
			Epoch: t.Epoch, Mode: dialogue.ModeBot, CustomerSeq: t.ToSeq, AnsweredSeq: t.FromSeq,
		}}, nil
	}
	defer r.Progress.Ended(t)
	profile, err := ProfileOf(t)
	if err != nil {
		return workflows.ReplyResult{}, err
	}
	var res store.TurnResult
	var answer bot.Answer
	if stopped(t, profile) {
		res = store.TurnResult{Handoff: dialogue.HandoffRule, Cap: t.Cap, Language: languageOf(t)}
	} else {
		if answer, err = r.ask(ctx, t, profile, watch, last); err != nil {
			return r.failed(ctx, t, began, profile, answer, err)
		}
		if res, err = TurnResult(answer, profile); err != nil {
			return workflows.ReplyResult{}, err
		}
	}
	said, outcome := res.Text, workflows.ReplyAnswered
	if res.Handoff != "" {
		res.Notice = profile.Notice(res.Handoff, res.Cap, res.Language, time.Now())
		said, outcome = res.Notice, workflows.ReplyHandedOff
	}
	done, err := r.Store.FinishTurn(ctx, t, res, last)
	if err != nil {
		return r.failed(ctx, t, began, profile, answer, err)
	}
	return result(outcome, t, said, done), nil
}

// stopped says whether a limit keeps the bot from answering: another program from
// any answer, one of the shop's from those that take a model. Who asks for a human
// is told that one comes all the same.
func stopped(t store.Turn, profile bot.Profile) bool {
	in := TurnInput(t, profile)
	return t.Cap.Loop() && !bot.WantsHuman(in) || t.Cap != "" && bot.NeedsModel(in)
}

// ask has the bot answer. It gives up as soon as the dialogue goes on without it.
func (r *Replies) ask(ctx context.Context, t store.Turn, profile bot.Profile, watch *Watch, last bool) (answer bot.Answer, err error) {
	if r.Summaries != nil {
		r.Summaries.Start(ctx, t, profile)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var watched atomic.Bool
	var watching sync.WaitGroup
	watching.Go(func() {
		typing := time.NewTicker(typingEvery)
		defer typing.Stop()
		stopping := activity.GetWorkerStopChannel(ctx)
		var drained <-chan time.Time
		r.Progress.Typing(t)
		for {
			select {
			case <-typing.C:
				r.Progress.Typing(t)
			case <-stopping:
				stopping, drained = nil, time.After(r.Drain)
			case <-drained:
				cancel(errDraining)
			case c := <-watch.C:
				watched.Store(c.Watched)
				switch {
				case c.Epoch < t.Epoch || c.AnsweredSeq < t.FromSeq || c.CustomerSeq < t.ToSeq:
					// Looked up before the turn began: says nothing about it.
				case c.Mode != dialogue.ModeBot || c.Closed || c.Epoch != t.Epoch || c.AnsweredSeq != t.FromSeq:
					cancel(store.ErrSuperseded)
				case c.CustomerSeq > t.ToSeq && !last:
					cancel(store.ErrNewerMessage)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	defer watching.Wait()
	defer cancel(nil)
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("the bot panicked", "turn_id", t.ID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("the bot panicked: %v", p)
		}
	}()

	answer, err = r.Bot.Answer(ctx, TurnInput(t, profile), func(text string) {
		if watched.Load() {
			r.Progress.Writing(t, text)
		}
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return answer, cause
	}
	return answer, err
}

// failed records what an attempt without an answer spent, and decides what comes
// after its error: another attempt, which the engine makes, or the operators.
func (r *Replies) failed(ctx context.Context, t store.Turn, began time.Time, profile bot.Profile, answer bot.Answer, err error) (workflows.ReplyResult, error) {
	if dbErr := r.Store.Spend(context.WithoutCancel(ctx), t, Spent(answer.Usage, profile), false); dbErr != nil {
		return workflows.ReplyResult{}, dbErr
	}
	log := r.Log.With("dialogue_id", t.DialogueID, "turn_id", t.ID, "attempt", t.Attempts)
	switch {
	case errors.Is(err, store.ErrNewerMessage):
		return workflows.ReplyResult{}, err
	case errors.Is(err, store.ErrSuperseded):
		if dbErr := r.Store.SupersedeTurn(context.WithoutCancel(ctx), t.ID); dbErr != nil {
			log.Warn("cannot record that a turn is superseded", "error", dbErr)
		}
		return workflows.ReplyResult{}, err
	case errors.Is(err, errDraining):
		return workflows.ReplyResult{}, draining()
	case ctx.Err() != nil:
		return workflows.ReplyResult{}, ctx.Err()
	}
	failure := store.Failure{Cause: bot.CauseInternal, Reason: err, Model: answer.Model, PromptVersion: answer.PromptVersion}
	modelErr, ok := errors.AsType[*bot.Error](err)
	if ok {
		failure.Cause = string(modelErr.Class)
		if wait := pauseAfter(t.Attempts, modelErr); modelErr.Retryable() && mayRetry(t, modelErr.Class, time.Since(began)+wait) {
			log.Warn("model call failed; trying again", "cause", failure.Cause, "error", bot.Public(err))
			if dbErr := r.Store.CountAttempt(ctx, t.ID, failure); dbErr != nil {
				return workflows.ReplyResult{}, dbErr
			}
			return workflows.ReplyResult{}, temporal.NewApplicationErrorWithOptions(bot.Public(err), failure.Cause, temporal.ApplicationErrorOptions{
				NextRetryDelay: wait,
			})
		}
	} else if activity.GetInfo(ctx).Attempt < maxAttempts {
		return workflows.ReplyResult{}, err
	}
	log.Error("turn failed; handing over to the operators", "cause", failure.Cause, "error", bot.Public(err))
	notice := profile.Notice(dialogue.HandoffBotError, "", languageOf(t), time.Now())
	done, dbErr := r.Store.FailTurn(ctx, t, failure, notice)
	if dbErr != nil {
		return workflows.ReplyResult{}, dbErr
	}
	res := result(workflows.ReplyFailed, t, notice, done)
	res.Cause, res.Error = failure.Cause, dialogue.Preview(bot.Public(err))
	return res, nil
}

// draining asks the engine to have another worker reply at once.
func draining() error {
	return temporal.NewApplicationErrorWithOptions(errDraining.Error(), "draining", temporal.ApplicationErrorOptions{
		NextRetryDelay: time.Millisecond, Cause: errDraining,
	})
}

// pauseAfter is how long after its attempts so far a model is tried again: as long as
// its server asks for, at least twice as long as before.
func pauseAfter(attempts int32, err *bot.Error) time.Duration {
	return max(err.RetryAfter, min(time.Second<<min(attempts-1, 5), longestPause))
}

// longestPause is the longest pause that nobody has asked for.
const longestPause = 30 * time.Second

// mayRetry says whether the model is tried again, when this attempt and the pause
// after it take so long. A turn that was left by a dead worker is old without having tried.
func mayRetry(t store.Turn, class bot.ErrorClass, takes time.Duration) bool {
	if t.Attempts > 1 {
		takes += t.Age
	}
	return t.Attempts < maxModelCalls(class) && takes < retryWithin
}

// maxModelCalls is how many calls a turn makes before an error of this class is
// taken as final. A rate limit only says to wait, so it is waited out longer.
func maxModelCalls(class bot.ErrorClass) int32 {
	if class == bot.ErrorRateLimited {
		return 20
	}
	return 4
}

// languageOf guesses the customer's language when the bot could not say it.
func languageOf(t store.Turn) dialogue.Language {
	return bot.LanguageOf(bot.Input{Language: t.Language, History: t.History, Questions: t.Questions})
}

func result(outcome workflows.ReplyOutcome, t store.Turn, said string, done store.Finished) workflows.ReplyResult {
	return workflows.ReplyResult{
		Outcome: outcome, TurnID: t.ID, ToSend: done.ToSend,
		State:    stateOf(done.Dialogue),
		Question: dialogue.Preview(t.Questions[len(t.Questions)-1].Text),
		Answer:   dialogue.Preview(said),
	}
}

// edge says to the engine which errors no retry mends.
func edge(err error) error {
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
		return temporal.NewNonRetryableApplicationError(err.Error(), workflows.GoneErrorType, err)
	}
	return err
}

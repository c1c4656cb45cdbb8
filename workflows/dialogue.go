// Package workflows holds the durable side of Parley. Code here is
// deterministic: it decides, and leaves all reading and doing to activities.
package workflows

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"parley/dialogue"
)

// The activities that a dialogue calls, by the names that the worker registers
// them under. They are methods of types in package activities, which imports
// this one for its inputs and results.
const (
	ReplyActivity = "Reply"
	SendActivity  = "Send"
	FireActivity  = "FireTimers"
)

// GoneErrorType is the type of the error by which an activity says that the
// dialogue is not in the record any more.
const GoneErrorType = "DialogueGone"

// activityHeartbeat is how soon the server notices that a worker died. It bounds
// how long a customer waits longer because of that.
const activityHeartbeat = 10 * time.Second

// Dialogue is the workflow of one dialogue: the only one that has its bot answer
// and its messages sent. It ends when nothing rang for a while; the next ring
// starts a new run from the record.
func Dialogue(ctx workflow.Context, in DialogueInput) error {
	d := new(dialogueRun)
	d.setup(ctx, in)
	return d.run(ctx)
}

type dialogueRun struct {
	in    DialogueInput
	log   log.Logger
	bells map[dialogue.Ring]workflow.ReceiveChannel
	known Doorbell
	rung  time.Time // when something rang last
	sleep sleep     // the timer that ends the wait for a ring
	fired time.Time // when timers were last looked after

	toSend  bool      // something waits to be sent
	drafted uuid.UUID // the turn whose answer waits to be sent; zero: none
	stuck   bool      // an activity failed for good: wait for the next ring
	trouble string    // what went wrong since the dialogue last changed hands
	labels  labels    // as the server has them

	// What developers see of it.
	question, answer, lastError string
}

func (d *dialogueRun) setup(ctx workflow.Context, in DialogueInput) {
	d.in, d.known, d.toSend = in, in.Known, in.ToSend
	d.log = log.With(workflow.GetLogger(ctx), "dialogue_id", in.DialogueID.String())
	d.bells = make(map[dialogue.Ring]workflow.ReceiveChannel)
	for _, ring := range dialogue.Rings() {
		d.bells[ring] = workflow.GetSignalChannel(ctx, string(ring))
	}
	d.rung = workflow.Now(ctx)
	d.labels = labelsOf(ctx)
	d.trouble = d.labels.trouble
}

func (d *dialogueRun) run(ctx workflow.Context) error {
	for {
		d.listen(ctx)
		if err := d.label(ctx); err != nil {
			return err
		}
		switch {
		case d.toSend && !d.stuck:
			d.send(ctx)
		case d.continueAsNewDue(ctx):
			d.in.Known, d.in.ToSend = d.known, d.toSend
			return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
				InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
			}, Dialogue, d.in)
		case d.replyDue() && !d.stuck:
			d.reply(ctx)
		case d.dueIn(ctx) == 0 && !d.stuck:
			d.fire(ctx)
		case d.idleTime(ctx) >= d.in.IdleAfter && d.known.Due.IsZero():
			return nil // nothing has rung since listen: the next ring starts a run of its own
		default:
			d.describe(ctx)
			d.await(ctx, d.sleepTimer(ctx))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// replyDue reports whether, as far as is known, the bot has something to answer.
func (d *dialogueRun) replyDue() bool {
	return d.known.Mode == dialogue.ModeBot && d.known.CustomerSeq > d.known.AnsweredSeq
}

func (d *dialogueRun) continueAsNewDue(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetTargetWorkerDeploymentVersionChanged() || d.in.MaxEvents > 0 && info.GetCurrentHistoryLength() >= d.in.MaxEvents
}

// listen takes in everything that rang, without waiting.
func (d *dialogueRun) listen(ctx workflow.Context) {
	for _, ring := range dialogue.Rings() {
		for {
			var bell Doorbell
			if !d.bells[ring].ReceiveAsync(&bell) {
				break
			}
			d.heard(ctx, ring, bell)
		}
	}
}

func (d *dialogueRun) heard(ctx workflow.Context, ring dialogue.Ring, bell Doorbell) {
	d.rung, d.stuck = workflow.Now(ctx), false
	d.learn(bell)
	// An operator who wrote may have left something to send, also when that took the dialogue over.
	if bell.ToSend || ring == dialogue.RingOperatorWrote || ring == dialogue.RingOperatorTookOver {
		d.toSend = true
	}
}

// learn takes in newer counters. Whoever takes or gives back the dialogue knows
// what went wrong before.
func (d *dialogueRun) learn(bell Doorbell) {
	before := d.known
	d.known.merge(bell)
	if before.Epoch != 0 && d.known.Epoch != before.Epoch {
		d.trouble = ""
	}
}

// await sleeps until something rings or the future is ready.
func (d *dialogueRun) await(ctx workflow.Context, future workflow.Future) {
	selector := workflow.NewSelector(ctx)
	for _, ring := range dialogue.Rings() {
		selector.AddReceive(d.bells[ring], func(c workflow.ReceiveChannel, _ bool) {
			var bell Doorbell
			c.Receive(ctx, &bell)
			d.heard(ctx, ring, bell)
		})
	}
	selector.AddFuture(future, func(workflow.Future) {})
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	selector.Select(ctx)
}

func (d *dialogueRun) idleTime(ctx workflow.Context) time.Duration {
	return workflow.Now(ctx).Sub(d.rung)
}

// sleep is a timer that ends the wait for a ring.
type sleep struct {
	timer  workflow.Future // nil: none runs
	until  time.Time
	cancel workflow.CancelFunc
}

// firePause keeps a clock that is ahead of the record's from asking it all the time.
const firePause = 10 * time.Second

// never is how long a run sleeps that waits for a ring alone: an activity has
// failed for good, and the timers with it.
const never = 30 * 24 * time.Hour

// dueIn is how long it is until the dialogue's next timer is due; a month when none runs.
func (d *dialogueRun) dueIn(ctx workflow.Context) time.Duration {
	if d.known.Due.IsZero() {
		return never
	}
	now := workflow.Now(ctx)
	left := max(0, d.known.Due.Sub(now))
	if !d.fired.IsZero() {
		left = max(left, d.fired.Add(firePause).Sub(now))
	}
	return left
}

// sleepTimer runs until the run may end, or until one of the dialogue's timers is
// due. It is not set anew after every ring, which would cost two events a message:
// when it fires too early, the next one takes the rest.
func (d *dialogueRun) sleepTimer(ctx workflow.Context) workflow.Future {
	left, summary := d.in.IdleAfter-d.idleTime(ctx), "end the run when nothing rings"
	switch {
	case d.known.Due.IsZero():
	case d.stuck:
		left, summary = never, "wait for a ring"
	default:
		left, summary = d.dueIn(ctx), "do what is due in the dialogue"
	}
	until := workflow.Now(ctx).Add(left)
	if d.sleep.timer != nil && !d.sleep.timer.IsReady() {
		if !d.sleep.until.After(until) {
			return d.sleep.timer
		}
		d.sleep.cancel()
	}
	timed, cancel := workflow.WithCancel(ctx)
	d.sleep = sleep{workflow.NewTimerWithOptions(timed, left, workflow.TimerOptions{Summary: summary}), until, cancel}
	return d.sleep.timer
}

// fire has everything done that is due: the record knows what that is.
func (d *dialogueRun) fire(ctx workflow.Context) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{GoneErrorType},
		},
		Summary: "do what is due",
	})
	var res FireResult
	if err := workflow.ExecuteActivity(ctx, FireActivity, FireInput{DialogueID: d.in.DialogueID}).Get(ctx, &res); err != nil {
		d.failed("timers", err)
		return
	}
	d.fired = workflow.Now(ctx)
	d.learn(res.State)
	d.toSend = d.toSend || res.ToSend
}

// reply has the bot answer what is unanswered. A takeover cancels it; whatever
// it still brings about then is stopped by the fence in the record.
func (d *dialogueRun) reply(ctx workflow.Context) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	began := d.known
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Minute,
		HeartbeatTimeout:    activityHeartbeat,
		// The activity bounds the attempts at the model itself and then hands over. What is retried without an end is
		// the rest: a dead worker, a database that is away.
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{GoneErrorType},
		},
		Summary: fmt.Sprintf("answer what came after message %d", d.known.AnsweredSeq),
	})
	future := workflow.ExecuteActivity(ctx, ReplyActivity, ReplyInput{DialogueID: d.in.DialogueID})
	for !future.IsReady() {
		d.describe(ctx)
		d.await(ctx, future)
		if d.known.Mode != dialogue.ModeBot || d.known.Epoch != began.Epoch && began.Epoch != 0 {
			d.log.Info("reply cancelled: the dialogue changed hands", "epoch", d.known.Epoch)
			d.toSend = true // it may have been the reply that handed over, and left a notice
			return
		}
	}
	var res ReplyResult
	if err := future.Get(ctx, &res); err != nil {
		d.failed("reply", err)
		return
	}
	d.learn(res.State)
	d.question, d.answer, d.lastError = res.Question, res.Answer, res.Error
	if res.Cause != "" {
		d.trouble = res.Cause
	}
	if res.ToSend {
		d.toSend, d.drafted = true, res.TurnID
	}
}

// send has everything sent that waits to leave, operators' messages first. It is
// never cancelled: a message on its way cannot be called back.
func (d *dialogueRun) send(ctx workflow.Context) {
	in := SendInput{DialogueID: d.in.DialogueID, TurnID: d.drafted}
	d.toSend, d.drafted = false, uuid.Nil
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:    activityHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{GoneErrorType},
		},
		Summary: "send what waits to leave",
	})
	var res SendResult
	if err := workflow.ExecuteActivity(ctx, SendActivity, in).Get(ctx, &res); err != nil {
		d.failed("send", err)
		return
	}
	d.learn(res.State)
	if res.Failed > 0 {
		d.trouble, d.lastError = troubleUndelivered, res.Error
	}
}

// failed notes an activity that failed for good. The run waits for the next ring
// instead of trying in circles.
func (d *dialogueRun) failed(what string, err error) {
	if temporal.IsCanceledError(err) {
		return
	}
	d.stuck, d.trouble, d.lastError = true, what+"_failed", what+": "+err.Error()
	d.log.Error("activity failed for good", "activity", what, "error", err)
}

// describe tells those who look at the workflow in the Temporal UI where it stands.
func (d *dialogueRun) describe(ctx workflow.Context) {
	details := fmt.Sprintf("**Mode:** %s (epoch %d)\n\n**Answered:** up to message %d of %d\n\n",
		d.known.Mode, d.known.Epoch, d.known.AnsweredSeq, d.known.CustomerSeq)
	for _, line := range []struct{ title, text string }{{"Customer", d.question}, {"Bot", d.answer}, {"Last error", d.lastError}} {
		if line.text != "" {
			details += fmt.Sprintf("**%s:** %s\n\n", line.title, plainMarkdown(line.text))
		}
	}
	if !d.known.Due.IsZero() {
		details += fmt.Sprintf("**Next timer:** %s\n\n", d.known.Due.UTC().Format(time.RFC3339))
	}
	workflow.SetCurrentDetails(ctx, details)
}

// plainMarkdown keeps customers' texts from being read as markup.
func plainMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

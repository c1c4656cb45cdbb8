package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"parley/dialogue"
)

// bench is a dialogue's workflow with activities that the test words.
type bench struct {
	*testsuite.TestWorkflowEnvironment
	input   DialogueInput
	replies []ReplyInput
	sends   []SendInput
	order   []string
	reply   func(ctx context.Context, n int) (ReplyResult, error)
	send    func(n int) (SendResult, error)
	fires   []time.Time
	fire    func(n int) (FireResult, error)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	b := &bench{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment()}
	b.input = DialogueInput{DialogueID: uuid.New(), IdleAfter: time.Hour}
	b.RegisterWorkflow(Dialogue)
	b.RegisterActivityWithOptions(func(ctx context.Context, in ReplyInput) (ReplyResult, error) {
		b.replies = append(b.replies, in)
		b.order = append(b.order, "reply")
		return b.reply(ctx, len(b.replies)-1)
	}, activity.RegisterOptions{Name: ReplyActivity})
	b.RegisterActivityWithOptions(func(_ context.Context, in SendInput) (SendResult, error) {
		b.sends = append(b.sends, in)
		b.order = append(b.order, "send")
		return b.send(len(b.sends) - 1)
	}, activity.RegisterOptions{Name: SendActivity})
	b.send = func(int) (SendResult, error) { return SendResult{}, nil }
	b.RegisterActivityWithOptions(func(context.Context, FireInput) (FireResult, error) {
		b.fires = append(b.fires, b.Now())
		b.order = append(b.order, "fire")
		return b.fire(len(b.fires) - 1)
	}, activity.RegisterOptions{Name: FireActivity})
	return b
}

// rings lets something ring after a while.
func (b *bench) rings(after time.Duration, ring dialogue.Ring, bell Doorbell) {
	b.RegisterDelayedCallback(func() { b.SignalWorkflow(string(ring), bell) }, after)
}

// run runs the workflow to its end.
func (b *bench) run(t *testing.T) error {
	t.Helper()
	b.SetTestTimeout(20 * time.Second)
	b.ExecuteWorkflow(Dialogue, b.input)
	require.True(t, b.IsWorkflowCompleted())
	return b.GetWorkflowError()
}

func bot(epoch, customer, answered int64) Doorbell {
	return Doorbell{Epoch: epoch, Mode: dialogue.ModeBot, CustomerSeq: customer, AnsweredSeq: answered}
}

func human(epoch, customer, answered int64) Doorbell {
	return Doorbell{Epoch: epoch, Mode: dialogue.ModeOperator, CustomerSeq: customer, AnsweredSeq: answered}
}

func answered(state Doorbell) func(context.Context, int) (ReplyResult, error) {
	return func(context.Context, int) (ReplyResult, error) {
		return ReplyResult{Outcome: ReplyAnswered, State: state}, nil
	}
}

func TestPlainTurnAndIdleEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.reply = answered(bot(1, 1, 1))
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	began := b.Now()
	require.NoError(t, b.run(t))
	require.Len(t, b.replies, 1)
	require.Equal(t, b.input.DialogueID, b.replies[0].DialogueID)
	require.InDelta(t, time.Hour, b.Now().Sub(began), float64(time.Minute))
}

func TestRingsThatTheReplyCoversCostNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.reply = func(_ context.Context, n int) (ReplyResult, error) {
		if n == 0 {
			b.SignalWorkflow(string(dialogue.RingMessageReceived), bot(1, 2, 0))
			b.SignalWorkflow(string(dialogue.RingMessageReceived), bot(1, 3, 0))
		}
		return ReplyResult{Outcome: ReplyAnswered, State: bot(1, 3, 3)}, nil
	}
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	require.NoError(t, b.run(t))
	require.Len(t, b.replies, 1)
}

func TestLateDoubledAndReorderedRingsDoNoHarm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.reply = answered(bot(5, 9, 9))
	b.rings(0, dialogue.RingMessageReceived, bot(5, 9, 4))
	for i, late := range []Doorbell{bot(5, 9, 4), bot(1, 2, 0), human(2, 3, 1), human(4, 7, 4), bot(3, 5, 5)} {
		b.rings(time.Duration(i+1)*time.Minute, dialogue.RingMessageReceived, late)
	}
	require.NoError(t, b.run(t))
	require.Len(t, b.replies, 1)
}

func TestMessagesToAnOperatorCostNoActivity(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.rings(0, dialogue.RingMessageReceived, human(2, 5, 1))
	b.rings(time.Minute, dialogue.RingMessageReceived, human(2, 6, 1))
	require.NoError(t, b.run(t))
	require.Empty(t, b.order)
}

func TestTakeoverCancelsTheReply(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	goOn := make(chan struct{})
	b.reply = func(_ context.Context, n int) (ReplyResult, error) {
		if n > 0 {
			close(goOn)
			return ReplyResult{Outcome: ReplyAnswered, State: bot(3, 2, 2)}, nil
		}
		b.SignalWorkflow(string(dialogue.RingOperatorTookOver), human(2, 1, 0))
		<-goOn // whatever the first one still does, the dialogue goes on without it
		return ReplyResult{Outcome: ReplyAnswered, State: bot(1, 1, 1), TurnID: uuid.New(), ToSend: true}, nil
	}
	b.send = func(int) (SendResult, error) {
		b.SignalWorkflow(string(dialogue.RingReturnedToBot), bot(3, 1, 0))
		return SendResult{State: human(2, 1, 0)}, nil
	}
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	require.NoError(t, b.run(t))
	require.Equal(t, []string{"reply", "send", "reply"}, b.order, "what the operator wrote leaves before the bot goes on")
}

func TestOperatorsMessagesLeaveBeforeTheBotAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.reply = answered(bot(3, 4, 4))
	b.RegisterDelayedCallback(func() {
		b.SignalWorkflow(string(dialogue.RingReturnedToBot), bot(3, 4, 3))
		b.SignalWorkflow(string(dialogue.RingOperatorWrote), human(2, 3, 3))
	}, 0)
	require.NoError(t, b.run(t))
	require.Equal(t, []string{"send", "reply"}, b.order)
}

func TestDraftedAnswerIsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	turn := uuid.New()
	b.reply = func(context.Context, int) (ReplyResult, error) {
		return ReplyResult{Outcome: ReplyAnswered, TurnID: turn, ToSend: true, State: bot(1, 1, 0)}, nil
	}
	b.send = func(int) (SendResult, error) { return SendResult{State: bot(1, 1, 1), Sent: 1}, nil }
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	require.NoError(t, b.run(t))
	require.Equal(t, []string{"reply", "send"}, b.order)
	require.Equal(t, turn, b.sends[0].TurnID)
}

func TestActivityThatFailsForGoodWaitsForTheNextRing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.reply = func(_ context.Context, n int) (ReplyResult, error) {
		if n == 0 {
			return ReplyResult{}, temporal.NewNonRetryableApplicationError("gone", GoneErrorType, nil)
		}
		return ReplyResult{Outcome: ReplyAnswered, State: bot(1, 2, 2)}, nil
	}
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	b.rings(time.Minute, dialogue.RingMessageReceived, bot(1, 2, 0))
	require.NoError(t, b.run(t))
	require.Len(t, b.replies, 2)
}

func TestContinueAsNewCarriesWhatIsKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.input.MaxEvents = 100
	b.SetCurrentHistoryLength(100)
	b.input.Known = bot(4, 7, 7)
	b.rings(0, dialogue.RingMessageReceived, bot(4, 8, 7))
	b.reply = answered(bot(4, 8, 8))
	err := b.run(t)
	again, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	require.True(t, ok, err)
	var next DialogueInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, b.input.DialogueID, next.DialogueID)
	require.Equal(t, int64(7), next.Known.AnsweredSeq)
}

// Another version of the workers is current: the run goes on there, before it does anything more under this one.
func TestRunGoesOnUnderTheCurrentVersionOfTheWorkers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetTargetWorkerDeploymentVersionChanged(true)
	b.rings(0, dialogue.RingMessageReceived, bot(4, 8, 7))
	err := b.run(t)
	again, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	require.True(t, ok, err)
	require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorAutoUpgrade, again.InitialVersioningBehavior)
	var next DialogueInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, []int64{8, 7}, []int64{next.Known.CustomerSeq, next.Known.AnsweredSeq})
	require.Empty(t, b.order)
}

func TestDetailsKeepCustomersTextsFromBeingMarkup(t *testing.T) {
	t.Parallel()
	require.Equal(t, `\<img src=x\> \*\*bold\*\* \[a\]\(b\)`, plainMarkdown("<img src=x> **bold** [a](b)"))
}

// The customer writes again before the handoff's result is there: the ring says that operators hold the dialogue.
func TestNoticeOfAHandoffLeavesAlsoWhenARingIsFaster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	goOn := make(chan struct{})
	b.reply = func(context.Context, int) (ReplyResult, error) {
		b.SignalWorkflow(string(dialogue.RingMessageReceived), human(2, 2, 0))
		<-goOn
		return ReplyResult{Outcome: ReplyHandedOff, State: human(2, 2, 0), ToSend: true}, nil
	}
	b.send = func(int) (SendResult, error) {
		close(goOn)
		return SendResult{State: human(2, 2, 0)}, nil
	}
	b.rings(0, dialogue.RingMessageReceived, bot(1, 1, 0))
	require.NoError(t, b.run(t))
	require.Equal(t, []string{"reply", "send"}, b.order)
}

// due is a bell of an operator's dialogue with a timer.
func due(version int64, at time.Time) Doorbell {
	d := human(2, 1, 1)
	d.Version, d.Due = version, at
	return d
}

// offsets are when timers were looked after, since the run began.
func (b *bench) offsets(began time.Time) (out []time.Duration) {
	for _, at := range b.fires {
		out = append(out, at.Sub(began).Round(time.Second))
	}
	return out
}

func TestRunLivesUntilItsTimersHaveComeToSomething(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := b.Now()
	b.fire = func(n int) (FireResult, error) {
		return FireResult{State: due(int64(5+n), []time.Time{began.Add(30 * time.Hour), {}}[n]), Fired: []dialogue.TimerKind{dialogue.TimerSnooze}}, nil
	}
	b.rings(0, dialogue.RingTimerSet, due(4, began.Add(24*time.Hour)))
	require.NoError(t, b.run(t))
	require.Equal(t, []time.Duration{24 * time.Hour, 30 * time.Hour}, b.offsets(began))
	require.InDelta(t, 30*time.Hour, b.Now().Sub(began), float64(time.Minute), "nothing is left to wait for")
}

func TestTimersMove(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := b.Now()
	b.fire = func(int) (FireResult, error) { return FireResult{State: due(9, time.Time{})}, nil }
	b.rings(0, dialogue.RingTimerSet, due(4, began.Add(5*time.Hour)))
	b.rings(time.Hour, dialogue.RingTimerSet, due(6, began.Add(3*time.Hour)))
	b.rings(2*time.Hour, dialogue.RingMessageReceived, due(8, began.Add(4*time.Hour)))
	b.rings(2*time.Hour+time.Minute, dialogue.RingMessageReceived, due(5, began.Add(2*time.Hour+2*time.Minute))) // late: says nothing
	require.NoError(t, b.run(t))
	require.Equal(t, []time.Duration{4 * time.Hour}, b.offsets(began))
}

func TestTimerThatIsTakenAwayDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := b.Now()
	b.rings(0, dialogue.RingTimerSet, due(4, began.Add(30*time.Minute)))
	b.rings(time.Minute, dialogue.RingMessageReceived, due(5, time.Time{}))
	require.NoError(t, b.run(t))
	require.Empty(t, b.fires)
	require.InDelta(t, time.Hour+time.Minute, b.Now().Sub(began), float64(time.Minute))
}

// The engine's clock is ahead of the record's: it is asked now and then, not all the time.
func TestClockThatIsAheadAsksNowAndThen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := b.Now()
	at := began.Add(time.Minute)
	b.fire = func(n int) (FireResult, error) {
		if n < 3 {
			return FireResult{State: due(4, at)}, nil
		}
		return FireResult{State: due(5, time.Time{})}, nil
	}
	b.rings(0, dialogue.RingTimerSet, due(4, at))
	require.NoError(t, b.run(t))
	require.Equal(t, []time.Duration{60 * time.Second, 70 * time.Second, 80 * time.Second, 90 * time.Second}, b.offsets(began))
}

// What a timer brings about goes on like anything else: the bot answers, messages leave.
func TestTimersBringWork(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := b.Now()
	b.fire = func(int) (FireResult, error) {
		state := bot(3, 1, 0)
		state.Version = 5
		return FireResult{State: state, ToSend: true}, nil
	}
	b.reply = answered(bot(3, 1, 1))
	b.rings(0, dialogue.RingTimerSet, due(4, began.Add(time.Minute)))
	require.NoError(t, b.run(t))
	require.Equal(t, []string{"fire", "send", "reply"}, b.order)
}

func TestTimersGoOnInTheNextRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.input.MaxEvents = 10
	b.SetCurrentHistoryLength(10)
	at := b.Now().Add(time.Hour)
	b.rings(0, dialogue.RingTimerSet, due(4, at))
	again, ok := errors.AsType[*workflow.ContinueAsNewError](b.run(t))
	require.True(t, ok)
	var next DialogueInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.True(t, at.Equal(next.Known.Due), next.Known.Due)
}

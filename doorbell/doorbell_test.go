package doorbell

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.uber.org/goleak"

	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// fakeOutbox holds bells as the record does: one for a dialogue, forgotten by version, leased when taken.
type fakeOutbox struct {
	mu     sync.Mutex
	bells  map[uuid.UUID]store.Bell
	leased map[uuid.UUID]bool
}

func newOutbox() *fakeOutbox {
	return &fakeOutbox{bells: make(map[uuid.UUID]store.Bell), leased: make(map[uuid.UUID]bool)}
}

func (o *fakeOutbox) leave(b store.Bell) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bells[b.DialogueID] = b
	o.leased[b.DialogueID] = false
}

func (o *fakeOutbox) TakeBells(_ context.Context, n int, _ time.Duration) ([]store.Bell, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var taken []store.Bell
	for id, b := range o.bells {
		if !o.leased[id] && len(taken) < n {
			o.leased[id] = true
			taken = append(taken, b)
		}
	}
	return taken, nil
}

func (o *fakeOutbox) ForgetBells(_ context.Context, bells []store.Bell) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range bells {
		if o.bells[b.DialogueID].Version == b.Version {
			delete(o.bells, b.DialogueID)
		}
	}
	return nil
}

// leaveLeased leaves a bell that the relay does not take before expire.
func (o *fakeOutbox) leaveLeased(b store.Bell) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bells[b.DialogueID] = b
	o.leased[b.DialogueID] = true
}

// expire ends all leases.
func (o *fakeOutbox) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.leased)
}

func (o *fakeOutbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.bells)
}

type signal struct {
	workflow, name string
	bell           workflows.Doorbell
	options        client.StartWorkflowOptions
}

type fakeEngine struct {
	mu      sync.Mutex
	down    bool
	refuses string // the workflow that takes no signal
	signals []signal
}

func (e *fakeEngine) SignalWithStartWorkflow(_ context.Context, id, name string, arg any, options client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, errors.New("connection refused")
	}
	if id == e.refuses {
		return nil, serviceerror.NewInvalidArgument("exceeded workflow execution limit for signal events")
	}
	e.signals = append(e.signals, signal{id, name, arg.(workflows.Doorbell), options})
	return nil, nil
}

func (e *fakeEngine) set(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

func (e *fakeEngine) heard() []signal {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]signal(nil), e.signals...)
}

func start(t *testing.T) (*Doorbell, *fakeOutbox, *fakeEngine) {
	t.Helper()
	outbox, engine := newOutbox(), &fakeEngine{}
	d := New(Config{Outbox: outbox, Engine: engine, IdleAfter: time.Hour, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return d, outbox, engine
}

func bell(rings ...dialogue.Ring) store.Bell {
	return store.Bell{
		DialogueID: uuid.New(), Version: 1, Rings: rings, Epoch: 3, Mode: dialogue.ModeOperator, CustomerSeq: 9, AnsweredSeq: 7,
		ChannelSlug: "shop", Customer: "Айгүл",
	}
}

const deadline = 20 * time.Second

func TestFreshBellsAreRungAndForgotten(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("fast path", func(t *testing.T) {
		d, outbox, engine := start(t)
		b := bell(dialogue.RingMessageReceived, dialogue.RingOperatorTookOver)
		outbox.leaveLeased(b) // the relay leaves it to the fast path
		d.Rang(b)
		require.Eventually(t, func() bool { return outbox.len() == 0 }, deadline, 5*time.Millisecond)
		heard := engine.heard()
		require.Len(t, heard, 2)
		require.Equal(t, workflows.DialogueID(b.DialogueID), heard[0].workflow)
		require.Equal(t, []string{"message_received", "operator_took_over"}, []string{heard[0].name, heard[1].name})
		require.Equal(t, workflows.Doorbell{Epoch: 3, Mode: dialogue.ModeOperator, CustomerSeq: 9, AnsweredSeq: 7}, heard[0].bell)
		require.Equal(t, "shop · Айгүл", heard[0].options.StaticSummary)
	})
}

func TestRelayRingsWhatOthersLeft(t *testing.T) {
	t.Parallel()
	_, outbox, engine := start(t)
	for range 1000 {
		outbox.leave(bell(dialogue.RingMessageReceived))
	}
	require.Eventually(t, func() bool { return outbox.len() == 0 }, deadline, 5*time.Millisecond)
	require.Len(t, engine.heard(), 1000)
}

func TestBellsWaitWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	d, outbox, engine := start(t)
	engine.set(true)
	for range 20 {
		b := bell(dialogue.RingMessageReceived)
		outbox.leave(b)
		d.Rang(b)
	}
	require.Never(t, func() bool { return outbox.len() < 20 }, time.Second, 50*time.Millisecond)
	engine.set(false)
	outbox.expire()
	require.Eventually(t, func() bool { return outbox.len() == 0 }, deadline, 5*time.Millisecond)
}

func TestRefusedBellHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	_, outbox, engine := start(t)
	full := bell(dialogue.RingMessageReceived)
	engine.mu.Lock()
	engine.refuses = workflows.DialogueID(full.DialogueID)
	engine.mu.Unlock()
	outbox.leave(full)
	for range 100 {
		outbox.leave(bell(dialogue.RingMessageReceived))
	}
	require.Eventually(t, func() bool { return outbox.len() == 1 }, deadline, 5*time.Millisecond)
	engine.mu.Lock()
	engine.refuses = ""
	engine.mu.Unlock()
	outbox.expire()
	require.Eventually(t, func() bool { return outbox.len() == 0 }, deadline, 5*time.Millisecond)
}

func TestBellThatRangAgainIsNotForgotten(t *testing.T) {
	t.Parallel()
	d, outbox, engine := start(t)
	old := bell(dialogue.RingMessageReceived)
	newer := old
	newer.Version, newer.CustomerSeq = 2, 10
	outbox.leaveLeased(newer)
	d.Rang(old)
	require.Eventually(t, func() bool { return len(engine.heard()) == 1 }, deadline, 5*time.Millisecond)
	require.Equal(t, 1, outbox.len())
	outbox.expire()
	require.Eventually(t, func() bool { return outbox.len() == 0 }, deadline, 5*time.Millisecond)
	heard := engine.heard()
	require.Equal(t, int64(10), heard[len(heard)-1].bell.CustomerSeq)
}

func TestSummaryFitsTheServersLimit(t *testing.T) {
	t.Parallel()
	b := bell()
	for range 200 {
		b.Customer += "Ә"
	}
	require.LessOrEqual(t, len(summary(b)), maxSummary)
}

func TestWhatWaitsIsStillRungAtTheEnd(t *testing.T) {
	t.Parallel()
	outbox, engine := newOutbox(), &fakeEngine{}
	d := New(Config{Outbox: outbox, Engine: engine, IdleAfter: time.Hour, Log: slog.New(slog.DiscardHandler)})
	for range fastQueue {
		b := bell(dialogue.RingMessageReceived)
		outbox.leaveLeased(b)
		d.Rang(b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, d.Run(ctx))
	require.Len(t, engine.heard(), fastQueue)
	require.Zero(t, outbox.len())
}

package workflows_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"parley/activities"
	"parley/bot"
	"parley/channel"
	"parley/dialogue"
	"parley/doorbell"
	"parley/store"
	"parley/store/db"
	"parley/testenv"
	"parley/worker"
	"parley/workflows"
)

var update = flag.Bool("update", false, "record the histories of testdata anew")

// scenario is a dialogue whose history is kept.
type scenario struct {
	name      string
	kind      string // of the channel
	labelled  bool   // the engine knows the search attributes
	maxEvents int
	runs      int  // that follow each other
	batch     bool // it is a replay of many, not a dialogue
	cancelled bool // it ends so
	play      func(r *recorder)
}

// files names the histories of a scenario, one for each run.
func (s scenario) files() (names []string) {
	if s.runs == 1 {
		return []string{s.name}
	}
	for i := range s.runs {
		names = append(names, fmt.Sprint(s.name, "-", i+1))
	}
	return names
}

func scenarios() []scenario {
	return []scenario{
		{name: "plain", kind: channel.Widget, runs: 1, play: func(r *recorder) {
			r.write("how long is the guarantee?")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
			r.write("and the delivery?")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 2)
		}},
		{name: "burst", kind: channel.Widget, runs: 1, play: func(r *recorder) {
			r.write("slowly: one")
			<-r.asked
			r.write("two")
			r.write("three")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
		}},
		{name: "takeover-cancelled", kind: channel.Widget, runs: 1, play: func(r *recorder) {
			r.write("slowly: one")
			<-r.asked
			r.setMode(dialogue.ModeOperator, dialogue.RingOperatorTookOver)
			r.until("SELECT count(*) FROM turns WHERE state = 'superseded'", 1)
			r.write("two")
			r.setMode(dialogue.ModeBot, dialogue.RingReturnedToBot)
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
		}},
		{name: "handoff", kind: channel.Telegram, runs: 1, play: func(r *recorder) {
			r.write("human")
			r.until("SELECT count(*) FROM messages WHERE kind = 'notice' AND state = 'sent'", 1)
			r.write("are you there?")
		}},
		{name: "handoff-overtaken", kind: channel.Telegram, runs: 1, play: func(r *recorder) {
			// A message rings between the commit of the handoff and the end of its activity.
			r.ended = sync.OnceFunc(func() {
				r.write("are you there?")
				r.until("SELECT count(*) FROM messages WHERE kind = 'notice' AND state = 'sent'", 1)
			})
			r.write("human")
			r.until("SELECT count(*) FROM messages WHERE kind = 'notice' AND state = 'sent'", 1)
		}},
		{name: "send", kind: channel.Telegram, runs: 1, play: func(r *recorder) {
			r.write("one")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot' AND state = 'sent'", 1)
			_, err := r.PostOperatorMessage(r.ctx, store.OperatorMessage{DialogueID: r.dialogue, Operator: r.anna, ClientID: "1", Text: "hello"})
			require.NoError(r.t, err)
			r.ring(dialogue.RingOperatorTookOver)
			r.until("SELECT count(*) FROM messages WHERE author = 'operator' AND state = 'sent'", 1)
		}},
		{name: "failed-replayed", kind: channel.Widget, labelled: true, runs: 1, play: func(r *recorder) {
			r.write("out of order")
			r.until("SELECT count(*) FROM turns WHERE state = 'failed'", 1)
			var turn uuid.UUID
			require.NoError(r.t, r.Pool().QueryRow(r.ctx, "SELECT id FROM turns").Scan(&turn))
			_, err := r.ReplayTurn(r.ctx, turn, &r.anna)
			require.NoError(r.t, err)
			r.ring(dialogue.RingTurnReplayed)
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
		}},
		{name: "undelivered", kind: channel.Telegram, labelled: true, runs: 1, play: func(r *recorder) {
			r.write("block me")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot' AND state = 'failed'", 1)
			r.setMode(dialogue.ModeOperator, dialogue.RingOperatorTookOver)
		}},
		{name: "continue-as-new", kind: channel.Widget, maxEvents: 20, runs: 2, play: func(r *recorder) {
			for i := range 3 {
				r.write("one more")
				r.until("SELECT count(*) FROM messages WHERE author = 'bot'", i+1)
			}
		}},
		{name: "snoozed", kind: channel.Widget, runs: 1, play: func(r *recorder) {
			r.write("one")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
			r.setMode(dialogue.ModeOperator, dialogue.RingOperatorTookOver)
			_, err := r.Snooze(r.ctx, r.dialogue, time.Now().Add(4*time.Second), r.anna)
			require.NoError(r.t, err)
			r.ring(dialogue.RingTimerSet)
			r.until("SELECT count(*) FROM dialogues WHERE status = 'open'", 1)
		}},
		{name: "gone", kind: channel.Widget, runs: 1, play: func(r *recorder) {
			r.write("one")
			r.until("SELECT count(*) FROM messages WHERE author = 'bot'", 1)
			_, err := r.Pool().Exec(r.ctx, "TRUNCATE dialogues CASCADE")
			require.NoError(r.t, err)
			r.signal(dialogue.RingMessageReceived, workflows.Doorbell{Epoch: 1, Mode: dialogue.ModeBot, CustomerSeq: 3, AnsweredSeq: 1})
		}},
		{name: "replay-batch", kind: channel.Widget, batch: true, runs: 2, play: func(r *recorder) {
			r.startReplay(7, 1)
			r.until("SELECT count(*) FROM replay_batches WHERE state = 'done' AND replayed = 7", 1)
		}},
		{name: "replay-batch-cancelled", kind: channel.Widget, batch: true, cancelled: true, runs: 1, play: func(r *recorder) {
			r.startReplay(25, 0) // more than may be unanswered: it waits
			r.until("SELECT count(*) FROM replay_batches WHERE replayed = 20", 1)
			require.NoError(r.t, r.temporal.CancelWorkflow(r.ctx, r.workflow(), ""))
			r.until("SELECT count(*) FROM replay_batches WHERE state = 'stopped' AND replayed = 20", 1)
		}},
	}
}

// TestRecordHistories plays the scenarios with the product's own worker on a real
// server, and keeps what came of them.
func TestRecordHistories(t *testing.T) {
	if !*update {
		t.Skip("run with -update to record the histories anew")
	}
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) { record(t, s) })
	}
}

// recorder is one dialogue, its record and its engine.
type recorder struct {
	*store.Store
	t        *testing.T
	ctx      context.Context
	scenario scenario
	temporal client.Client
	channel  db.Channel
	anna     store.OperatorRef
	dialogue uuid.UUID
	replay   uuid.UUID
	firstRun string
	written  int
	ended    func()        // called when a turn has been finished, before its activity ends
	asked    chan struct{} // the bot began an answer that it gives slowly
}

// newRecorder runs the product's worker for a dialogue that does not exist yet.
func newRecorder(t *testing.T, s scenario) *recorder {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	r := &recorder{t: t, ctx: ctx, scenario: s, asked: make(chan struct{}, 1), ended: func() {}}
	engine := testenv.Temporal(t)
	pool, err := pgxpool.New(ctx, testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	r.Store = store.New(pool, store.Hooks{})
	// Without the timer that closes silent dialogues: a run would wait a day for it.
	require.NoError(t, r.EnsureBotProfile(ctx, map[string]any{"timers": dialogue.Timing{}}))
	r.channel, err = r.AddChannel(ctx, store.NewChannel{Kind: s.kind, Slug: "shop", Name: "Shop"})
	require.NoError(t, err)
	o, err := r.AddOperator(ctx, store.NewOperator{Email: "anna@shop.example", Name: "Anna", Role: "operator", PasswordHash: "x"})
	require.NoError(t, err)
	r.anna = store.OperatorRef{ID: o.ID, Name: o.Name}
	r.temporal, err = client.DialContext(ctx, client.Options{HostPort: engine.Address, Namespace: engine.Namespace, Identity: "recorder", Logger: quiet()})
	require.NoError(t, err)
	t.Cleanup(r.temporal.Close)

	if s.labelled {
		r.registerLabels(engine.Namespace)
	}
	log := slog.New(slog.DiscardHandler)
	watcher := activities.NewWatcher(r.Store, log)
	var work sync.WaitGroup
	work.Go(func() { _ = watcher.Run(ctx) })
	work.Go(func() {
		err := worker.Run(ctx, worker.Config{
			Client: r.temporal, Log: log,
			Replies: &activities.Replies{Store: r.Store, Bot: &fakeBot{r: r}, Watcher: watcher, Progress: fakeProgress{r}, Log: log},
			Sends:   &activities.Sends{Store: r.Store, Accounts: fakeAccounts{}, Senders: map[string]channel.Sender{channel.Telegram: &fakeSender{}}, Log: log},
			Timers:  &activities.Timers{Store: r.Store, Log: log},
			Replays: &activities.Replays{Store: r.Store, Rate: 5, Log: log},
		})
		if err != nil {
			t.Errorf("work: %v", err)
		}
	})
	t.Cleanup(func() { stop(); work.Wait() })
	return r
}

func record(t *testing.T, s scenario) {
	t.Helper()
	r := newRecorder(t, s)
	ctx := r.ctx
	s.play(r)
	err := r.temporal.GetWorkflow(ctx, r.workflow(), "").Get(ctx, nil)
	if s.cancelled {
		require.True(t, temporal.IsCanceledError(err), "%v", err)
	} else {
		require.NoError(t, err)
	}
	run := r.firstRun
	for _, name := range s.files() {
		require.NotEmpty(t, run, "fewer runs than expected")
		run = r.keep(name, run)
	}
	require.Empty(t, run, "more runs than expected")
}

// registerLabels has the engine know the search attributes, and waits until a dialogue can be started with them.
func (r *recorder) registerLabels(namespace string) {
	require.NoError(r.t, doorbell.RegisterLabels(r.ctx, r.temporal.OperatorService(), namespace))
	require.Eventually(r.t, func() bool {
		_, err := r.temporal.ExecuteWorkflow(r.ctx, client.StartWorkflowOptions{
			ID: "probe", TaskQueue: "nobody works here", TypedSearchAttributes: workflows.StartLabels("shop", dialogue.ModeBot),
		}, "Probe")
		return err == nil
	}, time.Minute, 100*time.Millisecond)
}

// keep writes the history of a run, and returns the run that it continued as.
func (r *recorder) keep(name, run string) (next string) {
	kept := &history.History{}
	events := r.temporal.GetWorkflowHistory(r.ctx, r.workflow(), run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(r.t, err)
		kept.Events = append(kept.Events, event)
		if again := event.GetWorkflowExecutionContinuedAsNewEventAttributes(); again != nil {
			next = again.GetNewExecutionRunId()
		}
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(kept)
	require.NoError(r.t, err)
	require.NoError(r.t, os.MkdirAll(histories, 0o755))
	require.NoError(r.t, os.WriteFile(filepath.Join(histories, name+".json"), append(raw, '\n'), 0o644))
	return next
}

// workflow is the id of the workflow that is recorded.
func (r *recorder) workflow() string {
	if r.scenario.batch {
		return workflows.ReplayID(r.replay)
	}
	return workflows.DialogueID(r.dialogue)
}

// startReplay has n customers ask what the bot fails at, and begins to replay that.
func (r *recorder) startReplay(n, pages int) {
	for i := range n {
		out, err := r.TakeMessage(r.ctx, store.Inbound{
			ChannelID: r.channel.ID, ThreadKey: fmt.Sprint(i), IdentityKind: "test", Identity: fmt.Sprint(i), ProviderMessageID: fmt.Sprint(i), Text: "out of order",
		})
		require.NoError(r.t, err)
		turn, err := r.OpenTurn(r.ctx, out.Dialogue.ID)
		require.NoError(r.t, err)
		_, err = r.FailTurn(r.ctx, turn, store.Failure{Cause: string(bot.ErrorBadKey), Reason: errors.New("401 invalid key")}, "one moment")
		require.NoError(r.t, err)
	}
	batch, err := r.StartReplay(r.ctx, store.ReplayFilter{})
	require.NoError(r.t, err)
	r.replay = batch.ID
	run, err := r.temporal.ExecuteWorkflow(r.ctx, client.StartWorkflowOptions{
		ID: workflows.ReplayID(batch.ID), TaskQueue: workflows.ReplayQueue, Priority: temporal.Priority{PriorityKey: workflows.ReplayPriority},
	}, "ReplayBatch", workflows.ReplayInput{BatchID: batch.ID, Pages: pages})
	require.NoError(r.t, err)
	r.firstRun = run.GetRunID()
}

// write takes a message of the customer, and rings.
func (r *recorder) write(text string) {
	r.written++
	out, err := r.TakeMessage(r.ctx, store.Inbound{
		ChannelID: r.channel.ID, ThreadKey: "77", IdentityKind: "test", Identity: "77", ProviderMessageID: fmt.Sprint(r.written), Text: text,
	})
	require.NoError(r.t, err)
	r.dialogue = out.Dialogue.ID
	r.ring(dialogue.RingMessageReceived)
}

func (r *recorder) setMode(mode dialogue.Mode, ring dialogue.Ring) {
	_, err := r.SetMode(r.ctx, r.dialogue, mode, r.anna)
	require.NoError(r.t, err)
	r.ring(ring)
}

// ring rings with the counters as they are.
func (r *recorder) ring(ring dialogue.Ring) {
	p, err := r.Pending(r.ctx, r.dialogue)
	require.NoError(r.t, err)
	r.signal(ring, workflows.Doorbell{
		Epoch: p.Epoch, Mode: p.Mode, CustomerSeq: p.CustomerSeq, AnsweredSeq: p.AnsweredSeq, Version: p.Version, Due: p.TimerAt,
	})
}

func (r *recorder) signal(ring dialogue.Ring, bell workflows.Doorbell) {
	id := workflows.DialogueID(r.dialogue)
	options := client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: "shop · visitor 1"}
	if r.scenario.labelled {
		options.TypedSearchAttributes = workflows.StartLabels("shop", dialogue.ModeBot)
	}
	run, err := r.temporal.SignalWithStartWorkflow(r.ctx, id, string(ring), bell, options, "Dialogue", workflows.DialogueInput{
		DialogueID: r.dialogue, IdleAfter: 2 * time.Second, MaxEvents: r.scenario.maxEvents, Labelled: r.scenario.labelled,
	})
	require.NoError(r.t, err)
	if r.firstRun == "" {
		r.firstRun = run.GetRunID()
	}
}

// until waits until a query counts as many.
func (r *recorder) until(query string, want int) {
	require.Eventually(r.t, func() bool {
		var n int
		require.NoError(r.t, r.Pool().QueryRow(r.ctx, query).Scan(&n))
		return n == want
	}, time.Minute, 20*time.Millisecond, query)
}

// fakeBot answers at once, and slowly only the question that asks for it. Out of order, it fails the first time.
type fakeBot struct {
	r      *recorder
	failed bool
}

func (f *fakeBot) Answer(ctx context.Context, in bot.Input, _ func(string)) (bot.Answer, error) {
	switch {
	case in.Questions[0].Text == "out of order" && !f.failed:
		f.failed = true
		return bot.Answer{}, &bot.Error{Class: bot.ErrorBadKey, Err: errors.New("401 invalid key")}
	case in.Questions[0].Text == "block me":
		return bot.Answer{Text: "blocked", Language: dialogue.English}, nil
	case in.Questions[0].Text == "human":
		return bot.Answer{Handoff: dialogue.HandoffCustomerAsked, Language: dialogue.English}, nil
	case in.Questions[0].Text == "slowly: one" && len(in.Questions) == 1:
		f.r.asked <- struct{}{}
		<-ctx.Done()
		return bot.Answer{}, ctx.Err()
	}
	return bot.Answer{Text: "an answer", Language: dialogue.English}, nil
}

type fakeProgress struct{ r *recorder }

func (fakeProgress) Typing(store.Turn)          {}
func (fakeProgress) Writing(store.Turn, string) {}
func (f fakeProgress) Ended(store.Turn)         { f.r.ended() }

type fakeAccounts struct{}

func (fakeAccounts) Account(db.Channel) (channel.Account, error) { return channel.Account{}, nil }

type fakeSender struct{ sent int }

func (*fakeSender) Parts(text string) []string { return []string{text} }

func (*fakeSender) Pace(channel.Account) channel.Pace { return channel.Pace{Burst: time.Minute} }

func (f *fakeSender) Send(_ context.Context, _ channel.Account, thread, text string) (string, error) {
	if text == "blocked" {
		return "", &channel.SendError{Outcome: channel.Refused, Reason: "the customer has blocked the bot"}
	}
	f.sent++
	return fmt.Sprint(thread, "/sent/", f.sent), nil
}

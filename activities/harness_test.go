package activities_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/testenv"
	"parley/workflows"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// bundle is a record with one channel, one operator and a bot that the test words.
type bundle struct {
	*store.Store
	t        *testing.T
	ctx      context.Context
	channel  db.Channel
	anna     store.OperatorRef
	bot      *fakeBot
	progress *fakeProgress
	replies  *activities.Replies
	written  int // messages of the customer
}

func setup(t *testing.T, kind string) *bundle {
	t.Helper()
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	log := slog.New(slog.DiscardHandler)
	b := &bundle{Store: store.New(pool, store.Hooks{}), t: t, ctx: ctx, bot: &fakeBot{}, progress: &fakeProgress{}}
	b.channel, err = b.AddChannel(ctx, store.NewChannel{Kind: kind, Slug: "shop", Name: "Shop"})
	require.NoError(t, err)
	o, err := b.AddOperator(ctx, store.NewOperator{Email: "anna@shop.example", Name: "Anna", Role: "operator", PasswordHash: "x"})
	require.NoError(t, err)
	b.anna = store.OperatorRef{ID: o.ID, Name: o.Name}

	watcher := activities.NewWatcher(b.Store, log)
	running, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { _ = watcher.Run(running) })
	t.Cleanup(func() { stop(); done.Wait() })
	b.replies = &activities.Replies{Store: b.Store, Bot: b.bot, Watcher: watcher, Progress: b.progress, Log: log}
	return b
}

// write takes a message of the one customer.
func (b *bundle) write(text string) uuid.UUID {
	b.written++
	out, err := b.TakeMessage(b.ctx, store.Inbound{
		ChannelID: b.channel.ID, ThreadKey: "77", IdentityKind: "test", Identity: "77",
		ProviderMessageID: fmt.Sprint("77/", b.written), Text: text,
	})
	if err != nil {
		b.t.Errorf("take a message: %v", err)
	}
	return out.Dialogue.ID
}

func (b *bundle) takeOver(id uuid.UUID) {
	if _, err := b.SetMode(b.ctx, id, dialogue.ModeOperator, b.anna); err != nil {
		b.t.Errorf("take over: %v", err)
	}
}

// reply runs the activity once, as the engine does.
func (b *bundle) reply(id uuid.UUID) (workflows.ReplyResult, error) {
	return execute[workflows.ReplyResult](b.replies.Reply, workflows.ReplyInput{DialogueID: id})
}

// stopped runs the activity, and stops it as soon as the channel is closed.
func (b *bundle) stopped(id uuid.UUID, now <-chan struct{}) (workflows.ReplyResult, error) {
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	go func() {
		<-now
		stop()
	}()
	return executeIn[workflows.ReplyResult](ctx, b.replies.Reply, workflows.ReplyInput{DialogueID: id})
}

// answered runs the activity, which must succeed.
func (b *bundle) answered(id uuid.UUID) workflows.ReplyResult {
	b.t.Helper()
	res, err := b.reply(id)
	require.NoError(b.t, err)
	return res
}

func execute[T any](activity, in any) (T, error) {
	return executeIn[T](context.Background(), activity, in)
}

func executeIn[T any](ctx context.Context, activity, in any) (out T, err error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.RegisterActivity(activity)
	var value converter.EncodedValue
	if value, err = env.ExecuteActivity(activity, in); err != nil || !value.HasValue() {
		return out, err
	}
	return out, value.Get(&out)
}

// state are the dialogue's counters as its workflow should know them.
func (b *bundle) state(id uuid.UUID) workflows.Doorbell {
	b.t.Helper()
	d, err := b.Dialogue(b.ctx, id)
	require.NoError(b.t, err)
	return workflows.Doorbell{
		Epoch: d.Epoch, Mode: d.Mode, CustomerSeq: d.CustomerSeq, AnsweredSeq: d.AnsweredSeq, Version: d.Version, Due: d.Due(),
	}
}

func (b *bundle) count(query string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.Pool().QueryRow(b.ctx, query, args...).Scan(&n))
	return n
}

// older lets time pass for all turns.
func (b *bundle) older(by string) {
	b.t.Helper()
	_, err := b.Pool().Exec(b.ctx, "UPDATE turns SET started_at = started_at - $1::interval", by)
	require.NoError(b.t, err)
}

// said lists what was said since the dialogue began, as "author: text".
func (b *bundle) said(id uuid.UUID) []string {
	b.t.Helper()
	list, err := b.CustomerMessages(b.ctx, id, 0, 100)
	require.NoError(b.t, err)
	said := make([]string, len(list))
	for i, m := range list {
		said[i] = string(m.Author) + ": " + m.Text
	}
	return said
}

func (b *bundle) turn(id uuid.UUID) db.Turn {
	b.t.Helper()
	turn, err := b.Turn(b.ctx, id)
	require.NoError(b.t, err)
	return turn
}

// applicationError is the error that an activity gave to the engine.
func applicationError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	appErr, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	return appErr
}

// fakeBot answers as the test says; calls counts from 1.
type fakeBot struct {
	answer func(ctx context.Context, call int, in bot.Input, onText func(string)) (bot.Answer, error)

	mu    sync.Mutex
	asked []bot.Input
}

func (f *fakeBot) Answer(ctx context.Context, in bot.Input, onText func(string)) (bot.Answer, error) {
	f.mu.Lock()
	f.asked = append(f.asked, in)
	call := len(f.asked)
	f.mu.Unlock()
	return f.answer(ctx, call, in, onText)
}

// says has the bot answer everything with one text.
func (f *fakeBot) says(text string) {
	f.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		return bot.Answer{Text: text, Language: dialogue.English}, nil
	}
}

// fails has every call fail.
func (f *fakeBot) fails(err error) {
	f.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) { return bot.Answer{}, err }
}

func (f *fakeBot) calls() []bot.Input {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]bot.Input(nil), f.asked...)
}

func questions(in bot.Input) []string {
	texts := make([]string, len(in.Questions))
	for i, q := range in.Questions {
		texts[i] = q.Text
	}
	return texts
}

type fakeProgress struct {
	mu            sync.Mutex
	typing, ended int
	written       []string
}

func (p *fakeProgress) Typing(store.Turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.typing++
}

func (p *fakeProgress) Writing(_ store.Turn, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = append(p.written, text)
}

func (p *fakeProgress) Ended(store.Turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
}

func (p *fakeProgress) shown() (typing, ended int, written []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.typing, p.ended, append([]string(nil), p.written...)
}

package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/channel"
	"parley/channel/telegram"
	"parley/intake"
	"parley/store"
	"parley/store/db"
	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// fakeBotAPI is Telegram: it keeps updates until they are acknowledged, and holds
// a poll until there are some.
type fakeBotAPI struct {
	mu      sync.Mutex
	updates []json.RawMessage // the i-th has the update_id i
	from    int64             // acknowledged up to here
	polls   int
	pollers int // polling at this moment
	most    int
	webhook bool
	fails   error
	news    chan struct{} // closed when something changed
}

func newFakeBotAPI() *fakeBotAPI { return &fakeBotAPI{news: make(chan struct{})} }

func (f *fakeBotAPI) change(by func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by()
	close(f.news)
	f.news = make(chan struct{})
}

// write has a customer write to the bot.
func (f *fakeBotAPI) write(chat int, text string) {
	f.change(func() {
		id := len(f.updates)
		f.updates = append(f.updates, json.RawMessage(fmt.Sprintf(
			`{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d,"first_name":"A"},"chat":{"id":%d,"type":"private"},"text":%q}}`, id, id, chat, chat, text)))
	})
}

func (f *fakeBotAPI) DeleteWebhook(context.Context, channel.Account) error {
	f.change(func() { f.webhook = false })
	return nil
}

func (f *fakeBotAPI) Updates(ctx context.Context, _ channel.Account, offset int64, hold bool) ([]json.RawMessage, error) {
	f.change(func() {
		f.polls++
		f.pollers++
		f.most = max(f.most, f.pollers)
		if offset <= int64(len(f.updates)) {
			f.from = max(f.from, offset)
		}
	})
	defer f.change(func() { f.pollers-- })
	for {
		f.mu.Lock()
		fails, webhook, news := f.fails, f.webhook, f.news
		waiting := f.updates[f.from:]
		f.mu.Unlock()
		switch {
		case fails != nil:
			return nil, fails
		case webhook:
			return nil, &telegram.APIError{Status: 409, Reason: "Conflict: can't use getUpdates method while webhook is active"}
		case len(waiting) > 0:
			return waiting[:min(len(waiting), 3)], nil
		case !hold:
			return nil, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fakeBotAPI) seen(of func(f *fakeBotAPI) bool) func() bool {
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return of(f)
	}
}

type fakeAccounts struct{ err error }

func (f fakeAccounts) Account(c db.Channel) (channel.Account, error) {
	return channel.Account{ID: c.ID.String(), Kind: c.Kind, Settings: c.Settings}, f.err
}

type bundle struct {
	t     *testing.T
	store *store.Store
	api   *fakeBotAPI
	bot   db.Channel
}

func setup(t *testing.T) *bundle {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b := &bundle{t: t, store: store.New(pool, store.Hooks{}), api: newFakeBotAPI()}
	b.bot, err = b.store.AddChannel(t.Context(), store.NewChannel{Kind: channel.Telegram, Slug: "bot", Name: "Bot"})
	require.NoError(t, err)
	return b
}

// poll has a process poll until stop is called or the test ends.
func (b *bundle) poll(accounts intake.Accounts) (stop func()) {
	log := slog.New(slog.DiscardHandler)
	p := &intake.Polling{
		Store: b.store, Accounts: accounts, API: b.api, Log: log, Restless: time.Millisecond,
		Intake: &intake.Intake{Store: b.store, Log: log},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	b.t.Cleanup(stop)
	return stop
}

// taken lists what is stored, per chat in its order.
func (b *bundle) taken() (texts map[string][]string) {
	b.t.Helper()
	rows, err := b.store.Pool().Query(context.Background(),
		"SELECT d.thread_key, m.text FROM messages m JOIN dialogues d ON d.id = m.dialogue_id WHERE m.author = 'customer' ORDER BY m.dialogue_id, m.seq")
	require.NoError(b.t, err)
	defer rows.Close()
	texts = make(map[string][]string)
	for rows.Next() {
		var thread, text string
		require.NoError(b.t, rows.Scan(&thread, &text))
		texts[thread] = append(texts[thread], text)
	}
	return texts
}

func (b *bundle) problem() string {
	b.t.Helper()
	c, err := b.store.Channel(context.Background(), "bot")
	require.NoError(b.t, err)
	if c.Problem == nil {
		return ""
	}
	return *c.Problem
}

func (b *bundle) until(what string, is func() bool) {
	b.t.Helper()
	require.Eventually(b.t, is, 30*time.Second, 5*time.Millisecond, what)
}

func TestPollingTakesWhatCustomersWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.webhook = true // left by whoever used the bot before
	want := make(map[string][]string)
	for i := range 30 {
		chat := i % 4
		text := fmt.Sprint("message ", i)
		b.api.write(chat, text)
		want[fmt.Sprint(chat)] = append(want[fmt.Sprint(chat)], text)
	}
	b.api.change(func() {
		b.api.updates = append(b.api.updates, json.RawMessage(`{"update_id":30,"message":{"text":5}}`))
	})
	b.poll(fakeAccounts{})
	b.until("everything is acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 31 }))
	require.Equal(t, want, b.taken())
	letters, err := b.store.DeadLetters(t.Context(), nil, 10)
	require.NoError(t, err)
	require.Len(t, letters, 1, "what is not understood holds nothing up")
}

// What was stored and not acknowledged comes again, to whichever process polls then.
func TestUnacknowledgedUpdatesAreKnownWhenTheyComeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 9 {
		b.api.write(1, fmt.Sprint(i))
	}
	stop := b.poll(fakeAccounts{})
	b.until("some are taken", func() bool { return len(b.taken()["1"]) >= 3 })
	stop()
	b.api.change(func() { b.api.from = 0 })
	b.poll(fakeAccounts{})
	b.until("everything is acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 9 }))
	require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}, b.taken()["1"])
}

// After a quiet week Telegram numbers updates anew.
func TestPollingGoesOnWhenTelegramNumbersAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.poll(fakeAccounts{})
	defer stop()
	for i := range 5 {
		b.api.write(1, fmt.Sprint("before ", i))
	}
	b.until("taken", func() bool { return len(b.taken()["1"]) == 5 })
	b.api.change(func() { b.api.updates, b.api.from = []json.RawMessage{json.RawMessage(`{"update_id":0}`)}, 1 })
	b.api.write(2, "after")
	b.until("taken", func() bool { return len(b.taken()["2"]) == 1 })
	b.until("acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 2 }))
	require.Empty(t, b.problem())
}

// refuse has the record refuse messages of which a condition holds, with the
// SQLSTATE that an expression gives.
func (b *bundle) refuse(condition, state string) {
	b.t.Helper()
	_, err := b.store.Pool().Exec(b.t.Context(), `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF `+condition+` THEN RAISE 'refused' USING ERRCODE = `+state+`; END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse()`)
	require.NoError(b.t, err)
}

func (b *bundle) refuseNoMore() {
	b.t.Helper()
	_, err := b.store.Pool().Exec(b.t.Context(), `DROP TRIGGER refuse ON messages`)
	require.NoError(b.t, err)
}

// deadLetters lists the bodies of dead letters, and why they are, newest first.
func (b *bundle) deadLetters() (bodies, reasons []string) {
	b.t.Helper()
	list, err := b.store.DeadLetters(context.Background(), nil, 100)
	require.NoError(b.t, err)
	for _, x := range list {
		bodies, reasons = append(bodies, string(x.Body)), append(reasons, x.Reason)
	}
	return bodies, reasons
}

// What cannot be stored now is not acknowledged, however long that lasts, and comes again.
func TestPollingKeepsItsPlaceWhileNothingCanBeStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refuse("true", "'P0001'")
	b.api.write(1, "first")
	b.api.write(2, "second")
	b.poll(fakeAccounts{})
	b.until("tried often", b.api.seen(func(f *fakeBotAPI) bool { return f.polls > 12 }))
	b.until("the problem shows", func() bool { return strings.Contains(b.problem(), "cannot be stored") })
	require.True(t, b.api.seen(func(f *fakeBotAPI) bool { return f.from == 0 })(), "nothing is acknowledged")
	b.refuseNoMore()
	b.until("everything is acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 2 }))
	require.Equal(t, map[string][]string{"1": {"first"}, "2": {"second"}}, b.taken())
	bodies, _ := b.deadLetters()
	require.Empty(t, bodies)
	b.until("the problem is gone", func() bool { return b.problem() == "" })
}

// While others can be stored, one that cannot holds them up only for a while.
func TestPollingAbandonsWhatCanNeverBeStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refuse("NEW.text = 'poison'", "'P0001'")
	for _, text := range []string{"before", "poison", "after"} {
		b.api.write(1, text)
	}
	b.api.write(2, "other")
	b.poll(fakeAccounts{})
	b.until("everything is acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 4 }))
	require.Equal(t, map[string][]string{"1": {"before", "after"}, "2": {"other"}}, b.taken())
	bodies, reasons := b.deadLetters()
	require.Len(t, bodies, 1)
	require.Contains(t, bodies[0], `"poison"`)
	require.Contains(t, reasons[0], "could not be stored")
	require.True(t, b.api.seen(func(f *fakeBotAPI) bool { return f.polls >= 5 })(), "not at once")
	b.until("the problem is gone", func() bool { return b.problem() == "" })
}

// What Postgres says that it can never hold is not tried again; what it cannot do now is.
func TestUpdatesThatAreUnstorable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refuse("true", "NEW.text")
	in := &intake.Intake{Store: b.store, Log: slog.New(slog.DiscardHandler)}
	take := func(state string) error {
		return in.Telegram(t.Context(), b.bot, fmt.Appendf(nil,
			`{"update_id":1,"message":{"message_id":1,"from":{"id":1},"chat":{"id":1,"type":"private"},"text":%q}}`, state))
	}
	for i, state := range []string{"22021", "22P05", "22001", "22003", "54000", "23514"} {
		require.NoError(t, take(state), state)
		bodies, _ := b.deadLetters()
		require.Len(t, bodies, i+1, state)
		require.Contains(t, bodies[0], state)
	}
	kept, _ := b.deadLetters()
	for _, state := range []string{"53100", "57014", "40001", "08006", "P0001"} { // disk full, cancelled, …
		require.Error(t, take(state), state)
	}
	bodies, _ := b.deadLetters()
	require.Equal(t, kept, bodies)
	require.Empty(t, b.taken())
}

// An update without a number can only be acknowledged with a later one: until
// then it comes with every poll.
func TestUpdateWithoutANumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.change(func() { b.api.updates = append(b.api.updates, json.RawMessage(`{"update_id":"seven"}`)) })
	b.poll(fakeAccounts{})
	b.until("it came often", b.api.seen(func(f *fakeBotAPI) bool { return f.polls > 5 }))
	b.until("pauses are made, and the reason shows", func() bool { return strings.Contains(b.problem(), "without a number") })
	bodies, _ := b.deadLetters()
	require.Equal(t, []string{`{"update_id":"seven"}`}, bodies)
	b.api.write(1, "next")
	b.until("everything is acknowledged", b.api.seen(func(f *fakeBotAPI) bool { return f.from == 2 }))
	require.Equal(t, map[string][]string{"1": {"next"}}, b.taken())
	b.until("the problem is gone", func() bool { return b.problem() == "" })
}

// Of several processes one polls, and another takes over at once when it stops.
func TestOneProcessPolls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stops := []func(){b.poll(fakeAccounts{}), b.poll(fakeAccounts{}), b.poll(fakeAccounts{})}
	b.api.write(1, "one")
	b.until("the first is taken", func() bool { return len(b.taken()["1"]) == 1 })
	for i, stop := range stops {
		stop()
		if i == len(stops)-1 {
			break
		}
		b.api.write(1, fmt.Sprint("after stop ", i))
		b.until("the next is taken", func() bool { return len(b.taken()["1"]) == i+2 })
	}
	require.Equal(t, 1, b.api.most)
}

func TestChannelsProblemsShowAndGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.fails = &telegram.APIError{Status: 401, Reason: "Telegram: 401 Unauthorized"}
	b.poll(fakeAccounts{})
	b.until("the problem shows", func() bool { return b.problem() == telegram.TokenRefused })
	b.api.change(func() {
		b.api.fails = &telegram.APIError{Status: 409, Reason: "Telegram: 409 Conflict: terminated by other getUpdates request"}
	})
	b.until("another one shows", func() bool { return b.problem() != telegram.TokenRefused })
	require.Contains(t, b.problem(), "another program")
	require.NoError(t, b.store.SetChannelProblem(t.Context(), b.bot.ID, "")) // a message has left: the channel looks mended
	b.until("it shows again", func() bool { return b.problem() != "" })
	b.api.change(func() { b.api.fails = nil })
	b.until("it is gone", func() bool { return b.problem() == "" })
}

func TestChannelWhoseSecretsDoNotOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.poll(fakeAccounts{errors.New("sealed under another key")})
	b.until("the problem shows", func() bool { return b.problem() == "sealed under another key" })
	require.Zero(t, b.api.polls)
}

// Channels come, change and go while the process runs.
func TestPollingFollowsTheChannels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.poll(fakeAccounts{})
	b.until("it polls", b.api.seen(func(f *fakeBotAPI) bool { return f.pollers == 1 }))
	_, err := b.store.SaveChannel(t.Context(), b.bot.ID, store.SaveChannel{Name: "Bot", Settings: json.RawMessage(`{"mode":"webhook"}`), Enabled: true})
	require.NoError(t, err)
	b.until("it does not", b.api.seen(func(f *fakeBotAPI) bool { return f.pollers == 0 }))
	_, err = b.store.SaveChannel(t.Context(), b.bot.ID, store.SaveChannel{Name: "Bot", Settings: json.RawMessage(`{}`), Enabled: true})
	require.NoError(t, err)
	b.until("it polls again", b.api.seen(func(f *fakeBotAPI) bool { return f.pollers == 1 }))
	_, err = b.store.SaveChannel(t.Context(), b.bot.ID, store.SaveChannel{Name: "Bot", Settings: json.RawMessage(`{}`)})
	require.NoError(t, err)
	b.until("it is switched off", b.api.seen(func(f *fakeBotAPI) bool { return f.pollers == 0 }))
}

package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
	"parley/testenv"
)

// fakeTracer remembers the queries of the record, for EXPLAIN.
type fakeTracer struct {
	mu      sync.Mutex
	queries []pgx.TraceQueryStartData
}

func (f *fakeTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	if data.SQL != "begin" && data.SQL != "commit" && data.SQL != "rollback" {
		f.queries = append(f.queries, data)
	}
	return ctx
}

func (f *fakeTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (f *fakeTracer) take() []pgx.TraceQueryStartData {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.queries
	f.queries = nil
	return taken
}

// A shop of some size: 20 000 dialogues, 200 000 messages. Few of them wait for a human, are unread or unanswered. In
// every fifth the bot has failed once, mostly long ago.
const manyDialogues = `
INSERT INTO contacts (id, name) SELECT md5('c' || i)::uuid, (ARRAY['Айгүл','Иван','John','Ерлан','Мария'])[i % 5 + 1] || ' Клиент' || i
	FROM generate_series(1, 20000) i;
INSERT INTO dialogues (id, channel_id, contact_id, thread_key, episode_id, status, mode, handoff_reason, waiting_since, unread, assignee_id,
		last_message_at, last_seq, customer_seq, answered_seq)
	SELECT md5('d' || i)::uuid, (SELECT id FROM channels WHERE slug = CASE WHEN i % 100 = 0 THEN 'rare' ELSE 'shop' END), md5('c' || i)::uuid,
		(770000000000 + i)::text, md5('e' || i)::uuid,
		CASE WHEN i % 500 = 0 THEN 'new' WHEN i % 500 = 1 THEN 'snoozed' WHEN i % 10 < 3 THEN 'open' ELSE 'closed' END,
		CASE WHEN i % 200 = 0 THEN 'operator' ELSE 'bot' END, CASE WHEN i % 200 = 0 THEN 'no_answer' END,
		CASE WHEN i % 1000 = 0 THEN now() END, CASE WHEN i % 400 = 0 THEN 1 ELSE 0 END,
		CASE WHEN i % 600 = 0 THEN (SELECT id FROM operators LIMIT 1) END,
		now() - i * interval '1 minute', 10, 9, CASE WHEN i % 100 < 2 THEN 8 ELSE 9 END
	FROM generate_series(1, 20000) i;
INSERT INTO episodes (id, dialogue_id) SELECT md5('e' || i)::uuid, md5('d' || i)::uuid FROM generate_series(1, 20000) i;
INSERT INTO messages (id, dialogue_id, channel_id, episode_id, seq, author, kind, text, state, created_at)
	SELECT gen_random_uuid(), d.id, d.channel_id, d.episode_id, n, CASE WHEN n % 2 = 1 THEN 'customer' ELSE 'bot' END, 'text',
		'Сколько стоит доставка заказа' || hashtext(d.thread_key || n) % 50000 || ' и когда привезут ' || (ARRAY['чайник','телефон','ноутбук'])[n % 3 + 1],
		CASE WHEN n % 2 = 1 THEN 'received' ELSE 'sent' END, d.last_message_at - (10 - n) * interval '1 second'
	FROM dialogues d, generate_series(1, 10) n;
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq, cause, started_at, finished_at)
	SELECT md5('t' || i)::uuid, md5('d' || i)::uuid, 'reply', 'failed', 1, 8, 9, CASE WHEN i % 2 = 0 THEN 'unavailable' ELSE 'bad_key' END,
		now() - i * interval '1 hour', now() - i * interval '1 hour'
	FROM generate_series(1, 20000, 5) i;
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq, started_at, finished_at)
	SELECT gen_random_uuid(), md5('d' || i)::uuid, 'reply', 'answered', 1, 0, 8, now() - i * interval '1 minute', now() - i * interval '1 minute' FROM generate_series(1, 20000) i;
INSERT INTO events (position, kind, audience, payload) SELECT i, 'message', 'operators', '{}' FROM generate_series(1, 50000) i;
UPDATE event_log SET head = 50000;
INSERT INTO dead_letters (id, channel_id, reason, body, received_at)
	SELECT gen_random_uuid(), (SELECT id FROM channels LIMIT 1), 'no JSON', convert_to('{' || i, 'UTF8'), now() - i * interval '1 minute' FROM generate_series(1, 5000) i;
INSERT INTO widget_sessions (token_hash, id, channel_id, expires_at)
	SELECT sha256(i::text::bytea), gen_random_uuid(), (SELECT id FROM channels LIMIT 1), now() + i * interval '1 minute' FROM generate_series(1, 20000) i;
ANALYZE;`

func TestWhatIsAskedOftenUsesIndexes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(testenv.Database(t))
	require.NoError(t, err)
	tracer := &fakeTracer{}
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := store.New(pool, store.Hooks{})
	_, err = s.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "shop", Name: "Shop"})
	require.NoError(t, err)
	rare, err := s.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "rare", Name: "Rare"})
	require.NoError(t, err)
	anna, err := s.AddOperator(ctx, store.NewOperator{Email: "anna@shop.example", Name: "Anna", Role: "operator", PasswordHash: "x"})
	require.NoError(t, err)
	began := time.Now()
	_, err = pool.Exec(ctx, manyDialogues)
	require.NoError(t, err)
	t.Logf("loaded in %s", time.Since(began))

	list := func(f store.DialogueFilter) func() (int, error) {
		return func() (int, error) {
			found, err := s.ListDialogues(ctx, f, nil, 50)
			return len(found), err
		}
	}
	turns := func(f store.TurnFilter) func() (int, error) {
		return func() (int, error) {
			found, err := s.Turns(ctx, f, nil, 50)
			return len(found), err
		}
	}
	since, until := time.Now().Add(-2000*time.Minute), time.Now().Add(-1000*time.Minute)
	var some uuid.UUID
	require.NoError(t, pool.QueryRow(ctx, "SELECT id FROM dialogues LIMIT 1").Scan(&some))
	require.NoError(t, s.EnsureBotProfile(ctx, map[string]any{"caps": dialogue.Caps{DayCalls: 1000}}))
	var failedTurn uuid.UUID
	require.NoError(t, pool.QueryRow(ctx, "SELECT id FROM turns WHERE state = 'failed' LIMIT 1").Scan(&failedTurn))
	for _, test := range []struct {
		name string
		do   func() (int, error)
		rows int
	}{
		{"list", list(store.DialogueFilter{}), 50},
		{"list, far down", func() (int, error) {
			found, err := s.ListDialogues(ctx, store.DialogueFilter{}, &store.Place{At: time.Now().Add(-10_000 * time.Minute), ID: some}, 50)
			return len(found), err
		}, 50},
		{"open and new", list(store.DialogueFilter{Statuses: []dialogue.Status{dialogue.StatusOpen, dialogue.StatusNew}}), 50},
		{"snoozed", list(store.DialogueFilter{Statuses: []dialogue.Status{dialogue.StatusSnoozed}}), 40},
		{"held by operators", list(store.DialogueFilter{Mode: dialogue.ModeOperator}), 50},
		{"channel", list(store.DialogueFilter{Channel: uuid.NullUUID{UUID: rare.ID, Valid: true}}), 50},
		{"assignee", list(store.DialogueFilter{Assignee: uuid.NullUUID{UUID: anna.ID, Valid: true}}), 33},
		{"unassigned", list(store.DialogueFilter{Unassigned: true}), 50},
		{"unread", list(store.DialogueFilter{Unread: true}), 50},
		{"waiting", list(store.DialogueFilter{Waiting: true}), 20},
		{"search for a name", list(store.DialogueFilter{Search: "клиент1234"}), 11},
		{"search for a chat id", list(store.DialogueFilter{Search: "770000000077"}), 1},
		{"search for a rare word", list(store.DialogueFilter{Search: "доставка заказа12345"}), -1},
		{"search for words that all have", list(store.DialogueFilter{Search: "когда привезут"}), 50},
		{"transcript", func() (int, error) {
			found, _, err := s.MessagesBefore(ctx, some, 9, 50)
			return len(found), err
		}, 8},
		{"what the customer sees", func() (int, error) {
			found, err := s.CustomerMessages(ctx, some, -1, 50)
			return len(found), err
		}, 10},
		{"pending", func() (int, error) { _, err := s.Pending(ctx, some); return 0, err }, 0},
		{"outgoing", func() (int, error) { _, err := s.NextOutgoing(ctx, some); return 0, err }, 0},
		{"failed answers", turns(store.TurnFilter{State: store.TurnFailed}), 50},
		{"failed answers, of a cause", turns(store.TurnFilter{Kind: store.TurnReply, State: store.TurnFailed, Cause: "bad_key"}), 50},
		{"failed answers, open", turns(store.TurnFilter{Open: true}), 50},
		{"failed answers, open, of a cause", turns(store.TurnFilter{Open: true, Cause: "bad_key"}), 50},
		{"turns", turns(store.TurnFilter{}), 50},
		{"turns, far down", func() (int, error) {
			found, err := s.Turns(ctx, store.TurnFilter{}, &store.Place{At: time.Now().Add(-5_000 * time.Minute), ID: some}, 50)
			return len(found), err
		}, 50},
		{"turns of a time", turns(store.TurnFilter{Since: &since, Until: &until}), 50},
		{"turns of a channel", turns(store.TurnFilter{Channel: uuid.NullUUID{UUID: rare.ID, Valid: true}}), 50},
		{"turns of a dialogue", turns(store.TurnFilter{Dialogue: uuid.NullUUID{UUID: some, Valid: true}}), -1},
		{"answered turns", turns(store.TurnFilter{Kind: store.TurnReply, State: store.TurnAnswered}), 50},
		{"failed answers, counted", func() (int, error) {
			counts, err := s.CountFailures(ctx, time.Now().Add(-7*24*time.Hour))
			return len(counts), err
		}, 2},
		{"what a replay begins with", func() (int, error) {
			batch, err := s.StartReplay(ctx, store.ReplayFilter{Channel: &rare.ID})
			return batch.Total, err
		}, 0},
		{"what a replay comes to next", func() (int, error) {
			found, err := s.NextToReplay(ctx, store.ReplayBatch{StartedAt: time.Now()}, 5)
			return len(found), err
		}, 5},
		{"what is replayed and not answered", func() (int, error) { return s.ReplaysUnanswered(ctx, 10*time.Minute) }, 0},
		{"replies that are stuck", func() (int, error) {
			stuck, err := s.StuckReplies(ctx, time.Now().Add(-5*time.Minute), 100)
			return len(stuck), err
		}, 100},
		{"what the day has used", func() (int, error) { _, err := s.TryTurn(ctx, failedTurn); return 0, err }, 0},
		{"what waits", func() (int, error) { _, err := s.Backlog(ctx); return 0, err }, 0},
		{"dead letters", func() (int, error) {
			found, err := s.DeadLetters(ctx, nil, 50)
			return len(found), err
		}, 50},
		{"visitors who stay away", func() (int, error) { return s.ForgetVisitors(ctx, time.Now().Add(-time.Hour), 1000) }, 0},
	} {
		_, err := test.do() // warm
		require.NoError(t, err, test.name)
		tracer.take()
		began := time.Now()
		rows, err := test.do()
		took := time.Since(began)
		require.NoError(t, err, test.name)
		if test.rows >= 0 {
			require.Equal(t, test.rows, rows, test.name)
		}
		for _, query := range tracer.take() {
			plan := explain(t, pool, query)
			for _, table := range []string{"dialogues", "messages", "contacts", "turns", "events", "widget_sessions"} {
				if strings.Contains(plan, "Seq Scan on "+table+" ") {
					t.Errorf("%s reads all %s:\n%s", test.name, table, plan)
				}
			}
			if looked := discarded(plan); looked > 2000 {
				t.Errorf("%s looks at %d rows in vain:\n%s", test.name, looked, plan)
			}
		}
		t.Logf("%-32s %6.1f ms", test.name, float64(took.Microseconds())/1000)
	}
}

func explain(t *testing.T, pool *pgxpool.Pool, query pgx.TraceQueryStartData) string {
	t.Helper()
	rows, err := pool.Query(context.Background(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+query.SQL, query.Args...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

// discarded is how many rows a plan reads only to leave them out.
func discarded(plan string) (n int) {
	for line := range strings.Lines(plan) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Rows Removed by Filter: "); ok {
			var rows int
			for _, digit := range strings.TrimSpace(rest) {
				rows = rows*10 + int(digit-'0')
			}
			n += rows
		}
	}
	return n
}

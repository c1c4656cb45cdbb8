package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/store/db"
	"parley/testenv"
)

const patience = 60 * time.Second

func TestMain(m *testing.M) { testenv.Main(m) }

// database returns connections to a fresh database.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// start runs something until the test, or the returned function, ends it.
func start(t *testing.T, run func(context.Context) error) context.CancelFunc {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func insert(ctx context.Context, conn db.DBTX, payload string) error {
	return db.New().InsertEvent(ctx, conn, db.InsertEventParams{
		Kind: KindMessage, Audience: AudienceOperators, DialogueID: uuid.NullUUID{}, Payload: json.RawMessage(payload),
	})
}

// insertMany commits n events, each in its own transaction.
func insertMany(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, insert(t.Context(), pool, fmt.Sprintf(`{"n":%d}`, i)))
	}
}

// fakeSink collects what a Follower hands over.
type fakeSink struct {
	mu     sync.Mutex
	begun  bool
	head   int64
	events []Event
	resets []int64
	grew   chan struct{}
}

func newFakeSink() *fakeSink { return &fakeSink{grew: make(chan struct{}, 1)} }

func (s *fakeSink) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	select {
	case s.grew <- struct{}{}:
	default:
	}
}

func (s *fakeSink) Begin(recent []Event, head int64) {
	s.change(func() { s.begun, s.head, s.events = true, head, recent })
}

func (s *fakeSink) Append(events []Event) {
	s.change(func() { s.events = append(s.events, events...) })
}

func (s *fakeSink) Reset(head int64) {
	s.change(func() { s.resets = append(s.resets, head) })
}

// await waits until the sink is as wanted.
func (s *fakeSink) await(t *testing.T, what string, wanted func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		ok := wanted()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.grew:
		case <-timeout:
			require.Fail(t, "waited in vain for "+what)
		}
	}
}

func awaitHead(t *testing.T, pool *pgxpool.Pool, head int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		bounds, err := ReadBounds(t.Context(), pool)
		return err == nil && bounds.Head >= head
	}, patience, 5*time.Millisecond)
}

// leader returns the backend that holds the lock of the sequencer, or 0.
func leader(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	var pid int
	err := pool.QueryRow(t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32 | objid::bigint) = $1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, leaderLock).Scan(&pid)
	require.NoError(t, err)
	return pid
}

func terminate(t *testing.T, pool *pgxpool.Pool, pid int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", pid)
	require.NoError(t, err)
}

// TestOrderUnderChange lets writers commit late, roll back and overtake each
// other while leaders of the sequencer are killed and two nodes follow.
func TestOrderUnderChange(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := slog.New(slog.DiscardHandler)
	waker := NewWaker(pool, log)
	start(t, waker.Run)
	for range 2 {
		start(t, NewSequencer(pool, 0, log).Run)
	}
	sinks := []*fakeSink{newFakeSink(), newFakeSink()}
	for _, sink := range sinks {
		start(t, NewFollower(pool, sink, nil, log).Run)
		sink.await(t, "the beginning", func() bool { return sink.begun })
	}

	// An event whose transaction stays open all the time: its id is the lowest, its position must become the highest.
	long, err := pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, insert(t.Context(), long, `{"writer":-1,"n":1}`))

	const writers, transactions = 8, 60
	var (
		wg        sync.WaitGroup
		committed [writers]int
		half      = make(chan struct{}, writers)
	)
	for w := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7)) //nolint:gosec // a test
			for i := range transactions {
				if i == transactions/2 {
					half <- struct{}{}
				}
				n := committed[w]
				err := pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error {
					for range 1 + random.IntN(3) {
						n++
						if err := insert(context.Background(), tx, fmt.Sprintf(`{"writer":%d,"n":%d}`, w, n)); err != nil {
							return err
						}
					}
					if _, err := tx.Exec(context.Background(), "SELECT pg_sleep($1)", random.Float64()*0.02); err != nil {
						return err
					}
					if random.IntN(100) < 15 {
						return pgx.ErrTxClosed
					}
					return nil
				})
				if err == nil {
					committed[w] = n
					waker.Wake()
				}
			}
		})
	}
	for range writers {
		<-half
	}
	if pid := leader(t, pool); pid != 0 {
		terminate(t, pool, pid)
	}
	wg.Wait()
	total := 1
	for _, n := range committed {
		total += n
	}
	awaitHead(t, pool, int64(total-1))
	require.NoError(t, long.Commit(t.Context()))
	waker.Wake()
	for _, sink := range sinks {
		sink.await(t, "all events", func() bool { return len(sink.events) >= total })
		sink.mu.Lock()
		defer sink.mu.Unlock()
		require.Len(t, sink.events, total)
		require.Empty(t, sink.resets)
		last := map[int]int{}
		for i, e := range sink.events {
			require.EqualValues(t, i+1, e.Position)
			var payload struct{ Writer, N int }
			require.NoError(t, json.Unmarshal(e.Payload, &payload))
			require.Equal(t, last[payload.Writer]+1, payload.N, "of writer %d", payload.Writer)
			last[payload.Writer]++
			if payload.Writer == -1 {
				require.Equal(t, total-1, i, "the event that was committed last")
			}
		}
	}
}

func TestTwoLeadersGiveEachPositionOnce(t *testing.T) {
	t.Parallel()
	pool := database(t)
	const total = 5 * sequenceBatch
	_, err := pool.Exec(t.Context(), `INSERT INTO events (kind, audience, payload)
		SELECT 'message', 'operators', '{}' FROM generate_series(1, $1)`, total)
	require.NoError(t, err)

	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s := NewSequencer(pool, 0, slog.New(slog.DiscardHandler))
			conn, err := pgx.Connect(context.Background(), pool.Config().ConnString())
			if !assertNoError(t, err) {
				return
			}
			defer closeConn(conn)
			var low lowWater
			for {
				before := low
				full, err := s.sequence(context.Background(), conn, &low, false)
				if !assertNoError(t, err) || !full && low == before {
					return
				}
			}
		})
	}
	wg.Wait()
	awaitHead(t, pool, total)
	var inOrder, distinct int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE position = id), count(DISTINCT position)
		FROM events`).Scan(&inOrder, &distinct))
	require.Equal(t, total, inOrder)
	require.Equal(t, total, distinct)
}

func assertNoError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

func TestSuccessorLeads(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := slog.New(slog.DiscardHandler)
	stop := start(t, NewSequencer(pool, 0, log).Run)
	require.Eventually(t, func() bool { return leader(t, pool) != 0 }, patience, 5*time.Millisecond)
	first := leader(t, pool)
	start(t, NewSequencer(pool, 0, log).Run)

	insertMany(t, pool, 3)
	awaitHead(t, pool, 3)
	require.Equal(t, first, leader(t, pool))

	stop()
	insertMany(t, pool, 3)
	awaitHead(t, pool, 6)
	second := leader(t, pool)
	require.NotEqual(t, first, second)

	terminate(t, pool, second)
	insertMany(t, pool, 3)
	awaitHead(t, pool, 9)
	require.NotEqual(t, second, leader(t, pool))
}

func TestLowWaterWaitsForOpenTransactions(t *testing.T) {
	t.Parallel()
	pool := database(t)
	s := NewSequencer(pool, 0, slog.New(slog.DiscardHandler))
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	require.NoError(t, err)
	defer closeConn(conn)
	var low lowWater
	step := func() {
		_, err := s.sequence(t.Context(), conn, &low, false)
		require.NoError(t, err)
	}

	long, err := pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, insert(t.Context(), long, `{}`))
	for range 3 {
		insertMany(t, pool, 5)
		step()
	}
	require.Zero(t, low.mark, "id 1 may still appear")

	require.NoError(t, long.Commit(t.Context()))
	step()
	var position int64
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT position FROM events WHERE id = 1").Scan(&position))
	require.EqualValues(t, 16, position)

	require.Eventually(t, func() bool { // transactions of other databases of the server count, too
		insertMany(t, pool, 1)
		step()
		return low.mark > 16
	}, patience, 10*time.Millisecond)
}

func TestPrune(t *testing.T) {
	t.Parallel()
	pool := database(t)
	const old, young = pruneBatch + 7, 5
	_, err := pool.Exec(t.Context(), `INSERT INTO events (kind, audience, payload, created_at)
		SELECT 'message', 'operators', '{}', now() - CASE WHEN n <= $1::int THEN interval '25 hours' ELSE interval '1 hour' END
		FROM generate_series(1, $1::int + $2::int) n`, old, young)
	require.NoError(t, err)
	start(t, NewSequencer(pool, 24*time.Hour, slog.New(slog.DiscardHandler)).Run)

	require.Eventually(t, func() bool {
		bounds, err := ReadBounds(t.Context(), pool)
		return err == nil && bounds == Bounds{Head: old + young, Pruned: old}
	}, 2*pruneEvery+patience, 20*time.Millisecond)
	for _, after := range []int64{0, 1, old - 1} {
		_, err := ReadPage(t.Context(), pool, Filter{}, after, old+young, 10)
		require.ErrorIs(t, err, ErrPruned)
	}
	events, err := ReadPage(t.Context(), pool, Filter{}, old, old+young, 10)
	require.NoError(t, err)
	require.Len(t, events, young)
	var rows int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&rows))
	require.Equal(t, young, rows)
}

func TestReadPage(t *testing.T) {
	t.Parallel()
	pool := database(t)
	mine, other := uuid.New(), uuid.New()
	_, err := pool.Exec(t.Context(), `INSERT INTO events (position, kind, audience, dialogue_id, payload) VALUES
		(1, 'message', 'everyone', $1, '{}'), (2, 'message', 'operators', $1, '{}'), (3, 'message', 'everyone', $2, '{}'),
		(4, 'message', 'everyone', $1, '{}'), (5, 'message', 'everyone', $1, '{}'), (NULL, 'message', 'everyone', $1, '{}')`, mine, other)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "UPDATE event_log SET head = 5")
	require.NoError(t, err)
	customer := Filter{Customer: uuid.NullUUID{UUID: mine, Valid: true}}
	for name, test := range map[string]struct {
		filter      Filter
		after, upTo int64
		limit       int
		want        []int64
	}{
		"all":             {Filter{}, 0, 5, 10, []int64{1, 2, 3, 4, 5}},
		"a page":          {Filter{}, 1, 5, 2, []int64{2, 3}},
		"up to":           {Filter{}, 1, 3, 10, []int64{2, 3}},
		"at the head":     {Filter{}, 5, 5, 10, []int64{}},
		"customer":        {customer, 0, 5, 10, []int64{1, 4, 5}},
		"customer's page": {customer, 1, 5, 1, []int64{4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := ReadPage(t.Context(), pool, test.filter, test.after, test.upTo, test.limit)
			require.NoError(t, err)
			got := []int64{}
			for _, e := range events {
				got = append(got, e.Position)
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestFollowerBeginsWithRecentEvents(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := slog.New(slog.DiscardHandler)
	start(t, NewSequencer(pool, 0, log).Run)
	insertMany(t, pool, 7)
	awaitHead(t, pool, 7)
	sink := newFakeSink()
	start(t, NewFollower(pool, sink, nil, log).Run)
	sink.await(t, "the beginning", func() bool { return sink.begun })
	require.EqualValues(t, 7, sink.head)
	require.Len(t, sink.events, 7)
}

func TestFollowerReconnects(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := slog.New(slog.DiscardHandler)
	start(t, NewSequencer(pool, 0, log).Run)
	sink := newFakeSink()
	heard := make(chan string, 100)
	start(t, NewFollower(pool, sink, map[string]Listener{"other": {Notified: func(p string) { heard <- p }}}, log).Run)
	listener := func() (pid int) {
		_ = pool.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity
			WHERE application_name = 'parley follower' AND datname = current_database() AND query LIKE 'LISTEN%'`).Scan(&pid)
		return pid
	}
	require.Eventually(t, func() bool { return listener() != 0 }, patience, 5*time.Millisecond)
	first := listener()
	terminate(t, pool, first)
	require.Eventually(t, func() bool { pid := listener(); return pid != 0 && pid != first }, patience, 5*time.Millisecond)

	insertMany(t, pool, 3)
	sink.await(t, "the events", func() bool { return len(sink.events) == 3 })
	require.Eventually(t, func() bool {
		_, err := pool.Exec(t.Context(), "SELECT pg_notify('other', 'hello')")
		require.NoError(t, err)
		select {
		case payload := <-heard:
			return payload == "hello"
		default:
			return false
		}
	}, patience, 20*time.Millisecond)
}

func TestFollowerResetsAfterRestore(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := slog.New(slog.DiscardHandler)
	stop := start(t, NewSequencer(pool, 0, log).Run)
	sink := newFakeSink()
	start(t, NewFollower(pool, sink, nil, log).Run)
	insertMany(t, pool, 5)
	sink.await(t, "the events", func() bool { return len(sink.events) == 5 })
	stop()

	_, err := pool.Exec(t.Context(), "WITH log AS (UPDATE event_log SET head = 2) DELETE FROM events WHERE position > 2")
	require.NoError(t, err)
	sink.await(t, "the reset", func() bool { return len(sink.resets) > 0 })
	require.Equal(t, []int64{2}, sink.resets)

	start(t, NewSequencer(pool, 0, log).Run)
	insertMany(t, pool, 1)
	sink.await(t, "the next event", func() bool { return len(sink.events) == 6 })
	require.EqualValues(t, 3, sink.events[5].Position)
}

func TestWakerCoalesces(t *testing.T) {
	t.Parallel()
	pool := database(t)
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	require.NoError(t, err)
	defer closeConn(conn)
	_, err = conn.Exec(t.Context(), "LISTEN parley_wake")
	require.NoError(t, err)

	waker := NewWaker(pool, slog.New(slog.DiscardHandler))
	for range 10_000 {
		waker.Wake()
	}
	stop := start(t, waker.Run)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = conn.WaitForNotification(ctx)
	require.NoError(t, err)
	stop()
	// Notifications of one sender come in order, so whatever else the waker sent comes before this one.
	_, err = pool.Exec(t.Context(), "SELECT pg_notify('parley_wake', 'last')")
	require.NoError(t, err)
	n, err := conn.WaitForNotification(ctx)
	require.NoError(t, err)
	require.Equal(t, "last", n.Payload)
}

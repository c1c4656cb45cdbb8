package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	chaosWriters      = 8
	chaosTransactions = 50
	chaosOperators    = 16
	chaosSlow         = 4 // of the operators
	chaosThreads      = 4
)

// TestEveryEventOnceAndInOrder lets 8 writers commit late, roll back and
// overtake each other, with one transaction open all the time, while clients of
// two nodes come and go at random, some read nothing for a while, and the leader
// of the sequencers is killed. Each client must see each of its events once, in
// order, and when all is over nothing may be left running.
func TestEveryEventOnceAndInOrder(t *testing.T) { //nolint:paralleltest // it looks at all goroutines of the process
	pool := newSite(t).pool // makes the test's database, whose server stays
	pool.Close()
	before := goleak.IgnoreCurrent()
	t.Run("chaos", chaos) //nolint:paralleltest // as above
	goleak.VerifyNone(t, before)
}

func chaos(t *testing.T) {
	s := newSite(t)
	s.sequence(t)
	nodes := []*node{
		s.node(t, Options{WriteTimeout: time.Second}),
		s.node(t, Options{WriteTimeout: time.Second, Recent: 20}), // reads from the database most of the time
	}
	threads := make([]thread, chaosThreads)
	for i := range threads {
		threads[i] = newThread()
		if i%2 == 0 {
			s.store(t, threads[i]) // the others have no dialogue yet when their customers come
		}
	}
	long, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, threads[0].say(t.Context(), long, "long"))

	written := make(chan struct{})
	var clients sync.WaitGroup
	results := make([]*visitor, 0, chaosOperators+chaosThreads)
	come := func(path string, seed int) {
		v := &visitor{t: t, nodes: nodes, path: path, written: written, random: rand.New(rand.NewPCG(uint64(seed), 1))} //nolint:gosec // a test
		v.slow = seed < chaosSlow
		results = append(results, v)
		clients.Go(v.visit)
	}
	for i := range chaosOperators {
		come(operatorPath(uuid.New(), "s"), i)
	}
	for i, th := range threads {
		come(th.path(), chaosOperators+i)
	}

	for i, th := range threads {
		if i%2 == 1 {
			require.NoError(t, pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
				th.store(t, tx)
				return th.say(t.Context(), tx, firstWords)
			}))
		}
	}
	committed := s.write(t, threads)
	for i := range threads {
		if i%2 == 1 {
			committed[i][firstWords] = true
		}
	}
	require.NoError(t, long.Commit(t.Context()))
	committed[0]["long"] = true
	s.waker.Wake()
	total := 0
	for i, th := range threads {
		require.NoError(t, th.say(t.Context(), s.pool, lastWords))
		committed[i][lastWords] = true
		total += len(committed[i])
	}
	s.waker.Wake()
	close(written)
	clients.Wait()

	reconnects := 0
	for i, v := range results {
		reconnects += v.connections - 1
		if i < chaosOperators {
			require.Len(t, v.positions, total)
			for p, position := range v.positions {
				require.EqualValues(t, p+1, position, "an operator sees every position once, in order")
			}
			continue
		}
		want := committed[i-chaosOperators]
		seen := map[string]bool{}
		for p, text := range v.texts {
			require.True(t, want[text] && !seen[text], "position %d", v.positions[p])
			require.True(t, p == 0 || v.positions[p-1] < v.positions[p])
			seen[text] = true
		}
		require.Empty(t, s.missing(t, threads[i-chaosOperators], v.positions), "positions that customer %d has not seen of %v", i, v.positions)
		require.Len(t, seen, len(want))
	}
	t.Logf("%d events, %d clients, %d reconnects: no gap, no duplicate", total, len(results), reconnects)
	require.Positive(t, reconnects)
}

const (
	firstWords = "is anybody there?"
	lastWords  = "that was all"
)

// write runs the writers and kills the leader of the sequencers in their middle.
// It returns the texts that were committed, by thread.
func (s *site) write(t *testing.T, threads []thread) []map[string]bool {
	t.Helper()
	var (
		mu        sync.Mutex
		committed = make([]map[string]bool, len(threads))
		half      = make(chan struct{}, chaosWriters)
		writers   sync.WaitGroup
	)
	for i := range committed {
		committed[i] = map[string]bool{}
	}
	for w := range chaosWriters {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 2)) //nolint:gosec // a test
			for i := range chaosTransactions {
				if i == chaosTransactions/2 {
					half <- struct{}{}
				}
				said := map[string]int{}
				err := pgx.BeginFunc(context.Background(), s.pool, func(tx pgx.Tx) error {
					for part := range 1 + random.IntN(3) {
						n := random.IntN(len(threads))
						text := fmt.Sprintf("%d/%d/%d %s", w, i, part, strings.Repeat(".", random.IntN(2000)))
						said[text] = n
						if err := threads[n].say(context.Background(), tx, text); err != nil {
							return err
						}
						if _, err := tx.Exec(context.Background(), "SELECT pg_sleep($1)", random.Float64()*0.02); err != nil {
							return err
						}
					}
					if random.IntN(100) < 15 {
						return pgx.ErrTxClosed
					}
					return nil
				})
				if err != nil {
					continue
				}
				s.waker.Wake()
				mu.Lock()
				for text, n := range said {
					committed[n][text] = true
				}
				mu.Unlock()
			}
		})
	}
	for range chaosWriters {
		<-half
	}
	_, err := s.pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	require.NoError(t, err)
	writers.Wait()
	return committed
}

// missing returns the positions of a thread that are not among those seen.
func (s *site) missing(t *testing.T, th thread, seen []int64) []int64 {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), "SELECT position FROM events WHERE dialogue_id = $1 AND position <> ALL ($2) ORDER BY position",
		th.dialogue, seen)
	require.NoError(t, err)
	missing, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	return missing
}

// visitor is a client that comes and goes until it has heard the last words.
type visitor struct {
	t       *testing.T
	nodes   []*node
	path    string
	random  *rand.Rand
	slow    bool
	written <-chan struct{} // closed when all is written

	connections int
	positions   []int64
	texts       []string
	farewells   int
}

// visit connects again and again, to any node, after any number of events.
func (v *visitor) visit() {
	last := int64(0)
	for {
		url := v.nodes[v.random.IntN(len(v.nodes))].url + v.path
		var c *client
		if last == 0 {
			c = connect(v.t, url+"?after=0", "")
		} else {
			c = connect(v.t, url+"?after=0", strconv.FormatInt(last, 10))
		}
		v.connections++
		if v.slow {
			select {
			case <-v.written: // it reads nothing until everything is over
			case <-v.t.Context().Done():
			}
		}
		stay := 1 + v.random.IntN(60)
		for stay > 0 && !v.done() {
			f, ok := c.read()
			if !ok {
				break
			}
			if !f.durable() {
				continue
			}
			stay--
			last = f.position(v.t)
			text := f.text(v.t)
			v.positions, v.texts = append(v.positions, last), append(v.texts, text)
			if text == lastWords {
				v.farewells++
			}
		}
		c.close()
		if v.done() {
			return
		}
	}
}

// done tells when everything was heard: a customer hears one farewell, an
// operator that of every thread.
func (v *visitor) done() bool {
	if strings.HasPrefix(v.path, "/operator") {
		return v.farewells >= chaosThreads
	}
	return v.farewells >= 1
}

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/testenv"
)

func TestWorkerThatEndsFinishesItsAnswers(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(_ int, c modelCall) modelReply { return hold.answer(c, "The answer that was begun.") })
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	worker, ops := s.startWatchedWorker()
	c := s.newCustomer()
	c.write("Hello, a question")
	hold.await(t)
	s.startWorker() // takes what comes from now on

	require.NoError(t, worker.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, "the worker is not ready any more", func() bool {
		status, r := readyz(t, ops)
		return status == http.StatusServiceUnavailable && r.Detail != "" && r.Checks == nil
	})
	close(hold.release)
	require.Contains(t, c.awaitAnswers(1)[0], "The answer that was begun.")
	<-worker.done
	require.Zero(t, worker.cmd.ProcessState.ExitCode())
	s.settled()
	require.Len(t, c.from("bot"), 1)
	require.Len(t, model.seen(), 1, "nobody had to ask again")
}

func TestWorkerThatCannotFinishHandsOver(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "never said")
		}
		return modelReply{text: "The answer of the other worker."}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_STOP_TIMEOUT=2s")
	s.startAPI()
	worker, _ := s.startWatchedWorker()
	c := s.newCustomer()
	c.write("Hello, a question")
	hold.await(t)
	s.startWatchedWorker()

	code, took := worker.terminate()
	require.Zero(t, code)
	require.Less(t, took, 10*time.Second)
	ended := time.Now()
	require.Contains(t, c.awaitAnswers(1)[0], "The answer of the other worker.")
	require.Less(t, time.Since(ended), handedOver, "nobody waits for the heartbeat of a worker that has said it ends")
	s.settled()
	require.Len(t, c.from("bot"), 1)
}

// handedOver is much less than the time after which the engine misses a heartbeat.
const handedOver = 5 * time.Second

// Customers write through two nodes, an operator looks on, one node ends: whatever was acknowledged is there once, and the
// operator sees every event once.
func TestAPINodeThatEndsLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")), "PARLEY_DRAIN_DELAY=1s")
	_, stays := s.startAPI()
	ending, ends := s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	const customers, each = 6, 25

	var writing sync.WaitGroup
	var acknowledged atomic.Int64
	half := make(chan struct{})
	for i := range customers {
		c := s.newCustomer()
		writing.Go(func() {
			for n := range each {
				body := map[string]string{"client_id": uuid.NewString(), "text": fmt.Sprintf("message %d of %d", n, i)}
				// As the widget does it: the same message again until somebody takes it.
				eventually(t, "the message is taken", func() bool {
					for _, base := range []string{ends, stays} {
						if request(t, http.DefaultClient, http.MethodPost, base+"/widget/v1/messages", c.token, body, nil) == http.StatusOK {
							return true
						}
					}
					return false
				})
				if acknowledged.Add(1) == customers*each/2 {
					close(half)
				}
			}
		})
	}
	operator := s.follow(o, ends, stays)

	<-half
	began := time.Now()
	require.NoError(t, ending.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, "the node is not ready", func() bool {
		status, r := readyz(t, ends)
		return status == http.StatusServiceUnavailable && r.Checks == nil
	})
	require.Equal(t, http.StatusOK, request(t, o.client, http.MethodGet, ends+"/api/v1/dialogues", "", nil, nil), "it still serves")
	<-ending.done
	require.Zero(t, ending.cmd.ProcessState.ExitCode(), ending.log.String())
	require.Less(t, time.Since(began), 8*time.Second)
	writing.Wait()
	s.base = stays
	s.settled()

	var stored, doubled, head int64
	require.NoError(t, s.pool.QueryRow(context.Background(), `SELECT count(*) FILTER (WHERE author = 'customer'),
		count(*) - count(DISTINCT (dialogue_id, author, coalesce(client_id, id::text))) FROM messages`).Scan(&stored, &doubled))
	require.Equal(t, []int64{customers * each, 0}, []int64{stored, doubled})
	eventually(t, "all events have their position", func() bool {
		var waiting int64
		err := s.pool.QueryRow(context.Background(), "SELECT (SELECT head FROM event_log), (SELECT count(*) FROM events WHERE position IS NULL)").Scan(&head, &waiting)
		return err == nil && waiting == 0
	})
	eventually(t, "the operator sees the last event", func() bool {
		got := operator.positions()
		return len(got) > 0 && got[len(got)-1] == head
	})
	for i, position := range operator.positions() {
		require.Equal(t, int64(i+1), position, "every event once, in order")
	}
}

// follower is an operator's stream that is opened again, at the next address, whenever it ends.
type follower struct {
	mu     sync.Mutex
	got    []int64 // the positions of the events, as they came
	stream *openedStream
	over   bool
}

func (f *follower) positions() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// follow opens a stream at the first address, from the beginning of the log. The last address is one that stays.
func (s *system) follow(o *operator, bases ...string) *follower {
	f := &follower{}
	ended := make(chan struct{})
	open := func(base string, after int64) bool {
		stream := openStream(s.t, base+"/api/v1/stream", "", o.client, strconv.FormatInt(after, 10))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stream = stream
		if f.over {
			stream.close()
		}
		return !f.over
	}
	go func() {
		defer close(ended)
		last := int64(0)
		for open(bases[0], last) {
			for e, ok := f.stream.next(); ok; e, ok = f.stream.next() {
				if e.event != "message" && e.event != "dialogue" {
					continue
				}
				last, _ = strconv.ParseInt(e.id, 10, 64)
				f.mu.Lock()
				f.got = append(f.got, last)
				f.mu.Unlock()
			}
			if len(bases) > 1 {
				bases = bases[1:]
			}
		}
	}()
	s.t.Cleanup(func() {
		f.mu.Lock()
		f.over = true
		if f.stream != nil {
			f.stream.close()
		}
		f.mu.Unlock()
		<-ended
	})
	return f
}

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/testenv"
)

// frame is one event of a stream.
type frame struct {
	id    string
	event string
	data  string
}

type openedStream struct {
	scanner *bufio.Scanner
	close   func()
}

// openStream opens a stream of server-sent events after an id.
func openStream(t *testing.T, url, token string, client *http.Client, after string) *openedStream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(nil, 1<<20)
	return &openedStream{scanner: scanner, close: func() {
		cancel()
		resp.Body.Close()
	}}
}

// next reads a frame with data; false at the end of the stream.
func (s *openedStream) next() (frame, bool) {
	var f frame
	for s.scanner.Scan() {
		name, value, _ := strings.Cut(s.scanner.Text(), ": ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			f.data = value
		case "":
			if f.data != "" {
				return f, true
			}
		}
	}
	return f, false
}

// Eight writers, a stream that breaks off at random: every event once, in order.
func TestStreamThatBreaksOffSeesEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	_, other := s.startAPI()
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	const writers, each = 8, 15
	customers := make([]*customer, writers)
	for i := range customers {
		customers[i] = s.newCustomer()
	}

	var writing sync.WaitGroup
	for i, c := range customers {
		writing.Go(func() {
			for n := range each {
				_, status := c.deliver(uuid.NewString(), fmt.Sprintf("message %d of %d", n, i))
				require.Equal(t, http.StatusOK, status)
				if n%5 == 4 {
					o.reply(c.dialogueID(), "noted")
					o.setMode(c.dialogueID(), "bot")
				}
			}
		})
	}
	wrote := make(chan struct{})
	go func() {
		writing.Wait()
		close(wrote)
	}()

	// A marker after everything says when the streams have seen all.
	var reading sync.WaitGroup
	marker := make(chan int64, 3)
	read := func(url, token string, client *http.Client, count func(frame) bool) {
		random := rand.New(rand.NewPCG(1, 2))
		last, until := int64(0), int64(-1)
		seen := 0
		for {
			stream := openStream(t, url, token, client, strconv.FormatInt(last, 10))
			for left := 1 + random.IntN(12); left > 0; left-- {
				f, ok := stream.next()
				if !ok {
					break
				}
				if f.event != "message" && f.event != "dialogue" {
					continue
				}
				position, err := strconv.ParseInt(f.id, 10, 64)
				require.NoError(t, err)
				require.Greater(t, position, last, "events come in order, each once")
				if count != nil {
					require.True(t, count(f))
				} else {
					require.Equal(t, last+1, position, "none is missing")
				}
				last = position
				seen++
				if last == until {
					break
				}
				if until < 0 {
					select {
					case until = <-marker:
					default:
					}
				}
				if until >= 0 && last >= until {
					break
				}
			}
			stream.close()
			if until < 0 {
				select {
				case until = <-marker:
				default:
				}
			}
			if until >= 0 && last >= until {
				return
			}
		}
	}
	customerSeq := int64(0)
	reading.Go(func() { read(s.base+"/api/v1/stream", "", o.client, nil) })
	reading.Go(func() { read(other+"/api/v1/stream", "", o.client, nil) })
	reading.Go(func() {
		read(other+"/widget/v1/stream", customers[0].token, nil, func(f frame) bool {
			var m said
			require.NoError(t, json.Unmarshal([]byte(f.data), &m))
			grew := m.Seq > customerSeq
			customerSeq = m.Seq
			return grew
		})
	})
	<-wrote
	s.settled()
	// The last message of all is the first customer's, so that each stream ends with it.
	id := customers[0].dialogueID()
	end := o.reply(id, "the end")
	var position int64
	eventually(t, "the last event has its position", func() bool {
		err := s.pool.QueryRow(context.Background(),
			"SELECT coalesce(position, -1) FROM events WHERE payload->'message'->>'id' = $1 ORDER BY id LIMIT 1", end.Message.ID.String()).Scan(&position)
		return err == nil && position > 0
	})
	for range 3 {
		marker <- position
	}
	o.reply(id, "one more, to move streams that wait")
	reading.Wait()

	var events, head, positions int64
	require.NoError(t, s.pool.QueryRow(context.Background(),
		"SELECT count(*), count(DISTINCT position), (SELECT head FROM event_log) FROM events WHERE position IS NOT NULL").Scan(&events, &positions, &head))
	require.Equal(t, []int64{head, head}, []int64{events, positions})
	seen := customers[0].sees()
	require.GreaterOrEqual(t, len(seen), each+each/5)
}

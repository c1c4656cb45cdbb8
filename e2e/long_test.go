package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"parley/testenv"
	"parley/workflows"
)

// temporal connects to the installation's engine.
func (s *system) temporal() client.Client {
	s.t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.engine.Address, Namespace: s.engine.Namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

// A dialogue of 5 000 messages, which come faster than they can be answered: none is lost, all are answered, and the
// dialogue is as quick at the end as at the beginning.
func TestDialogueOfFiveThousandMessages(t *testing.T) {
	t.Parallel()
	const messages, senders = 5000, 8
	var last atomic.Int64 // the highest number that the model was shown
	model := newModel(t, func(_ int, c modelCall) modelReply {
		for _, word := range strings.Fields(c.lastUser()) {
			var n int64
			if _, err := fmt.Sscanf(word, "number%d", &n); err == nil {
				last.Store(max(last.Load(), n))
			}
		}
		return modelReply{text: "Answer."}
	})
	server := newTelegram(t, nil)
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_QUIET_PERIOD_MAX=200ms")
	_, other := s.startAPI()
	s.startAPI()
	s.startWorker()
	s.startWorker()
	o := s.login(adminEmail)
	s.connectTelegram(o, server)
	nodes := []string{s.base, other}

	var next atomic.Int64
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for n := next.Add(1); n <= messages; n = next.Add(1) {
				status, _ := s.updateAt(nodes[n%2], telegramSecret, textUpdate(int(n), fmt.Sprintf("number%d", n)))
				require.Equal(t, http.StatusOK, status)
			}
		})
	}
	sending.Wait()
	s.settled()

	d := o.onlyDialogue()
	var stored, distinct, gaps, overlapping, sent int
	require.NoError(t, s.pool.QueryRow(context.Background(), `SELECT count(*) FILTER (WHERE author = 'customer'),
		count(DISTINCT text) FILTER (WHERE author = 'customer'), max(seq) - count(*),
		(SELECT count(*) FROM turns x JOIN turns y ON x.id <> y.id AND x.state = 'answered' AND y.state = 'answered'
			AND x.from_seq < y.to_seq AND y.from_seq < x.to_seq),
		count(*) FILTER (WHERE author = 'bot' AND state = 'sent')
		FROM messages`).Scan(&stored, &distinct, &gaps, &overlapping, &sent))
	require.Equal(t, []int{messages, messages, 0, 0}, []int{stored, distinct, gaps, overlapping})
	require.Len(t, server.received(), sent)
	require.Equal(t, d.CustomerSeq, d.AnsweredSeq)

	longest := s.longestRun(d.ID)
	require.Less(t, longest, int64(8_000), "long before the engine's limit of 51 200 events")

	began := time.Now()
	status, _ := s.update(telegramSecret, textUpdate(messages+1, fmt.Sprintf("number%d", messages+1)))
	require.Equal(t, http.StatusOK, status)
	s.settled()
	require.Less(t, time.Since(began), 10*time.Second)
	require.EqualValues(t, messages+1, last.Load())
	page := o.transcript(d.ID)
	require.Len(t, page, 100)
	require.Equal(t, "bot", string(page[len(page)-1].Author))
}

// longestRun is how many events the longest run of a dialogue's workflow has.
func (s *system) longestRun(dialogue uuid.UUID) (longest int64) {
	s.t.Helper()
	temporal := s.temporal()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for run := ""; ; { // back from the newest run to those before it
		length := int64(0)
		events := temporal.GetWorkflowHistory(ctx, workflows.DialogueID(dialogue), run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		run = ""
		for events.HasNext() {
			e, err := events.Next()
			require.NoError(s.t, err)
			if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
				run = started.GetContinuedExecutionRunId()
			}
			length = e.GetEventId()
		}
		longest = max(longest, length)
		if run == "" {
			return longest
		}
	}
}

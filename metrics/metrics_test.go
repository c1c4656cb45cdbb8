package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/metrics"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return string(raw)
}

func TestWhatHappensIsCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Request("GET", "/api/v1/dialogues/:id", 200, 30*time.Millisecond)
	m.Request("BREW", "", 418, time.Millisecond)
	m.Request("GET", "", 999, time.Millisecond)
	m.Inbound("telegram", "stored")
	m.Answered("telegram", dialogue.AuthorBot, 2500*time.Millisecond)
	m.Turn("failed", "bad_key")
	m.Worded("answered", time.Second)
	m.Tokens(100, 20)
	m.Tokens(-5, 0)
	m.Sent("sent", 2)
	m.Sent("failed", 0)
	shown := scrape(t, m)
	for _, line := range []string{
		`parley_http_request_seconds_count{method="GET",route="/api/v1/dialogues/:id",status="2xx"} 1`,
		`parley_http_request_seconds_count{method="other",route="none",status="4xx"} 1`,
		`parley_http_request_seconds_count{method="GET",route="none",status="other"} 1`,
		`parley_inbound_messages_total{channel="telegram",outcome="stored"} 1`,
		`parley_answer_seconds_bucket{author="bot",channel="telegram",le="2"} 0`,
		`parley_answer_seconds_bucket{author="bot",channel="telegram",le="3"} 1`,
		`parley_turns_total{cause="bad_key",outcome="failed"} 1`,
		`parley_model_tokens_total{kind="prompt"} 100`,
		`parley_model_tokens_total{kind="completion"} 20`,
		`parley_sends_total{outcome="sent"} 2`,
		`parley_sends_total{outcome="failed"} 0`,
	} {
		require.Contains(t, shown, line)
	}
}

// The SDK may give the same metric different tags, from many goroutines, and tags with as many values as there are dialogues.
func TestTemporalsOwnMetricsHaveFewLabels(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	var counting sync.WaitGroup
	for range 8 {
		counting.Go(func() {
			h := m.Temporal().WithTags(map[string]string{"namespace": "shop", "task_queue": "dialogues", "worker_type": "none"})
			h.Counter("temporal_request").Inc(1)
			h.WithTags(map[string]string{"operation": "PollActivityTaskQueue", "workflow_id": "dialogue/7"}).Counter("temporal_request").Inc(2)
			h.Gauge("temporal_worker-slots").Update(7)
			h.Timer("temporal_latency").Record(40 * time.Millisecond)
		})
	}
	counting.Wait()
	shown := scrape(t, m)
	require.Contains(t, shown, `operation="PollActivityTaskQueue"`)
	require.Contains(t, shown, `task_queue="dialogues"`)
	require.Contains(t, shown, `temporal_worker_slots{`)
	require.Contains(t, shown, `temporal_latency_seconds_count{`)
	require.NotContains(t, shown, "dialogue/7")
	require.NotContains(t, shown, `"none"`)
	require.Regexp(t, `(?m)^temporal_request_total\{.*operation="PollActivityTaskQueue".*\} 16$`, shown)
}

func TestBacklogIsMeasuredWhenAskedAndMissingWhenItCannotBe(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	var failure error
	m.WatchBacklog(func(context.Context) (metrics.Backlog, error) {
		return metrics.Backlog{Bells: 3, OldestBell: 1500 * time.Millisecond, Unsequenced: 2, Events: 40, DeadLetters: 1, Alarms: []string{"timeout"}}, failure
	}, []string{"timeout", "bad_key"}, slog.New(slog.DiscardHandler))
	m.WatchStreams(func() metrics.Streams { return metrics.Streams{Operators: 4, Customers: 5, Cut: 6} })
	shown := scrape(t, m)
	for _, line := range []string{
		"parley_outbox_bells 3", "parley_outbox_oldest_seconds 1.5", "parley_events_unsequenced 2", "parley_events_total 40",
		"parley_dead_letters 1", `parley_alarms_open{cause="timeout"} 1`, `parley_alarms_open{cause="bad_key"} 0`, `parley_streams_open{viewer="operator"} 4`, `parley_streams_open{viewer="customer"} 5`, "parley_streams_cut_total 6",
	} {
		require.Contains(t, shown, line+"\n")
	}
	failure = errors.New("the database is away")
	shown = scrape(t, m)
	require.False(t, strings.Contains(shown, "parley_outbox_bells "))
	require.Contains(t, shown, "go_goroutines")
}

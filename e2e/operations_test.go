package e2e

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/testenv"
)

// readiness is what /readyz says, whether it is ready or not.
type readiness struct {
	Status any    `json:"status"`
	Detail string `json:"detail"`
	Checks map[string]struct {
		Status  string `json:"status"`
		Needed  bool   `json:"needed"`
		Problem string `json:"problem"`
	} `json:"checks"`
}

func readyz(t *testing.T, base string) (int, readiness) {
	t.Helper()
	var r readiness
	status, raw := rawRequest(t, http.DefaultClient, http.MethodGet, base+"/readyz", "", nil)
	if status != 0 {
		require.NoError(t, json.Unmarshal(raw, &r), string(raw))
	}
	return status, r
}

// fetch makes a GET with further headers.
func fetch(t *testing.T, url string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(raw)
}

// post makes a POST of JSON with further headers.
func post(t *testing.T, url string, headers map[string]string, body string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}

// startWatchedWorker starts a worker that serves its health and metrics.
func (s *system) startWatchedWorker(settings ...string) (p *process, base string) {
	s.t.Helper()
	address := freeAddress(s.t)
	p = start(s.t, append(append(slices.Clone(s.env), "PARLEY_OPS_LISTEN="+address), settings...), "worker")
	base = "http://" + address
	awaitReady(s.t, base)
	return p, base
}

func TestMetricsShowWhatHappened(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	_, base := s.startAPI()
	_, worker := s.startWatchedWorker("PARLEY_METRICS_TOKEN=a-token-of-16-letters")
	c := s.newCustomer()
	m, status := c.deliver("one", "Hello, is this metric anonymous?")
	require.Equal(t, http.StatusOK, status)
	_, status = c.deliver("one", "Hello, is this metric anonymous?")
	require.Equal(t, http.StatusOK, status)
	_, status = c.deliver("two", "  ")
	require.Equal(t, http.StatusBadRequest, status)
	stream := openStream(t, base+"/widget/v1/stream", c.token, nil, "0")
	defer stream.close()
	_, ok := stream.next()
	require.True(t, ok)
	c.awaitAnswers(1)
	s.settled()

	eventually(t, "the events have their positions", func() bool {
		_, shown := fetch(t, base+"/metrics", nil)
		return strings.Contains(shown, "parley_events_unsequenced 0\n") && strings.Contains(shown, "parley_events_total 2\n")
	})
	_, shown := fetch(t, base+"/metrics", nil)
	for _, line := range []string{
		`parley_inbound_messages_total{channel="widget",outcome="stored"} 1`,
		`parley_inbound_messages_total{channel="widget",outcome="duplicate"} 1`,
		`parley_inbound_messages_total{channel="widget",outcome="refused"} 1`,
		`parley_http_request_seconds_count{method="POST",route="/widget/v1/messages",status="2xx"} 2`,
		`parley_streams_open{viewer="customer"} 1`,
		`parley_outbox_bells 0`,
		`parley_db_connections_max{role="api"} 24`,
		`operation="SignalWithStartWorkflowExecution"`,
		`go_goroutines `,
	} {
		require.Contains(t, shown, line)
	}
	resp, refused := fetch(t, worker+"/metrics", nil)
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode, refused)
	var atWork string
	eventually(t, "the worker has counted the turn", func() bool {
		_, atWork = fetch(t, worker+"/metrics", map[string]string{"Authorization": "Bearer a-token-of-16-letters"})
		missing := ""
		for _, line := range []string{
			`parley_turns_total{cause="",outcome="answered"} 1`,
			`parley_bot_seconds_count{outcome="answered"} 1`,
			`parley_answer_seconds_count{author="bot",channel="widget"} 1`,
			`temporal_activity_succeed_endtoend_latency_seconds_count{activity_type="Reply",`,
			`parley_db_connections_in_use{role="worker"}`,
		} {
			if !strings.Contains(atWork, line) {
				missing = line
			}
		}
		return missing == ""
	})
	for _, private := range []string{"anonymous", m.ID.String(), c.dialogueID().String(), c.token} {
		require.NotContains(t, shown+atWork, private)
	}

	resp, _ = fetch(t, base+"/metrics", map[string]string{"X-Forwarded-For": "203.0.113.7"})
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "whoever comes through a proxy may be anybody")
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	nobody := freeAddress(t)
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.env = append(s.env, "TEMPORAL_ADDRESS="+nobody)
	_, base := s.startAPI()

	status, r := readyz(t, base)
	require.Equal(t, http.StatusOK, status, "without the engine messages are taken")
	require.Equal(t, "degraded", r.Status)
	require.Equal(t, "failed", r.Checks["engine"].Status)
	require.Contains(t, r.Checks["engine"].Problem, "Temporal")
	require.ElementsMatch(t, []string{"database", "engine", "event_log"}, slices.Collect(maps.Keys(r.Checks)))
	c := s.newCustomer()
	c.write("nobody answers, but this is kept")

	address := freeAddress(t)
	start(t, append(slices.Clone(s.env), "PARLEY_OPS_LISTEN="+address), "worker")
	eventually(t, "the worker says what it misses", func() bool {
		status, r = readyz(t, "http://"+address)
		return status == http.StatusServiceUnavailable && strings.Contains(r.Detail, "Temporal does not answer")
	})

	_, err := s.pool.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	require.NoError(t, err)
	status, r = readyz(t, base)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, r.Detail, "parley migrate")
	require.Equal(t, "failed", r.Checks["database"].Status)
}

// Everything that is written, chosen or given in a dialogue stays out of the logs, also of those that log most.
func TestLogsHoldNoTextsAndNoSecrets(t *testing.T) {
	t.Parallel()
	private := []string{
		"my-question-about-shoes", "my-answer-of-the-model", "my-words-of-the-operator", "my-note-for-colleagues", "my-words-to-search",
		password, "/v1/chat", telegramToken, telegramSecret, "my-message-in-telegram",
	}
	model := newModel(t, saying("my-answer-of-the-model"))
	telegram := newTelegram(t, nil)
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_LOG_LEVEL=debug", "OPENAI_API_KEY=my-key-of-the-model")
	private = append(private, "my-key-of-the-model")
	node, base := s.startAPI()
	worker := s.startWorker()
	o := s.login(adminEmail)
	status, _ := rawRequest(t, http.DefaultClient, http.MethodPost, base+"/api/v1/session", "", map[string]string{"email": adminEmail, "password": "my-wrong-password"})
	require.Equal(t, http.StatusUnauthorized, status)
	private = append(private, "my-wrong-password")
	s.connectTelegram(o, telegram)
	c := s.newCustomer()
	private = append(private, c.token)
	c.write("Hello, my-question-about-shoes")
	c.awaitAnswers(1)
	id := c.dialogueID()
	o.reply(id, "Hello, my-words-of-the-operator")
	o.must(http.MethodPost, "/dialogues/"+id.String()+"/notes", map[string]string{"client_id": "n", "text": "my-note-for-colleagues"}, nil)
	o.must(http.MethodGet, "/dialogues?q=my-words-to-search", nil, nil)
	o.must(http.MethodPost, "/dialogues/"+id.String()+"/suggestion", nil, nil)
	status, _ = s.update(telegramSecret, textUpdate(1, "my-message-in-telegram"))
	require.Equal(t, http.StatusOK, status)
	status, _ = s.update("my-wrong-secret", textUpdate(2, "my-message-in-telegram"))
	require.Equal(t, http.StatusUnauthorized, status)
	private = append(private, "my-wrong-secret")
	eventually(t, "the bot answers in Telegram", func() bool { return len(telegram.received()) == 1 })
	s.settled()
	resp, _ := fetch(t, base+"/api/v1/dialogues", map[string]string{"X-Request-Id": "request-of-a-test"})
	require.Equal(t, "request-of-a-test", resp.Header.Get("X-Request-Id"))

	for _, p := range []*process{node, worker} {
		p.terminate()
		log := p.log.String()
		for _, text := range private {
			require.NotContains(t, log, text)
		}
		for _, line := range strings.Split(strings.TrimSpace(log), "\n") {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry), "every line is JSON: %s", line)
		}
	}
	log := node.log.String()
	require.Contains(t, log, `"request_id":"request-of-a-test"`)
	require.Contains(t, log, `"route":"/widget/v1/messages","status":200`)
	require.Contains(t, log, `"dialogue_id":"`+id.String()+`"`)
}

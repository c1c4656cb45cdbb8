package api_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
	"parley/store/eventlog"
	"parley/store/live"
)

// login opens a session as a browser does.
func (b *bundle) login(role string) http.Header {
	b.t.Helper()
	w := b.call("POST", "/api/v1/session", "", fmt.Sprintf(`{"email":"%s@shop.example","password":"a good password"}`, role), nil)
	require.Equal(b.t, http.StatusOK, w.Code, w.Body)
	return http.Header{"Cookie": {w.Result().Cookies()[0].String()}, "Sec-Fetch-Site": {"same-origin"}}
}

// operatorsMay is what every operator may do. Everything else below /api/v1 is for admins.
var operatorsMay = []string{
	"GET /api/v1/session", "DELETE /api/v1/session", "PUT /api/v1/session/password",
	"GET /api/v1/dialogues", "GET /api/v1/dialogues/:id", "GET /api/v1/dialogues/:id/messages", "POST /api/v1/dialogues/:id/messages",
	"POST /api/v1/dialogues/:id/messages/:message/resend", "POST /api/v1/dialogues/:id/notes", "PUT /api/v1/dialogues/:id/mode",
	"PUT /api/v1/dialogues/:id/status", "PUT /api/v1/dialogues/:id/assignee", "PUT /api/v1/dialogues/:id/read",
	"POST /api/v1/dialogues/:id/suggestion", "GET /api/v1/turns/:id", "GET /api/v1/stream", "PUT /api/v1/presence",
	"GET /api/v1/channels", "GET /api/v1/operators", "GET /api/v1/alarms",
}

func TestWhatIsForAdminsIsRefusedToOperators(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, failed := b.failedTurn("a question that the bot fails at")
	batch, err := b.store.StartReplay(t.Context(), store.ReplayFilter{})
	require.NoError(t, err)
	operator, admin := b.login("operator"), b.login("admin")
	ids := map[string]string{
		"turns": failed.String(), "replays": batch.ID.String(), "operators": b.operatorID("operator").String(), "channels": "demo",
		"alarms": uuid.NewString(), "dead-letters": b.bury("{broken").String(),
	}
	bodies := map[string]string{
		"POST /api/v1/channels":      `{"kind":"widget","slug":"mine","name":"Mine"}`,
		"PATCH /api/v1/channels/:id": `{"name":"Mine"}`,
		"POST /api/v1/operators":     `{"email":"mine@shop.example","name":"Mine","role":"admin","password":"12345678"}`,
		"PUT /api/v1/operators/:id":  `{"role":"admin"}`,
		"PUT /api/v1/bot":            `{"version":0,"shop":"Mine"}`,
	}
	record := func() string {
		var all string
		require.NoError(t, b.store.Pool().QueryRow(t.Context(), `SELECT (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM operators x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM channels x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM bot_profile x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM turns x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM dialogues x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM replay_batches x)
			|| (SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM dead_letters x)
			|| (SELECT count(*) FROM audit)`).Scan(&all))
		return all
	}
	before := record()

	engine, ok := b.handler.(*gin.Engine)
	require.True(t, ok)
	may := map[string]bool{"POST /api/v1/session": true} // anybody: who logs in
	for _, route := range operatorsMay {
		may[route] = true
	}
	for _, route := range engine.Routes() {
		name := route.Method + " " + route.Path
		if !strings.HasPrefix(route.Path, "/api/v1/") || may[name] {
			delete(may, name)
			continue
		}
		parts := strings.Split(route.Path, "/")
		for i, part := range parts {
			if strings.HasPrefix(part, ":") {
				parts[i] = ids[parts[i-1]]
				require.NotEmpty(t, parts[i], "%s needs an id here", name)
			}
		}
		path, body := strings.Join(parts, "/"), bodies[name]
		if body == "" && route.Method != http.MethodGet {
			body = "{}"
		}
		w := b.call(route.Method, path, "", body, operator)
		require.Equal(t, http.StatusForbidden, w.Code, "%s lets an operator pass: %s", name, w.Body)
		require.Contains(t, w.Body.String(), "only admins", name)
		operation := b.spec["paths"].(map[string]any)[b.specRoute(path)].(map[string]any)[strings.ToLower(route.Method)].(map[string]any)
		require.Contains(t, fmt.Sprint(operation["description"]), "Admins only.", "openapi.yaml does not say it of %s", name)
		if route.Method == http.MethodGet {
			require.Equal(t, http.StatusOK, b.call(route.Method, path, "", "", admin).Code, name)
		}
	}
	require.Empty(t, may, "there is no such route")
	require.Equal(t, before, record(), "what is refused changes nothing")
}

func TestOtherSitesCannotLogIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const form = `{"email":"operator@shop.example","password":"a good password","x":"="}`
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"another site":          {http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		"a sister site":         {http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-site"}}, 403},
		"an old browser":        {http.Header{"Content-Type": {"application/json"}, "Origin": {"https://evil.example"}}, 403},
		"a form":                {http.Header{"Content-Type": {"text/plain"}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		"a form of no origin":   {http.Header{"Content-Type": {"text/plain"}}, 400},
		"no type":               {http.Header{"Content-Type": {""}}, 400},
		"our page":              {http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Sec-Fetch-Site": {"same-origin"}}, 200},
		"our page, old browser": {http.Header{"Content-Type": {"application/json"}, "Origin": {"http://example.com"}}, 200},
		"a program":             {http.Header{"Content-Type": {"application/json"}}, 200},
	} {
		w := b.call("POST", "/api/v1/session", "", form, c.header)
		require.Equal(t, c.status, w.Code, "%s: %s", name, w.Body)
		require.Equal(t, c.status == 200, len(w.Result().Cookies()) > 0, name)
	}
}

func TestLogoutEndsTheStreamsOfThatLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log := slog.New(slog.DiscardHandler)
	for _, run := range []func(context.Context) error{
		b.hub.Run, eventlog.NewSequencer(b.store.Pool(), 0, log).Run,
		eventlog.NewFollower(b.store.Pool(), b.hub, map[string]eventlog.Listener{
			live.Channel: {Notified: live.Handler(b.hub.Live, log), Missed: b.hub.CheckLogins},
		}, log).Run,
	} {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	}
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	t.Cleanup(func() { require.NoError(t, b.hub.Shutdown(context.Background())) })

	open := func(header http.Header) (ended <-chan []string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/stream", nil)
		require.NoError(t, err)
		req.Header = header.Clone()
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		require.Equal(t, http.StatusOK, resp.StatusCode)
		over, first := make(chan []string, 1), make(chan struct{})
		go func() {
			var events []string
			lines := bufio.NewScanner(resp.Body)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), ": open") {
					close(first)
				}
				if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					events = append(events, name)
				}
			}
			over <- events
		}()
		<-first
		return over
	}
	await := func(over <-chan []string, what string) {
		select {
		case events := <-over:
			// What the setup has written may come before it, if the sequencer was slow.
			require.Equal(t, 1, strings.Count(strings.Join(events, " "), "reset"))
			require.Equal(t, "reset", events[len(events)-1])
		case <-time.After(time.Minute):
			t.Fatal(what + " goes on")
		}
	}
	leaves, stays := b.login("operator"), b.login("operator")
	token := http.Header{"Authorization": {"Bearer " + b.operator}}
	left, stayed, programs := open(leaves), open(stays), open(token)
	require.Equal(t, http.StatusNoContent, b.call("DELETE", "/api/v1/session", "", "", leaves).Code)
	await(left, "the stream of who has logged out")

	n, err := b.store.RevokeAPITokens(t.Context(), b.operatorID("operator"))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	await(programs, "the stream of a program whose token is revoked")
	select {
	case <-stayed:
		t.Fatal("another login of theirs has lost its stream")
	default:
	}
	require.Equal(t, http.StatusNoContent, b.call("DELETE", "/api/v1/session", "", "", stays).Code)
	await(stayed, "the other stream")
}

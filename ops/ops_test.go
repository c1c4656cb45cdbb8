package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/ops"
)

func get(handler http.Handler, path, from string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.RemoteAddr = from
	for name, values := range header {
		req.Header[name] = values
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	return w
}

func TestMetricsAreShownToTheHouseOrForTheToken(t *testing.T) {
	t.Parallel()
	shown := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	const here, private, mapped, stranger = "127.0.0.1:1", "10.1.2.3:1", "[::ffff:192.168.0.9]:1", "203.0.113.5:1"
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for name, c := range map[string]struct {
		token, from string
		header      http.Header
		status      int
	}{
		"this machine":                 {"", here, nil, http.StatusOK},
		"the loopback of IPv6":         {"", "[::1]:1", nil, http.StatusOK},
		"a private network":            {"", private, nil, http.StatusOK},
		"a private network in IPv6":    {"", mapped, nil, http.StatusOK},
		"a stranger":                   {"", stranger, nil, http.StatusForbidden},
		"a stranger through a proxy":   {"", private, http.Header{"X-Forwarded-For": {"10.0.0.1"}}, http.StatusForbidden},
		"a stranger through another":   {"", here, http.Header{"Forwarded": {"for=10.0.0.1"}}, http.StatusForbidden},
		"no address":                   {"", "", nil, http.StatusForbidden},
		"this machine without a token": {"a long secret", here, nil, http.StatusUnauthorized},
		"a wrong token":                {"a long secret", here, bearer("a short one"), http.StatusUnauthorized},
		"the token from anywhere":      {"a long secret", stranger, bearer("a long secret"), http.StatusOK},
	} {
		w := get(ops.Guard(shown, c.token), "/metrics", c.from, c.header)
		require.Equal(t, c.status, w.Code, name)
		if c.status != http.StatusOK {
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), name)
			require.NotContains(t, w.Body.String(), "up 1", name)
		}
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	var broken [3]atomic.Bool
	probe := func(i int) func(context.Context) error {
		return func(context.Context) error {
			if broken[i].Load() {
				return errors.New("dial tcp 10.0.0.7: secret details")
			}
			return nil
		}
	}
	var log strings.Builder
	h := ops.NewHealth(slog.New(slog.NewTextHandler(&log, nil)),
		ops.Check{Name: "one", Needed: true, Problem: "one is away", Probe: probe(0)},
		ops.Check{Name: "two", Needed: true, Problem: "two is away", Probe: probe(1)},
		ops.Check{Name: "three", Problem: "three is away", Probe: probe(2)})
	h.Tell("answers_by", "a model")
	look := func() (int, map[string]any) {
		w := get(ops.Handler(h, http.NotFoundHandler(), ""), "/readyz", "203.0.113.5:1", nil)
		var out map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		require.NotContains(t, w.Body.String(), "secret details")
		return w.Code, out
	}

	status, out := look()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "ready", out["status"])
	require.Equal(t, map[string]any{"answers_by": "a model"}, out["facts"])

	broken[2].Store(true)
	status, out = look()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "degraded", out["status"])
	require.Equal(t, map[string]any{"status": "failed", "needed": false, "problem": "three is away"}, out["checks"].(map[string]any)["three"])

	broken[0].Store(true)
	broken[1].Store(true)
	for range 3 {
		status, out = look()
	}
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "one is away; two is away", out["detail"])
	require.Equal(t, "unavailable", out["code"])
	require.Equal(t, 3, strings.Count(log.String(), "a check fails"), "each is logged once: %s", &log)

	for i := range broken {
		broken[i].Store(false)
	}
	status, _ = look()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 3, strings.Count(log.String(), "a check holds again"))

	h.Drain()
	status, out = look()
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, out["detail"], "ending")
	require.Equal(t, http.StatusOK, get(ops.Handler(h, http.NotFoundHandler(), ""), "/healthz", "203.0.113.5:1", nil).Code, "it lives on")
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ops.Serve(ctx, ln, ops.Handler(ops.NewHealth(log), http.NotFoundHandler(), ""), log) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+"/healthz", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	cancel()
	require.NoError(t, <-ended)
}

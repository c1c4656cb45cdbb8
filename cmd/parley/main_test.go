package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/config"
)

// The environment belongs to the whole process, so these cannot run beside other tests.
func TestWrongUsageIsOneLineAndExitCode2(t *testing.T) { //nolint:paralleltest
	for _, v := range config.Table() {
		t.Setenv(v.Name, "")
	}
	tests := []struct {
		name     string
		variable string
		value    string
		args     []string
		want     string
	}{
		{"unknown command", "", "", []string{"serve"}, "parley: unknown command \"serve\" for \"parley\"\n"},
		{"unknown flag", "", "", []string{"up", "--port", "80"}, "parley: unknown flag: --port\n"},
		{"stray argument", "", "", []string{"up", "now"}, "parley: unknown command \"now\" for \"parley up\"\n"},
		{"wrong flag", "", "", []string{"up", "--listen", "8080"}, "parley: --listen is \"8080\": not host:port; accepted: host:port, for example 127.0.0.1:8080 or :8080\n"},
		{"wrong variable", "PARLEY_LOG_LEVEL", "loud", []string{"up"}, "parley: PARLEY_LOG_LEVEL is \"loud\": unknown level; accepted: debug, info, warn or error\n"},
		{"secret", "DATABASE_URL", "mysql://root:geheim@db/shop", []string{"migrate"}, "parley: DATABASE_URL does not begin with postgres://; accepted: postgres://user:password@host:5432/database\n"},
		{"no answer named", "", "", []string{"turns", "replay"}, "parley: name one failed answer, or say --all\n"},
		{"answer and all", "", "", []string{"turns", "replay", "--all", "x"}, "parley: name one failed answer, or say --all\n"},
		{"no id", "", "", []string{"turns", "replay", "x"}, "parley: \"x\" is not the id of a failed answer: `parley turns list` shows them\n"},
		{"no replay", "", "", []string{"turns", "stop"}, "parley: name the replay: `parley turns replay --all` and the API say its id\n"},
		{"no replay's id", "", "", []string{"turns", "stop", "x"}, "parley: \"x\" is not the id of a replay: `parley turns replay --all` and the API say it\n"},
		{"missing for the api", "", "", []string{"api"}, "parley: DATABASE_URL is not set, and this command needs it; accepted: postgres://user:password@host:5432/database\n"},
		{"missing for the worker", "DATABASE_URL", "postgres://u:p@db/shop", []string{"worker"}, "parley: TEMPORAL_ADDRESS is not set, and this command needs it; accepted: host:port of the Temporal frontend\n"},
	}
	for _, tt := range tests { //nolint:paralleltest
		t.Run(tt.name, func(t *testing.T) {
			if tt.variable != "" {
				t.Setenv(tt.variable, tt.value)
			}
			var stdout, stderr bytes.Buffer
			require.Equal(t, 2, run(tt.args, &stdout, &stderr))
			require.Equal(t, tt.want, stderr.String())
			require.Empty(t, stdout.String())
		})
	}
}

func TestHelpListsEveryVariable(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"help", "environment"}, &stdout, &stderr))
	require.Empty(t, stderr.String())
	for _, v := range config.Table() {
		require.Contains(t, stdout.String(), "\n  "+v.Name+"\n      "+v.Help+"\n      Accepted: "+v.Accepts+".")
	}
}

func TestListenNearSaysWhenItChoseAnotherPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()

	var out bytes.Buffer
	listener, err := listenNear(t.Context(), taken.Addr().String(), &out)
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	first, other := taken.Addr().(*net.TCPAddr).Port, listener.Addr().(*net.TCPAddr).Port
	require.NotEqual(t, first, other)
	require.Equal(t, "Port "+strconv.Itoa(first)+" is taken, using "+strconv.Itoa(other)+".\n", out.String())

	_, err = listenNear(t.Context(), "203.0.113.1:80", &out)
	require.ErrorContains(t, err, "listen on 203.0.113.1:80")
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	require.Equal(t, "http://127.0.0.1:"+strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), baseURL(listener))
}

func TestAwaitReady(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	require.NoError(t, awaitReady(t.Context(), server.URL))
	require.Equal(t, int32(3), asked.Load())
}

func TestBannerShowsThePasswordOnlyWhenItWasMade(t *testing.T) {
	t.Parallel()
	cfg := config.Config{TemporalUIURL: "http://127.0.0.1:8233", DataDir: "/srv/parley"}
	text := func(b banner, cfg config.Config) string {
		var out bytes.Buffer
		require.NoError(t, b.print(&out, cfg))
		return out.String()
	}
	made := banner{url: "http://127.0.0.1:8080", email: "ann@example.com", password: "s3cret", created: true, started: 2340 * time.Millisecond, demo: true}
	require.Equal(t, `
Parley is running (started in 2.3s).

  Inbox         http://127.0.0.1:8080/
  Demo shop     http://127.0.0.1:8080/demo
  Temporal UI   http://127.0.0.1:8233
  Login         ann@example.com
  Password      s3cret   (shown only this once)

Bot: offline responder; for a model set OPENAI_API_KEY or OPENAI_BASE_URL.
Data: /srv/parley. Ctrl-C stops everything.
`, text(made, cfg))

	chosen := cfg
	chosen.AdminPassword, chosen.OpenAIAPIKey, chosen.OpenAIModel = "s3cret", "k", "gpt-4o-mini"
	require.NotContains(t, text(made, chosen), "s3cret")
	require.Contains(t, text(made, chosen), "Bot: model gpt-4o-mini.")

	old := made
	old.created, old.password, old.demo = false, "", false
	require.NotContains(t, text(old, cfg), "Demo shop")
	require.Contains(t, text(old, cfg), "parley user password ann@example.com")
}

func TestOperatorConfigWithoutARunningParley(t *testing.T) { //nolint:paralleltest
	for _, v := range config.Table() {
		t.Setenv(v.Name, "")
	}
	dir := t.TempDir()
	t.Setenv("PARLEY_DATA_DIR", dir)
	_, err := operatorConfig()
	require.EqualError(t, err, "no Parley runs on "+dir+": start `parley up`, or set DATABASE_URL")

	t.Setenv("DATABASE_URL", "postgres://u:p@db/shop")
	cfg, err := operatorConfig()
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@db/shop", cfg.DatabaseURL)
}

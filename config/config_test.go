package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/config"
)

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"HOME=/home/ann", "PARLEY_LISTEN=", "PARLEY_PUBLIC_URL=  "})
	require.NoError(t, err)
	require.Equal(t, config.Config{
		TemporalNamespace: "default",
		OpenAIModel:       "gpt-4o-mini",
		Listen:            "127.0.0.1:8080",
		LogLevel:          slog.LevelInfo,
		StopTimeout:       25 * time.Second,
		QuietPeriod:       1500 * time.Millisecond,
		QuietPeriodMax:    6 * time.Second,
		ProbeEvery:        30 * time.Second,
		IdleAfter:         time.Hour,
		ModelTimeout:      time.Minute,
		ModelContext:      12000,
		ReplayRate:        5,
	}, cfg)
	require.True(t, cfg.Offline())
}

func TestLoadEverything(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{
		"DATABASE_URL=postgres://shop:p%40ss@db.internal:5432/parley?sslmode=require",
		"TEMPORAL_ADDRESS=temporal.internal:7233",
		"TEMPORAL_NAMESPACE=shop",
		"TEMPORAL_UI_URL=https://temporal.example.com/",
		"OPENAI_API_KEY=sk-1",
		"OPENAI_BASE_URL=http://127.0.0.1:4010/v1/",
		"OPENAI_MODEL=llama3.1:8b",
		"PARLEY_LISTEN=:9000",
		"PARLEY_PUBLIC_URL=https://chat.example.com",
		"PARLEY_DATA_DIR=/srv/parley",
		"PARLEY_SECRET_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"PARLEY_ADMIN_EMAIL=Ann@Example.com",
		"PARLEY_ADMIN_PASSWORD=восемь!!",
		"PARLEY_LOG_LEVEL=WARN",
		"PARLEY_QUIET_PERIOD=0",
		"PARLEY_QUIET_PERIOD_MAX=10s",
		"PARLEY_PROBE_EVERY=1m",
		"PARLEY_IDLE_AFTER=5m",
		"PARLEY_MODEL_TIMEOUT=90s",
		"PARLEY_MODEL_CONTEXT=32000",
		"PARLEY_REPLAY_RATE=20",
		"PARLEY_OPS_LISTEN=:9090",
		"PARLEY_METRICS_TOKEN=0123456789abcdef",
		"PARLEY_TRUSTED_PROXIES=10.0.0.0/8, 192.168.1.5",
		"PARLEY_DRAIN_DELAY=5s",
		"PARLEY_STOP_TIMEOUT=40s",
	})
	require.NoError(t, err)
	require.Len(t, cfg.SecretKey, 32)
	require.Equal(t, byte(31), cfg.SecretKey[31])
	cfg.SecretKey = nil
	require.Equal(t, config.Config{
		DatabaseURL:       "postgres://shop:p%40ss@db.internal:5432/parley?sslmode=require",
		TemporalAddress:   "temporal.internal:7233",
		TemporalNamespace: "shop",
		TemporalUIURL:     "https://temporal.example.com",
		OpenAIAPIKey:      "sk-1",
		OpenAIBaseURL:     "http://127.0.0.1:4010/v1",
		OpenAIModel:       "llama3.1:8b",
		Listen:            ":9000",
		PublicURL:         "https://chat.example.com",
		DataDir:           "/srv/parley",
		AdminEmail:        "ann@example.com",
		AdminPassword:     "восемь!!",
		LogLevel:          slog.LevelWarn,
		QuietPeriodMax:    10 * time.Second,
		ProbeEvery:        time.Minute,
		IdleAfter:         5 * time.Minute,
		ModelTimeout:      90 * time.Second,
		ModelContext:      32000,
		ReplayRate:        20,
		OpsListen:         ":9090",
		MetricsToken:      "0123456789abcdef",
		TrustedProxies:    []string{"10.0.0.0/8", "192.168.1.5"},
		DrainDelay:        5 * time.Second,
		StopTimeout:       40 * time.Second,
	}, cfg)
	require.False(t, cfg.Offline())
}

func TestLoadWrongValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		environ string // pairs separated by spaces
		want    string
	}{
		{"DATABASE_URL=mysql://root:geheim1@db/shop", "DATABASE_URL does not begin with postgres://; accepted: postgres://user:password@host:5432/database"},
		{"DATABASE_URL=postgres://u:geheim1%zz@db/shop", "DATABASE_URL is not a URL (a password's special characters must be percent-encoded); accepted: postgres://user:password@host:5432/database"},
		{"DATABASE_URL=postgres://u:geheim1@db", "DATABASE_URL names no database; accepted: postgres://user:password@host:5432/database"},
		{"DATABASE_URL=postgres://u:geheim1@/shop", "DATABASE_URL names no host; accepted: postgres://user:password@host:5432/database"},
		{"DATABASE_URL=postgres://u:geheim1@db:99999/shop", "DATABASE_URL has a wrong port; accepted: postgres://user:password@host:5432/database"},
		{"DATABASE_URL=postgres://u:geheim1@db/shop?sslmode=on", "DATABASE_URL has an unknown sslmode; accepted: postgres://user:password@host:5432/database"},
		{"TEMPORAL_ADDRESS=http://temporal:7233", `TEMPORAL_ADDRESS is "http://temporal:7233": an address has no scheme; accepted: host:port of the Temporal frontend`},
		{"TEMPORAL_UI_URL=temporal.example.com", `TEMPORAL_UI_URL is "temporal.example.com": does not begin with http:// or https://; accepted: an http:// or https:// address`},
		{"OPENAI_BASE_URL=ftp://models", `OPENAI_BASE_URL is "ftp://models": does not begin with http:// or https://; accepted: an http:// or https:// address, usually ending in /v1`},
		{"PARLEY_LISTEN=8080", `PARLEY_LISTEN is "8080": not host:port; accepted: host:port, for example 127.0.0.1:8080 or :8080`},
		{"PARLEY_LISTEN=localhost:http-alt", `PARLEY_LISTEN is "localhost:http-alt": the port is not a number from 0 to 65535; accepted: host:port, for example 127.0.0.1:8080 or :8080`},
		{"PARLEY_PUBLIC_URL=https://x.example/?a=1", `PARLEY_PUBLIC_URL is "https://x.example/?a=1": has a query or fragment; accepted: an http:// or https:// address`},
		{"PARLEY_SECRET_KEY=geheim1geheim1geheim1", "PARLEY_SECRET_KEY is not base64; accepted: base64 of 32 random bytes, as `openssl rand -base64 32` prints them"},
		{"PARLEY_SECRET_KEY=Z2VoZWltMQ==", "PARLEY_SECRET_KEY decodes to 7 bytes, not 32; accepted: base64 of 32 random bytes, as `openssl rand -base64 32` prints them"},
		{"PARLEY_ADMIN_EMAIL=ann", `PARLEY_ADMIN_EMAIL is "ann": not an e-mail address; accepted: an e-mail address`},
		{"PARLEY_ADMIN_EMAIL=a@b.example PARLEY_ADMIN_PASSWORD=geheim1", "PARLEY_ADMIN_PASSWORD has 7 characters; accepted: at least 8 characters"},
		{"PARLEY_ADMIN_PASSWORD=geheim1geheim1", "PARLEY_ADMIN_PASSWORD is set without PARLEY_ADMIN_EMAIL; accepted: both, the e-mail address alone, or neither"},
		{"PARLEY_LOG_LEVEL=verbose", `PARLEY_LOG_LEVEL is "verbose": unknown level; accepted: debug, info, warn or error`},
		{"PARLEY_METRICS_TOKEN=geheim1", "PARLEY_METRICS_TOKEN has 7 characters; accepted: at least 16 characters without spaces"},
		{"PARLEY_TRUSTED_PROXIES=10.0.0.0/8,proxy", `PARLEY_TRUSTED_PROXIES is "10.0.0.0/8,proxy": "proxy" is neither an address nor a network; accepted: addresses and networks, separated by commas, for example 10.0.0.0/8,192.168.1.5`},
		{"PARLEY_QUIET_PERIOD=soon", `PARLEY_QUIET_PERIOD is "soon": not a duration; accepted: a duration from 0s to 30s, for example 1.5s`},
		{"PARLEY_QUIET_PERIOD=31s", `PARLEY_QUIET_PERIOD is "31s": too long; accepted: a duration from 0s to 30s, for example 1.5s`},
		{"PARLEY_QUIET_PERIOD=-1s", `PARLEY_QUIET_PERIOD is "-1s": too short; accepted: a duration from 0s to 30s, for example 1.5s`},
		{"PARLEY_QUIET_PERIOD=9s PARLEY_QUIET_PERIOD_MAX=6s", "PARLEY_QUIET_PERIOD_MAX is 6s, less than PARLEY_QUIET_PERIOD (9s); accepted: a duration from PARLEY_QUIET_PERIOD to 2m"},
		{"PARLEY_IDLE_AFTER=10ms", `PARLEY_IDLE_AFTER is "10ms": too short; accepted: a duration from 1s to 720h, for example 1h`},
		{"PARLEY_MODEL_CONTEXT=100", `PARLEY_MODEL_CONTEXT is "100": out of range; accepted: a number of tokens from 3000 to 1000000`},
		{"PARLEY_REPLAY_RATE=0", `PARLEY_REPLAY_RATE is "0": out of range; accepted: a number of answers a second from 1 to 100`},
		{"PARLEY_REPLAY_RATE=fast", `PARLEY_REPLAY_RATE is "fast": not a number; accepted: a number of answers a second from 1 to 100`},
		{"PARLEY_MODEL_TIMEOUT=60", `PARLEY_MODEL_TIMEOUT is "60": not a duration; accepted: a duration from 1s to 10m, for example 60s`},
	}
	for _, tt := range tests {
		t.Run(tt.environ, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(strings.Fields(tt.environ))
			require.EqualError(t, err, tt.want)
			require.NotContains(t, err.Error(), "geheim1")
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
		})
	}
}

func TestQuietPeriodRaisesItsMaximum(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"PARLEY_QUIET_PERIOD=9s"})
	require.NoError(t, err)
	require.Equal(t, 9*time.Second, cfg.QuietPeriodMax)
}

func TestLastValueCounts(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"OPENAI_MODEL=a", "OPENAI_MODEL=b=c"})
	require.NoError(t, err)
	require.Equal(t, "b=c", cfg.OpenAIModel)
}

func TestRequire(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"DATABASE_URL=postgres://u:p@db/shop"})
	require.NoError(t, err)
	require.NoError(t, cfg.Require("DATABASE_URL"))
	require.EqualError(t, cfg.Require("DATABASE_URL", "TEMPORAL_ADDRESS"),
		"TEMPORAL_ADDRESS is not set, and this command needs it; accepted: host:port of the Temporal frontend")
	require.ErrorContains(t, cfg.Require("PARLEY_SECRET_KEY"), "PARLEY_SECRET_KEY is not set")
}

func TestTableIsDocumented(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range config.Table() {
		require.False(t, seen[v.Name], v.Name)
		seen[v.Name] = true
		require.NotEmpty(t, v.Accepts, v.Name)
		require.True(t, strings.HasSuffix(v.Help, "."), v.Name)
	}
}

package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Variable documents one environment variable.
type Variable struct {
	Name    string
	Default string
	Accepts string
	Help    string
	Secret  bool // its value is never shown

	set     func(*Config, string) error
	missing func(Config) bool
}

// Table lists every variable, in the order of the documentation.
func Table() []Variable { return table() }

func (v Variable) problem(value string, err error) string {
	if v.Secret {
		return err.Error()
	}
	return fmt.Sprintf("is %q: %v", value, err)
}

func table() []Variable {
	return []Variable{
		text("DATABASE_URL", "", "postgres://user:password@host:5432/database",
			"Postgres to use. Without it `parley up` runs its own in the data directory.",
			func(c *Config) *string { return &c.DatabaseURL }, checkDatabaseURL).secret(),
		text("TEMPORAL_ADDRESS", "", "host:port of the Temporal frontend",
			"Temporal to use. Without it `parley up` runs its own.",
			func(c *Config) *string { return &c.TemporalAddress }, checkAddress),
		text("TEMPORAL_NAMESPACE", "default", "the name of a namespace",
			"Temporal namespace of the dialogues.",
			func(c *Config) *string { return &c.TemporalNamespace }, checkWord),
		text("TEMPORAL_UI_URL", "", "an http:// or https:// address",
			"Address of the Temporal UI as a browser reaches it; the inbox links there.",
			func(c *Config) *string { return &c.TemporalUIURL }, checkURL),
		text("OPENAI_API_KEY", "", "the key as the provider gave it",
			"Key of the model's provider. Without a key and a base URL the built-in offline responder answers.",
			func(c *Config) *string { return &c.OpenAIAPIKey }, checkWord).secret(),
		text("OPENAI_BASE_URL", "", "an http:// or https:// address, usually ending in /v1",
			"Any server that speaks the OpenAI chat API.",
			func(c *Config) *string { return &c.OpenAIBaseURL }, checkURL),
		text("OPENAI_MODEL", "gpt-4o-mini", "a model name the provider knows",
			"Model that answers.",
			func(c *Config) *string { return &c.OpenAIModel }, checkWord),
		text("PARLEY_LISTEN", "127.0.0.1:8080", "host:port, for example 127.0.0.1:8080 or :8080",
			"Address the inbox, the API and the widget are served on.",
			func(c *Config) *string { return &c.Listen }, checkAddress),
		text("PARLEY_PUBLIC_URL", "", "an http:// or https:// address",
			"Address under which customers, operators and channels reach Parley.",
			func(c *Config) *string { return &c.PublicURL }, checkURL),
		text("PARLEY_DATA_DIR", "", "a directory",
			"Where `parley up` keeps its databases and keys.",
			func(c *Config) *string { return &c.DataDir }, nil),
		{
			Name: "PARLEY_SECRET_KEY", Accepts: "base64 of 32 random bytes, as `openssl rand -base64 32` prints them",
			Help:    "Encrypts the channels' secrets in the database. `parley up` makes one and keeps it in the data directory.",
			Secret:  true,
			set:     setSecretKey,
			missing: func(c Config) bool { return c.SecretKey == nil },
		},
		text("PARLEY_ADMIN_EMAIL", "", "an e-mail address",
			"Login of the first admin.",
			func(c *Config) *string { return &c.AdminEmail }, checkEmail),
		text("PARLEY_ADMIN_PASSWORD", "", "at least 8 characters",
			"Password of the first admin. Without it one is made and printed once.",
			func(c *Config) *string { return &c.AdminPassword }, checkPassword).secret(),
		{
			Name: "PARLEY_LOG_LEVEL", Default: "info", Accepts: "debug, info, warn or error",
			Help:    "How much is logged.",
			set:     setLogLevel,
			missing: func(Config) bool { return false },
		},
		text("PARLEY_OPS_LISTEN", "", "host:port, for example 127.0.0.1:9090 or :9090",
			"Address on which a worker serves /healthz, /readyz and /metrics. Without it it serves none.",
			func(c *Config) *string { return &c.OpsListen }, checkAddress),
		text("PARLEY_METRICS_TOKEN", "", "at least 16 characters without spaces",
			"Whoever reads /metrics must give it as a bearer token. Without it this machine and private networks may read.",
			func(c *Config) *string { return &c.MetricsToken }, checkToken).secret(),
		{
			Name: "PARLEY_TRUSTED_PROXIES", Accepts: "addresses and networks, separated by commas, for example 10.0.0.0/8,192.168.1.5",
			Help:    "Proxies whose X-Forwarded-For is believed. Without it a client's address is that of its connection.",
			set:     setTrustedProxies,
			missing: func(c Config) bool { return len(c.TrustedProxies) == 0 },
		},
		text("PARLEY_BUILD_ID", "", "a word of at most 200 characters, for example 2026-03-01 or a commit",
			"Version of a worker. Dialogues that run stay with their version until they have something new to do; see `parley versions`. "+
				"Without it workers have no versions.",
			func(c *Config) *string { return &c.BuildID }, checkBuildID),
		duration("PARLEY_DRAIN_DELAY", "0s", 0, 2*time.Minute,
			"How long an api node goes on serving after it has been told to end and is not ready any more.",
			func(c *Config) *time.Duration { return &c.DrainDelay }),
		duration("PARLEY_STOP_TIMEOUT", "25s", time.Second, 10*time.Minute,
			"How long running work may take to end when a process is told to.",
			func(c *Config) *time.Duration { return &c.StopTimeout }),
		duration("PARLEY_QUIET_PERIOD", "1.5s", 0, 30*time.Second,
			"Silence after which a customer's burst of messages is answered.",
			func(c *Config) *time.Duration { return &c.QuietPeriod }),
		duration("PARLEY_QUIET_PERIOD_MAX", "6s", 0, 2*time.Minute,
			"A burst is answered after this long even if the customer keeps writing.",
			func(c *Config) *time.Duration { return &c.QuietPeriodMax }),
		duration("PARLEY_PROBE_EVERY", "30s", time.Second, 10*time.Minute,
			"How often the model is asked whether it answers again while it does not.",
			func(c *Config) *time.Duration { return &c.ProbeEvery }),
		duration("PARLEY_IDLE_AFTER", "1h", time.Second, 30*24*time.Hour,
			"A dialogue's workflow ends after this long without work; the next message starts it again.",
			func(c *Config) *time.Duration { return &c.IdleAfter }),
		duration("PARLEY_MODEL_TIMEOUT", "60s", time.Second, 10*time.Minute,
			"Longest wait for one call of the model.",
			func(c *Config) *time.Duration { return &c.ModelTimeout }),
		{
			Name: "PARLEY_MODEL_CONTEXT", Default: "12000", Accepts: "a number of tokens from 3000 to 1000000",
			Help: "How much a prompt and its answer may take together: knowledge, history and summary are fitted to it. " +
				"More costs more; it must not exceed what the model reads.",
			set:     setModelContext,
			missing: func(Config) bool { return false },
		},
		{
			Name: "PARLEY_REPLAY_RATE", Default: "5", Accepts: "a number of answers a second from 1 to 100",
			Help:    "How many failed answers a replay of many gives back to the bot in a second. Live customers come first whatever it is.",
			set:     setReplayRate,
			missing: func(Config) bool { return false },
		},
	}
}

func (v Variable) secret() Variable {
	v.Secret = true
	return v
}

// text describes a variable that is kept as a string. The check returns the value to keep.
func text(name, def, accepts, help string, field func(*Config) *string, check func(string) (string, error)) Variable {
	return Variable{
		Name: name, Default: def, Accepts: accepts, Help: help,
		set: func(c *Config, value string) error {
			if check != nil {
				var err error
				if value, err = check(value); err != nil {
					return err
				}
			}
			*field(c) = value
			return nil
		},
		missing: func(c Config) bool { return *field(&c) == "" },
	}
}

func duration(name, def string, least, most time.Duration, help string, field func(*Config) *time.Duration) Variable {
	return Variable{
		Name: name, Default: def, Help: help,
		Accepts: fmt.Sprintf("a duration from %s to %s, for example %s", short(least), short(most), def),
		set: func(c *Config, value string) error {
			d, err := time.ParseDuration(value)
			switch {
			case err != nil:
				return errors.New("not a duration")
			case d < least:
				return errors.New("too short")
			case d > most:
				return errors.New("too long")
			}
			*field(c) = d
			return nil
		},
		missing: func(Config) bool { return false },
	}
}

// short prints 720h0m0s as 720h and 2m0s as 2m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func setSecretKey(c *Config, value string) error {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		key, err := encoding.DecodeString(value)
		if err != nil {
			continue
		}
		if len(key) != 32 {
			return fmt.Errorf("decodes to %d bytes, not 32", len(key))
		}
		c.SecretKey = key
		return nil
	}
	return errors.New("is not base64")
}

func setModelContext(c *Config, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return errors.New("not a number")
	}
	if n < 3000 || n > 1_000_000 {
		return errors.New("out of range")
	}
	c.ModelContext = n
	return nil
}

func setReplayRate(c *Config, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return errors.New("not a number")
	}
	if n < 1 || n > 100 {
		return errors.New("out of range")
	}
	c.ReplayRate = n
	return nil
}

func setLogLevel(c *Config, value string) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[strings.ToLower(value)]
	if !ok {
		return errors.New("unknown level")
	}
	c.LogLevel = level
	return nil
}

func setTrustedProxies(c *Config, value string) error {
	c.TrustedProxies = nil
	for _, part := range strings.Split(value, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		_, err := netip.ParsePrefix(part)
		if err != nil {
			_, err = netip.ParseAddr(part)
		}
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network", part)
		}
		c.TrustedProxies = append(c.TrustedProxies, part)
	}
	return nil
}

func checkDatabaseURL(value string) (string, error) {
	u, err := url.Parse(value)
	if err != nil {
		// The parser's own message quotes the value, password included.
		return "", errors.New("is not a URL (a password's special characters must be percent-encoded)")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errors.New("does not begin with postgres://")
	}
	if u.Host == "" && u.Query().Get("host") == "" {
		return "", errors.New("names no host")
	}
	if _, err := checkPort(u.Port(), true); err != nil {
		return "", errors.New("has a wrong port")
	}
	if strings.Trim(u.Path, "/") == "" {
		return "", errors.New("names no database")
	}
	modes := []string{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	if !slices.Contains(modes, u.Query().Get("sslmode")) {
		return "", errors.New("has an unknown sslmode")
	}
	return value, nil
}

func checkAddress(value string) (string, error) {
	if strings.Contains(value, "://") {
		return "", errors.New("an address has no scheme")
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return "", errors.New("not host:port")
	}
	if strings.ContainsAny(host, " /") {
		return "", errors.New("wrong host")
	}
	if _, err := checkPort(port, false); err != nil {
		return "", err
	}
	return value, nil
}

func checkPort(port string, optional bool) (string, error) {
	if port == "" && optional {
		return "", nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", errors.New("the port is not a number from 0 to 65535")
	}
	return port, nil
}

func checkURL(value string) (string, error) {
	u, err := url.Parse(value)
	if err != nil {
		return "", errors.New("not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("does not begin with http:// or https://")
	}
	if u.Hostname() == "" {
		return "", errors.New("names no host")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("has a query or fragment")
	}
	return strings.TrimRight(value, "/"), nil
}

func checkWord(value string) (string, error) {
	if strings.ContainsAny(value, " \t\r\n") {
		return "", errors.New("contains a space")
	}
	return value, nil
}

// checkBuildID holds a value to what Temporal takes for the version of a worker.
func checkBuildID(value string) (string, error) {
	const longest = 200
	if len(value) > longest {
		return "", fmt.Errorf("is longer than %d characters", longest)
	}
	return checkWord(value)
}

func checkEmail(value string) (string, error) {
	address, err := mail.ParseAddress(value)
	if err != nil || address.Address != value {
		return "", errors.New("not an e-mail address")
	}
	return strings.ToLower(value), nil
}

func checkToken(value string) (string, error) {
	if len(value) < 16 {
		return "", fmt.Errorf("has %d characters", len(value))
	}
	if strings.ContainsAny(value, " \t\r\n") {
		return "", errors.New("contains a space")
	}
	return value, nil
}

func checkPassword(value string) (string, error) {
	if n := utf8.RuneCountInString(value); n < 8 {
		return "", fmt.Errorf("has %d characters", n)
	}
	return value, nil
}

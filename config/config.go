// Package config holds everything Parley reads from its environment: one typed struct, filled from one documented
// table. What a shop owner changes lives in the database, not here.
package config

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Config is the configuration of every command. A zero field means that the variable is not set and has no default.
type Config struct {
	DatabaseURL string // Postgres; empty: `parley up` starts its own

	TemporalAddress   string // host:port of the Temporal frontend; empty: `parley up` starts its own
	TemporalNamespace string
	TemporalUIURL     string // public address of the Temporal UI, without a slash at the end; used for links

	OpenAIAPIKey  string
	OpenAIBaseURL string // without a slash at the end
	OpenAIModel   string

	Listen    string // host:port
	PublicURL string // where customers and operators reach Parley, without a slash at the end
	DataDir   string
	SecretKey []byte // 32 bytes, or nil

	AdminEmail    string
	AdminPassword string

	LogLevel slog.Level

	OpsListen      string        // host:port of a worker's health and metrics; empty: not served
	MetricsToken   string        // empty: metrics are shown to this machine and private networks
	TrustedProxies []string      // addresses and networks of proxies that are believed where a request comes from
	BuildID        string        // the version of a worker; empty: workers have no versions
	DrainDelay     time.Duration // between "not ready" and the end of service, for balancers to notice
	StopTimeout    time.Duration // how long running work may take to end

	QuietPeriod    time.Duration // silence that ends a burst of customer messages
	QuietPeriodMax time.Duration // a burst is answered after this long in any case
	ProbeEvery     time.Duration // how often a model that failed is asked whether it answers again
	IdleAfter      time.Duration // a dialogue's workflow ends after this long without work
	ModelTimeout   time.Duration // one call of the model
	ModelContext   int           // tokens of a prompt with its answer
	ReplayRate     int           // failed turns that are replayed in a second at most, when many are
}

// Offline reports whether no model is configured, so that the built-in responder answers.
func (c Config) Offline() bool { return c.OpenAIAPIKey == "" && c.OpenAIBaseURL == "" }

// Error is a wrong value, or a missing one, as one line for the person who set it. It never holds the value of a secret.
type Error struct {
	Variable string
	Problem  string
	Accepts  string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s; accepted: %s", e.Variable, e.Problem, e.Accepts)
}

// Load reads a configuration from "NAME=value" pairs such as os.Environ returns. An empty value counts as not set; of
// a name given twice the last counts. The error is an *Error about the first wrong variable in the table's order.
func Load(environ []string) (Config, error) {
	values := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			values[name] = strings.TrimSpace(value)
		}
	}

	var cfg Config
	for _, v := range table() {
		value := values[v.Name]
		if value == "" {
			value = v.Default
		}
		if value == "" {
			continue
		}
		if err := v.set(&cfg, value); err != nil {
			return Config{}, &Error{Variable: v.Name, Problem: v.problem(value, err), Accepts: v.Accepts}
		}
	}

	if cfg.QuietPeriodMax < cfg.QuietPeriod {
		if values["PARLEY_QUIET_PERIOD_MAX"] != "" {
			return Config{}, &Error{
				Variable: "PARLEY_QUIET_PERIOD_MAX",
				Problem:  fmt.Sprintf("is %s, less than PARLEY_QUIET_PERIOD (%s)", cfg.QuietPeriodMax, cfg.QuietPeriod),
				Accepts:  "a duration from PARLEY_QUIET_PERIOD to 2m",
			}
		}
		cfg.QuietPeriodMax = cfg.QuietPeriod
	}
	if cfg.AdminPassword != "" && cfg.AdminEmail == "" {
		return Config{}, &Error{
			Variable: "PARLEY_ADMIN_PASSWORD", Problem: "is set without PARLEY_ADMIN_EMAIL",
			Accepts: "both, the e-mail address alone, or neither",
		}
	}
	return cfg, nil
}

// Require returns an *Error naming the first of the given variables that is not set.
func (c Config) Require(names ...string) error {
	for _, name := range names {
		for _, v := range table() {
			if v.Name == name && v.missing(c) {
				return &Error{Variable: name, Problem: "is not set, and this command needs it", Accepts: v.Accepts}
			}
		}
	}
	return nil
}

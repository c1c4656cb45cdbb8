// Package doctor checks an installation: whatever it depends on is asked, and
// each answer says what is found and, where something is wrong, how to mend it.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"parley/bot"
	"parley/store"
	"parley/store/db"
)

// Status is how a check came out.
type Status string

// The states of a check.
const (
	OK   Status = "ok"
	Warn Status = "warn" // it works, but not as it should
	Fail Status = "FAIL"
)

// Finding is one line of the report.
type Finding struct {
	Status Status `json:"status"`
	What   string `json:"what"`           // the thing that was checked
	Found  string `json:"found"`          // what it is like
	Mend   string `json:"mend,omitempty"` // how to mend it
}

// Schema says whether the database lacks changes.
type Schema interface {
	SchemaBehind(ctx context.Context) (bool, error)
}

// Model is a model's server that can be probed.
type Model interface {
	Name() string
	Probe(ctx context.Context) (bot.Probe, error)
}

// Installation is what is checked.
type Installation struct {
	Pool      *pgxpool.Pool
	Schema    Schema
	Engine    client.Client
	EngineAt  string // host:port
	Namespace string

	SecretKey bool // one is set
	Channels  func(ctx context.Context) ([]db.Channel, error)
	Open      func(c db.Channel) error                      // opens a channel's secrets
	Check     func(ctx context.Context, c db.Channel) error // asks the channel's provider

	Alarms  func(ctx context.Context) ([]store.AlarmView, error)
	Model   Model // nil: the offline responder answers
	ModelAt string
}

// checkTime bounds one check of something other than the model.
const checkTime = 15 * time.Second

// Examine makes all checks and hands on each finding as soon as it is known.
func Examine(ctx context.Context, in Installation, tell func(Finding)) {
	r := &report{tell: tell}
	for _, check := range []func(context.Context, Installation, *report){database, engine, channels, alarms} {
		timed, cancel := context.WithTimeout(ctx, checkTime)
		check(timed, in, r)
		cancel()
	}
	model(ctx, in, r)
}

type report struct{ tell func(Finding) }

func (r *report) ok(what, found string, args ...any) {
	r.tell(Finding{Status: OK, What: what, Found: fmt.Sprintf(found, args...)})
}

func (r *report) warn(what, mend, found string, args ...any) {
	r.tell(Finding{Status: Warn, What: what, Found: fmt.Sprintf(found, args...), Mend: mend})
}

func (r *report) fail(what, mend, found string, args ...any) {
	r.tell(Finding{Status: Fail, What: what, Found: fmt.Sprintf(found, args...), Mend: mend})
}

// Print writes a finding as one line.
func Print(w io.Writer, f Finding) error {
	line := fmt.Sprintf("%-4s  %s: %s", f.Status, f.What, f.Found)
	if f.Mend != "" {
		line += " — " + f.Mend
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// PrintJSON writes all findings as one JSON document.
func PrintJSON(w io.Writer, findings []Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Findings []Finding `json:"findings"`
	}{findings})
}

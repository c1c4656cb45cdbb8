// Package ops is what those who run Parley look at: whether a process lives,
// whether it is ready and what it misses, and its metrics.
package ops

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"parley/dialogue"
)

// probeTimeout bounds each probe; they run side by side.
const probeTimeout = 2 * time.Second

// Check is one thing that a process depends on.
type Check struct {
	Name    string
	Problem string // what is wrong when the probe fails, for anybody who may ask: no address, no secret
	Needed  bool   // without it the process is not ready; otherwise it works, degraded
	Probe   func(ctx context.Context) error
}

// Health says whether a process is ready.
type Health struct {
	log      *slog.Logger
	checks   []Check
	facts    map[string]string
	draining atomic.Bool

	mu     sync.Mutex
	failed map[string]bool // checks that failed when they were last made
}

// NewHealth makes a Health of the given checks.
func NewHealth(log *slog.Logger, checks ...Check) *Health {
	return &Health{log: log, checks: checks, facts: map[string]string{}, failed: map[string]bool{}}
}

// Tell adds a fact to what is reported. It is called before the Health serves.
func (h *Health) Tell(name, fact string) { h.facts[name] = fact }

// Drain says that the process is going to end: it is not ready from now on.
func (h *Health) Drain() { h.draining.Store(true) }

// Result is what came of one check.
type Result struct {
	Status  string `json:"status"` // ok or failed
	Needed  bool   `json:"needed"`
	Problem string `json:"problem,omitempty"`
}

// Report is the state of a process.
type Report struct {
	Status string            `json:"status"` // ready or degraded
	Checks map[string]Result `json:"checks"`
	Facts  map[string]string `json:"facts,omitempty"`
}

// problemReport is the problem document of a process that is not ready.
type problemReport struct {
	Type   string            `json:"type"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail"`
	Code   dialogue.Code     `json:"code"`
	Checks map[string]Result `json:"checks,omitempty"`
}

// ServeHTTP answers 200 when the process is ready, or works without something that
// it can do without; else 503, which says what is missing.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if h.draining.Load() {
		refuse(w, "this process is ending: it takes no new work", nil)
		return
	}
	report, missing := h.look(r.Context())
	if missing != "" {
		refuse(w, missing, report.Checks)
		return
	}
	write(w, http.StatusOK, "application/json", report)
}

// look makes all checks, and says what is missing; empty: nothing that is needed.
func (h *Health) look(ctx context.Context) (report Report, missing string) {
	results := make([]Result, len(h.checks))
	var probing sync.WaitGroup
	for i, c := range h.checks {
		probing.Go(func() {
			probe, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			results[i] = Result{Status: "ok", Needed: c.Needed}
			err := c.Probe(probe)
			if err != nil {
				results[i].Status, results[i].Problem = "failed", c.Problem
			}
			if ctx.Err() == nil { // whoever asked still waits
				h.note(c.Name, err)
			}
		})
	}
	probing.Wait()

	report = Report{Status: "ready", Facts: h.facts, Checks: make(map[string]Result, len(results))}
	for i, c := range h.checks {
		report.Checks[c.Name] = results[i]
		if results[i].Status == "ok" {
			continue
		}
		report.Status = "degraded"
		if c.Needed {
			if missing != "" {
				missing += "; "
			}
			missing += c.Problem
		}
	}
	return report, missing
}

// note logs when a check begins to fail and when it holds again: it is made every
// few seconds.
func (h *Health) note(check string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && !h.failed[check]:
		h.log.Warn("a check fails", "check", check, "error", err)
	case err == nil && h.failed[check]:
		h.log.Info("a check holds again", "check", check)
	}
	h.failed[check] = err != nil
}

func refuse(w http.ResponseWriter, detail string, checks map[string]Result) {
	w.Header().Set("Retry-After", "2")
	status := http.StatusServiceUnavailable
	write(w, status, "application/problem+json", problemReport{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: dialogue.CodeUnavailable, Checks: checks,
	})
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

// Package metrics counts what a process does and shows it to Prometheus. Labels
// are taken from small fixed sets: no metric carries an id, an address or a text.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/dialogue"
)

// Metrics are the metrics of one process, whatever roles it runs.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.HistogramVec
	inbound  *prometheus.CounterVec
	answers  *prometheus.HistogramVec
	turns    *prometheus.CounterVec
	model    *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	sends    *prometheus.CounterVec
	database *prometheus.CounterVec
	temporal *temporalHandler
}

// New makes the metrics of a process, with those of the Go runtime.
func New() *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{
		registry: r,
		requests: histogram("parley_http_request_seconds", "Time to answer HTTP requests; streams are not among them.",
			[]float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10}, "method", "route", "status"),
		inbound: counter("parley_inbound_messages_total",
			"Deliveries of customers' messages: stored, known already (duplicate), refused, not understood (dead_letter), or without a message (ignored).", "channel", "outcome"),
		answers: histogram("parley_answer_seconds", "Time from a customer's newest message to its answer, by who answered.",
			[]float64{.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900, 3600, 4 * 3600}, "channel", "author"),
		turns: counter("parley_turns_total", "Attempts of the bot to answer; cause says why one failed.", "outcome", "cause"),
		model: histogram("parley_bot_seconds", "Time that the bot takes to word one answer, retrieval and the model's calls included.",
			[]float64{.1, .25, .5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120}, "outcome"),
		tokens: counter("parley_model_tokens_total", "Tokens that the model has read (prompt) and written (completion).", "kind"),
		sends:  counter("parley_sends_total", "Messages given to providers.", "outcome"),
		database: counter("parley_db_transactions_total",
			"Database transactions that have ended, by their first statement's name in store/queries; other: they have none that is named.", "role", "first"),
		temporal: newTemporalHandler(r),
	}
	r.MustRegister(m.requests, m.inbound, m.answers, m.turns, m.model, m.tokens, m.sends, m.database,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Handler shows the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Request counts an HTTP request. The route is the pattern that matched, never a path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		method = "other" // a client may send any word
	}
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(method, route, statusClass(status)).Observe(took.Seconds())
}

func statusClass(status int) string {
	classes := [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	if i := status/100 - 1; i >= 0 && i < len(classes) {
		return classes[i]
	}
	return "other"
}

// Inbound counts a delivery of a customer's message on a kind of channel.
func (m *Metrics) Inbound(kind, outcome string) { m.inbound.WithLabelValues(kind, outcome).Inc() }

// Answered notes how long a customer on a kind of channel has waited for an answer.
func (m *Metrics) Answered(kind string, by dialogue.Author, waited time.Duration) {
	m.answers.WithLabelValues(kind, string(by)).Observe(waited.Seconds())
}

// Turn counts what came of a turn; the cause is empty unless it failed.
func (m *Metrics) Turn(outcome, cause string) { m.turns.WithLabelValues(outcome, cause).Inc() }

// Worded notes how long the bot took for an answer, and what came of it.
func (m *Metrics) Worded(outcome string, took time.Duration) {
	m.model.WithLabelValues(outcome).Observe(took.Seconds())
}

// Tokens counts what a model has read and written.
func (m *Metrics) Tokens(prompt, completion int) {
	m.tokens.WithLabelValues("prompt").Add(float64(max(0, prompt)))
	m.tokens.WithLabelValues("completion").Add(float64(max(0, completion)))
}

// Sent counts messages that were given to a provider, by what became of them.
func (m *Metrics) Sent(outcome string, n int) { m.sends.WithLabelValues(outcome).Add(float64(n)) }

package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// temporalLabels are the tags of the Temporal SDK that become labels: those with
// few values. The others (namespace, client name) are the same in all of a
// process's metrics.
func temporalLabels() []string {
	return []string{
		"operation", "task_queue", "workflow_type", "activity_type", "worker_type", "poller_type", "failure_reason", "status_code",
	}
}

// temporalHandler gives the Temporal SDK's own metrics to the registry: a few
// lines in place of the SDK's adapters, which each bring a second metrics library
// and an exporter of their own.
type temporalHandler struct {
	shared *temporalMetrics
	tags   map[string]string
}

type temporalMetrics struct {
	registry prometheus.Registerer
	labels   []string

	mu       sync.Mutex
	counters map[string]*prometheus.CounterVec
	gauges   map[string]*prometheus.GaugeVec
	timers   map[string]*prometheus.HistogramVec
}

func newTemporalHandler(r prometheus.Registerer) *temporalHandler {
	return &temporalHandler{shared: &temporalMetrics{
		registry: r, labels: temporalLabels(), counters: map[string]*prometheus.CounterVec{},
		gauges: map[string]*prometheus.GaugeVec{}, timers: map[string]*prometheus.HistogramVec{},
	}}
}

// Temporal returns what a Temporal client is given to count with.
func (m *Metrics) Temporal() client.MetricsHandler { return m.temporal }

// WithTags implements client.MetricsHandler.
func (h *temporalHandler) WithTags(tags map[string]string) client.MetricsHandler {
	merged := make(map[string]string, len(h.tags)+len(tags))
	for k, v := range h.tags {
		merged[k] = v
	}
	for k, v := range tags {
		merged[k] = v
	}
	return &temporalHandler{shared: h.shared, tags: merged}
}

// values are the labels' values; a tag that is not there is an empty label, which
// Prometheus takes for none.
func (h *temporalHandler) values() []string {
	values := make([]string, len(h.shared.labels))
	for i, label := range h.shared.labels {
		if v := h.tags[label]; v != "none" {
			values[i] = v
		}
	}
	return values
}

// Counter implements client.MetricsHandler.
func (h *temporalHandler) Counter(name string) client.MetricsCounter {
	name = metricName(name) + "_total"
	c := vec(h.shared, h.shared.counters, name, func(labels []string) *prometheus.CounterVec {
		return counter(name, sdkHelp, labels...)
	}).WithLabelValues(h.values()...)
	return sdkCounter{c}
}

// Gauge implements client.MetricsHandler.
func (h *temporalHandler) Gauge(name string) client.MetricsGauge {
	name = metricName(name)
	g := vec(h.shared, h.shared.gauges, name, func(labels []string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: sdkHelp}, labels)
	}).WithLabelValues(h.values()...)
	return sdkGauge{g}
}

// Timer implements client.MetricsHandler.
func (h *temporalHandler) Timer(name string) client.MetricsTimer {
	name = metricName(name) + "_seconds"
	t := vec(h.shared, h.shared.timers, name, func(labels []string) *prometheus.HistogramVec {
		return histogram(name, sdkHelp, []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120}, labels...)
	}).WithLabelValues(h.values()...)
	return sdkTimer{t}
}

const sdkHelp = "A metric of the Temporal SDK."

// vec finds the metric of a name, or makes and registers it.
func vec[V prometheus.Collector](m *temporalMetrics, known map[string]V, name string, build func(labels []string) V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := known[name]
	if !ok {
		v = build(m.labels)
		m.registry.MustRegister(v)
		known[name] = v
	}
	return v
}

// metricName makes a name that Prometheus accepts.
func metricName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

type sdkCounter struct{ prometheus.Counter }

func (c sdkCounter) Inc(n int64) { c.Add(float64(max(0, n))) }

type sdkGauge struct{ prometheus.Gauge }

func (g sdkGauge) Update(v float64) { g.Set(v) }

type sdkTimer struct{ prometheus.Observer }

func (t sdkTimer) Record(d time.Duration) { t.Observe(d.Seconds()) }

package metrics

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds what a scrape asks the database.
const scrapeTimeout = 3 * time.Second

// WatchPool shows the database connections of a role.
func (m *Metrics) WatchPool(role string, pool *pgxpool.Pool) {
	labels := prometheus.Labels{"role": role}
	gauge := func(name, help string, value func(s *pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return value(pool.Stat()) }))
	}
	total := func(name, help string, value func(s *pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return value(pool.Stat()) }))
	}
	gauge("parley_db_connections_in_use", "Database connections that are working.",
		func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("parley_db_connections", "Database connections that are open.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) })
	gauge("parley_db_connections_max", "Database connections that may be open.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	total("parley_db_waits_total", "Times that somebody had to wait for a database connection.",
		func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	total("parley_db_wait_seconds_total", "Time that was spent waiting for database connections.",
		func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
}

// Streams are the open streams of a node, and how many slow ones it has cut.
type Streams struct {
	Operators, Customers int
	Cut                  uint64
}

// WatchStreams shows the streams of an api node.
func (m *Metrics) WatchStreams(streams func() Streams) {
	open := func(viewer string, value func(s Streams) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "parley_streams_open", Help: "Open streams.", ConstLabels: prometheus.Labels{"viewer": viewer},
		}, func() float64 { return float64(value(streams())) }))
	}
	open("operator", func(s Streams) int { return s.Operators })
	open("customer", func(s Streams) int { return s.Customers })
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "parley_streams_cut_total", Help: "Streams that were cut because their client did not read; it resumes.",
	}, func() float64 { return float64(streams().Cut) }))
}

// Backlog is what waits in the record, for all nodes together.
type Backlog struct {
	Bells       int64         // in the outbox
	OldestBell  time.Duration // how long the oldest has been due
	Unsequenced int64         // events without a position
	Events      int64         // that were ever given a position
	DeadLetters int64
	Alarms      []string // the causes of those that are open
}

// WatchBacklog shows what waits in the record, and for each of the causes whether an
// alarm is open. Every node shows the same.
func (m *Metrics) WatchBacklog(read func(ctx context.Context) (Backlog, error), causes []string, log *slog.Logger) {
	describe := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	m.registry.MustRegister(&backlog{
		read: read, causes: causes, log: log,
		bells:       describe("parley_outbox_bells", "Bells that wait to be told to the engine."),
		oldest:      describe("parley_outbox_oldest_seconds", "How long the oldest bell has been due."),
		unsequenced: describe("parley_events_unsequenced", "Events that have no position yet."),
		events:      describe("parley_events_total", "Events that were written to the log, ever."),
		deadLetters: describe("parley_dead_letters", "Deliveries of providers that could not be understood."),
		alarms:      prometheus.NewDesc("parley_alarms_open", "Whether the bot's answers fail for this cause: 1 until the model answers again.", []string{"cause"}, nil),
	})
}

type backlog struct {
	read                                                    func(ctx context.Context) (Backlog, error)
	causes                                                  []string
	log                                                     *slog.Logger
	bells, oldest, unsequenced, events, deadLetters, alarms *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{b.bells, b.oldest, b.unsequenced, b.events, b.deadLetters, b.alarms} {
		out <- d
	}
}

// Collect implements prometheus.Collector. When the database does not answer the
// rest of the metrics is shown without these.
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	now, err := b.read(ctx)
	if err != nil {
		b.log.Warn("cannot measure what waits", "error", err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64) { out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(b.bells, float64(now.Bells))
	gauge(b.oldest, now.OldestBell.Seconds())
	gauge(b.unsequenced, float64(now.Unsequenced))
	gauge(b.deadLetters, float64(now.DeadLetters))
	for _, cause := range b.causes {
		open := 0.0
		if slices.Contains(now.Alarms, cause) {
			open = 1
		}
		out <- prometheus.MustNewConstMetric(b.alarms, prometheus.GaugeValue, open, cause)
	}
	out <- prometheus.MustNewConstMetric(b.events, prometheus.CounterValue, float64(now.Events))
}

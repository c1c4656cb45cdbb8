package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"parley/activities"
	"parley/api"
	"parley/api/stream"
	"parley/bot"
	"parley/channel"
	"parley/channel/telegram"
	"parley/config"
	"parley/demo"
	"parley/doorbell"
	"parley/intake"
	"parley/knowledge"
	"parley/metrics"
	"parley/ops"
	"parley/store"
	"parley/store/eventlog"
	"parley/store/live"
	"parley/upkeep"
	"parley/vault"
	"parley/worker"
)

// poolConns is how many database connections one role of a process takes at most.
const poolConns = 24

// role is what the api and the worker have in common: the record, the engine,
// and what carries news between processes.
type role struct {
	cfg      config.Config
	log      *slog.Logger
	pool     *pgxpool.Pool
	store    *store.Store
	engine   client.Client
	doorbell *doorbell.Doorbell
	waker    *eventlog.Waker
	live     *live.Publisher
	vault    *vault.Vault
	metrics  *metrics.Metrics
}

// newRole prepares a role, which is called name in the metrics.
func newRole(ctx context.Context, cfg config.Config, name string, m *metrics.Metrics, log *slog.Logger) (*role, error) {
	if err := cfg.Require("DATABASE_URL", "TEMPORAL_ADDRESS"); err != nil {
		return nil, err
	}
	r := &role{cfg: cfg, log: log, metrics: m}
	var err error
	if r.vault, err = vault.New(cfg.SecretKey); err != nil {
		return nil, err
	}
	if r.pool, err = openPool(ctx, cfg.DatabaseURL, m.Transactions(name)); err != nil {
		return nil, err
	}
	if r.engine, err = newEngine(cfg, log, m.Temporal()); err != nil {
		r.pool.Close()
		return nil, err
	}
	m.WatchPool(name, r.pool)
	r.waker = eventlog.NewWaker(r.pool, log)
	r.live = live.NewPublisher(r.pool, log)
	hooks := store.Hooks{
		Wake: r.waker.Wake, Rang: func(b store.Bell) { r.doorbell.Rang(b) },
		Took: m.Inbound, Answered: m.Answered,
	}
	r.store = store.New(r.pool, hooks)
	r.doorbell = doorbell.New(doorbell.Config{
		Outbox: r.store, Engine: r.engine, IdleAfter: cfg.IdleAfter, Log: log, InboxURL: cfg.PublicURL,
		Register: func(ctx context.Context) error {
			return doorbell.RegisterLabels(ctx, r.engine.OperatorService(), cfg.TemporalNamespace)
		},
	})
	return r, nil
}

// newEngine prepares the connection to Temporal. It is lazy: without the engine
// messages are still taken and shown, and the bells wait. Metrics that are nil count nothing.
func newEngine(cfg config.Config, log *slog.Logger, m client.MetricsHandler) (client.Client, error) {
	engine, err := client.NewLazyClient(client.Options{
		HostPort: cfg.TemporalAddress, Namespace: cfg.TemporalNamespace, Logger: temporallog.NewStructuredLogger(log), MetricsHandler: m,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the connection to Temporal at %s: %w", cfg.TemporalAddress, err)
	}
	return engine, nil
}

// newManager makes what adds and changes channels.
func newManager(cfg config.Config, s *store.Store, v *vault.Vault, log *slog.Logger) *intake.Manager {
	return &intake.Manager{
		Store: s, Vault: v, Log: log,
		Connector: &intake.Connector{API: telegram.NewClient(), PublicURL: cfg.PublicURL},
	}
}

// openPool opens the database. A tracer that is nil traces nothing.
func openPool(ctx context.Context, databaseURL string, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse DATABASE_URL: %w", err)
	}
	pc.MaxConns, pc.ConnConfig.Tracer = poolConns, tracer
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return pool, nil
}

func (r *role) close() {
	r.engine.Close()
	r.pool.Close()
}

// background starts what both roles run beside their work. It ends after ctx.
func (r *role) background(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return r.waker.Run(ctx) })
	g.Go(func() error { return r.live.Run(ctx) })
	g.Go(func() error { return r.doorbell.Run(ctx) })
}

func (r *role) bot() (measuredBot, error) {
	model := bot.Model(bot.Offline{})
	var server *bot.OpenAI
	if !r.cfg.Offline() {
		var err error
		server, err = bot.NewOpenAI(modelConfig(r.cfg, r.log))
		if err != nil {
			return measuredBot{}, err
		}
		model = server
	}
	return measuredBot{Bot: bot.New(bot.Deps{Knowledge: knowledge.NewBase(r.pool), Model: model, Log: r.log}), server: server, metrics: r.metrics}, nil
}

// probing asks the model, while an alarm is open, whether it answers again. What
// that takes counts for the day.
func (r *role) probing(answers measuredBot) *upkeep.Probing {
	return upkeep.NewProbing(upkeep.ProbingConfig{
		Alarms: r.store, Causes: bot.ProbedCauses(), Every: r.cfg.ProbeEvery, Log: r.log,
		Ask: func(ctx context.Context) error {
			usage, err := answers.ping(ctx)
			profile, dbErr := activities.Profile(ctx, r.store)
			if dbErr == nil {
				dbErr = r.store.SpendBeside(ctx, activities.Spent(usage, profile))
			}
			return errors.Join(err, dbErr)
		},
	})
}

// engineCheck asks the engine whether it serves.
func (r *role) engineCheck(needed bool) ops.Check {
	return ops.Check{
		Name: "engine", Needed: needed, Problem: "Temporal does not answer: messages are taken and wait for it",
		Probe: func(ctx context.Context) error {
			_, err := r.engine.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		},
	}
}

// health says whether the role is ready, by the checks that every role has and its own.
func (r *role) health(engineNeeded bool, own ...ops.Check) *ops.Health {
	h := ops.NewHealth(r.log, append([]ops.Check{api.DatabaseCheck(r.store), r.engineCheck(engineNeeded)}, own...)...)
	answersBy := "a model"
	if r.cfg.Offline() {
		answersBy = "the built-in offline responder: no model is configured"
	}
	h.Tell("answers_by", answersBy)
	return h
}

// runAPI serves HTTP on ln until ctx is done.
func runAPI(ctx context.Context, cfg config.Config, ln net.Listener, m *metrics.Metrics, log *slog.Logger) error {
	r, err := newRole(ctx, cfg, "api", m, log)
	if err != nil {
		return err
	}
	defer r.close()
	answers, err := r.bot()
	if err != nil {
		return err
	}
	hub := stream.New(stream.Deps{Pool: r.pool, Publisher: r.live, Log: log})
	m.WatchStreams(func() metrics.Streams { return metrics.Streams(hub.Stats()) })
	m.WatchBacklog(func(ctx context.Context) (metrics.Backlog, error) {
		b, err := r.store.Backlog(ctx)
		return metrics.Backlog(b), err
	}, bot.Causes(), log)
	listeners := map[string]eventlog.Listener{live.Channel: {Notified: live.Handler(hub.Live, log), Missed: hub.CheckLogins}}
	follower := eventlog.NewFollower(r.pool, hub, listeners, log)
	health := r.health(false, ops.Check{
		Name: "event_log", Needed: true, Problem: "the event log is not being followed: streams would stand still", Probe: follower.Check,
	})
	manager := newManager(cfg, r.store, r.vault, log)
	polling := &intake.Polling{
		Store: r.store, Accounts: r.vault, API: telegram.NewClient(), Log: log,
		Intake: &intake.Intake{Store: r.store, Count: m, Log: log},
	}
	webhooks := &intake.Webhooks{Store: r.store, Accounts: r.vault, API: telegram.NewClient(), PublicURL: cfg.PublicURL, Log: log}
	server := api.New(api.Config{
		Store: r.store, Hub: hub, Live: r.live, Bot: answers, Vault: r.vault, Channels: manager, Log: log,
		PublicURL: cfg.PublicURL, WorkflowURL: workflowURL(cfg),
		Health: health, Metrics: m.Handler(), MetricsToken: cfg.MetricsToken, Observer: m,
		TrustedProxies: cfg.TrustedProxies, DrainDelay: cfg.DrainDelay,
	})

	// What serves requests stops first; what they need goes on until they are done.
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	g, below := errgroup.WithContext(below)
	r.background(below, g)
	g.Go(func() error { return hub.Run(below) })
	g.Go(func() error {
		polls, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(below, cancel)()
		var both errgroup.Group
		both.Go(func() error { return polling.Run(polls) })
		both.Go(func() error { return webhooks.Run(polls) })
		return both.Wait()
	})
	g.Go(func() error { return eventlog.NewSequencer(r.pool, 0, log).Run(below) })
	g.Go(func() error { return follower.Run(below) })
	g.Go(func() error {
		defer stop()
		serving, cancel := context.WithCancel(ctx)
		defer cancel()
		context.AfterFunc(below, cancel)
		return server.Serve(serving, ln)
	})
	return g.Wait()
}

// workflowURL makes links to the Temporal UI, or nil when nobody said where it is.
func workflowURL(cfg config.Config) func(string) string {
	if cfg.TemporalUIURL == "" {
		return nil
	}
	return func(id string) string {
		return cfg.TemporalUIURL + "/namespaces/" + url.PathEscape(cfg.TemporalNamespace) + "/workflows/" + url.PathEscape(id)
	}
}

// summaryGrace is how long a worker that ends waits for summaries that are being
// written. One that is stopped is written at the dialogue's next turn.
const summaryGrace = 5 * time.Second

// engineRetry is how long a worker waits before it looks for the engine again.
const engineRetry = 2 * time.Second

// runWorker runs dialogues until ctx is done.
func runWorker(ctx context.Context, cfg config.Config, m *metrics.Metrics, log *slog.Logger) error {
	r, err := newRole(ctx, cfg, "worker", m, log)
	if err != nil {
		return err
	}
	defer r.close()
	answers, err := r.bot()
	if err != nil {
		return err
	}
	var running atomic.Bool
	health := r.health(true, ops.Check{
		Name: "worker", Needed: true, Problem: "the worker has not begun to take work from Temporal",
		Probe: func(context.Context) error {
			if !running.Load() {
				return errors.New("the worker does not run")
			}
			return nil
		},
	})
	watcher := activities.NewWatcher(r.store, log)
	summaries := &activities.Folder{Store: r.store, Bot: answers, Log: log}
	senders := map[string]channel.Sender{channel.Telegram: telegram.Sender{Client: telegram.NewClient()}}
	wc := worker.Config{
		Client: r.engine, Log: log, BuildID: cfg.BuildID, StopTimeout: cfg.StopTimeout, Observer: m, Running: running.Store,
		Replies: &activities.Replies{
			Store: r.store, Bot: answers, Watcher: watcher, Progress: worker.Progress{Live: r.live, Chats: activities.NewTyping(r.store, r.vault, senders, log)}, Log: log,
			Quiet: cfg.QuietPeriod, QuietMax: cfg.QuietPeriodMax, Drain: cfg.StopTimeout * 3 / 4,
			Summaries: summaries,
		},
		Sends: &activities.Sends{
			Store: r.store, Accounts: r.vault, Log: log,
			Senders: senders,
		},
		Timers:  &activities.Timers{Store: r.store, Log: log},
		Replays: &activities.Replays{Store: r.store, Rate: cfg.ReplayRate, Log: log},
	}
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	g, below := errgroup.WithContext(below)
	r.background(below, g)
	g.Go(func() error { return watcher.Run(below) })
	looksAfter := upkeep.New(upkeep.Config{Record: r.store, Engine: r.engine, Log: log})
	g.Go(func() error { return looksAfter.Run(below) })
	starter := &worker.ReplayStarter{Record: r.store, Engine: r.engine, Log: log}
	g.Go(func() error { return starter.Run(below) })
	if answers.server != nil {
		g.Go(func() error { return r.probing(answers).Run(below) })
	}
	if cfg.OpsListen != "" {
		ln, err := net.Listen("tcp", cfg.OpsListen)
		if err != nil {
			stop()
			return errors.Join(fmt.Errorf("listen on PARLEY_OPS_LISTEN: %w", err), g.Wait())
		}
		g.Go(func() error { return ops.Serve(below, ln, ops.Handler(health, m.Handler(), cfg.MetricsToken), log) })
	}
	context.AfterFunc(ctx, health.Drain)
	g.Go(func() error {
		defer stop()
		defer func() {
			ending, cancel := context.WithTimeout(below, summaryGrace)
			defer cancel()
			summaries.Wait(ending)
		}()
		working, cancel := context.WithCancel(ctx)
		defer cancel()
		context.AfterFunc(below, cancel)
		for {
			err := worker.Run(working, wc)
			if err == nil || working.Err() != nil {
				return nil
			}
			log.Warn("no engine yet; messages are taken and wait", "address", cfg.TemporalAddress, "error", err)
			select {
			case <-time.After(engineRetry):
			case <-working.Done():
			}
		}
	})
	return g.Wait()
}

func migrate(ctx context.Context, cfg config.Config, _ *slog.Logger) error {
	if err := cfg.Require("DATABASE_URL"); err != nil {
		return err
	}
	return store.Migrate(ctx, cfg.DatabaseURL)
}

// withStore runs f on the record, without anything beside it.
func withStore(ctx context.Context, cfg config.Config, f func(s *store.Store) error) error {
	pool, err := openPool(ctx, cfg.DatabaseURL, nil)
	if err != nil {
		return err
	}
	defer pool.Close()
	return f(store.New(pool, store.Hooks{}))
}

// ensureAdmin makes the first admin when there is none. The password is returned
// only when it was made here.
func ensureAdmin(ctx context.Context, cfg config.Config, log *slog.Logger) (email, password string, created bool, err error) {
	email, password = cfg.AdminEmail, cfg.AdminPassword
	err = withStore(ctx, cfg, func(s *store.Store) error {
		has, err := s.HasAdmin(ctx)
		if err != nil {
			return err
		}
		if has {
			operators, err := s.Operators(ctx)
			if err != nil {
				return err
			}
			for _, o := range operators {
				if o.Role == "admin" && (email == "" || o.Email == email) {
					email = o.Email
					break
				}
			}
			password = ""
			return nil
		}
		if email == "" {
			email = "admin@example.com"
		}
		if password == "" {
			password = newPassword()
		}
		in, err := api.NewOperator{Email: email, Name: "Admin", Role: "admin", Password: password}.Prepare()
		if err != nil {
			return err
		}
		_, err = s.AddOperator(ctx, in)
		created = err == nil
		return err
	})
	if err != nil {
		return "", "", false, fmt.Errorf("make the first admin: %w", err)
	}
	log.Debug("first admin", "email", email, "created", created)
	return email, password, created, nil
}

// newPassword makes a password that is easy to copy: 120 random bits.
func newPassword() string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

// loadDemo fills a new installation with the demo shop. What is there stays.
func loadDemo(ctx context.Context, cfg config.Config, _ *slog.Logger) error {
	pool, err := openPool(ctx, cfg.DatabaseURL, nil)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := store.New(pool, store.Hooks{})
	if err := demo.Load(ctx, pool); err != nil {
		return fmt.Errorf("load the demo shop's knowledge: %w", err)
	}
	if err := s.EnsureBotProfile(ctx, demo.Profile()); err != nil {
		return err
	}
	return s.EnsureChannel(ctx, channel.Widget, demo.ChannelSlug, demo.ShopName)
}

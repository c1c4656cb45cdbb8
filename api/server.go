// Package api is Parley's HTTP side: the inbox's API and stream, the widget, the
// webhooks, and the pages themselves. Every answer that is not a success is a
// problem document (RFC 9457).
package api

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/stream"
	"parley/bot"
	"parley/channel"
	"parley/dialogue"
	"parley/intake"
	"parley/ops"
	"parley/store"
	"parley/store/db"
	"parley/store/live"
)

// Bot drafts answers for operators.
type Bot interface {
	Answer(ctx context.Context, in bot.Input, onText func(textSoFar string)) (bot.Answer, error)
}

// Vault seals channels' secrets and opens them again.
type Vault interface {
	Seal(secrets map[string]string) (sealed []byte, keyID string, err error)
	Account(c db.Channel) (channel.Account, error)
}

// Config is what a Server works with.
type Config struct {
	Store *store.Store
	Hub   *stream.Hub
	Live  *live.Publisher
	Bot   Bot
	Vault Vault
	Log   *slog.Logger

	Channels *intake.Manager // adds and changes channels

	PublicURL   string                         // where browsers reach Parley; empty: unknown, cookies are not marked Secure
	WorkflowURL func(workflowID string) string // the Temporal UI's page of a workflow; nil: there is no UI

	Health         *ops.Health   // what /readyz says
	Metrics        http.Handler  // what /metrics shows; nil: nothing
	MetricsToken   string        // who may see that; empty: private networks
	Observer       Observer      // nil: nobody looks
	TrustedProxies []string      // addresses and networks whose X-Forwarded-For is believed
	DrainDelay     time.Duration // how long Serve goes on, not ready any more, after its context is done
}

// Observer counts what the server does.
type Observer interface {
	// Request is told of every request but streams. The route is a pattern; empty: none matched.
	Request(method, route string, status int, took time.Duration)
	// Inbound is told of customers' messages that were refused.
	Inbound(kind, outcome string)
}

type unobserved struct{}

func (unobserved) Request(string, string, int, time.Duration) {}
func (unobserved) Inbound(string, string)                     {}

// Server answers HTTP requests. It keeps no state of dialogues: any number of
// servers work on one database.
type Server struct {
	Config
	limits limits
}

// New makes a Server.
func New(c Config) *Server {
	if c.Observer == nil {
		c.Observer = unobserved{}
	}
	if c.Health == nil {
		c.Health = ops.NewHealth(c.Log, DatabaseCheck(c.Store))
	}
	return &Server{Config: c, limits: newLimits()}
}

// DatabaseCheck is the check without which no process is ready.
func DatabaseCheck(s *store.Store) ops.Check {
	return ops.Check{
		Name: "database", Needed: true, Problem: "the database does not answer, or has not been migrated to this version: run `parley migrate`",
		Probe: s.CheckSchema,
	}
}

//go:embed openapi.yaml
var openAPI []byte

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.ContextWithFallback = true
	// Nobody's word for the client's address is taken but the connection's and the trusted proxies'.
	r.RemoteIPHeaders = []string{"X-Forwarded-For"}
	if err := r.SetTrustedProxies(s.TrustedProxies); err != nil {
		s.Log.Error("no proxy is trusted", "error", err)
		_ = r.SetTrustedProxies(nil)
	}
	r.Use(nameRequest, s.observe, s.recoverPanics)

	r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", gin.WrapH(s.Health))
	if s.Metrics != nil {
		r.GET("/metrics", gin.WrapH(ops.Guard(s.Metrics, s.MetricsToken)))
	}
	r.GET("/api/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", openAPI) })

	s.routeAPI(r.Group("/api/v1", noStore, limitBody(maxBody)))
	s.routeWidget(r.Group("/widget/v1", noStore, limitBody(maxWidgetBody)))
	s.routeHooks(r.Group("/hooks", limitBody(maxHookBody)))
	mountStatic(r, staticOptions{AllowedOrigins: s.allowedOrigins, Log: s.Log})
	r.NoRoute(func(c *gin.Context) {
		s.fail(c, dialogue.Errorf(dialogue.CodeNotFound, "there is nothing at %s", c.Request.URL.Path))
	})
	return r
}

// drain is how long open requests may take to end when the server stops.
const drain = 5 * time.Second

// Serve answers requests on a listener until ctx is done. Then it ends the
// streams, whose clients come back elsewhere, and lets other requests finish.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.Health.Drain()
	if s.DrainDelay > 0 {
		s.Log.Info("not ready any more; serving on until balancers have noticed", "for", s.DrainDelay)
		delay := time.NewTimer(s.DrainDelay)
		defer delay.Stop()
		select {
		case <-delay.C:
		case err := <-failed:
			return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
		}
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.Hub.Shutdown(stop); err != nil {
		s.Log.Warn("some streams did not end in time", "error", err)
	}
	if err := server.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return server.Close()
}

package api

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/problem"
	"parley/store"
	"parley/store/db"
)

// How large request bodies may be. Providers send up to 3 MB.
const (
	maxBody       = 256 << 10
	maxWidgetBody = 64 << 10
	maxHookBody   = 4 << 20
)

// bodyTimeout is how long a client may take to send a body: 4 MB in that time
// come through any line that carries a webhook.
const bodyTimeout = 30 * time.Second

// limitBody bounds how large a body may be, and how long it may take.
func limitBody(bytes int64) gin.HandlerFunc { return limitBodyWithin(bytes, bodyTimeout) }

func limitBodyWithin(bytes int64, timeout time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.ContentLength == 0 {
			return
		}
		body := &timedBody{ReadCloser: c.Request.Body, rc: http.NewResponseController(c.Writer)}
		body.setDeadline(time.Now().Add(timeout))
		c.Request.Body = http.MaxBytesReader(c.Writer, body, bytes)
	}
}

// timedBody takes the deadline of reading away as soon as the body is there. From
// then on the server reads ahead to learn that the client is gone, and a deadline
// that ran out would look like that to a handler which takes its time. A body that
// is not read to its end keeps it: the server discards the rest under it.
type timedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.setDeadline(time.Time{})
	}
	return n, err
}

func (b *timedBody) setDeadline(t time.Time) {
	_ = b.rc.SetReadDeadline(t) // tests without a connection have none
}

func noStore(c *gin.Context) { c.Header("Cache-Control", "no-store") }

// requestIDs are those that we take from clients and proxies.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// nameRequest gives the request an id, which its answer carries: the one that a
// proxy in front of us has given it, or a new one.
func nameRequest(c *gin.Context) {
	id := c.GetHeader(problem.RequestIDHeader)
	if !requestIDs.MatchString(id) {
		id = uuid.NewString()
	}
	c.Header(problem.RequestIDHeader, id)
}

func requestID(c *gin.Context) string { return c.Writer.Header().Get(problem.RequestIDHeader) }

// observe logs and counts what was asked and what came of it, without bodies,
// queries or tokens: addresses of webhooks and texts of searches are nobody's business.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	c.Next()
	route, status, took := c.FullPath(), c.Writer.Status(), time.Since(began)
	long := strings.HasSuffix(route, "/stream") && status == http.StatusOK
	if !long {
		s.Observer.Request(c.Request.Method, route, status, took)
	}
	if kind, ok := hookKind(route); ok && status >= http.StatusBadRequest {
		s.Observer.Inbound(kind, "refused")
	}
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case long, !strings.HasPrefix(route, "/api/v1/") && !strings.HasPrefix(route, "/widget/v1/") && !strings.HasPrefix(route, "/hooks/"):
		level = slog.LevelDebug // streams, health and pages
	}
	args := []any{
		"request_id", requestID(c), "method", c.Request.Method, "route", route, "status", status,
		"took_ms", took.Milliseconds(), "client", c.ClientIP(),
	}
	if o, ok := c.Get(operatorKey); ok {
		args = append(args, "operator_id", o.(db.Operator).ID)
	}
	if v, ok := c.Get(visitorKey); ok {
		args = append(args, "channel_id", v.(store.Visitor).Channel.ID)
	}
	if id := dialogueOf(c); id != uuid.Nil {
		args = append(args, "dialogue_id", id)
	}
	s.Log.Log(c, level, "request", args...)
}

// dialogueOf is the dialogue that a request is about, as far as its address or
// its visitor says.
func dialogueOf(c *gin.Context) uuid.UUID {
	if v, ok := c.Get(visitorKey); ok {
		return v.(store.Visitor).DialogueID.UUID
	}
	if strings.HasPrefix(c.FullPath(), "/api/v1/dialogues/:id") {
		id, _ := uuid.Parse(c.Param("id"))
		return id
	}
	return uuid.Nil
}

// hookKind is the kind of channel whose webhook a route is.
func hookKind(route string) (string, bool) {
	kind, ok := strings.CutPrefix(route, "/hooks/")
	kind, _, _ = strings.Cut(kind, "/")
	return kind, ok
}

func (s *Server) recoverPanics(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.Log.Error("a handler panicked", "request_id", requestID(c), "route", c.FullPath(), "panic", p, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			problem.Write(c, http.StatusInternalServerError, "internal", internalDetail)
		}
		c.Abort()
	}()
	c.Next()
}

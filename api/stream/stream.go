// Package stream serves the server-sent events of the inbox and of the widget.
//
// A Hub on every API node is fed by an eventlog.Follower and by live items. Each
// connection is one stream of the SSE library, which only frames and writes: what
// is replayed comes from the event log, who may see it is decided by Visible, and
// a slow client is cut by the deadline of its writes, to resume from its cursor.
package stream

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/r3labs/sse/v2"

	"parley/api/problem"
	"parley/dialogue"
	"parley/store/db"
	"parley/store/eventlog"
	"parley/store/live"
)

const (
	replayPage        = 500
	concurrentReplays = 8
	queryTimeout      = 10 * time.Second
	readyTimeout      = 5 * time.Second
	recentBytes       = 32 << 20
	// libraryBuffer is how many frames the library holds for one stream before it makes the pump wait; it adds 64 of its own.
	libraryBuffer = 16
	signalBuffer  = 16
	drainGrace    = time.Second
)

// Options are the limits and times of the streams; a zero field has its default.
type Options struct {
	Heartbeat    time.Duration // 15 s
	Retry        time.Duration // after which a browser comes again: 2 s
	WriteTimeout time.Duration // of one frame: 5 s
	MinLifetime  time.Duration // of a stream, which ends between this and its double: 15 min
	PerOperator  int           // streams of one login session; the oldest gives way: 10
	PerVisitor   int           // streams of one widget session; the oldest gives way: 5
	PerAddress   int           // streams from one client address, behind which a whole office may sit: 2000
	MaxStreams   int           // of this node: 20 000
	Recent       int           // events kept in memory, so that not every resumed stream asks the database: 4096
}

func (o Options) withDefaults() Options {
	def(&o.Heartbeat, 15*time.Second)
	def(&o.Retry, 2*time.Second)
	def(&o.WriteTimeout, 5*time.Second)
	def(&o.MinLifetime, 15*time.Minute)
	def(&o.PerOperator, 10)
	def(&o.PerVisitor, 5)
	def(&o.PerAddress, 2000)
	def(&o.MaxStreams, 20_000)
	def(&o.Recent, 4096)
	return o
}

func def[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Publisher sends live items to the hubs of all nodes, this one included.
type Publisher interface{ Publish(live.Item) }

// Deps are what a Hub needs.
type Deps struct {
	Pool      *pgxpool.Pool
	Publisher Publisher
	Log       *slog.Logger
	Options   Options
}

// Hub holds the streams of one node.
type Hub struct {
	pool      *pgxpool.Pool
	q         *db.Queries
	publisher Publisher
	log       *slog.Logger
	options   Options
	sse       *sse.Server
	replays   chan struct{} // bounds the database connections that replays take
	ready     chan struct{} // closed when the log is followed
	check     chan struct{} // the logins of the streams are to be looked at again
	serving   sync.WaitGroup

	mu          sync.RWMutex
	draining    bool
	head        int64    // position of the newest event told to the streams
	recent      []*Event // all events after floor, up to head
	recentBytes int
	floor       int64
	conns       map[*conn]struct{} // until their handlers have returned
	operators   map[*conn]struct{}
	streams     map[string]*conn                 // by the name that an operator's client gave it
	threads     map[string]map[*conn]struct{}    // customers by thread key
	watching    map[uuid.UUID]map[*conn]struct{} // operators by the dialogue on the screen
	sessions    map[string][]*conn               // oldest first
	addresses   map[string]int                   // streams by client address
	cut         atomic.Uint64                    // streams whose client did not read
}

var _ eventlog.Sink = (*Hub)(nil)

// New makes a Hub. It serves streams once an eventlog.Follower has begun to feed it.
func New(deps Deps) *Hub {
	h := &Hub{
		pool: deps.Pool, q: db.New(), publisher: deps.Publisher, log: deps.Log, options: deps.Options.withDefaults(),
		sse:     sse.New(),
		replays: make(chan struct{}, concurrentReplays), ready: make(chan struct{}), check: make(chan struct{}, 1),
		conns: map[*conn]struct{}{}, operators: map[*conn]struct{}{}, streams: map[string]*conn{},
		threads: map[string]map[*conn]struct{}{}, watching: map[uuid.UUID]map[*conn]struct{}{}, sessions: map[string][]*conn{}, addresses: map[string]int{},
	}
	h.sse.AutoReplay = false
	h.sse.BufferSize = libraryBuffer
	h.sse.Headers = map[string]string{"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
	return h
}

// ServeOperator serves the stream of the inbox.
func (h *Hub) ServeOperator(c *gin.Context, v OperatorViewer) {
	client := c.Query("client")
	if n := utf8.RuneCountInString(client); client != "" && (n < minClient || n > maxClient) {
		problem.Write(c, http.StatusBadRequest, dialogue.CodeInvalid,
			fmt.Sprintf("client must have %d to %d characters", minClient, maxClient))
		return
	}
	stream := ""
	if client != "" {
		stream = streamID(v.ID, client)
	}
	h.serve(c, v, "operator/"+v.ID.String()+"/"+v.login(), stream)
}

// ServeCustomer serves the stream of a widget.
func (h *Hub) ServeCustomer(c *gin.Context, v CustomerViewer) {
	h.serve(c, v, "visitor/"+v.Session.String(), "")
}

func (h *Hub) serve(g *gin.Context, v Viewer, session, stream string) {
	after, hasCursor, ok := cursor(g)
	if !ok {
		problem.Write(g, http.StatusBadRequest, dialogue.CodeInvalid,
			"the cursor must be a number: the id of the last event seen, or the position of a list")
		return
	}
	if !h.awaitReady(g.Request.Context()) {
		h.refuse(g)
		return
	}

	ctx, cancel := context.WithCancel(g.Request.Context())
	defer cancel()
	w := newWriter(g.Writer, h.options.WriteTimeout, cancel)
	w.slow = func() { h.cut.Add(1) }
	defer w.finish()
	c := &conn{
		hub: h, id: uuid.NewString(), viewer: v, session: session, address: g.ClientIP(), stream: stream, ctx: ctx, cancel: cancel, writer: w,
		wake: make(chan struct{}, 1), signals: make(chan signal, signalBuffer), pumped: make(chan struct{}), cursor: after,
	}
	if !h.add(c, hasCursor) {
		h.refuse(g)
		return
	}
	defer h.serving.Done()
	defer h.remove(c)
	events := h.sse.CreateStream(c.id)
	events.OnSubscribe = func(string, *sse.Subscriber) { c.pump() } // called once, on a goroutine of its own
	defer h.sse.RemoveStream(c.id)

	req := g.Request.Clone(ctx)
	req.Header.Del("Last-Event-ID") // the library would read it in its own way
	req.URL.RawQuery = "stream=" + c.id
	h.sse.ServeHTTP(w, req)

	// The library ends a stream cleanly only in this order: the context (its one way out), then the stream, which lets go
	// of a pump that is publishing.
	h.sse.RemoveStream(c.id)
	<-c.pumped
}

// cursor reads where the client wants to go on; ok is false when it is not a position.
func cursor(c *gin.Context) (after int64, given, ok bool) {
	value := c.GetHeader("Last-Event-ID")
	if value == "" {
		value = c.Query("after")
	}
	if value == "" {
		return 0, false, true
	}
	after, err := strconv.ParseInt(value, 10, 64)
	return after, true, err == nil && after >= 0
}

func (h *Hub) awaitReady(ctx context.Context) bool {
	timeout, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	select {
	case <-h.ready:
		return true
	case <-timeout.Done():
		return false
	}
}

// Shutdown ends all streams, whose clients come again to another node, and
// refuses new ones. It returns when all have ended, or ctx has.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	left := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		left = append(left, c)
	}
	for _, c := range left {
		h.end(c)
	}
	h.mu.Unlock()

	done := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(done)
	}()
	grace := time.NewTimer(drainGrace)
	defer grace.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-grace.C:
			for _, c := range left {
				c.writer.cut()
			}
		case <-ctx.Done():
			return fmt.Errorf("end the streams: %w", ctx.Err())
		}
	}
}

// Stats are the streams of a node.
type Stats struct {
	Operators, Customers int    // open
	Cut                  uint64 // ever, because their client did not read in time
}

// Stats counts the streams.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	customers := 0
	for _, of := range h.threads {
		customers += len(of)
	}
	return Stats{Operators: len(h.operators), Customers: customers, Cut: h.cut.Load()}
}

func (h *Hub) refuse(c *gin.Context) {
	c.Header("Retry-After", "2")
	problem.Write(c, http.StatusServiceUnavailable, dialogue.CodeUnavailable, "this node takes no streams now; try again in a moment")
}

package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	eventsChannel = "parley_events"
	followPage    = 500
	pingEvery     = 15 * time.Second
	reconnectMax  = 5 * time.Second
)

// Sink takes what a Follower reads. Its methods are called by one goroutine, in order.
type Sink interface {
	// Begin is called once, before anything else: the newest events, and the position of the log's head.
	Begin(recent []Event, head int64)
	// Append hands over the next events, without a gap to what came before.
	Append(events []Event)
	// Reset says that the log no longer continues what was handed over: the database was restored to an earlier time,
	// or this process stood still for longer than the log is kept. It goes on after head.
	Reset(head int64)
}

// Listener takes what is notified on one NOTIFY channel. Its functions must not block.
type Listener struct {
	Notified func(payload string)
	// Missed says that notifications may have been lost until now, and are not from now on: when listening begins, and
	// whenever it has been interrupted. Nil: nothing is lost by that.
	Missed func()
}

// Follower reads the log as it grows, on every node that serves streams. It
// keeps one connection that LISTENs, for itself and for the listeners to other
// notifications; rows are read through the pool.
type Follower struct {
	pool      *pgxpool.Pool
	sink      Sink
	log       *slog.Logger
	listeners map[string]Listener
	grew      chan struct{}
	readAt    atomic.Int64 // when the log was last read, in Unix nanoseconds
}

// NewFollower makes a Follower, with listeners by NOTIFY channel.
func NewFollower(pool *pgxpool.Pool, sink Sink, listeners map[string]Listener, log *slog.Logger) *Follower {
	f := &Follower{pool: pool, sink: sink, log: log, listeners: map[string]Listener{}, grew: make(chan struct{}, 1)}
	maps.Copy(f.listeners, listeners)
	f.listeners[eventsChannel] = Listener{Notified: func(string) { f.signal() }, Missed: f.signal}
	return f
}

// lagging is how long the log may not have been read: it is looked at every second.
const lagging = 15 * time.Second

// Check fails when the log has not been read for a while.
func (f *Follower) Check(context.Context) error {
	at := f.readAt.Load()
	if at == 0 {
		return errors.New("the event log has not been read yet")
	}
	if since := time.Since(time.Unix(0, at)); since > lagging {
		return fmt.Errorf("the event log was last read %s ago", since.Round(time.Second))
	}
	return nil
}

func (f *Follower) signal() {
	select {
	case f.grew <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		f.listen(ctx)
	}()
	f.follow(ctx)
	<-listening
	return nil
}

// follow reads the log: when a notification says that it grew, and every second.
func (f *Follower) follow(ctx context.Context) {
	var (
		position int64
		begun    bool
		failures int
	)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		var err error
		if !begun {
			if position, err = f.begin(ctx); err == nil {
				begun = true
			}
		} else {
			position, err = f.read(ctx, position)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			// The first failure may be a connection that the pool did not know to be broken.
			if failures++; failures == 2 {
				f.log.WarnContext(ctx, "cannot follow the event log", "error", err)
			}
		default:
			failures = 0
			f.readAt.Store(time.Now().UnixNano())
		}
		select {
		case <-ctx.Done():
			return
		case <-f.grew:
		case <-poll.C:
		}
	}
}

// begin hands over the newest events: streams that resume after a restart of
// their node are mostly served from them, and need not ask the database one by one.
func (f *Follower) begin(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	bounds, err := ReadBounds(ctx, f.pool)
	if err != nil {
		return 0, err
	}
	recent, err := ReadPage(ctx, f.pool, Filter{}, max(bounds.Pruned, bounds.Head-followPage), bounds.Head, followPage)
	if errors.Is(err, ErrPruned) {
		recent, err = nil, nil
	}
	if err != nil {
		return 0, err
	}
	f.sink.Begin(recent, bounds.Head)
	return bounds.Head, nil
}

// read hands over what came after position, and returns the new position.
func (f *Follower) read(ctx context.Context, position int64) (int64, error) {
	for {
		page, cancel := context.WithTimeout(ctx, stepTimeout)
		events, bounds, err := readPage(page, f.pool, Filter{}, position, math.MaxInt64, followPage)
		cancel()
		switch {
		case err != nil:
			return position, err
		case bounds.Head < position || bounds.Pruned > position:
			f.log.WarnContext(ctx, "the event log does not continue where it was read to; streams start anew",
				"position", position, "head", bounds.Head, "pruned", bounds.Pruned)
			f.sink.Reset(bounds.Head)
			return bounds.Head, nil
		case len(events) == 0:
			return position, nil
		}
		f.sink.Append(events)
		position = events[len(events)-1].Position
		if len(events) < followPage {
			return position, nil
		}
	}
}

// listen keeps one connection that LISTENs, and replaces it when it breaks.
func (f *Follower) listen(ctx context.Context) {
	backoff := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		err := f.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			backoff = 0
		}
		backoff = min(max(2*backoff, 100*time.Millisecond), reconnectMax)
		f.log.WarnContext(ctx, "lost the connection that listens to Postgres", "error", err, "retry_in", backoff)
		pause(ctx, backoff/2+rand.N(backoff/2)) //nolint:gosec // jitter
	}
}

func (f *Follower) listenOnce(ctx context.Context) error {
	conn, err := dedicated(ctx, f.pool, "follower", func(n *pgconn.Notification) {
		if l, ok := f.listeners[n.Channel]; ok {
			l.Notified(n.Payload)
		}
	})
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for channel := range f.listeners {
		if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return fmt.Errorf("listen to %s: %w", channel, err)
		}
	}
	for _, l := range f.listeners {
		if l.Missed != nil {
			l.Missed()
		}
	}
	for {
		notified, err := await(ctx, conn, pingEvery)
		if err != nil || ctx.Err() != nil {
			return err
		}
		if !notified {
			if err := ping(ctx, conn); err != nil {
				return err
			}
		}
	}
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

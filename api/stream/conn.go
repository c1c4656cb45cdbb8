package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/r3labs/sse/v2"

	"parley/store/db"
	"parley/store/eventlog"
)

// signal is an ephemeral event.
type signal struct {
	name string
	data []byte
}

// conn is one stream. Its pump takes events from the hub's memory, or from the
// database when it is further behind, at the pace of its client: nobody waits
// for it, and nothing is queued for it but a mark that there is more.
type conn struct {
	hub     *Hub
	id      string
	viewer  Viewer
	session string // what the limit of streams counts
	address string // of the client, as far as it is known
	stream  string // of operators: which row of viewers it is; "" when the client gave no name
	ctx     context.Context
	cancel  context.CancelFunc
	writer  *writer
	wake    chan struct{} // there are events to look at, or reset is set
	signals chan signal   // dropped when full
	pumped  chan struct{} // closed when the pump has ended

	// Of the pump.
	cursor    int64 // all visible events up to here were sent
	last      int64 // the id that the client has seen last
	published int64 // frames
	replayed  bool  // what came before the stream was looked at
	dialogue  uuid.NullUUID

	// Guarded by hub.mu.
	ended     bool
	reset     bool
	next      int64 // of customers: the oldest event for them that came since the pump looked; 0: none
	typed     time.Time
	screen    uuid.NullUUID // the dialogue that an operator has on the screen
	until     time.Time
	screenSet bool
}

// errReset says that the stream cannot go on from its cursor.
var errReset = errors.New("the cursor is not in the log")

// pump feeds the stream until its context ends.
func (c *conn) pump() {
	defer close(c.pumped)
	options := c.hub.options
	heartbeat := time.NewTicker(options.Heartbeat)
	defer heartbeat.Stop()
	lifetime := time.NewTimer(options.MinLifetime + rand.N(options.MinLifetime)) //nolint:gosec // jitter
	defer lifetime.Stop()

	// A frame of nothing but a comment, the cursor and the retry time: the browser keeps them and dispatches no event, so
	// that also a stream that breaks before its first event is resumed where it began.
	c.send(&sse.Event{Comment: fmt.Appendf(nil, "open\nid: %d\nretry: %d", c.last, options.Retry.Milliseconds())})
	if _, ok := c.viewer.(OperatorViewer); ok {
		// Word that the login is over may have come after the request was let in, and before the stream was known here.
		if err := c.hub.endRevoked(c.ctx, c); !c.proceed(err) {
			return
		}
	}
	if err := c.open(); !c.proceed(err) {
		return
	}
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
			if err := c.catchUp(); !c.proceed(err) {
				return
			}
		case s := <-c.signals:
			c.send(frame(c.last, s.name, s.data))
		case <-heartbeat.C:
			c.send(&sse.Event{Comment: []byte("hb")})
		case <-lifetime.C:
			c.cancel()
			return
		}
	}
}

// proceed ends the stream when err is not nil, and reports whether it goes on.
func (c *conn) proceed(err error) bool {
	switch {
	case c.ctx.Err() != nil:
		return false
	case err == nil:
		return true
	case errors.Is(err, errReset):
		c.writer.final.Store(c.published + 2) // the headers, all frames until now, and this one
		c.send(frame(c.last, "reset", []byte("{}")))
		<-c.ctx.Done()
	default:
		c.hub.log.WarnContext(c.ctx, "a stream ends, to be resumed", "error", err)
		c.cancel()
	}
	return false
}

func (c *conn) send(e *sse.Event) {
	c.published++
	c.hub.sse.Publish(c.id, e)
}

// open replays what came after the client's cursor.
func (c *conn) open() error {
	if c.stream != "" {
		if err := c.restoreScreen(); err != nil {
			return err
		}
	}
	if c.cursor > c.hub.position() {
		// This node is behind, or the client has a cursor from before a restore.
		ctx, cancel := context.WithTimeout(c.ctx, queryTimeout)
		defer cancel()
		bounds, err := eventlog.ReadBounds(ctx, c.hub.pool)
		if err != nil {
			return err
		}
		if c.cursor > bounds.Head {
			return errReset
		}
	}
	return c.catchUp()
}

// catchUp sends what the hub has and this stream has not seen.
func (c *conn) catchUp() error {
	head, next, reset := c.hub.look(c)
	if reset {
		return errReset
	}
	if next > 0 && c.replayed {
		c.cursor = max(c.cursor, next-1) // between what was looked at before and this one, nothing was for this customer
	}
	for c.cursor < head {
		events, through, err := c.read(head)
		if err != nil {
			return err
		}
		for _, e := range events {
			if !Visible(c.viewer, e) {
				continue
			}
			if c.ctx.Err() != nil {
				return nil
			}
			c.send(e.render(c.viewer))
			c.last = e.Position
		}
		c.cursor = through
	}
	c.replayed = true
	return nil
}

// read returns events after the cursor, and the position up to which they are complete.
func (c *conn) read(head int64) (events []*Event, through int64, err error) {
	if events, through, ok := c.hub.recentAfter(c.cursor); ok {
		return events, through, nil
	}
	select {
	case c.hub.replays <- struct{}{}:
		defer func() { <-c.hub.replays }()
	case <-c.ctx.Done():
		return nil, 0, c.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(c.ctx, queryTimeout)
	defer cancel()

	var filter eventlog.Filter
	if customer, ok := c.viewer.(CustomerViewer); ok {
		if err := c.findDialogue(ctx, customer); err != nil {
			return nil, 0, err
		}
		if !c.dialogue.Valid {
			// There was no dialogue after head was reached, so nothing up to head is theirs.
			return nil, head, nil
		}
		filter.Customer = c.dialogue
	}
	page, err := eventlog.ReadPage(ctx, c.hub.pool, filter, c.cursor, head, replayPage)
	if errors.Is(err, eventlog.ErrPruned) {
		return nil, 0, errReset
	}
	if err != nil {
		return nil, 0, err
	}
	through = head
	if len(page) == replayPage {
		through = page[len(page)-1].Position
	}
	return c.hub.prepare(page), through, nil
}

func (c *conn) findDialogue(ctx context.Context, customer CustomerViewer) error {
	if c.dialogue.Valid {
		return nil
	}
	id, err := c.hub.q.FindDialogue(ctx, c.hub.pool, db.FindDialogueParams{
		ChannelID: customer.Channel, ThreadKey: customer.Session.String(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the dialogue of widget session %s: %w", customer.Session, err)
	}
	c.dialogue = uuid.NullUUID{UUID: id, Valid: true}
	return nil
}

// restoreScreen takes over what the client last reported, perhaps to another node.
func (c *conn) restoreScreen() error {
	ctx, cancel := context.WithTimeout(c.ctx, queryTimeout)
	defer cancel()
	dialogueID, err := c.hub.q.StreamViewer(ctx, c.hub.pool, c.stream)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load what stream %s has on the screen: %w", c.stream, err)
	}
	c.hub.restoreScreen(c, dialogueID)
	return nil
}

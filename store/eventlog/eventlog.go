// Package eventlog is the durable, ordered log of what happened to dialogues:
// what the streams of the inbox and of the widget are fed and resumed from.
//
// Writers insert rows without a position in their own transactions and ring a
// Waker after the commit. One elected Sequencer gives committed rows their
// positions; a Follower in every API node reads them in that order. A position
// never appears behind one that was visible before, positions have no gaps, and
// the log is cut only at its old end: so a position is a cursor.
package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/store/db"
)

// Kinds of events.
const (
	KindMessage  = "message"  // payload {"message": …, "dialogue": …}
	KindDialogue = "dialogue" // payload {"dialogue": …}
	KindAlarm    = "alarm"    // payload {"alarm": …}
)

// Audiences of events.
const (
	AudienceOperators = "operators"
	AudienceEveryone  = "everyone" // operators, and the dialogue's customer
)

// ErrPruned says that events after the cursor are no longer in the log.
var ErrPruned = errors.New("the cursor is older than the event log")

// Event is one entry of the log.
type Event struct {
	Position   int64
	Kind       string
	Audience   string
	DialogueID uuid.NullUUID
	Payload    json.RawMessage
	CreatedAt  time.Time
}

// Bounds are the ends of the log.
type Bounds struct {
	Head   int64 // position of the newest event
	Pruned int64 // every event up to here is gone
}

// Filter says whose events a page holds.
type Filter struct {
	// Customer limits the page to what the customer of this dialogue may see.
	Customer uuid.NullUUID
}

// ReadBounds reads the ends of the log.
func ReadBounds(ctx context.Context, conn db.DBTX) (Bounds, error) {
	row, err := db.New().EventLog(ctx, conn)
	if err != nil {
		return Bounds{}, fmt.Errorf("read the bounds of the event log: %w", err)
	}
	return Bounds(row), nil
}

// ReadPage reads, in order, at most limit events with after < position <= upTo.
// Fewer than limit means that there are no more up to there. The error is
// ErrPruned when some of them may be gone.
func ReadPage(ctx context.Context, conn db.DBTX, filter Filter, after, upTo int64, limit int) ([]Event, error) {
	events, bounds, err := readPage(ctx, conn, filter, after, upTo, limit)
	if err != nil {
		return nil, err
	}
	if after < bounds.Pruned {
		return nil, ErrPruned
	}
	return events, nil
}

// readPage reads a page, and the bounds of the log after that. Pruning moves the
// bound and deletes in one transaction, and the bound only grows: if it is not
// above the cursor now, the page was whole when it was read.
func readPage(ctx context.Context, conn db.DBTX, filter Filter, after, upTo int64, limit int) ([]Event, Bounds, error) {
	q := db.New()
	var events []Event
	if filter.Customer.Valid {
		rows, err := q.CustomerEventsAfter(ctx, conn, db.CustomerEventsAfterParams{
			DialogueID: filter.Customer.UUID, After: after, UpTo: upTo, PageSize: int32(limit), //nolint:gosec // a page is small
		})
		if err != nil {
			return nil, Bounds{}, fmt.Errorf("read the events of dialogue %s after %d: %w", filter.Customer.UUID, after, err)
		}
		events = make([]Event, len(rows))
		for i, r := range rows {
			events[i] = Event(r)
		}
	} else {
		rows, err := q.EventsAfter(ctx, conn, db.EventsAfterParams{
			After: after, UpTo: upTo, PageSize: int32(limit), //nolint:gosec // a page is small
		})
		if err != nil {
			return nil, Bounds{}, fmt.Errorf("read the events after %d: %w", after, err)
		}
		events = make([]Event, len(rows))
		for i, r := range rows {
			events[i] = Event(r)
		}
	}

	bounds, err := ReadBounds(ctx, conn)
	return events, bounds, err
}

// dedicated opens a connection of its own, outside the pool: what LISTENs or
// holds a session lock must not be handed around. The server is told to notice a
// vanished peer within half a minute, so that its session lock does not outlive
// it. notified is called within the calls of the connection, and must not block.
func dedicated(ctx context.Context, pool *pgxpool.Pool, name string, notified func(*pgconn.Notification)) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	config := pool.Config().ConnConfig
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified(n) }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, err = conn.Exec(ctx, `SELECT set_config('application_name', $1, false), set_config('tcp_keepalives_idle', '10', false),
		set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`, "parley "+name)
	if err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("set up the connection: %w", err)
	}
	return conn, nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// await waits for a notification, for at most d. A false return says that none
// came; the connection is then still good.
func await(ctx context.Context, conn *pgx.Conn, d time.Duration) (bool, error) {
	timeout, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := conn.PgConn().WaitForNotification(timeout)
	if err == nil {
		return true, nil
	}
	if timeout.Err() != nil && !conn.IsClosed() {
		return false, nil
	}
	return false, fmt.Errorf("wait for a notification: %w", err)
}

// pause waits for d or the end of ctx, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

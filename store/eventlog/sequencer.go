package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/store/db"
)

const (
	// leaderLock is the session advisory lock whose holder is the sequencer.
	leaderLock int64 = 0x7061726c65790001

	sequenceBatch = 1000
	pruneBatch    = 1000
	pruneEvery    = time.Minute
	pollEvery     = time.Second
	electEvery    = 500 * time.Millisecond
	stepTimeout   = 10 * time.Second

	// DefaultRetention is how long events stay in the log.
	DefaultRetention = 7 * 24 * time.Hour
)

// Sequencer gives committed events their positions and prunes the old ones. Any
// number of processes may run one; one of them leads.
//
// The election only spares work. What makes two leaders harmless (an old one
// that has not noticed yet that its session is gone) is the row lock on
// event_log: positions are read and given under it, in a transaction that begins
// to look for rows after the lock was taken, so the second one sees all that the
// first has done.
type Sequencer struct {
	pool      *pgxpool.Pool
	log       *slog.Logger
	retention time.Duration
	q         *db.Queries
}

// NewSequencer makes a Sequencer that keeps events for the retention; zero means DefaultRetention.
func NewSequencer(pool *pgxpool.Pool, retention time.Duration, log *slog.Logger) *Sequencer {
	if retention <= 0 {
		retention = DefaultRetention
	}
	return &Sequencer{pool: pool, log: log, retention: retention, q: db.New()}
}

// Run takes part in the election, and leads when elected, until ctx ends.
func (s *Sequencer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.session(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the sequencer lost its connection", "error", err)
		}
		pause(ctx, electEvery)
	}
	return nil
}

// session lives as long as one connection.
func (s *Sequencer) session(ctx context.Context) error {
	woken := false
	conn, err := dedicated(ctx, s.pool, "sequencer", func(*pgconn.Notification) { woken = true })
	if err != nil {
		return err
	}
	defer closeConn(conn)

	// Not the blocking lock: a statement that waits holds a snapshot, and that would keep vacuum from its work.
	for {
		elected := false
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", leaderLock).Scan(&elected); err != nil {
			return fmt.Errorf("stand for sequencer: %w", err)
		}
		if elected {
			break
		}
		if !pause(ctx, electEvery) {
			return nil
		}
	}
	if _, err := conn.Exec(ctx, "LISTEN parley_wake"); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.log.InfoContext(ctx, "leading as the sequencer")
	return s.lead(ctx, conn, &woken)
}

// lead works until ctx ends or the connection breaks. A notification sets woken,
// also one that arrives while a batch is under way.
func (s *Sequencer) lead(ctx context.Context, conn *pgx.Conn, woken *bool) error {
	var (
		low    lowWater
		pruned time.Time
		whole  = true // look at all rows, not only above the low-water mark
	)
	for {
		began := time.Now()
		*woken = false
		full, err := s.sequence(ctx, conn, &low, whole)
		if err != nil {
			return err
		}
		if time.Since(pruned) >= pruneEvery {
			more, err := s.prune(ctx, conn)
			if err != nil {
				return err
			}
			if !more {
				pruned = time.Now()
			}
		}
		if !pause(ctx, interval-time.Since(began)) {
			return nil
		}
		if !full && !*woken {
			if _, err := await(ctx, conn, pollEvery); err != nil || ctx.Err() != nil {
				return err
			}
		}
		whole = !full && !*woken
	}
}

// sequence gives one batch its positions. It returns true when the batch was
// full, so that more rows may wait.
func (s *Sequencer) sequence(ctx context.Context, conn *pgx.Conn, low *lowWater, whole bool) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()

	var above int64
	if whole {
		// Without this look an idle installation would lock and write a row every second.
		waiting, err := s.q.HasUnsequencedEvents(ctx, conn)
		if err != nil {
			return false, fmt.Errorf("look for new events: %w", err)
		}
		if !waiting {
			return false, nil
		}
	} else {
		above = low.mark
	}

	var batch db.SequenceEventsRow
	err := inTransaction(ctx, conn, func(tx pgx.Tx) error {
		bounds, err := s.q.LockEventLog(ctx, tx)
		if err != nil {
			return fmt.Errorf("lock the event log: %w", err)
		}
		batch, err = s.q.SequenceEvents(ctx, tx, db.SequenceEventsParams{AboveID: above, BatchSize: sequenceBatch, Head: bounds.Head})
		if err != nil || batch.Placed == 0 {
			return err
		}
		return s.q.NotifyEvents(ctx, tx, bounds.Head+batch.Placed)
	})
	if err != nil {
		return false, fmt.Errorf("give events their positions: %w", err)
	}
	full := batch.Placed == sequenceBatch
	low.advance(batch, full)
	return full, nil
}

// prune deletes one batch of events older than the retention. It returns true
// when there may be more.
func (s *Sequencer) prune(ctx context.Context, conn *pgx.Conn) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()

	var count int64
	err := inTransaction(ctx, conn, func(tx pgx.Tx) error {
		bounds, err := s.q.EventLog(ctx, tx)
		if err != nil {
			return err
		}
		upTo, err := s.q.PrunableEvents(ctx, tx, db.PrunableEventsParams{
			Pruned: bounds.Pruned, Retention: s.retention, BatchSize: pruneBatch,
		})
		if err != nil {
			return err
		}
		if count = upTo - bounds.Pruned; count == 0 {
			return nil
		}
		locked, err := s.q.LockEventLog(ctx, tx)
		if err != nil || locked.Pruned >= upTo {
			return err
		}
		return s.q.PruneEvents(ctx, tx, upTo)
	})
	if err != nil {
		return false, fmt.Errorf("prune the event log: %w", err)
	}
	return count >= pruneBatch, nil
}

// inTransaction runs fn at READ COMMITTED whatever the database's default is:
// each statement must see what was committed before it began.
func inTransaction(ctx context.Context, conn *pgx.Conn, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, fn)
}

// lowWater is the id up to which no row can still appear. Looking only above it
// spares the sequencer the index entries of rows that have their position but
// that vacuum cannot remove yet, because some long read holds it back: without
// it each batch would walk through all of them.
//
// An id is drawn within its transaction. So all rows up to the newest one seen
// are decided once every transaction has ended that ran when it was seen. A
// writer that draws an id before it has a transaction number can escape this
// reasoning for a moment; the poll, which looks at all rows, finds it.
type lowWater struct {
	mark      int64
	candidate int64
	until     int64 // candidate holds when every transaction below this one has ended
}

func (l *lowWater) advance(batch db.SequenceEventsRow, full bool) {
	seen := !full || batch.NewestID >= l.candidate // a full batch may have left rows below the candidate
	if l.candidate > l.mark && batch.OldestRunning >= l.until && seen {
		l.mark = l.candidate
	}
	if l.candidate <= l.mark && batch.NewestID > l.mark {
		l.candidate, l.until = batch.NewestID, batch.NextTransaction
	}
}

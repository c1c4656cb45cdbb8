package eventlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/store/db"
)

// interval is the shortest time between two notifications of one kind: commits
// with NOTIFY take turns in the whole database cluster, so they must be few.
const interval = 20 * time.Millisecond

// Waker tells the sequencer, wherever it runs, that events were committed.
type Waker struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	rung chan struct{}
}

// NewWaker makes a Waker. It works while Run runs.
func NewWaker(pool *pgxpool.Pool, log *slog.Logger) *Waker {
	return &Waker{pool: pool, log: log, rung: make(chan struct{}, 1)}
}

// Wake is called after a commit. It never blocks.
func (w *Waker) Wake() {
	select {
	case w.rung <- struct{}{}:
	default:
	}
}

// Run sends the notifications, the first at once and then at most one in 20 ms,
// until ctx ends. A lost one costs a second: the sequencer also looks by itself.
func (w *Waker) Run(ctx context.Context) error {
	q := db.New()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.rung:
		}
		send, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := q.WakeSequencer(send, w.pool)
		cancel()
		if err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "could not wake the sequencer", "error", err)
		}
		if !pause(ctx, interval) {
			return nil
		}
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// ErrOldSchema says that the database lacks migrations that this program needs.
var ErrOldSchema = errors.New("the database's schema is older than this program")

// CheckSchema fails with ErrOldSchema when migrations have to be applied first. A
// newer schema is fine: nodes are replaced one by one after a migration.
func (s *Store) CheckSchema(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list the migrations: %w", err)
	}
	var needed, applied int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return fmt.Errorf("read the version of %s: %w", name, err)
		}
		needed = max(needed, version)
	}
	// The table is the migration tool's own, so the generated queries do not know it.
	err = s.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&applied)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if applied < needed {
		return fmt.Errorf("%w: version %d of %d", ErrOldSchema, applied, needed)
	}
	return nil
}

// Backlog is what waits in the record, for all nodes together.
type Backlog struct {
	Bells       int64         // in the outbox
	OldestBell  time.Duration // how long the oldest has been due; 0: none is
	Unsequenced int64         // events without a position
	Events      int64         // that were ever given a position
	DeadLetters int64
	Alarms      []string // the causes of those that are open
}

// Backlog measures what waits.
func (s *Store) Backlog(ctx context.Context) (Backlog, error) {
	b, err := s.q.Backlog(ctx, s.pool)
	if err != nil {
		return Backlog{}, fmt.Errorf("measure what waits: %w", err)
	}
	return Backlog{
		Bells: b.Bells, OldestBell: max(0, time.Duration(b.OldestSeconds*float64(time.Second))),
		Unsequenced: b.Unsequenced, Events: b.Events, DeadLetters: b.DeadLetters, Alarms: b.Alarms,
	}, nil
}

// Package store is the record: every change of a dialogue is one transaction
// here, which writes the rows, the event for the streams and the ring for the
// workflow together.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"parley/dialogue"
	"parley/store/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store reads and writes the record.
type Store struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	hooks Hooks
}

// Hooks are told of commits, after them. They must not block.
type Hooks struct {
	Wake func()     // there are new events for the sequencer
	Rang func(Bell) // a bell waits in the outbox

	Took     func(channelKind, outcome string)                                       // a customer's message: stored or duplicate
	Answered func(channelKind string, by dialogue.Author, sinceNewest time.Duration) // what a customer has asked
}

// New makes a Store. Hooks that are nil are not called.
func New(pool *pgxpool.Pool, hooks Hooks) *Store {
	if hooks.Wake == nil {
		hooks.Wake = func() {}
	}
	if hooks.Rang == nil {
		hooks.Rang = func(Bell) {}
	}
	if hooks.Took == nil {
		hooks.Took = func(string, string) {}
	}
	if hooks.Answered == nil {
		hooks.Answered = func(string, dialogue.Author, time.Duration) {}
	}
	return &Store{pool: pool, q: db.New(), hooks: hooks}
}

// Pool returns the connections that the Store works on.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Migrate brings the schema of a database up to date. Several processes may
// call it at once: one does it, the others wait.
func Migrate(ctx context.Context, databaseURL string) error {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return fmt.Errorf("parse the database URL: %w", err)
	}
	conn := stdlib.OpenDB(*config)
	defer conn.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open the migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make the migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// notFound turns "no rows" into the domain's error. What cannot be stored cannot
// be found either.
func notFound(err error, what string, id any) error {
	if errors.Is(err, pgx.ErrNoRows) || IsUnstorable(err) {
		return dialogue.Errorf(dialogue.CodeNotFound, "there is no %s %v", what, id)
	}
	return fmt.Errorf("load %s %v: %w", what, id, err)
}

// isUniqueViolation reports whether err is the violation of a unique index.
func isUniqueViolation(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "23505"
}

// IsUnstorable reports whether err is about a value that Postgres cannot hold,
// however often it is tried: a text with a NUL character or not in UTF-8, one that
// exceeds a limit, one that a check refuses
// (https://www.postgresql.org/docs/18/errcodes-appendix.html).
func IsUnstorable(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pgErr.Code, "22") || // data exception
		pgErr.Code == "54000" || // program limit exceeded
		pgErr.Code == "23514") // check violation
}

// newID makes a key: UUIDv7, so that neighbours in time are neighbours in the index.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// NewID makes a key for what is added with it.
func NewID() uuid.UUID { return newID() }

func ptr[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

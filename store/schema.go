package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// SchemaBehind reports whether the database still lacks changes of the schema
// that this program needs.
func (s *Store) SchemaBehind(ctx context.Context) (bool, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return false, fmt.Errorf("open the migrations: %w", err)
	}
	conn := stdlib.OpenDBFromPool(s.pool)
	defer conn.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files)
	if err != nil {
		return false, fmt.Errorf("read the migrations: %w", err)
	}
	behind, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("compare the schema with the migrations: %w", err)
	}
	return behind, nil
}

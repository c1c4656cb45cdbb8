package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"parley/store"
	"parley/testenv"
)

func TestMigrationsGoUpAndDownAndUpAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	address := testenv.EmptyDatabase(t)
	config, err := pgx.ParseConfig(address)
	require.NoError(t, err)
	conn := stdlib.OpenDB(*config)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	relations := func() (n int) {
		require.NoError(t, conn.QueryRowContext(ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'public' AND c.relname NOT LIKE 'goose_%' AND c.relkind IN ('r', 'i', 'S', 'v')`).Scan(&n))
		return n
	}

	require.NoError(t, store.Migrate(ctx, address))
	full := relations()
	require.Greater(t, full, 40)
	require.NoError(t, store.Migrate(ctx, address), "again, with nothing to do")

	files, err := store.Migrations()
	require.NoError(t, err)
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files)
	require.NoError(t, err)
	_, err = provider.DownTo(ctx, 0)
	require.NoError(t, err)
	require.Zero(t, relations(), "what goes up comes down")

	require.NoError(t, store.Migrate(ctx, address))
	require.Equal(t, full, relations())
}

func TestSeveralProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	address := testenv.EmptyDatabase(t)
	var processes sync.WaitGroup
	for range 3 {
		processes.Go(func() {
			if err := store.Migrate(context.Background(), address); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	processes.Wait()
}

func TestMigratingWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, store.Migrate(context.Background(), "postgres://%zz"), "parse the database URL")
}

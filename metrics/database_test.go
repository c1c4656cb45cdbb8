package metrics_test

import (
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/metrics"
	"parley/store"
	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// transactions are those that were counted so far, by the name of the first statement.
func transactions(t *testing.T, m *metrics.Metrics, role string) map[string]int {
	t.Helper()
	line := regexp.MustCompile(`(?m)^parley_db_transactions_total\{first="(\w*)",role="` + role + `"\} (\d+)$`)
	counted := map[string]int{}
	for _, found := range line.FindAllStringSubmatch(scrape(t, m), -1) {
		n, err := strconv.Atoi(found[2])
		require.NoError(t, err)
		counted[found[1]] = n
	}
	return counted
}

// tracedPool is a pool of one connection, so that what one transaction leaves behind would show in the next.
func tracedPool(t *testing.T, m *metrics.Metrics, role string) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(testenv.Database(t))
	require.NoError(t, err)
	c.MaxConns, c.ConnConfig.Tracer = 1, m.Transactions(role)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func TestTransactionsAreCountedByTheirFirstStatement(t *testing.T) {
	t.Parallel()
	const (
		one    = "-- name: One :one\nSELECT 1"
		two    = "-- name: Two :exec\nSELECT 2"
		broken = "-- name: Broken :exec\nSELECT 1/0"
		bare   = "SELECT 3"
	)
	errUndone := errors.New("undone")
	exec := func(t *testing.T, tx pgx.Tx, statements ...string) {
		t.Helper()
		for _, sql := range statements {
			_, err := tx.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
	}
	for name, test := range map[string]struct {
		do   func(t *testing.T, pool *pgxpool.Pool)
		want map[string]int
	}{
		"statements on their own": {func(t *testing.T, pool *pgxpool.Pool) {
			for range 3 { // the first is prepared, the others are known
				var n int
				require.NoError(t, pool.QueryRow(t.Context(), one).Scan(&n))
			}
			rows, err := pool.Query(t.Context(), two)
			require.NoError(t, err)
			rows.Close()
			_, err = pool.Exec(t.Context(), two, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
		}, map[string]int{"One": 3, "Two": 2}},
		"one that fails": {func(t *testing.T, pool *pgxpool.Pool) {
			_, err := pool.Exec(t.Context(), broken)
			require.Error(t, err)
			_, err = pool.Exec(t.Context(), one)
			require.NoError(t, err)
		}, map[string]int{"Broken": 1, "One": 1}},
		"a commit": {func(t *testing.T, pool *pgxpool.Pool) {
			require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				exec(t, tx, bare, one, two, two)
				return nil
			}))
		}, map[string]int{"One": 1}},
		"a rollback": {func(t *testing.T, pool *pgxpool.Pool) {
			require.ErrorIs(t, pgx.BeginTxFunc(t.Context(), pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
				exec(t, tx, two, one)
				return errUndone
			}), errUndone)
		}, map[string]int{"Two": 1}},
		"a rollback after an error": {func(t *testing.T, pool *pgxpool.Pool) {
			require.Error(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				exec(t, tx, one)
				_, err := tx.Exec(t.Context(), broken)
				return err
			}))
			_, err := pool.Exec(t.Context(), two)
			require.NoError(t, err)
		}, map[string]int{"One": 1, "Two": 1}},
		"savepoints": {func(t *testing.T, pool *pgxpool.Pool) {
			require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				require.NoError(t, pgx.BeginFunc(t.Context(), tx, func(inner pgx.Tx) error {
					exec(t, inner, two)
					return nil
				}))
				require.Error(t, pgx.BeginFunc(t.Context(), tx, func(inner pgx.Tx) error {
					_, err := inner.Exec(t.Context(), broken)
					return err
				}))
				exec(t, tx, one)
				return nil
			}))
		}, map[string]int{"Two": 1}},
		"what has no name": {func(t *testing.T, pool *pgxpool.Pool) {
			for _, sql := range []string{
				bare, "LISTEN somebody", "NOTIFY somebody", "", "-- name: ", "-- name: NoKind", "--name: One :one\nSELECT 1", "-- name: \"; :one\nSELECT 1",
				"-- name: AnIdOfSomething0123456789012345678901234567890123456789 :one\nSELECT 1",
			} {
				_, err := pool.Exec(t.Context(), sql)
				require.NoError(t, err)
			}
			require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				exec(t, tx, bare, bare)
				return nil
			}))
			require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(pgx.Tx) error { return nil }))
		}, map[string]int{"other": 11}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := metrics.New()
			test.do(t, tracedPool(t, m, "api"))
			require.Equal(t, test.want, transactions(t, m, "api"))
			require.Empty(t, transactions(t, m, "worker"))
		})
	}
}

// The names are those of the generated statements, and each role's are its own.
func TestTransactionsOfTheStore(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	s := store.New(tracedPool(t, m, "api"), store.Hooks{})
	require.NoError(t, s.EnsureChannel(t.Context(), "widget", "shop", "Shop"))
	c, err := s.Channel(t.Context(), "shop")
	require.NoError(t, err)
	for range 2 {
		_, err = s.TakeMessage(t.Context(), store.Inbound{ChannelID: c.ID, ThreadKey: "t", IdentityKind: "visitor", Identity: "t", ClientID: uuid.NewString(), Text: "Hello"})
		require.NoError(t, err)
	}
	_, err = store.New(tracedPool(t, m, "worker"), store.Hooks{}).TakeBells(t.Context(), 1, time.Second)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"EnsureChannel": 1, "GetChannelBySlug": 1, "FindDialogue": 2}, transactions(t, m, "api"))
	require.Equal(t, map[string]int{"TakeDueRings": 1}, transactions(t, m, "worker"))
}

func BenchmarkTransactions(b *testing.B) {
	m := metrics.New()
	c, err := pgx.ParseConfig(testenv.Database(b))
	require.NoError(b, err)
	conn, err := pgx.ConnectConfig(b.Context(), c)
	require.NoError(b, err)
	defer conn.Close(b.Context())
	traced := m.Transactions("api")
	const sql = "-- name: GetPending :one\nSELECT 1"
	b.ReportAllocs()
	for b.Loop() {
		traced.TraceQueryStart(b.Context(), conn, pgx.TraceQueryStartData{SQL: sql})
		traced.TraceQueryEnd(b.Context(), conn, pgx.TraceQueryEndData{})
	}
}

package metrics

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// statementHead is what sqlc puts before the name of a statement.
	statementHead = "-- name: "
	// longestName keeps whatever else begins like that out of the labels, and bounds how much of a statement is looked at.
	longestName = 40
	// unnamed is the name of transactions without a statement of sqlc's.
	unnamed = "other"
)

// transactionKey is where a connection keeps its transaction.
const transactionKey = "parley.transaction"

// Transactions counts the database transactions of a role, each when it ends, by
// the name of its first statement that has one; a statement outside of BEGIN and
// COMMIT is a transaction of its own. It traces pgx. What is lost together with
// its connection may be missing. Batches and COPY, which nothing here uses, are
// not counted.
type Transactions struct {
	counts *prometheus.CounterVec // of the role, by the first statement
}

// Transactions returns what counts the transactions of a role's connections.
func (m *Metrics) Transactions(role string) *Transactions {
	return &Transactions{counts: m.database.MustCurryWith(prometheus.Labels{"role": role})}
}

// transaction is what a connection is at. A connection serves one goroutine at a time.
type transaction struct{ first string }

func transactionOf(conn *pgx.Conn) *transaction {
	data := conn.PgConn().CustomData()
	t, ok := data[transactionKey].(*transaction)
	if !ok {
		t = new(transaction)
		data[transactionKey] = t
	}
	return t
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *Transactions) TraceQueryStart(ctx context.Context, conn *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	if t := transactionOf(conn); t.first == "" {
		t.first = statementName(query.SQL)
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer. Whatever has begun is over when the
// server says that it is idle: after a statement on its own, a COMMIT, a ROLLBACK.
// Savepoints change nothing.
func (c *Transactions) TraceQueryEnd(_ context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	const idle = 'I'
	if conn.PgConn().TxStatus() != idle {
		return
	}
	t := transactionOf(conn)
	first := t.first
	if first == "" {
		first = unnamed
	}
	t.first = ""
	c.counts.WithLabelValues(first).Inc()
}

// statementName is the name that sqlc gave to a statement; empty: it is none of sqlc's.
func statementName(sql string) string {
	rest, ok := strings.CutPrefix(sql, statementHead)
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(rest[:min(len(rest), longestName)], " ")
	if !ok || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return ""
	}
	return name
}

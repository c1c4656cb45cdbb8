package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

const (
	duplicateDatabase = "42P04"
	uniqueViolation   = "23505" // what the loser of two simultaneous CREATE DATABASE gets

	mainSchema       = "postgresql/v12/temporal"
	visibilitySchema = "postgresql/v12/visibility"
)

// stores are the engine's two databases, beside the one that DATABASE_URL names.
type stores struct {
	base       *pgx.ConnConfig
	main       *config.SQL
	visibility *config.SQL
}

func openStores(databaseURL string, pool int) (*stores, error) {
	base, err := parseURL(databaseURL)
	if err != nil {
		return nil, err
	}
	s := &stores{base: base}
	s.main = s.store(base.Database+"_temporal", pool)
	s.visibility = s.store(base.Database+"_temporal_visibility", pool)
	return s, nil
}

// parseURL reads the address as the product does: pool settings in it are the product's own.
func parseURL(databaseURL string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a URL")
	}
	query := u.Query()
	for key := range query {
		if strings.HasPrefix(key, "pool_") {
			query.Del(key)
		}
	}
	u.RawQuery = query.Encode()
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, errors.New("DATABASE_URL is not an address of a Postgres database")
	}
	return cfg, nil
}

func (s *stores) store(database string, pool int) *config.SQL {
	return &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		DatabaseName:    database,
		ConnectAddr:     net.JoinHostPort(s.base.Host, strconv.Itoa(int(s.base.Port))),
		ConnectProtocol: "tcp",
		User:            s.base.User,
		Connect:         func(*config.SQL) (*sqlx.DB, error) { return s.connect(database, pool) },
	}
}

func (s *stores) connect(database string, pool int) (*sqlx.DB, error) {
	cfg := s.base.Copy()
	cfg.Database = database
	// The server keeps durations as numbers, pgx would send them as intervals.
	db := sqlx.NewDb(stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterDefaultPgType(time.Duration(0), "int8")
		conn.TypeMap().RegisterDefaultPgType((*time.Duration)(nil), "int8")
		return nil
	})), "pgx")
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	db.SetConnMaxIdleTime(time.Minute)
	db.MapperFunc(strcase.ToSnake)
	if err := db.Ping(); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to database %s: %w", database, err), db.Close())
	}
	return db, nil
}

// migrate creates what is absent and brings both schemas to the version of this binary.
func (s *stores) migrate(ctx context.Context, logger log.Logger) error {
	conn, err := pgx.ConnectConfig(ctx, s.base)
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", s.base.Database, err)
	}
	defer func() { _ = conn.Close(ctx) }()

	for _, store := range []struct {
		sql    *config.SQL
		schema string
	}{{s.main, mainSchema}, {s.visibility, visibilitySchema}} {
		if err := createDatabase(ctx, conn, store.sql.DatabaseName); err != nil {
			return err
		}
		if err := updateSchema(store.sql, store.schema, logger); err != nil {
			return fmt.Errorf("update the schema of database %s: %w", store.sql.DatabaseName, err)
		}
	}
	return nil
}

func createDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == duplicateDatabase || pgErr.Code == uniqueViolation) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

func updateSchema(store *config.SQL, name string, logger log.Logger) error {
	conn, err := sql.NewConnection(store, logger)
	if err != nil {
		return err
	}
	defer conn.Close()

	if _, err := conn.ReadSchemaVersion(); err != nil {
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(conn, setup, logger).Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: name}, logger).Run()
}

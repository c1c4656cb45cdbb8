package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/store"
)

const databaseTimeout = time.Minute

// Database returns the address of a database of this test alone, with the product's schema and no rows. It is dropped
// when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	env := get(t)
	template, err := env.template()
	if err != nil {
		t.Fatalf("testenv: make the migrated database: %v", err)
	}
	return env.database(t, template)
}

// EmptyDatabase returns the address of a database of this test alone, without a schema. It is dropped when the test
// ends.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	return get(t).database(t, "template0")
}

func (e *environment) database(t testing.TB, template string) string {
	t.Helper()
	name := randomName("test")
	address, err := e.createDatabase(name, template)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		if err := e.dropDatabase(name); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	return address
}

func randomName(kind string) string {
	return "parley_" + kind + "_" + strings.ToLower(rand.Text())[:12]
}

func (e *environment) makeTemplate() (string, error) {
	name := randomName("template")
	address, err := e.createDatabase(name, "template0")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	if err := store.Migrate(ctx, address); err != nil {
		return "", err
	}
	e.onClose(func() error { return e.dropDatabase(name) })
	return name, nil
}

func (e *environment) createDatabase(name, template string) (string, error) {
	if err := e.exec("CREATE DATABASE " + quote(name) + " TEMPLATE " + quote(template)); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	admin, err := e.admin()
	if err != nil {
		return "", err
	}
	return withDatabase(admin, name)
}

func (e *environment) dropDatabase(name string) error {
	if err := e.exec("DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop a database: %w", err)
	}
	return nil
}

func (e *environment) exec(statement string) (err error) {
	admin, err := e.admin()
	if err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// Command setup installs Postgres and the Temporal engine into the cache and links them into bin, beside parley.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"parley/local/install"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := setUp(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

func setUp(ctx context.Context) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := install.Root(dir)
	if err != nil {
		return err
	}
	tools, err := install.Ensure(ctx, root, os.Stderr)
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	return errors.Join(
		link(tools.Postgres, filepath.Join(bin, "postgres")),
		link(tools.Engine, filepath.Join(bin, "parley-engine")),
	)
}

func link(target, path string) error {
	if current, err := os.Readlink(path); err == nil && current == target {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, path)
}

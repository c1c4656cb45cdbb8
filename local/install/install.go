// Package install puts the two programs that Parley runs beside itself, Postgres and the Temporal engine, into a
// cache outside the checkout, so that a fresh clone finds them again. Both are installed under a lock and appear
// complete or not at all.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Tools are the installed programs.
type Tools struct {
	Postgres string // directory with bin, lib and share
	Engine   string // executable
}

// Root finds the checkout that holds dir: the nearest directory with the engine's sources.
func Root(dir string) (string, error) {
	for current := dir; ; {
		if _, err := os.Stat(filepath.Join(current, "devserver", "go.mod")); err == nil {
			return current, nil
		}
		parent := filepath.Dir(current)
		if parent == current {
			return "", fmt.Errorf("%s is not inside a checkout of Parley", dir)
		}
		current = parent
	}
}

// CacheDir is where the programs are kept: PARLEY_CACHE_DIR, else /var/cache/parley for root, because Postgres runs as
// a user who cannot look into root's home, else the user's own cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("PARLEY_CACHE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/parley", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w; set PARLEY_CACHE_DIR", err)
	}
	return filepath.Join(dir, "parley"), nil
}

// Ensure installs what is missing for the checkout at root, and reports its progress to out.
func Ensure(ctx context.Context, root string, out io.Writer) (Tools, error) {
	cache, err := CacheDir()
	if err != nil {
		return Tools{}, err
	}
	postgres, err := Postgres(ctx, cache, root, out)
	if err != nil {
		return Tools{}, fmt.Errorf("install Postgres: %w", err)
	}
	engine, err := Engine(ctx, cache, root, out)
	if err != nil {
		return Tools{}, fmt.Errorf("build the Temporal engine: %w", err)
	}
	return Tools{Postgres: postgres, Engine: engine}, nil
}

// Once makes sure that there is a directory at path, inside the cache. If it is not there, build is called with an
// empty directory, which then becomes path; no other process builds the same kind meanwhile.
func Once(cache, kind, path string, out io.Writer, build func(work string) error) (err error) {
	if exists(path) {
		return nil
	}
	if err := makeReachable(filepath.Dir(path)); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(cache, kind+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open the lock: %w", err)
	}
	// Closing alone would leave the lock to a child that is just being started.
	defer func() { err = errors.Join(err, syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fmt.Fprintf(out, "Waiting for another process that installs the same (%s)…\n", kind)
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			return fmt.Errorf("wait for the lock: %w", err)
		}
	}
	// Whoever held the lock since the first look may have built it, even if nobody had to wait for the lock.
	if exists(path) {
		return nil
	}

	work, err := workDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := build(work); err != nil {
		return err
	}
	return os.Rename(work, path)
}

// makeReachable creates a directory that every user may look into, whatever the umask is.
func makeReachable(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeReachable(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create the cache directory: %w", err)
	}
	return os.Chmod(dir, 0o755)
}

// makeReadable lets every user read a tree, and run what its owner can run.
func makeReadable(tree string) error {
	return filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// workDir makes a directory to work in, and removes those that killed predecessors left. The lock must be held.
func workDir(parent string) (string, error) {
	const prefix = ".work-"
	left, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(parent, prefix)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

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

// locked runs do while no other process holds the lock of that name.
func locked(cache, name string, out io.Writer, do func() error) (err error) {
	if err := makeReachable(cache); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(cache, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open the lock: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()

	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fmt.Fprintf(out, "Waiting for another process that installs %s…\n", name)
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			return fmt.Errorf("wait for the lock: %w", err)
		}
	}
	return do()
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

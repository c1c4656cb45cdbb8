package install

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnceBuildsOnce(t *testing.T) {
	t.Parallel()
	// Whether a caller looks before the build and takes the lock after it is a matter of microseconds: many rounds
	// make sure that some do.
	for range 100 {
		buildsOnce(t)
	}
}

func buildsOnce(t *testing.T) {
	cache := t.TempDir()
	path := filepath.Join(cache, "thing", "v1")
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "thing", ".work-of-a-killed-process"), 0o700))

	var built atomic.Int32
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			err := Once(cache, "thing", path, new(bytes.Buffer), func(work string) error {
				built.Add(1)
				return os.WriteFile(filepath.Join(work, "file"), []byte("done"), 0o600)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), built.Load())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "only the result is left")
	content, err := os.ReadFile(filepath.Join(path, "file"))
	require.NoError(t, err)
	require.Equal(t, "done", string(content))
}

func TestOnceLeavesNothingHalfBuilt(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	path := filepath.Join(cache, "thing", "v1")
	failed := errors.New("compiler says no")
	err := Once(cache, "thing", path, new(bytes.Buffer), func(work string) error {
		return errors.Join(os.WriteFile(filepath.Join(work, "half"), nil, 0o600), failed)
	})
	require.ErrorIs(t, err, failed)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoError(t, Once(cache, "thing", path, new(bytes.Buffer), func(string) error { return nil }))
}

func TestRestoreLinks(t *testing.T) {
	t.Parallel()
	lib := func(t *testing.T, list string) string {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "native", "lib"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "native", "lib", "libpq.so.5.18"), []byte("elf"), 0o644))
		if list != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "native", "pg-symlinks.json"), []byte(list), 0o644))
		}
		return dir
	}

	t.Run("listed", func(t *testing.T) {
		t.Parallel()
		dir := lib(t, `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`)
		require.NoError(t, restoreLinks(dir))
		require.NoError(t, restoreLinks(dir), "twice is harmless")
		target, err := os.Readlink(filepath.Join(dir, "native", "lib", "libpq.so.5"))
		require.NoError(t, err)
		require.Equal(t, "libpq.so.5.18", target, "relative, so that the directory can be moved")
	})
	t.Run("no list", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, restoreLinks(lib(t, "")))
	})
	t.Run("outside of the package", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, restoreLinks(lib(t, `[{"source":"/etc/passwd","target":"native/lib/x"}]`)), "outside of the package")
		require.ErrorContains(t, restoreLinks(lib(t, `[{"source":"native/lib/x","target":"../../x"}]`)), "outside of the package")
	})
}

func TestPostgresPackageIsListedForThisMachine(t *testing.T) {
	t.Parallel()
	working, err := os.Getwd()
	require.NoError(t, err)
	root, err := Root(working)
	require.NoError(t, err)
	name, version, err := postgresPackage(filepath.Join(root, "devserver", "postgres"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(name, "@embedded-postgres/"), name)
	require.True(t, strings.HasPrefix(version, "18."), version)
	_, err = Root(t.TempDir())
	require.ErrorContains(t, err, "is not inside a checkout of Parley")
}

func TestEngineKeyChangesWithItsSources(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	write := func(name, content string) string {
		require.NoError(t, os.WriteFile(filepath.Join(source, name), []byte(content), 0o600))
		key, err := engineKey(t.Context(), source)
		require.NoError(t, err)
		return key
	}
	require.NoError(t, os.WriteFile(filepath.Join(source, "go.sum"), nil, 0o600))
	first := write("go.mod", "module x\n")
	require.Equal(t, first, write("README.md", "words"), "only what is compiled counts")
	second := write("main.go", "package main")
	require.NotEqual(t, first, second)
	require.NotEqual(t, second, write("go.mod", "module y\n"))
}

func TestDropOldEngines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, name := range []string{"current", "oldest", "old", "new", "newest"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(path, 0o755))
		when := time.Now().Add(time.Duration(i-10) * time.Hour)
		require.NoError(t, os.Chtimes(path, when, when))
	}
	require.NoError(t, dropOldEngines(dir, "current"))
	for name, kept := range map[string]bool{"current": true, "oldest": false, "old": false, "new": true, "newest": true} {
		require.Equal(t, kept, exists(filepath.Join(dir, name)), name)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out, 4)
	_, err := p.Write([]byte("context\ngo.temporal.io/ser"))
	require.NoError(t, err)
	_, err = p.Write([]byte("ver/temporal\n# parley/devserver\n./main.go:3:1: syntax error\n"))
	require.NoError(t, err)
	p.mu.Lock()
	p.report(true)
	p.mu.Unlock()
	p.finish(true)
	require.Contains(t, out.String(), "compiled 2 of 4 packages, 50 %, 0s\n")
	require.Contains(t, out.String(), "Built the Temporal engine in 0s.\n")
	require.Equal(t, "# parley/devserver\n./main.go:3:1: syntax error\n", p.complaints())
}

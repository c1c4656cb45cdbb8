package install

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	engineName  = "parley-engine"
	keptEngines = 3
)

// Engine builds the Temporal engine from devserver, unless this very version is in the cache, and returns its path.
func Engine(ctx context.Context, cache, root string, out io.Writer) (string, error) {
	source := filepath.Join(root, "devserver")
	key, err := engineKey(ctx, source)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "engine", key)
	err = Once(cache, "engine", dir, out, func(work string) error {
		fmt.Fprintf(out, "Building the Temporal engine. This happens once: the result is kept in %s.\n", dir)
		fmt.Fprintln(out, "The first time everything is compiled, which takes about 7 minutes on 2 cores.")
		if err := buildEngine(ctx, source, work, out); err != nil {
			return err
		}
		return dropOldEngines(filepath.Dir(dir), filepath.Base(work))
	})
	return filepath.Join(dir, engineName), err
}

// engineKey names a build by all that goes into it.
func engineKey(ctx context.Context, source string) (string, error) {
	goenv := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	goenv.Dir = source
	var stderr bytes.Buffer
	goenv.Stderr = &stderr
	toolchain, err := goenv.Output()
	if err != nil {
		return "", fmt.Errorf("ask for the Go version: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	hash := sha256.New()
	hash.Write(toolchain)

	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		return "", err
	}
	for _, file := range append(files, filepath.Join(source, "go.mod"), filepath.Join(source, "go.sum")) {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n", filepath.Base(file), len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

func buildEngine(ctx context.Context, source, work string, out io.Writer) error {
	if err := run(ctx, source, "go", "mod", "download"); err != nil {
		return err
	}
	total, err := stalePackages(ctx, source)
	if err != nil {
		return err
	}

	build := exec.CommandContext(ctx, "go", "build", "-v", "-buildvcs=false", "-ldflags=-s -w",
		"-o", filepath.Join(work, engineName), ".")
	build.Dir = source
	progress := newProgress(out, total)
	build.Stderr = progress
	err = build.Run()
	progress.finish(err == nil)
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, progress.complaints())
	}
	return makeReadable(work)
}

// stalePackages counts what the compiler has to do.
func stalePackages(ctx context.Context, source string) (int, error) {
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", ".")
	list.Dir = source
	var stderr bytes.Buffer
	list.Stderr = &stderr
	packages, err := list.Output()
	if err != nil {
		return 0, fmt.Errorf("list the packages: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return len(strings.Fields(string(packages))), nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(output))
	}
	return nil
}

// dropOldEngines keeps the newest builds, for other checkouts, and the current one.
func dropOldEngines(dir, current string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var infos []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && entry.IsDir() && entry.Name() != current {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	for i, info := range infos {
		if i >= keptEngines-1 {
			if err := os.RemoveAll(filepath.Join(dir, info.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

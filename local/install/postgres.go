package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Postgres installs the Postgres binaries that devserver/postgres names, and returns their directory.
func Postgres(ctx context.Context, cache, root string, out io.Writer) (string, error) {
	source := filepath.Join(root, "devserver", "postgres")
	pkg, version, err := postgresPackage(source)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "postgres", version+"-"+filepath.Base(pkg))
	err = Once(cache, "postgres", dir, out, func(work string) error {
		fmt.Fprintf(out, "Installing Postgres %s into %s…\n", version, dir)
		return installPostgres(ctx, source, pkg, work)
	})
	return dir, err
}

// postgresPackage reads which package has the binaries for this machine.
func postgresPackage(source string) (name, version string, err error) {
	raw, err := os.ReadFile(filepath.Join(source, "package.json"))
	if err != nil {
		return "", "", err
	}
	var manifest struct {
		OptionalDependencies map[string]string `json:"optionalDependencies"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return "", "", fmt.Errorf("read package.json: %w", err)
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	name = "@embedded-postgres/" + runtime.GOOS + "-" + arch
	version, ok := manifest.OptionalDependencies[name]
	if !ok {
		return "", "", fmt.Errorf("there are no binaries for %s/%s; run a Postgres yourself and set DATABASE_URL", runtime.GOOS, runtime.GOARCH)
	}
	return name, version, nil
}

func installPostgres(ctx context.Context, source, pkg, work string) error {
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), content, 0o644); err != nil {
			return err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = work
	var output bytes.Buffer
	npm.Stdout, npm.Stderr = &output, &output
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, bytes.TrimSpace(output.Bytes()))
	}

	unpacked := filepath.Join(work, "node_modules", filepath.FromSlash(pkg))
	if !exists(filepath.Join(unpacked, "native", "bin", "postgres")) {
		return fmt.Errorf("npm ci did not bring the package %s", pkg)
	}
	if err := restoreLinks(unpacked); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(unpacked, "native"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.Rename(filepath.Join(unpacked, "native", entry.Name()), filepath.Join(work, entry.Name())); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(work, "node_modules")); err != nil {
		return err
	}
	return makeReadable(work)
}

// restoreLinks makes the libraries' symbolic links, which an npm package cannot hold: it lists them instead.
func restoreLinks(unpacked string) error {
	raw, err := os.ReadFile(filepath.Join(unpacked, "native", "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return fmt.Errorf("read the list of links: %w", err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("the list of links names %s and %s, outside of the package", link.Source, link.Target)
		}
		target := filepath.Join(unpacked, link.Target)
		relative, err := filepath.Rel(filepath.Dir(target), filepath.Join(unpacked, link.Source))
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("restore a link: %w", err)
		}
	}
	return nil
}

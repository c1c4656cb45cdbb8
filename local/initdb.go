package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

const (
	passwordFile = "postgres.password"
	initPrefix   = ".postgres-"
)

// prepare makes sure that there are data which these binaries can serve, and reads the password.
func (p *Postgres) prepare(ctx context.Context) error {
	written, err := os.ReadFile(filepath.Join(p.data, "PG_VERSION"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if entries, err := os.ReadDir(p.data); err == nil && len(entries) > 0 {
			return fmt.Errorf("%s is not empty and not a data directory of Postgres: nothing was changed, choose another --data-dir", p.data)
		}
		if err := p.initialize(ctx); err != nil {
			return fmt.Errorf("create the database files: %w", err)
		}
	case err != nil:
		return fmt.Errorf("look at the database files: %w", err)
	default:
		brought, err := p.majorVersion(ctx)
		if err != nil {
			return err
		}
		if have := strings.TrimSpace(string(written)); have != brought {
			return fmt.Errorf("%s was written by Postgres %s, and Parley brings Postgres %s; nothing was changed. "+
				"Dump it with Postgres %s (pg_dumpall) and load the dump into a new --data-dir, or start with another --data-dir", p.data, have, brought, have)
		}
	}
	password, err := os.ReadFile(filepath.Join(p.opts.Dir, passwordFile))
	if err != nil {
		return fmt.Errorf("read the password of the database: %w", err)
	}
	p.password = strings.TrimSpace(string(password))
	return nil
}

func (p *Postgres) majorVersion(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, filepath.Join(p.opts.Binaries, "bin", "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask Postgres for its version: %w", err)
	}
	// "postgres (PostgreSQL) 18.4"
	fields := strings.Fields(string(output))
	if len(fields) < 3 {
		return "", fmt.Errorf("ask Postgres for its version: unexpected answer %q", output)
	}
	major, _, _ := strings.Cut(fields[2], ".")
	return major, nil
}

// initialize creates the data beside their place and moves them there when they are complete, so that a start that was
// killed half-way is simply repeated.
func (p *Postgres) initialize(ctx context.Context) (err error) {
	left, err := filepath.Glob(filepath.Join(p.opts.Dir, initPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp(p.opts.Dir, initPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	if p.opts.Template == "" {
		err = p.create(ctx, work)
	} else {
		err = copyTree(p.opts.Template, work, p.credential)
	}
	if err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(work, "password"))
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(p.opts.Dir, passwordFile), string(password)); err != nil {
		return err
	}
	// An empty directory of that name was seen to be harmless.
	if err := os.Remove(p.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(filepath.Join(work, "data"), p.data)
}

// MakeTemplate fills an empty directory with what PostgresOptions.Template asks for.
func MakeTemplate(ctx context.Context, binaries, dir string) error {
	p := &Postgres{opts: PostgresOptions{Binaries: binaries, Volatile: true}}
	var err error
	if p.credential, err = unprivileged(dir); err != nil {
		return err
	}
	if err := p.credential.checkReach(dir, dir, "set PARLEY_CACHE_DIR to a directory that everybody may read"); err != nil {
		return err
	}
	return p.create(ctx, dir)
}

// create makes new data, and the password file beside them.
func (p *Postgres) create(ctx context.Context, dir string) error {
	input := filepath.Join(dir, "password")
	if err := os.WriteFile(input, []byte(strings.ToLower(rand.Text())+"\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(p.credential.own(input), p.credential.own(dir)); err != nil {
		return err
	}
	return p.initdb(ctx, filepath.Join(dir, "data"), input)
}

// copyTree copies what is in one directory into another, for a user.
func copyTree(from, to string, owner *Credential) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			if err := os.Mkdir(target, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			return owner.own(target)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o600); err != nil {
			return err
		}
		return owner.own(target)
	})
}

func (p *Postgres) initdb(ctx context.Context, data, passwordInput string) error {
	// Letters are classified for full-text search by this locale: in C every sign beyond ASCII would be a letter,
	// so that «Оператор» were a word other than Оператор. Sorting and case are the built-in provider's.
	locales := []string{"C.UTF-8", "en_US.UTF-8"}
	if runtime.GOOS == "darwin" {
		locales = []string{"en_US.UTF-8", "UTF-8"}
	}
	var failed []string
	for _, locale := range locales {
		args := []string{
			"-D", data, "--username=" + superuser, "--pwfile=" + passwordInput, "--auth=scram-sha-256", "--encoding=UTF8",
			"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--lc-ctype=" + locale, "--no-instructions",
		}
		if p.opts.Volatile {
			args = append(args, "--no-sync")
		}
		cmd := exec.Command(filepath.Join(p.opts.Binaries, "bin", "initdb"), args...)
		var output bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = filepath.Dir(data), postgresEnv(), &output, &output
		child, err := startProcess(cmd, p.credential, syscall.SIGKILL)
		if err != nil {
			return err
		}
		select {
		case <-child.done:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), child.stop(step{syscall.SIGKILL, postgresTimeout}))
		}
		if child.err == nil {
			return nil
		}
		failed = append(failed, fmt.Sprintf("with locale %s: %v: %s", locale, child.err, strings.TrimSpace(output.String())))
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	return errors.New(strings.Join(failed, "; "))
}

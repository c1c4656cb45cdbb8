// Command mutants shows that the fault harness finds what it looks for. It plants
// one fault at a time in the product, those of the patches beside it, runs the
// harness against that, and fails unless the checker finds the promise broken that
// the fault breaks.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"parley/local/install"
)

//go:embed *.patch
var patches embed.FS

// mutant is a planted fault.
type mutant struct {
	name   string   // of its patch
	breaks []string // counts of the harness's last line: one of them has to be found
}

func mutants() []mutant {
	return []mutant{
		{"no-fence", []string{"after_takeover", "duplicated"}},
		{"no-dedupe", []string{"duplicated"}},
		{"acknowledge-before-commit", []string{"lost"}},
		{"cursor-on-a-bigserial", []string{"stream_gaps"}},
		{"retry-an-unknown-send", []string{"duplicated"}},
		{"signal-without-outbox", []string{"lost"}},
	}
}

// The runs are short, and break much. A mutant that is not found with one seed is given another.
const (
	seeds      = 4
	duration   = 60 * time.Second
	faultEvery = 2 * time.Second
	rest       = 45 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos-mutants:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) (err error) {
	seed := flag.Uint64("seed", 1, "the first seed")
	only := flag.String("only", "", "the one mutant to run; all when empty")
	log := flag.String("log", "", "directory for the journals; none are kept when empty")
	flag.Parse()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the own executable: %w", err)
	}
	harness := filepath.Join(filepath.Dir(self), "chaos")
	cwd, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := install.Root(cwd)
	if err != nil {
		return err
	}
	survivors, ran := 0, 0
	for _, m := range mutants() {
		if *only != "" && *only != m.name {
			continue
		}
		ran++
		found, err := m.run(ctx, root, harness, *log, *seed)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if !found {
			survivors++
		}
	}
	if ran == 0 {
		return fmt.Errorf("there is no mutant %q", *only)
	}
	fmt.Printf("chaos-mutants: mutants=%d found=%d survived=%d\n", ran, ran-survivors, survivors)
	if survivors > 0 {
		return errors.New("a planted fault was not found")
	}
	return nil
}

// run builds the product with the fault and runs the harness against it, until the fault is found or the seeds end.
func (m mutant) run(ctx context.Context, root, harness, log string, seed uint64) (found bool, err error) {
	work, err := os.MkdirTemp("", "parley-mutant-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	binary, err := m.build(ctx, root, work)
	if err != nil {
		return false, err
	}
	if log == "" {
		log = filepath.Join(work, "log")
	}
	for s := seed; s < seed+seeds; s++ {
		counts, err := m.harness(ctx, harness, binary, filepath.Join(log, fmt.Sprintf("%s-%d", m.name, s)), s)
		if err != nil {
			return false, err
		}
		for _, what := range m.breaks {
			if counts[what] > 0 {
				fmt.Printf("chaos-mutants: %-26s found with seed %d: %s=%d\n", m.name, s, what, counts[what])
				return true, nil
			}
		}
	}
	fmt.Printf("chaos-mutants: %-26s survived %d seeds\n", m.name, seeds)
	return false, nil
}

var count = regexp.MustCompile(`([a-z_]+)=(\d+)`)

// harness runs the harness once, and returns the counts of its last line.
func (m mutant) harness(ctx context.Context, harness, binary, log string, seed uint64) (map[string]int, error) {
	cmd := exec.CommandContext(ctx, harness, "-parley", binary, "-log", log, "-seed", strconv.FormatUint(seed, 10),
		"-duration", duration.String(), "-fault-every", faultEvery.String(), "-rest", rest.String())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it has processes of its own to end
	out, err := cmd.CombinedOutput()
	if _, broken := errors.AsType[*exec.ExitError](err); err != nil && !broken {
		return nil, fmt.Errorf("run the harness: %w", err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "chaos: seed=") {
			continue
		}
		for _, c := range count.FindAllStringSubmatch(line, -1) {
			counts[c[1]], _ = strconv.Atoi(c[2]) // they are digits
		}
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("the harness came to no verdict: %s", out)
	}
	return counts, nil
}

// build builds the product as the patch changes it; the sources stay as they are.
func (m mutant) build(ctx context.Context, root, work string) (string, error) {
	overlay, err := m.overlay(ctx, root, work)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(work, "parley")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-overlay", overlay, "-o", binary, "./cmd/parley")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return binary, nil
}

// overlay applies the patch to copies, and writes down for the compiler what they stand for.
func (m mutant) overlay(ctx context.Context, root, work string) (string, error) {
	patch, err := patches.ReadFile(m.name + ".patch")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for line := range strings.Lines(string(patch)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "+++ b/")
		if !ok {
			continue
		}
		original, changed := filepath.Join(root, name), filepath.Join(work, name)
		content, err := os.ReadFile(original)
		if err != nil {
			return "", err
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(changed), 0o755), os.WriteFile(changed, content, 0o644)); err != nil {
			return "", err
		}
		replace[original] = changed
	}
	cmd := exec.CommandContext(ctx, "git", "apply", "-")
	cmd.Dir, cmd.Stdin = work, strings.NewReader(string(patch))
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(work)) // not to be taken for part of a repository
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apply the patch: %w: %s", err, out)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(work, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o644)
}

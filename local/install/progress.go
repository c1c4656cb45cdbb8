package install

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// quietFor is how long a build may print nothing where lines cannot be overwritten.
const quietFor = 20 * time.Second

// progress turns the package names that `go build -v` prints into how far the build is.
type progress struct {
	out      io.Writer
	total    int
	terminal bool
	started  time.Time

	mu       sync.Mutex
	done     int
	rest     []byte // the beginning of a line
	other    []string
	reported time.Time
	ticker   *time.Ticker
	stop     chan struct{}
}

func newProgress(out io.Writer, total int) *progress {
	now := time.Now()
	p := &progress{
		out: out, total: max(total, 1), terminal: isTerminal(out), started: now, reported: now,
		ticker: time.NewTicker(time.Second), stop: make(chan struct{}),
	}
	go p.tick()
	return p
}

func (p *progress) tick() {
	for {
		select {
		case <-p.stop:
			return
		case <-p.ticker.C:
			p.mu.Lock()
			p.report(p.terminal)
			p.mu.Unlock()
		}
	}
}

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	for {
		end := bytes.IndexByte(p.rest, '\n')
		if end < 0 {
			break
		}
		line := string(p.rest[:end])
		p.rest = p.rest[end+1:]
		// A package is one word; everything else is the compiler's or the linker's complaint.
		if line == "" || strings.ContainsAny(line, " \t:#") {
			p.other = append(p.other, line)
			continue
		}
		p.done++
	}
	p.report(p.terminal)
	return len(b), nil
}

func (p *progress) report(now bool) {
	if !now && time.Since(p.reported) < quietFor {
		return
	}
	p.reported = time.Now()
	done := min(p.done, p.total)
	line := fmt.Sprintf("  compiled %d of %d packages, %d %%, %s", done, p.total, 100*done/p.total, time.Since(p.started).Round(time.Second))
	if done == p.total {
		line += ", linking"
	}
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

func (p *progress) finish(ok bool) {
	p.ticker.Stop()
	close(p.stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
	if ok {
		fmt.Fprintf(p.out, "Built the Temporal engine in %s.\n", time.Since(p.started).Round(time.Second))
	}
}

func (p *progress) complaints() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(append(p.other, string(p.rest)), "\n")
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

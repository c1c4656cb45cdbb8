package testenv

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// peerStart bounds how long a peer may take until it serves.
const peerStart = 30 * time.Second

// Peer runs a program of e2e/peers, a server written by others, until the test
// ends. It returns the first line that the program prints: the address on which
// it serves. Each program chooses a free port on loopback and prints that line
// only when it accepts connections. What it prints on its standard error is
// shown when the test fails.
func Peer(t testing.TB, program string, args ...string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(here), "..", "e2e", "peers")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("testenv: the peers are not installed: run `make test-go`, or `npm ci` in e2e/peers (%v)", err)
	}
	cmd := exec.Command("node", append([]string{program}, args...)...)
	cmd.Dir = dir
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("testenv: start %s: %v", program, err)
	}
	// A peer ends when its standard input does, so that none outlives a killed test.
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("testenv: start %s: %v", program, err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("testenv: start %s: %v", program, err)
	}
	lines := make(chan string)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		scanner := bufio.NewScanner(out)
		for first := true; scanner.Scan(); first = false {
			if first {
				lines <- scanner.Text()
			}
		}
		close(lines)
	}()
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait()
		if t.Failed() && errs.Len() > 0 {
			t.Logf("standard error of %s:\n%s", program, errs.String())
		}
	})
	select {
	case address, ok := <-lines:
		if ok {
			return address
		}
	case <-time.After(peerStart):
	}
	_ = cmd.Process.Kill()
	t.Fatalf("testenv: %s does not serve", program)
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// node is a process of the product, which is started again whenever it has ended.
type node struct {
	name    string // api-1
	role    string // api
	address string // of its API, or of its metrics
	env     []string
	log     *os.File
	died    func(how string) // told when it ends by itself

	mu     sync.Mutex // held while it is being broken or started
	binary string
	cmd    *exec.Cmd
	told   bool // to end
	done   chan struct{}
}

// newNode makes a node on a free port of this machine.
func newNode(name, role, binary, logDir string, env []string, died func(string)) (*node, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(logDir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", name, err)
	}
	listen := "PARLEY_OPS_LISTEN="
	if role == "api" {
		listen = "PARLEY_LISTEN="
		env = append(env, "PARLEY_PUBLIC_URL=http://"+address)
	}
	return &node{name: name, role: role, binary: binary, address: address, log: log, env: append(env, listen+address), died: died}, nil
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return ln.Addr().String(), ln.Close()
}

// begin starts the node for the first time.
func (n *node) begin() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.start()
}

// start runs the process; n.mu is held.
func (n *node) start() error {
	cmd := exec.Command(n.binary, n.role)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}, n.env...)
	cmd.Stdout, cmd.Stderr = n.log, n.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.cmd, n.told, n.done = cmd, false, make(chan struct{})
	go n.watch(cmd, n.done)
	return nil
}

// watch starts a process again that ended by itself, as an orchestrator does.
func (n *node) watch(cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	close(done)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told || n.cmd != cmd {
		return
	}
	n.died(fmt.Sprintf("%s ended by itself: %v", n.name, err))
	if err := n.start(); err != nil {
		n.died(err.Error())
	}
}

// kill ends the process as a power cut would, and starts it again after a while.
func (n *node) kill(ctx context.Context, down time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = true
	if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", n.name, err)
	}
	<-n.done
	pause(ctx, down)
	return n.start()
}

// halt makes the process stand still for a while: a long collection, a moved
// machine, a swapped out one.
func (n *node) halt(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	pause(ctx, d)
	if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("continue %s: %w", n.name, err)
	}
	return nil
}

// stopWithin is how long a process may take to end when it is asked to.
const stopWithin = 40 * time.Second

// end asks the process to end, and waits until it has. It is an error when it ends with a code.
func (n *node) end() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.terminate()
}

func (n *node) terminate() error {
	n.told = true
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", n.name, err)
	}
	select {
	case <-n.done:
	case <-time.After(stopWithin):
		_ = n.cmd.Process.Kill()
		<-n.done
		return fmt.Errorf("%s does not end on SIGTERM within %s", n.name, stopWithin)
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended on SIGTERM with code %d", n.name, code)
	}
	return nil
}

// deploy ends the process in an orderly way and starts another binary in its place.
func (n *node) deploy(binary string, env ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.terminate()
	n.binary, n.env = binary, append(n.env, env...)
	return errors.Join(err, n.start())
}

// ready waits until the node answers.
func (n *node) ready(ctx context.Context) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		req, err := http.NewRequestWithContext(attempt, http.MethodGet, "http://"+n.address+"/readyz", nil)
		if err != nil {
			cancel()
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		cancel()
		if err == nil && resp.StatusCode == http.StatusOK {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s does not become ready: %w", n.name, ctx.Err())
		}
	}
}

// pause waits; false when ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

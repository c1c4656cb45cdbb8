package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a running child in a process group of its own, so that Ctrl-C in a terminal reaches only its parent.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended; err may be read then
	err  error
}

// startProcess starts the command. On Linux it gets parentDied when this process dies.
func startProcess(cmd *exec.Cmd, credential *Credential, parentDied syscall.Signal) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if credential != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: credential.uid, Gid: credential.gid}
	}
	setParentDeathSignal(cmd.SysProcAttr, parentDied)

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel sends the signal when the starting thread ends: this one stays until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// step is one attempt to end a process, and how long to wait for it.
type step struct {
	signal syscall.Signal
	wait   time.Duration
}

// stop tries the steps in order until the process is gone.
func (p *process) stop(steps ...step) error {
	for _, s := range steps {
		if err := p.cmd.Process.Signal(s.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-p.done:
			return nil
		case <-time.After(s.wait):
		}
	}
	return fmt.Errorf("process %d does not end", p.cmd.Process.Pid)
}

// supervisor starts a child again whenever it dies, until it is stopped.
type supervisor struct {
	name    string
	log     *slog.Logger
	restart func(context.Context) (*process, error)
	logFile *logFile

	mu      sync.Mutex
	current *process
	cancel  context.CancelFunc
	ended   chan struct{}
}

const (
	firstPause = 250 * time.Millisecond
	longPause  = 15 * time.Second
	steady     = time.Minute // a child that lived this long is started again at once
)

func (s *supervisor) run(p *process) {
	ctx, cancel := context.WithCancel(context.Background())
	s.current, s.cancel, s.ended = p, cancel, make(chan struct{})
	go func() {
		defer close(s.ended)
		s.watch(ctx, p)
	}()
}

func (s *supervisor) watch(ctx context.Context, p *process) {
	started, pause := time.Now(), firstPause
	check := time.NewTicker(time.Minute)
	defer check.Stop()
	for {
		for ended := false; !ended; {
			select {
			case <-ctx.Done():
				return
			case <-check.C:
				s.logFile.bound()
			case <-p.done:
				ended = true
			}
		}
		s.log.Warn("a child process ended, starting it again", "process", s.name, "cause", p.err)
		if time.Since(started) > steady {
			pause = firstPause
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longPause)
			next, err := s.restart(ctx)
			if err == nil {
				s.log.Info("child process started again", "process", s.name)
				started, p = time.Now(), next
				s.mu.Lock()
				s.current = p
				s.mu.Unlock()
				break
			}
			if ctx.Err() == nil {
				s.log.Error("cannot start a child process again", "process", s.name, "error", err)
			}
		}
	}
}

// pid is the process number of the child that runs now.
func (s *supervisor) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.cmd.Process.Pid
}

// stop ends the supervision and then the child. It may be called more than once.
func (s *supervisor) stop(steps ...step) error {
	s.cancel()
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.current.done:
		return nil
	default:
	}
	if err := s.current.stop(steps...); err != nil {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	return nil
}

// endAll signals processes that are not children of this one, step by step, until find reports none.
func endAll(ctx context.Context, find func() ([]int, error), steps ...step) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var left []int
	for _, s := range steps {
		signalled := map[int]bool{}
		for deadline := time.Now().Add(s.wait); time.Now().Before(deadline); {
			var err error
			if left, err = find(); err != nil {
				return err
			}
			if len(left) == 0 {
				return nil
			}
			for _, pid := range left {
				if signalled[pid] {
					continue
				}
				signalled[pid] = true
				if err := syscall.Kill(pid, s.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
					return fmt.Errorf("end process %d: %w", pid, err)
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ticker.C:
			}
		}
	}
	return fmt.Errorf("processes %v do not end", left)
}

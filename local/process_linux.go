package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func setParentDeathSignal(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}

// processesIn finds the processes of an executable of that name that work in a directory. Every process of Postgres,
// those included that outlived their postmaster, works in its data directory.
func processesIn(executable, dir string) ([]int, error) {
	return findProcesses(func(proc string) bool {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		return err == nil && cwd == dir && executableName(proc) == executable
	})
}

// processesWith finds the processes of an executable of that name that were given an argument.
func processesWith(executable, argument string) ([]int, error) {
	return findProcesses(func(proc string) bool {
		if executableName(proc) != executable {
			return false
		}
		cmdline, err := os.ReadFile(filepath.Join(proc, "cmdline"))
		return err == nil && strings.Contains("\x00"+string(cmdline), "\x00"+argument+"\x00")
	})
}

func findProcesses(match func(proc string) bool) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if proc := filepath.Join("/proc", entry.Name()); match(proc) && !isZombie(proc) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func executableName(proc string) string {
	path, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil {
		return ""
	}
	return filepath.Base(strings.TrimSuffix(path, " (deleted)"))
}

// isZombie reports whether a process is over and only waits for its parent to notice.
func isZombie(proc string) bool {
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return true
	}
	_, state, ok := strings.Cut(string(stat), ") ")
	return ok && (strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X"))
}

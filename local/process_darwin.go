package local

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// setParentDeathSignal does nothing: macOS has no such signal. The engine notices that its standard input ended, and
// the next start ends a Postgres that was left.
func setParentDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// processesIn finds the processes of an executable of that name that work in a directory. Every process of Postgres,
// those included that outlived their postmaster, works in its data directory.
func processesIn(executable, dir string) ([]int, error) {
	output, err := exec.Command("lsof", "-w", "-a", "-c", executable, "-d", "cwd", "-Fpn").Output()
	// Its exit code is 1 when there is nothing to list.
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var pids []int
	pid := 0
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "p"):
			pid, _ = strconv.Atoi(line[1:])
		case line == "n"+dir && pid != 0:
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// processesWith finds the processes of an executable of that name that were given an argument.
func processesWith(executable, argument string) ([]int, error) {
	output, err := exec.Command("ps", "-axww", "-o", "pid=,stat=,command=").Output()
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var pids []int
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[1], "Z") || filepath.Base(fields[2]) != executable {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil && strings.Contains(strings.TrimSpace(line)+" ", " "+argument+" ") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

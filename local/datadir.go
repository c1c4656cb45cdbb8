package local

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	stateFile  = "parley.json"
	lockFile   = "parley.lock"
	secretFile = "secret.key"
)

// State is what a running `parley up` tells other commands and tests, in parley.json of its data directory. After it
// ended, the file says how it ran last.
type State struct {
	PID               int       `json:"pid"`
	StartedAt         time.Time `json:"started_at"`
	URL               string    `json:"url"`        // of the inbox, without a slash at the end
	PublicURL         string    `json:"public_url"` // as configured; may be empty
	DatabaseURL       string    `json:"database_url"`
	TemporalAddress   string    `json:"temporal_address"`
	TemporalNamespace string    `json:"temporal_namespace"`
	TemporalUIURL     string    `json:"temporal_ui_url"`
}

// DataDir is a data directory that this process holds the lock of.
type DataDir struct {
	path string
	lock *os.File
}

// RunningError says that another process uses the data directory.
type RunningError struct {
	Dir string
	PID int    // 0 if unknown
	URL string // empty while it starts
}

// Error implements error.
func (e *RunningError) Error() string {
	var about []string
	if e.PID != 0 {
		about = append(about, "process "+strconv.Itoa(e.PID))
	}
	if e.URL != "" {
		about = append(about, e.URL)
	}
	if len(about) == 0 {
		return "Parley already runs on " + e.Dir
	}
	return fmt.Sprintf("Parley already runs on %s (%s)", e.Dir, strings.Join(about, ", "))
}

// DefaultDataDir is where `parley up` keeps its data unless told otherwise.
func DefaultDataDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/parley", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home directory: %w; set PARLEY_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "parley"), nil
	}
	return filepath.Join(home, ".local", "share", "parley"), nil
}

// OpenDataDir creates the directory if need be and takes its lock. The error is a *RunningError if it is taken.
func OpenDataDir(path string) (*DataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	if err := makeDir(path); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	// Processes are recognised by this path, as the kernel reports it.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		running := &RunningError{Dir: path, PID: lockedBy(path)}
		if state, err := ReadState(path); err == nil && state.PID == running.PID {
			running.URL = state.URL
		}
		return nil, errors.Join(running, lock.Close())
	}
	if err := errors.Join(lock.Truncate(0), writeAt(lock, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock of the data directory: %w", err), unlock(lock))
	}
	return &DataDir{path: path, lock: lock}, nil
}

// Path is the directory, absolute and without symbolic links.
func (d *DataDir) Path() string { return d.path }

// Close gives the lock back.
func (d *DataDir) Close() error { return unlock(d.lock) }

// unlock gives a lock back at once: closing alone leaves it to a child process that is just being started and still has
// a copy of the file.
func unlock(lock *os.File) error {
	return errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
}

// SecretKey returns the key that encrypts the channels' secrets; it is made at the first call ever.
func (d *DataDir) SecretKey() ([]byte, error) {
	key, err := ReadSecretKey(d.path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make the secret key: %w", err)
	}
	if err := writeFile(filepath.Join(d.path, secretFile), base64.StdEncoding.EncodeToString(key)+"\n"); err != nil {
		return nil, fmt.Errorf("keep the secret key: %w", err)
	}
	return key, nil
}

// ReadSecretKey reads the key of a data directory that another process may be using.
func ReadSecretKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, secretFile)
	encoded, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is damaged: restore it from a backup, the channels' secrets cannot be read without it", path)
	}
	return key, nil
}

// OpenLog opens a log of this process in the data directory; the log of the last run is kept beside it.
func (d *DataDir) OpenLog(name string) (*os.File, error) {
	log, err := newLogFile(d.path, name)
	if err != nil {
		return nil, err
	}
	return log.open()
}

// WriteState leaves the addresses for other commands.
func (d *DataDir) WriteState(state State) error {
	encoded, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	if err := writeFile(filepath.Join(d.path, stateFile), string(encoded)+"\n"); err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	return nil
}

// ErrNotRunning says that no `parley up` runs on a data directory.
var ErrNotRunning = errors.New("no Parley runs here")

// RunningState reads the state of the `parley up` that runs on a data directory. The error is ErrNotRunning if there
// is none.
func RunningState(dir string) (State, error) {
	lock, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, ErrNotRunning
	}
	if err != nil {
		return State{}, fmt.Errorf("look at the data directory: %w", err)
	}
	defer func() { _ = unlock(lock) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return State{}, ErrNotRunning
	}
	state, err := ReadState(dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && state.PID != lockedBy(dir)) {
		return State{}, ErrNotRunning // it only starts, and the addresses, if any, are those of the last run
	}
	return state, err
}

// lockedBy reads who took the lock of a data directory last.
func lockedBy(dir string) int {
	content, err := os.ReadFile(filepath.Join(dir, lockFile))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return pid
}

// ReadState reads what WriteState wrote into a data directory.
func ReadState(dir string) (State, error) {
	encoded, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return State{}, fmt.Errorf("read %s: %w", stateFile, err)
	}
	var state State
	if err := json.Unmarshal(encoded, &state); err != nil {
		return State{}, fmt.Errorf("read %s: %w", stateFile, err)
	}
	return state, nil
}

// makeDir creates a directory for Parley alone. What root creates can be passed through by others, but not listed: the
// user that Postgres runs as has to get to its data, whatever the umask is.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", path)
		}
		return nil
	}
	if os.Geteuid() != 0 {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.MkdirAll(path, 0o700)
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(path, 0o711)
}

// writeFile writes a private file that is there whole or not at all, even if the machine stops.
func writeFile(path, content string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := errors.Join(writeAt(file, content), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func writeAt(file *os.File, content string) error {
	_, err := file.WriteAt([]byte(content), 0)
	return err
}

// HasLock reports whether a process has ever locked the directory.
func HasLock(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, lockFile))
	return err == nil
}

package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	mostLog = 10 << 20
	keptLog = 1 << 20
	tail    = 4 << 10
)

// logFile takes what a child prints. The child writes to it directly, so that it can go on when this process dies.
type logFile struct {
	path  string
	start int64 // where the output of the latest start begins
}

func newLogFile(dir, name string) (*logFile, error) {
	logs := filepath.Join(dir, "logs")
	if err := makeDir(logs); err != nil {
		return nil, fmt.Errorf("create the directory of the logs: %w", err)
	}
	l := &logFile{path: filepath.Join(logs, name+".log")}
	if err := os.Rename(l.path, l.path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("put the last log of %s aside: %w", name, err)
	}
	return l, nil
}

// open returns the file for a child that is about to start.
func (l *logFile) open() (*os.File, error) {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if info, err := file.Stat(); err == nil {
		l.start = info.Size()
	}
	return file, nil
}

// bound cuts the file when it has grown too long. Its writers append, so they go on at the new end.
func (l *logFile) bound() {
	info, err := os.Stat(l.path)
	if err != nil || info.Size() < mostLog {
		return
	}
	if last, err := l.read(info.Size() - keptLog); err == nil {
		_ = os.WriteFile(l.path+".1", last, 0o600)
	}
	_ = os.Truncate(l.path, 0)
}

// lastLines is the end of what the latest start printed, for an error message.
func (l *logFile) lastLines() string {
	info, err := os.Stat(l.path)
	if err != nil {
		return ""
	}
	content, err := l.read(max(l.start, info.Size()-tail))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

func (l *logFile) read(from int64) ([]byte, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(max(from, 0), io.SeekStart); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, err = content.ReadFrom(io.LimitReader(file, mostLog))
	return content.Bytes(), err
}

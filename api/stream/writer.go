package stream

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// writer writes each frame at once and against a deadline, and ends the stream
// at the first failure: the library ignores write errors.
type writer struct {
	gin     gin.ResponseWriter
	rc      *http.ResponseController // of the writer under gin's, which hides the errors of Flush
	timeout time.Duration
	cancel  context.CancelFunc
	slow    func() // called when a frame could not be written in time

	buf    bytes.Buffer
	frames int64        // frames flushed, the headers included
	final  atomic.Int64 // after so many the stream ends; 0: not decided

	mu   sync.Mutex
	over bool // nothing may be written any more, or the handler has returned
}

func newWriter(w gin.ResponseWriter, timeout time.Duration, cancel context.CancelFunc) *writer {
	var under http.ResponseWriter = w
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		under = u.Unwrap()
	}
	return &writer{gin: w, rc: http.NewResponseController(under), timeout: timeout, cancel: cancel, slow: func() {}}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.gin.Header() }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	// The last bytes of the response have a deadline that would outlive it on a connection used again.
	w.gin.Header().Set("Connection", "close")
	w.gin.WriteHeader(status)
	w.gin.WriteHeaderNow()
}

// Write implements http.ResponseWriter. Flush sends what was written.
func (w *writer) Write(p []byte) (int, error) { return w.buf.Write(p) }

// Flush implements http.Flusher. The library calls it after each frame.
func (w *writer) Flush() {
	defer w.buf.Reset()
	w.frames++
	if !w.arm() {
		return
	}
	_, err := w.gin.Write(w.buf.Bytes())
	if err == nil {
		err = w.rc.Flush()
	}
	if final := w.final.Load(); err != nil || final > 0 && w.frames >= final {
		w.cancel()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.slow()
	}
	if err != nil {
		w.cut()
	}
}

func (w *writer) arm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.timeout))
	return true
}

// cut makes a write that is under way fail now, and all later ones.
func (w *writer) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.over = true
		_ = w.rc.SetWriteDeadline(time.Unix(1, 0))
	}
}

// finish is called when the handler returns: what the server still writes keeps a deadline.
func (w *writer) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.over = true
		_ = w.rc.SetWriteDeadline(time.Now().Add(w.timeout))
	}
}

package api

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

// How large request bodies may be. Providers send up to 3 MB.
const (
	maxBody       = 256 << 10
	maxWidgetBody = 64 << 10
	maxHookBody   = 4 << 20
)

func limitBody(bytes int64) gin.HandlerFunc {
	return func(c *gin.Context) { c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bytes) }
}

func noStore(c *gin.Context) { c.Header("Cache-Control", "no-store") }

// logRequests logs what was asked and what came of it, without bodies, queries
// or tokens: addresses of webhooks and texts of searches are nobody's business.
func (s *Server) logRequests(c *gin.Context) {
	began := time.Now()
	c.Next()
	level := s.Log.Debug
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = s.Log.Warn
	}
	level("request", "method", c.Request.Method, "route", c.FullPath(), "status", c.Writer.Status(), "took", time.Since(began))
}

func (s *Server) recoverPanics(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.Log.Error("a handler panicked", "route", c.FullPath(), "panic", p, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			problem.Write(c, http.StatusInternalServerError, "internal", internalDetail)
		}
		c.Abort()
	}()
	c.Next()
}

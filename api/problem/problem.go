// Package problem answers requests that fail with problem documents (RFC 9457).
package problem

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"parley/dialogue"
)

// Document is a problem document.
type Document struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"` // what happened and what to do
	Code   dialogue.Code `json:"code"`

	RequestID string `json:"request_id,omitempty"` // names the request in the server's log
}

// RequestIDHeader carries the id of a request, in both directions.
const RequestIDHeader = "X-Request-Id"

// Write ends a request with a problem document.
func Write(c *gin.Context, status int, code dialogue.Code, detail string) {
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(status, Document{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		RequestID: c.Writer.Header().Get(RequestIDHeader),
	})
}

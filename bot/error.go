package bot

import (
	"errors"
	"fmt"
	"time"
)

// ErrorClass says what kind of failure a model call met, and so what to do.
type ErrorClass string

// The classes of model errors.
const (
	ErrorRateLimited   ErrorClass = "rate_limited"   // too many requests; the same call may succeed later
	ErrorUnavailable   ErrorClass = "unavailable"    // the server failed or cannot be reached
	ErrorTimeout       ErrorClass = "timeout"        // no whole answer in time
	ErrorBadKey        ErrorClass = "bad_key"        // the key is wrong, or its account may not or cannot pay
	ErrorBadRequest    ErrorClass = "bad_request"    // the server refuses this request as such
	ErrorContentFilter ErrorClass = "content_filter" // the provider's filter stopped it
	ErrorMalformed     ErrorClass = "malformed"      // the answer is broken, cut off or empty
)

// Error is a classified failure of a model call.
type Error struct {
	Class      ErrorClass
	RetryAfter time.Duration // how long the server asked to wait; 0 when it did not
	Spent      Usage         // on the calls of this answer, with the one that failed
	Err        error
}

func (e *Error) Error() string { return fmt.Sprintf("model: %s: %v", e.Class, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Retryable says whether the same call may succeed when it is made again.
func (e *Error) Retryable() bool {
	switch e.Class {
	case ErrorRateLimited, ErrorUnavailable, ErrorTimeout, ErrorMalformed:
		return true
	}
	return false
}

// What a server says about a request that another form of it may mend.
var (
	errContextLength = errors.New("the conversation is too long for the model")
	errNoTools       = errors.New("the server knows no tools")
)

package bot

import (
	"errors"
	"fmt"
	"strings"
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

// CauseInternal is the cause of a turn that failed by no fault of a model's.
const CauseInternal = "internal"

// Causes are all that a turn may fail by.
func Causes() []string {
	return []string{
		string(ErrorBadKey), string(ErrorRateLimited), string(ErrorUnavailable), string(ErrorTimeout),
		string(ErrorContentFilter), string(ErrorBadRequest), string(ErrorMalformed), CauseInternal,
	}
}

// ProbedCauses are those that are over once the model answers a small question.
// The others lie in what customers ask, or with us.
func ProbedCauses() []string {
	return []string{
		string(ErrorBadKey), string(ErrorRateLimited), string(ErrorUnavailable), string(ErrorTimeout),
		string(ErrorBadRequest), string(ErrorMalformed),
	}
}

// Error is a classified failure of a model call.
type Error struct {
	Class      ErrorClass
	Status     int           // of HTTP; 0 when there was no answer, or it came within a stream
	RetryAfter time.Duration // how long the server asked to wait; 0 when it did not
	Err        error

	key string // must not be shown
}

// Error has the server's own words, as admins read them in the turn's record,
// without the key. What anybody else may read has Public.
func (e *Error) Error() string {
	text := fmt.Sprintf("model: %s: %v", e.Class, e.Err)
	if e.key != "" {
		text = strings.ReplaceAll(text, e.key, "…")
	}
	return cut(text, maxErrorRunes)
}

// maxErrorRunes is how much of an error is kept at most.
const maxErrorRunes = 1000

// Public says what err is without a model server's own words, which may quote the
// key or what the customer wrote: for logs and for the workflow's history.
func Public(err error) string {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Status != 0:
		return fmt.Sprintf("model: %s (status %d)", e.Class, e.Status)
	}
	return fmt.Sprintf("model: %s", e.Class)
}

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

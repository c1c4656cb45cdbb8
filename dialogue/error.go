package dialogue

import (
	"errors"
	"fmt"
)

// Code classifies an Error for those who must react to it: the API maps it to
// an HTTP status, an activity to a retry policy.
type Code string

// The codes of domain errors.
const (
	CodeInvalid      Code = "invalid"      // the input cannot be accepted as it is
	CodeUnauthorized Code = "unauthorized" // nobody is logged in, or the token is unknown
	CodeForbidden    Code = "forbidden"    // this user may not do that
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"  // the state does not allow it now
	CodeTooLarge     Code = "too_large" // the input exceeds a limit
	CodeRateLimited  Code = "rate_limited"
	CodeUnavailable  Code = "unavailable" // a dependency is down; the same call may succeed later
)

// Error is an error whose message may be shown to the person who caused it.
// Every other error is internal: it is logged, and shown as such.
type Error struct {
	Code    Code
	Message string // what happened and what to do, in English
}

// Errorf makes an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Told is what a person may read of err: without the code that programs go by.
func Told(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// ErrorCode returns the code of the domain error in err's chain, or "".
func ErrorCode(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

package bot

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"
)

// classify says what kind of failure err of the client library is.
func classify(err error, hint *retryHint, key string) error {
	request, unread := errors.AsType[*openai.RequestError](err) // an answer that the library does not understand
	if unread {
		if api := otherForm(request); api != nil {
			return classify(api, hint, key)
		}
	}
	if api, ok := errors.AsType[*openai.APIError](err); ok && !unread {
		class := classOf(api.HTTPStatusCode, fmt.Sprint(api.Code), api.Type)
		if class == ErrorBadRequest || class == ErrorUnavailable { // some servers have 500 for what they do not know
			err = mendable(api, err)
		}
		return &Error{Class: class, Status: api.HTTPStatusCode, RetryAfter: hint.after, Err: err, key: key}
	}
	if unread {
		// The body is some proxy's page; it says nothing that the status does not.
		return &Error{
			Class: classOf(request.HTTPStatusCode, "", ""), Status: request.HTTPStatusCode, RetryAfter: hint.after,
			Err: fmt.Errorf("the server answered %d %s", request.HTTPStatusCode, http.StatusText(request.HTTPStatusCode)),
		}
	}
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &mismatch) || errors.Is(err, openai.ErrTooManyEmptyStreamMessages) {
		return &Error{Class: ErrorMalformed, Err: fmt.Errorf("read the answer: %w", err), key: key}
	}
	return &Error{Class: ErrorUnavailable, Err: err, key: key}
}

// otherForm reads the bodies of errors of servers that have no object under
// "error": older vLLM has its fields at the top, LM Studio and gateways have a
// text there. It returns nil for anything else.
func otherForm(e *openai.RequestError) *openai.APIError {
	var body struct {
		Object  string `json:"object"`
		Error   string `json:"error"`
		Message string `json:"message"`
		Detail  string `json:"detail"`
		Type    string `json:"type"`
		Code    any    `json:"code"`
	}
	if json.Unmarshal(e.Body, &body) != nil {
		return nil
	}
	message := cmp.Or(body.Message, body.Error, body.Detail)
	if message == "" {
		return nil
	}
	return &openai.APIError{Message: message, Type: body.Type, Code: body.Code, HTTPStatusCode: e.HTTPStatusCode, HTTPStatus: e.HTTPStatus}
}

// mendable marks what may succeed in another form. Servers agree on no code for
// it, so their words decide.
func mendable(api *openai.APIError, err error) error {
	words := strings.ToLower(fmt.Sprint(api.Code) + " " + api.Message)
	switch {
	case api.HTTPStatusCode == http.StatusRequestEntityTooLarge, tooLong.MatchString(words):
		return fmt.Errorf("%w: %w", errContextLength, err)
	case refusesTools.MatchString(words):
		return fmt.Errorf("%w: %w", errNoTools, err)
	}
	return err
}

// tooLong finds that a conversation does not fit into the model.
var tooLong = regexp.MustCompile(`context_length|context (?:length|window|size)|too many tokens|prompt is too long`)

// refusesTools finds that a server or its model has no use for tools at all, in the
// words of Ollama, llama.cpp, vLLM, OpenRouter, OpenAI and gateways to them. That
// something about one tool or one call is wrong is another matter.
var refusesTools = regexp.MustCompile(
	`(?:not|n't) support(?:ed)?(?: \w+)? (?:tools?|functions?)\b` + // <model> does not support tools
		`|not support parameters: [^.]*['"](?:tools|functions)['"]` + // of a gateway: does not support parameters: ['tools']
		`|\b(?:tools?|functions?)(?: \w+)? (?:is|are) (?:not (?:supported|available|enabled|allowed)|unsupported)` + // tools is not supported in this model
		`|\bno endpoints found that support tool use` +
		`|\brequires --(?:enable-auto-tool-choice|jinja)` + // the server was started without it
		`|\b(?:unrecognized|unknown|unsupported)[ \w]*:? ['"]?(?:tools|functions)\b(?:[^\[.]|$)` + // Unsupported param: tools
		`|['"](?:tools|functions)['"] was unexpected`)

// classOf goes by the provider's own words first: an error inside a stream has
// no status, and 429 may also mean that the account has no money left.
func classOf(status int, code, kind string) ErrorClass {
	switch words := strings.ToLower(code + " " + kind); {
	case strings.Contains(words, "insufficient_quota"), strings.Contains(words, "billing"), strings.Contains(words, "invalid_api_key"), strings.Contains(words, "authentication"):
		return ErrorBadKey
	case strings.Contains(words, "content_filter"), strings.Contains(words, "content_policy"):
		return ErrorContentFilter
	case strings.Contains(words, "rate_limit"):
		return ErrorRateLimited
	case strings.Contains(words, "overloaded"):
		return ErrorUnavailable
	}
	switch {
	case status == http.StatusTooManyRequests:
		return ErrorRateLimited
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPaymentRequired:
		return ErrorBadKey
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status >= 500, status == 0:
		return ErrorUnavailable
	}
	return ErrorBadRequest
}

// retryHint receives the Retry-After of one call, which the client library's
// errors do not carry.
type retryHint struct{ after time.Duration }

type retryHintKey struct{}

type retryAfterTransport struct{ next http.RoundTripper }

func (t *retryAfterTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	if hint, ok := r.Context().Value(retryHintKey{}).(*retryHint); ok && resp.StatusCode >= 400 {
		hint.after = retryAfter(resp.Header, time.Now())
	}
	return resp, nil
}

// retryAfter reads how long a server asks to wait, at most an hour.
func retryAfter(h http.Header, now time.Time) time.Duration {
	var after time.Duration
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		after = time.Duration(ms * float64(time.Millisecond))
	} else if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			after = time.Duration(s * float64(time.Second))
		} else if at, err := http.ParseTime(v); err == nil {
			after = at.Sub(now)
		}
	}
	return min(max(after, 0), time.Hour)
}

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/problem"
	"parley/dialogue"
	"parley/store"
)

const internalDetail = "something in Parley failed; nothing of yours is lost. Try again; if it stays, the server's log says more"

// statuses maps the codes of domain errors to HTTP.
var statuses = map[dialogue.Code]int{
	dialogue.CodeInvalid:      http.StatusBadRequest,
	dialogue.CodeUnauthorized: http.StatusUnauthorized,
	dialogue.CodeForbidden:    http.StatusForbidden,
	dialogue.CodeNotFound:     http.StatusNotFound,
	dialogue.CodeConflict:     http.StatusConflict,
	dialogue.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	dialogue.CodeRateLimited:  http.StatusTooManyRequests,
	dialogue.CodeUnavailable:  http.StatusServiceUnavailable,
}

// handler answers a request with what it returns as JSON; nil is no content.
type handler func(c *gin.Context) (any, error)

func (s *Server) json(h handler) gin.HandlerFunc         { return s.answer(http.StatusOK, h) }
func (s *Server) jsonCreated(h handler) gin.HandlerFunc  { return s.answer(http.StatusCreated, h) }
func (s *Server) jsonAccepted(h handler) gin.HandlerFunc { return s.answer(http.StatusAccepted, h) }

func (s *Server) answer(status int, h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		switch out, err := h(c); {
		case err != nil:
			s.fail(c, err)
		case out == nil:
			c.Status(http.StatusNoContent)
		default:
			c.JSON(status, out)
		}
	}
}

// fail answers with the problem that err is. What is not a domain error is
// logged, and shown as internal.
func (s *Server) fail(c *gin.Context, err error) {
	if e, ok := errors.AsType[*dialogue.Error](err); ok {
		problem.Write(c, statuses[e.Code], e.Code, e.Message)
		return
	}
	if l, ok := errors.AsType[*limited](err); ok {
		c.Header("Retry-After", strconv.Itoa(l.seconds()))
		problem.Write(c, http.StatusTooManyRequests, dialogue.CodeRateLimited, l.Error())
		return
	}
	if errors.Is(err, errSlowBody) {
		problem.Write(c, http.StatusRequestTimeout, dialogue.CodeInvalid, errSlowBody.Error())
		return
	}
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.Abort() // the client is gone
		return
	}
	if store.IsUnstorable(err) {
		problem.Write(c, http.StatusBadRequest, dialogue.CodeInvalid, "a text contains a NUL character or is not in UTF-8: remove that")
		return
	}
	s.Log.Error("request failed", "request_id", requestID(c), "method", c.Request.Method, "route", c.FullPath(), "error", err)
	problem.Write(c, http.StatusInternalServerError, "internal", internalDetail)
}

// readJSON decodes a request's body.
func readJSON(c *gin.Context, into any) error {
	return decodeBody(json.NewDecoder(c.Request.Body), into)
}

// readWholeJSON is readJSON for what replaces a whole: a field that is not known is
// a mistake there, for what it was meant to set would go back to its default.
func readWholeJSON(c *gin.Context, into any) error {
	decoder := json.NewDecoder(c.Request.Body)
	decoder.DisallowUnknownFields()
	return decodeBody(decoder, into)
}

func decodeBody(decoder *json.Decoder, into any) error {
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more after the JSON value")
		}
	}
	return bodyError(err)
}

// errSlowBody says that the client did not send its body in time.
var errSlowBody = errors.New("the body did not come in time: send it again")

// bodyError says what is wrong with a request's body.
func bodyError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlowBody
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return dialogue.Errorf(dialogue.CodeTooLarge, "the body is larger than %d bytes: send less at once", tooLarge.Limit)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return dialogue.Errorf(dialogue.CodeInvalid, "%s must be %s, not %s", cmp.Or(wrong.Field, "the body"), jsonKind(wrong.Type), wrong.Value)
	}
	if when, ok := errors.AsType[*time.ParseError](err); ok {
		return dialogue.Errorf(dialogue.CodeInvalid, "%s is not a time such as 2026-11-23T09:00:00Z", when.Value)
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return dialogue.Errorf(dialogue.CodeInvalid, "there is no field %s: nothing has changed", field)
	}
	return dialogue.Errorf(dialogue.CodeInvalid, "the body is not one valid JSON object")
}

// pathID reads the id in the path.
func pathID(c *gin.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return uuid.Nil, dialogue.Errorf(dialogue.CodeNotFound, "there is nothing with the id %q", c.Param("id"))
	}
	return id, nil
}

// checkText checks a text of a field: something visible, at most so many
// characters, and no NUL, which the record cannot hold.
func checkText(field, text string, most int) error {
	switch {
	case strings.TrimSpace(text) == "":
		return dialogue.Errorf(dialogue.CodeInvalid, "%s is empty: write something", field)
	case len([]rune(text)) > most:
		return dialogue.Errorf(dialogue.CodeTooLarge, "%s is longer than %d characters: split it", field, most)
	case strings.ContainsRune(text, 0):
		return dialogue.Errorf(dialogue.CodeInvalid, "%s contains a NUL character: remove it", field)
	}
	return nil
}

// jsonKind says what a value of a Go type is in JSON.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a text"
}

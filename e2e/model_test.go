package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// chatMessage is a message of a chat completion request.
type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// modelCall is one request that the model got.
type modelCall struct {
	Messages []chatMessage
	ctx      context.Context // done when the caller hung up
}

// shown is everything that the model was shown, as one text.
func (c modelCall) shown() string {
	var b strings.Builder
	for _, m := range c.Messages {
		fmt.Fprintf(&b, "%s: %v\n", m.Role, m.Content)
	}
	return b.String()
}

// lastUser is the end of what the model was shown: what the customer asks now.
func (c modelCall) lastUser() string {
	for i := len(c.Messages) - 1; i >= 0; i-- {
		if c.Messages[i].Role == "user" {
			return fmt.Sprint(c.Messages[i].Content)
		}
	}
	return ""
}

// modelReply is what the model does with a request.
type modelReply struct {
	text       string
	status     int // an error instead of a text
	retryAfter string
	cut        bool // break the connection in the middle of the text
}

// fakeModel is a server with OpenAI's API whose answers the test decides.
type fakeModel struct {
	url string

	mu     sync.Mutex
	calls  []modelCall
	answer func(n int, c modelCall) modelReply // n counts the calls, from 0
}

// newModel starts a model. answer may block to hold a call back; it should give up when the call's context ends.
func newModel(t *testing.T, answer func(n int, c modelCall) modelReply) *fakeModel {
	t.Helper()
	m := &fakeModel{answer: answer}
	server := httptest.NewServer(m)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	m.url = server.URL + "/v1"
	return m
}

func (m *fakeModel) seen() []modelCall {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]modelCall(nil), m.calls...)
}

func (m *fakeModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Messages []chatMessage `json:"messages"`
		Stream   bool          `json:"stream"`
	}
	if r.URL.Path != "/v1/chat/completions" || json.NewDecoder(r.Body).Decode(&in) != nil || !in.Stream {
		http.Error(w, "unexpected request", http.StatusBadRequest)
		return
	}
	call := modelCall{Messages: in.Messages, ctx: r.Context()}
	m.mu.Lock()
	n := len(m.calls)
	m.calls = append(m.calls, call)
	m.mu.Unlock()

	reply := m.answer(n, call)
	if reply.status != 0 {
		if reply.retryAfter != "" {
			w.Header().Set("Retry-After", reply.retryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(reply.status)
		fmt.Fprintf(w, `{"error":{"message":"test","type":"test","code":"test"}}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	words := strings.SplitAfter(reply.text, " ")
	for i, word := range words {
		if reply.cut && i == len(words)/2 {
			panic(http.ErrAbortHandler)
		}
		delta, _ := json.Marshal(word)
		fmt.Fprintf(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", delta)
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// saying answers every call with the same text.
func saying(text string) func(int, modelCall) modelReply {
	return func(int, modelCall) modelReply { return modelReply{text: text} }
}

// held blocks calls until released.
type held struct {
	arrived chan modelCall
	release chan struct{}
}

func newHeld() *held { return &held{arrived: make(chan modelCall, 100), release: make(chan struct{})} }

// answer waits for the release, and then says the text.
func (h *held) answer(c modelCall, text string) modelReply {
	h.arrived <- c
	select {
	case <-h.release:
	case <-c.ctx.Done():
	}
	return modelReply{text: text}
}

// await waits for a call.
func (h *held) await(t *testing.T) modelCall {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	select {
	case c := <-h.arrived:
		return c
	case <-ctx.Done():
		require.Fail(t, "the model was not asked")
		return modelCall{}
	}
}

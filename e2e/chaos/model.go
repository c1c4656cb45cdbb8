package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"parley/e2e/chaos/journal"
)

// model is a server with OpenAI's API. It answers what stands in the newest
// message of the customer with all the secrets that it was shown, slowly, and now
// and then as servers fail.
type model struct {
	journal   *journal.Writer
	answering chan string // customers who are being answered right now, as far as somebody wants to know

	mu      sync.Mutex
	random  *rand.Rand
	healthy bool
}

// How the model fails, in parts of a thousand calls.
const (
	modelBusy   = 30 // 429
	modelBroken = 30 // 500
	modelHangs  = 8
	modelCut    = 20
	modelEmpty  = 8
)

const (
	interruptWithin = 60 * time.Millisecond

	modelLeast = 30 * time.Millisecond
	modelMost  = 1200 * time.Millisecond
)

// plan draws how one call goes.
func (m *model) plan() (outcome string, latency time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.healthy {
		return "answered", modelLeast
	}
	latency = modelLeast + time.Duration(m.random.Int64N(int64(modelMost-modelLeast)))
	n := m.random.IntN(1000)
	for _, f := range []struct {
		outcome string
		part    int
	}{{"429", modelBusy}, {"500", modelBroken}, {"hangs", modelHangs}, {"cut", modelCut}, {"empty", modelEmpty}} {
		if n < f.part {
			return f.outcome, latency
		}
		n -= f.part
	}
	return "answered", latency
}

func (m *model) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.healthy = true
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Messages []struct {
			Role    string `json:"role"`
			Content any    `json:"content"`
		} `json:"messages"`
		Stream bool `json:"stream"`
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || json.NewDecoder(r.Body).Decode(&in) != nil {
		http.Error(w, `{"error":{"message":"unexpected request"}}`, http.StatusBadRequest)
		return
	}
	var shown strings.Builder
	var asked string
	for _, message := range in.Messages {
		text := fmt.Sprint(message.Content)
		shown.WriteString(text + "\n")
		if message.Role == "user" {
			asked = text
		}
	}
	words, tokens := found(wordForm, shown.String()), found(tokenForm, asked)
	outcome, latency := m.plan()
	m.journal.Prompt(journal.Prompt{At: time.Now(), Words: words, Tokens: tokens, Outcome: outcome})

	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	switch outcome {
	case "429":
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "rate_limit_exceeded")
	case "500":
		refuse(w, http.StatusInternalServerError, "server_error")
	case "hangs":
		<-r.Context().Done()
	case "empty":
		say(w, in.Stream, "", false)
	default:
		m.aboutToAnswer(r.Context(), tokens)
		say(w, in.Stream, answerTo(tokens, words), outcome == "cut")
	}
}

// aboutToAnswer tells whoever wants to interrupt, and gives them about as long as that takes.
func (m *model) aboutToAnswer(ctx context.Context, tokens []string) {
	if len(tokens) == 0 {
		return
	}
	customer, _, _ := strings.Cut(tokens[0], "-")
	select {
	case m.answering <- customer:
		m.mu.Lock()
		d := time.Duration(m.random.Int64N(int64(interruptWithin)))
		m.mu.Unlock()
		pause(ctx, d)
	default:
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":"the model fails on purpose","type":%q,"code":%q}}`, code, code)
}

// say answers, word by word if the caller wants a stream; cut breaks it off halfway.
func say(w http.ResponseWriter, stream bool, text string, cut bool) {
	if !stream {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "c", "object": "chat.completion", "choices": []any{
			map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": text}},
		}})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	words := strings.SplitAfter(text, " ")
	for i, word := range words {
		if cut && i == len(words)/2 {
			panic(http.ErrAbortHandler)
		}
		delta, _ := json.Marshal(word) // a string always encodes
		fmt.Fprintf(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", delta)
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

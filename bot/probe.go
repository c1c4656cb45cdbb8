package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"
)

// Probe is what a model's server is found to do.
type Probe struct {
	Text      string        // what it answered
	Pieces    int           // in how many pieces the answer came
	FirstWord time.Duration // until the first of them
	Whole     time.Duration
	Usage     bool // it says how many tokens it counted
	CallsTool bool // it called the function that it was asked to call
	ToolError error
}

// Ping asks the server for one word, and says what that took. An error says that it
// does not answer.
func (m *OpenAI) Ping(ctx context.Context) (Usage, error) {
	s := &reading{onText: func(string) {}}
	usage, err := m.call(ctx, openai.ChatCompletionRequest{
		Model: m.config.Model, Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true},
		Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: "Answer with the word yes, nothing else."}},
	}, s)
	if err == nil && s.said() == "" {
		err = &Error{Class: ErrorMalformed, Err: fmt.Errorf("%s answered with an empty text", m.Name())}
	}
	if err != nil {
		return usage, fmt.Errorf("ask %s: %w", m.Name(), err)
	}
	return usage, nil
}

// Probe asks the server two small questions: one for a text, one for a function
// call. An error says that it does not answer at all.
func (m *OpenAI) Probe(ctx context.Context) (Probe, error) {
	var out Probe
	began := time.Now()
	s := &reading{onText: func(string) { out.Pieces++ }}
	_, err := m.call(ctx, openai.ChatCompletionRequest{
		Model: m.config.Model, Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true},
		Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: "Count from one to ten in English words, nothing else."}},
	}, s)
	if err != nil {
		return Probe{}, fmt.Errorf("ask %s: %w", m.Name(), err)
	}
	if out.Text = s.said(); out.Text == "" {
		return Probe{}, &Error{Class: ErrorMalformed, Err: fmt.Errorf("%s answered with an empty text", m.Name())}
	}
	out.Whole, out.Usage = time.Since(began), s.usage.PromptTokens > 0
	if !s.first.IsZero() {
		out.FirstWord = s.first.Sub(began)
	}

	s = &reading{onText: func(string) {}}
	_, out.ToolError = m.call(ctx, openai.ChatCompletionRequest{
		Model: m.config.Model, Stream: true, Tools: functions(true),
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: `Before any answer, search with the function "` + searchTool + `".`},
			{Role: openai.ChatMessageRoleUser, Content: "How much is delivery?"},
		},
	}, s)
	for _, call := range s.tools {
		if call.Function.Name == searchTool && json.Valid([]byte(call.Function.Arguments)) && strings.Contains(call.Function.Arguments, "query") {
			out.CallsTool = true
		}
	}
	return out, nil
}

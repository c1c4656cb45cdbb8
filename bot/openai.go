package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/template"
	"time"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
)

// OpenAIConfig says which OpenAI-compatible server words the replies.
type OpenAIConfig struct {
	BaseURL string // https://api.openai.com/v1 when empty
	Key     string // may be empty for servers that want none
	Model   string
	Timeout time.Duration // for a whole reply; one minute when zero
}

// maxReplyRunes ends a model that does not find an end.
const maxReplyRunes = 16000

// OpenAI is a Model on an OpenAI-compatible server. It never retries.
type OpenAI struct {
	client  *openai.Client
	model   string
	timeout time.Duration
	prompt  *template.Template
}

var _ Model = (*OpenAI)(nil)

// NewOpenAI makes a model client. It does not contact the server.
func NewOpenAI(c OpenAIConfig) (*OpenAI, error) {
	if c.Model == "" {
		return nil, errors.New("no model is named")
	}
	t, err := parsePrompt()
	if err != nil {
		return nil, fmt.Errorf("parse the prompt: %w", err)
	}
	cfg := openai.DefaultConfig(c.Key)
	if c.BaseURL != "" {
		cfg.BaseURL = strings.TrimRight(c.BaseURL, "/")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	cfg.HTTPClient = &http.Client{Transport: &retryAfterTransport{next: transport}}
	m := &OpenAI{client: openai.NewClientWithConfig(cfg), model: c.Model, timeout: c.Timeout, prompt: t}
	if m.timeout <= 0 {
		m.timeout = time.Minute
	}
	return m, nil
}

// Name returns the model's name on its server.
func (m *OpenAI) Name() string { return m.model }

// Reply asks the server and streams its answer.
func (m *OpenAI) Reply(ctx context.Context, req Request, onText func(string)) (Reply, error) {
	passages := merged(req.Topics, maxPassages)
	chat, err := messages(m.prompt, req, passages)
	if err != nil {
		return Reply{}, err
	}
	call := openai.ChatCompletionRequest{
		Model: m.model, Messages: chat, Stream: true,
		StreamOptions: &openai.StreamOptions{IncludeUsage: true},
	}
	if !req.Input.Draft {
		call.Tools = []openai.Tool{handoffFunction()}
	}
	reply := Reply{Sources: passages}
	if reply.Request, err = json.Marshal(call); err != nil {
		return Reply{}, fmt.Errorf("encode the request: %w", err)
	}

	callCtx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	s := &reading{onText: onText}
	err = m.stream(callCtx, call, s)
	switch {
	case ctx.Err() != nil:
		return Reply{}, ctx.Err()
	case callCtx.Err() != nil && err != nil:
		return Reply{}, &Error{Class: ErrorTimeout, Err: fmt.Errorf("no whole answer within %s", m.timeout)}
	case err != nil:
		return Reply{}, err
	}
	if reply.Text, reply.Handoff, err = s.outcome(req.Input.Draft); err != nil {
		return Reply{}, err
	}
	reply.PromptTokens, reply.CompletionTokens = s.usage.PromptTokens, s.usage.CompletionTokens
	if reply.Response, err = json.Marshal(s.record()); err != nil {
		return Reply{}, fmt.Errorf("encode the response: %w", err)
	}
	return reply, nil
}

// stream reads one answer to its end.
func (m *OpenAI) stream(ctx context.Context, call openai.ChatCompletionRequest, s *reading) error {
	hint := &retryHint{}
	stream, err := m.client.CreateChatCompletionStream(context.WithValue(ctx, retryHintKey{}, hint), call)
	if err != nil {
		return classify(err, hint)
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return s.end()
		}
		if err != nil {
			return classify(err, hint)
		}
		if err := s.add(chunk); err != nil {
			return err
		}
	}
}

// reading is an answer as it arrives.
type reading struct {
	onText func(string)
	text   strings.Builder
	runes  int
	shown  int // bytes of text passed on
	tool   openai.FunctionCall
	finish openai.FinishReason
	id     string
	model  string
	usage  openai.Usage
}

func (s *reading) add(chunk openai.ChatCompletionStreamResponse) error {
	if chunk.ID != "" {
		s.id = chunk.ID
	}
	if chunk.Model != "" {
		s.model = chunk.Model
	}
	if chunk.Usage != nil {
		s.usage = *chunk.Usage
	}
	if len(chunk.Choices) == 0 {
		return nil
	}
	choice := chunk.Choices[0]
	for _, call := range choice.Delta.ToolCalls {
		s.tool.Name += call.Function.Name
		s.tool.Arguments += call.Function.Arguments
	}
	if f := choice.Delta.FunctionCall; f != nil {
		s.tool.Name += f.Name
		s.tool.Arguments += f.Arguments
	}
	if choice.FinishReason != "" && choice.FinishReason != openai.FinishReasonNull {
		s.finish = choice.FinishReason
	}
	if text := choice.Delta.Content + choice.Delta.Refusal; text != "" {
		s.text.WriteString(text)
		s.runes += len([]rune(text))
		if s.runes > maxReplyRunes {
			return &Error{Class: ErrorMalformed, Err: fmt.Errorf("the answer is longer than %d characters", maxReplyRunes)}
		}
		s.show()
	}
	return nil
}

// show passes the text on, but not what may yet become the sentinel.
func (s *reading) show() {
	text := s.text.String()
	safe := len(text)
	if i := strings.LastIndexByte(text, handoffSentinel[0]); i >= 0 {
		for j := i; j >= 0; j = strings.LastIndexByte(text[:j], handoffSentinel[0]) {
			if tail := text[j:]; strings.HasPrefix(handoffSentinel, tail) || strings.HasPrefix(tail, handoffSentinel) {
				safe = j
			}
			if j == 0 {
				break
			}
		}
	}
	if safe > s.shown && strings.TrimSpace(text[:safe]) != "" {
		s.shown = safe
		s.onText(strings.TrimSpace(text[:safe]))
	}
}

// end judges an answer whose stream has ended: without a reason to finish it
// was cut off.
func (s *reading) end() error {
	if s.tool.Name == handoffTool {
		return nil
	}
	switch s.finish {
	case openai.FinishReasonStop, openai.FinishReasonToolCalls, openai.FinishReasonFunctionCall:
		return nil
	case "":
		return &Error{Class: ErrorMalformed, Err: errors.New("the answer ended without a finish reason")}
	case openai.FinishReasonLength:
		return &Error{Class: ErrorMalformed, Err: errors.New("the answer was cut off at the model's length limit")}
	case openai.FinishReasonContentFilter:
		return &Error{Class: ErrorContentFilter, Err: errors.New("the provider's content filter stopped the answer")}
	}
	return &Error{Class: ErrorMalformed, Err: fmt.Errorf("the answer ended with the unknown finish reason %q", s.finish)}
}

// outcome reads the whole answer: a text, or a handoff.
func (s *reading) outcome(draft bool) (string, dialogue.HandoffReason, error) {
	text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s.text.String()), operatorMark))
	if strings.Contains(text, handoffSentinel) {
		return "", dialogue.HandoffNoAnswer, nil
	}
	if s.tool.Name == handoffTool && !draft {
		return "", handoffReason(s.tool.Arguments), nil
	}
	if text == "" {
		return "", "", &Error{Class: ErrorMalformed, Err: errors.New("the answer is empty")}
	}
	return text, "", nil
}

// handoffReason reads the function's arguments. The wish to hand over stands
// even when they are broken.
func handoffReason(arguments string) dialogue.HandoffReason {
	var args struct {
		Reason dialogue.HandoffReason `json:"reason"`
	}
	if err := json.Unmarshal([]byte(arguments), &args); err != nil {
		return dialogue.HandoffNoAnswer
	}
	switch args.Reason {
	case dialogue.HandoffCustomerAsked, dialogue.HandoffRule:
		return args.Reason
	}
	return dialogue.HandoffNoAnswer
}

func (s *reading) record() any {
	type function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	out := struct {
		ID           string              `json:"id,omitempty"`
		Model        string              `json:"model,omitempty"`
		Text         string              `json:"text"`
		Function     *function           `json:"function,omitempty"`
		FinishReason openai.FinishReason `json:"finish_reason"`
		Usage        openai.Usage        `json:"usage"`
	}{ID: s.id, Model: s.model, Text: s.text.String(), FinishReason: s.finish, Usage: s.usage}
	if s.tool.Name != "" {
		out.Function = &function{Name: s.tool.Name, Arguments: s.tool.Arguments}
	}
	return out
}

func handoffFunction() openai.Tool {
	return openai.Tool{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
		Name:        handoffTool,
		Description: "Hands the conversation to a human of the shop. Call it instead of writing text.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"reason":{"type":"string",` +
			`"enum":["no_answer","customer_asked","rule"],"description":"why a human must answer"}},"required":["reason"]}`),
	}}
}

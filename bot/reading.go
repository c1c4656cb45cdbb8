package bot

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
)

// maxReplyRunes ends a model that does not find an end.
const maxReplyRunes = 16000

// reading is an answer as it arrives.
type reading struct {
	onText func(string)
	taken  atomic.Bool // the server has the whole request
	began  bool        // the server has begun to answer
	text   strings.Builder
	runes  int
	shown  int // bytes of text passed on
	first  time.Time
	tools  []openai.ToolCall
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
		s.addTool(call)
	}
	if f := choice.Delta.FunctionCall; f != nil {
		s.addTool(openai.ToolCall{Index: new(int), Function: *f})
	}
	if choice.FinishReason != "" && choice.FinishReason != openai.FinishReasonNull {
		s.finish = choice.FinishReason
	}
	text := choice.Delta.Content + choice.Delta.Refusal
	if text == "" {
		return s.tooLong()
	}
	s.text.WriteString(text)
	s.runes += len([]rune(text))
	if err := s.tooLong(); err != nil {
		return err
	}
	s.show()
	return nil
}

// addTool joins the pieces of tool calls. Each says which call it belongs to; a
// server that does not begins a call with its name.
func (s *reading) addTool(piece openai.ToolCall) {
	s.runes += len(piece.Function.Name) + len(piece.Function.Arguments)
	at := len(s.tools) - 1
	switch {
	case piece.Index != nil:
		at = slices.IndexFunc(s.tools, func(c openai.ToolCall) bool { return c.Index != nil && *c.Index == *piece.Index })
	case piece.ID != "" && at >= 0 && s.tools[at].ID != piece.ID, piece.Function.Name != "":
		at = -1
	}
	if at < 0 {
		piece.Type = openai.ToolTypeFunction
		s.tools = append(s.tools, piece)
		return
	}
	call := &s.tools[at]
	if call.ID == "" {
		call.ID = piece.ID
	}
	call.Function.Name += piece.Function.Name
	call.Function.Arguments += piece.Function.Arguments
}

func (s *reading) tooLong() error {
	if s.runes > maxReplyRunes {
		return &Error{Class: ErrorMalformed, Err: fmt.Errorf("the answer is longer than %d characters", maxReplyRunes)}
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
		if s.first.IsZero() {
			s.first = time.Now()
		}
		s.onText(strings.TrimSpace(text[:safe]))
	}
}

// end judges an answer whose stream has ended: without a reason to finish it
// was cut off.
func (s *reading) end() error {
	if _, handsOff := s.handsOff(); handsOff {
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

// handsOff says whether the answer is a handoff, and why.
func (s *reading) handsOff() (dialogue.HandoffReason, bool) {
	for _, call := range s.tools {
		if call.Function.Name == handoffTool {
			return handoffReason(call.Function.Arguments), true
		}
	}
	if strings.Contains(s.text.String(), handoffSentinel) {
		return dialogue.HandoffNoAnswer, true
	}
	return "", false
}

// said is the whole text.
func (s *reading) said() string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s.text.String()), operatorMark))
}

// size estimates what the model wrote.
func (s *reading) size() int {
	size := 0
	if s.text.Len() > 0 {
		size = estimate(s.text.String())
	}
	for _, c := range s.tools {
		size += estimate(c.Function.Name) + estimate(c.Function.Arguments)
	}
	return size
}

// calls are the tools that the model wants, each with an id to answer to.
func (s *reading) calls(round int) []openai.ToolCall {
	out := slices.Clone(s.tools)
	for i := range out {
		out[i].Index = nil
		if out[i].ID == "" {
			out[i].ID = "call-" + strconv.Itoa(round) + "-" + strconv.Itoa(i)
		}
	}
	return out
}

// answerRecord is what a turn keeps of an answer.
type answerRecord struct {
	ID           string              `json:"id,omitempty"`
	Model        string              `json:"model,omitempty"`
	Text         string              `json:"text"`
	Functions    []functionRecord    `json:"functions,omitempty"`
	FinishReason openai.FinishReason `json:"finish_reason"`
	Usage        openai.Usage        `json:"usage"`
}

type functionRecord struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func (s *reading) record() answerRecord {
	out := answerRecord{ID: s.id, Model: s.model, Text: s.text.String(), FinishReason: s.finish, Usage: s.usage}
	for _, c := range s.tools {
		out.Functions = append(out.Functions, functionRecord{c.Function.Name, c.Function.Arguments})
	}
	return out
}

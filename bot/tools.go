package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
	"parley/knowledge"
)

const (
	maxToolRounds    = 3    // after so many rounds the model must answer
	maxToolCalls     = 4    // in one round
	maxToolPassages  = 5    // of one search
	maxToolArguments = 2000 // characters of arguments that are recorded
	maxQueryRunes    = 400
)

// functions are the tools that the model may call.
func functions(search bool) []openai.Tool {
	tools := []openai.Tool{{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
		Name:        handoffTool,
		Description: "Hands the conversation to a human of the shop. Call it instead of writing text.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"reason":{"type":"string",` +
			`"enum":["no_answer","customer_asked","rule"],"description":"why a human must answer"}},"required":["reason"]}`),
	}}}
	if search {
		tools = append(tools, openai.Tool{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
			Name:        searchTool,
			Description: "Searches what the shop knows: goods, prices, delivery, payment, warranty, addresses.",
			Parameters: json.RawMessage(`{"type":"object","properties":{"query":{"type":"string",` +
				`"description":"what to look for, a few words in the customer's language"}},"required":["query"]}`),
		}})
	}
	return tools
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

// toolbox runs the tools of one answer, and keeps what they were called with.
type toolbox struct {
	search func(ctx context.Context, query string) ([]knowledge.Passage, error)
	room   int // tokens that results may still take
	calls  []ToolCall
	found  []knowledge.Passage // of all searches, without repetitions
	seen   map[string]bool     // items that the model has been shown
}

func newToolbox(req Request, a assembly) *toolbox {
	b := &toolbox{search: req.Search, room: a.tools, seen: map[string]bool{}}
	for _, p := range a.passages {
		b.seen[p.ItemID.String()] = true
	}
	return b
}

// run answers the calls of one round. What is wrong with a call is told to the
// model; only a knowledge base that fails is an error.
func (b *toolbox) run(ctx context.Context, round int, calls []openai.ToolCall) ([]openai.ChatCompletionMessage, error) {
	out := make([]openai.ChatCompletionMessage, 0, len(calls))
	for i, call := range calls {
		began := time.Now()
		record := ToolCall{Round: round, Name: cut(call.Function.Name, 100), Arguments: cut(call.Function.Arguments, maxToolArguments)}
		var text string
		err := errors.New("too many calls at once")
		if i < maxToolCalls {
			text, err = b.one(ctx, call.Function, &record)
		}
		wrong, mine := errors.AsType[*toolError](err)
		switch {
		case err != nil && i >= maxToolCalls:
			record.Error = err.Error()
		case mine:
			record.Error = wrong.text
		case err != nil:
			return nil, err
		}
		if record.Error != "" {
			text = "error: " + record.Error
		}
		record.DurationMS = time.Since(began).Milliseconds()
		b.calls = append(b.calls, record)
		out = append(out, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleTool, ToolCallID: call.ID, Content: text})
	}
	return out, nil
}

// handedOff records the call that ended the conversation.
func (b *toolbox) handedOff(round int, s *reading) {
	for _, call := range s.tools {
		if call.Function.Name == handoffTool {
			b.calls = append(b.calls, ToolCall{Round: round, Name: handoffTool, Arguments: cut(call.Function.Arguments, maxToolArguments)})
			return
		}
	}
}

// toolError is what the model is told about a wrong call.
type toolError struct{ text string }

func (e *toolError) Error() string { return e.text }

func (b *toolbox) one(ctx context.Context, call openai.FunctionCall, record *ToolCall) (string, error) {
	if call.Name != searchTool || b.search == nil {
		return "", &toolError{fmt.Sprintf("there is no function %q", cut(call.Name, 60))}
	}
	var args struct {
		Query string `json:"query"`
	}
	if err := json.Unmarshal([]byte(call.Arguments), &args); err != nil {
		return "", &toolError{`the arguments are not JSON of the form {"query": "…"}`}
	}
	query := strings.TrimSpace(cut(args.Query, maxQueryRunes))
	if query == "" {
		return "", &toolError{"the query is empty"}
	}
	if b.room < leastPiece {
		return "", &toolError{"there is no room for more results: answer, or hand over"}
	}
	passages, err := b.search(ctx, query)
	if err != nil {
		return "", fmt.Errorf("search the knowledge for the model: %w", err)
	}
	passages, cost := best(passages[:min(len(passages), maxToolPassages)], b.room)
	b.room -= cost
	return b.show(passages, record), nil
}

// show is what a search returns to the model.
func (b *toolbox) show(passages []knowledge.Passage, record *ToolCall) string {
	if len(passages) == 0 {
		return "Nothing was found."
	}
	var text strings.Builder
	for _, p := range passages {
		record.Found = append(record.Found, Found{ItemID: p.ItemID, Title: cut(cmp.Or(p.Title, p.Question), 200)})
		id := p.ItemID.String()
		if !b.seen[id] {
			b.seen[id] = true
			b.found = append(b.found, p)
		}
		p = shown(p)
		text.WriteString("<item>\n")
		for _, part := range []string{p.Title, p.Question, p.Text} {
			if part != "" {
				text.WriteString(part + "\n")
			}
		}
		text.WriteString("</item>\n")
	}
	return text.String()
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
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
	Timeout time.Duration // for one call; one minute when zero
	Idle    time.Duration // longest silence within an answer; a third of Timeout when zero
	Context int           // tokens of a prompt with its answer; DefaultContext when zero
	Log     *slog.Logger  // slog.Default() when nil
}

// keepAlives is how many lines without data a server may send before its next
// word; some send comments while they wait for a model.
const keepAlives = 100_000

// OpenAI is a Model on an OpenAI-compatible server. It never retries what the
// same request may meet again.
type OpenAI struct {
	client     *openai.Client
	config     OpenAIConfig
	prompt     *template.Template
	meter      meter
	toolsAgain atomic.Int64 // when tools are offered again to a server that refused them, in nanoseconds since 1970
}

// toolsRest is how long a server that refuses tools is asked without them: another
// model may have been put there since.
const toolsRest = time.Hour

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
	cfg.EmptyMessagesLimit = keepAlives
	if c.BaseURL != "" {
		cfg.BaseURL = strings.TrimRight(c.BaseURL, "/")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	cfg.HTTPClient = &http.Client{Transport: &retryAfterTransport{next: transport}}
	c.Log = cmp.Or(c.Log, slog.Default())
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	c.Idle = cmp.Or(c.Idle, c.Timeout/3)
	c.Context = max(cmp.Or(c.Context, DefaultContext), LeastContext)
	return &OpenAI{client: openai.NewClientWithConfig(cfg), config: c, prompt: t}, nil
}

// Name returns the model's name on its server.
func (m *OpenAI) Name() string { return m.config.Model }

// Reply asks the server, runs the tools that it calls, and streams its answer. A
// server that finds the conversation too long gets half of it; one that knows no
// tools is asked without them.
func (m *OpenAI) Reply(ctx context.Context, req Request, onText func(string)) (Reply, error) {
	var spent Usage
	room := m.meter.room(m.config.Context)
	for tries := 0; ; tries++ {
		tools := !req.Input.Draft && time.Now().UnixNano() >= m.toolsAgain.Load()
		reply, err := m.reply(ctx, req, room, tools, onText)
		reply.Usage.Add(spent)
		switch {
		case err == nil:
			return reply, nil
		case ctx.Err() != nil:
			return Reply{Usage: reply.Usage}, err
		case errors.Is(err, errContextLength) && tries == 0:
			room /= 2
		case errors.Is(err, errNoTools) && tools:
			m.restTools(ctx)
		default:
			return Reply{Usage: reply.Usage}, err
		}
		spent = reply.Usage
	}
}

// restTools has the server asked without tools for a while, and says so once.
func (m *OpenAI) restTools(ctx context.Context) {
	now := time.Now()
	if before := m.toolsAgain.Load(); before <= now.UnixNano() && m.toolsAgain.CompareAndSwap(before, now.Add(toolsRest).UnixNano()) {
		m.config.Log.WarnContext(ctx, "the model's server refuses tools: the bot does not search by itself for now", "model", m.config.Model, "minutes", toolsRest.Minutes())
	}
}

// reply is one conversation with the model. With an error it returns what was spent.
func (m *OpenAI) reply(ctx context.Context, req Request, room int, tools bool, onText func(string)) (Reply, error) {
	a, err := assemble(m.prompt, req, merged(req.Topics, maxPassages), room, tools)
	if err != nil {
		return Reply{}, err
	}
	box := newToolbox(req, a)
	call := openai.ChatCompletionRequest{
		Model: m.config.Model, Messages: a.chat, Stream: true,
		StreamOptions: &openai.StreamOptions{IncludeUsage: true},
	}
	if tools {
		call.Tools = functions(req.Search != nil)
	}
	var reply Reply
	var answers []answerRecord
	began := time.Now()
	for round := 1; ; round++ {
		if tools && round > maxToolRounds {
			call.ToolChoice = "none"
		}
		s := &reading{onText: onText}
		usage, err := m.call(ctx, call, s)
		reply.Usage.Add(usage)
		if err != nil {
			return reply, err
		}
		answers = append(answers, s.record())
		reason, handsOff := s.handsOff()
		if len(s.tools) > 0 && !handsOff && tools && round <= maxToolRounds {
			if s.shown > 0 {
				onText("") // what stood before the tool call is void
			}
			results, err := box.run(ctx, round, s.calls(round))
			if err != nil {
				return reply, err
			}
			call.Messages = append(call.Messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, ToolCalls: s.calls(round)})
			call.Messages = append(call.Messages, results...)
			continue
		}
		switch {
		case handsOff && !req.Input.Draft || strings.Contains(s.text.String(), handoffSentinel):
			reply.Handoff = cmp.Or(reason, dialogue.HandoffNoAnswer)
		case len(s.tools) > 0 && s.said() == "":
			reply.Handoff = dialogue.HandoffNoAnswer // it only ever searches
		case s.said() == "":
			return reply, &Error{Class: ErrorMalformed, Err: errors.New("the answer is empty")}
		default:
			reply.Text = s.said()
			if !s.first.IsZero() {
				reply.Usage.FirstWord = s.first.Sub(began)
			}
		}
		box.handedOff(round, s)
		reply.Sources, reply.ToolCalls = append(a.passages, box.found...), box.calls
		return reply, reply.keep(call, answers)
	}
}

// keep records what was asked and answered.
func (r *Reply) keep(call openai.ChatCompletionRequest, answers []answerRecord) (err error) {
	if r.Request, err = json.Marshal(call); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	if r.Response, err = json.Marshal(answers); err != nil {
		return fmt.Errorf("encode the response: %w", err)
	}
	return nil
}

// call makes one call and reads its answer to the end.
func (m *OpenAI) call(ctx context.Context, call openai.ChatCompletionRequest, s *reading) (Usage, error) {
	began := time.Now()
	timed, cancel := context.WithTimeoutCause(ctx, m.config.Timeout,
		&Error{Class: ErrorTimeout, Err: fmt.Errorf("no whole answer within %s", m.config.Timeout)})
	defer cancel()
	err := m.stream(timed, call, s)
	switch late, ok := errors.AsType[*Error](context.Cause(timed)); {
	case err == nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case ok:
		err = late
	}
	usage := Usage{Calls: 1, PromptTokens: s.usage.PromptTokens, CompletionTokens: s.usage.CompletionTokens, Model: time.Since(began)}
	estimated := sizeOf(call.Messages, call.Tools)
	switch {
	case usage.PromptTokens > 0:
		m.meter.learn(estimated, usage.PromptTokens)
	case s.began || s.taken.Load() && timed.Err() != nil:
		// It has been read, and is paid for, also when the answer broke off or nobody waited for it.
		usage.Estimated = true
		usage.PromptTokens, usage.CompletionTokens = m.meter.counted(estimated), s.size()
	}
	return usage, err
}

// stream reads one answer to its end. Silence within it ends it too.
func (m *OpenAI) stream(ctx context.Context, call openai.ChatCompletionRequest, s *reading) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hint := &retryHint{}
	traced := httptrace.WithClientTrace(context.WithValue(ctx, retryHintKey{}, hint), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { s.taken.Store(info.Err == nil) },
	})
	stream, err := m.client.CreateChatCompletionStream(traced, call)
	if err != nil {
		return classify(err, hint, m.config.Key)
	}
	defer stream.Close()
	silent := &Error{Class: ErrorTimeout, Err: fmt.Errorf("the answer stopped for %s", m.config.Idle)}
	var idle *time.Timer
	for {
		chunk, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return s.end()
		case err != nil && errors.Is(context.Cause(ctx), silent):
			return silent
		case err != nil:
			return classify(err, hint, m.config.Key)
		}
		s.began = true
		if idle == nil {
			idle = time.AfterFunc(m.config.Idle, func() { cancel(silent) })
			defer idle.Stop()
		}
		idle.Reset(m.config.Idle)
		if err := s.add(chunk); err != nil {
			return err
		}
	}
}

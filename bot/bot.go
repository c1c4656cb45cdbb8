// Package bot answers customers: it recognises who wants a human, finds out the
// language, retrieves what the shop knows, and lets a model word the reply. The
// model is either an OpenAI-compatible server or the offline responder, which
// answers from the knowledge base alone.
package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"parley/dialogue"
	"parley/knowledge"
)

// Line is one message of a dialogue as the bot sees it.
type Line = dialogue.Line

// Input is everything one answer depends on.
type Input struct {
	DialogueID uuid.UUID
	Language   dialogue.Language // that the customer is known by, for texts that do not tell; may be empty
	Summary    string            // what came before the history; empty when that is all
	History    []Line            // what came before the questions, oldest first
	Questions  []Line            // the customer's unanswered messages, oldest first; at least one
	// HandoffSeq is up to where humans have been given the dialogue before: a
	// request for a human in those messages has been met and is not met again.
	HandoffSeq int64
	Draft      bool // a suggestion for an operator: never hands off, gives the best it has
	Profile    Profile
}

// Answer is what one turn of the bot came to.
type Answer struct {
	Text          string
	Handoff       dialogue.HandoffReason // empty when the bot answered
	Language      dialogue.Language
	Sources       []knowledge.Passage // what the model was shown
	Model         string              // empty when no model was asked
	PromptVersion string
	Usage         Usage
	ToolCalls     []ToolCall
	Request       json.RawMessage // what the model was asked last, with all before it, for the turn's record; nil when none was
	Response      json.RawMessage // what it returned, each call's answer
}

// Searcher finds knowledge.
type Searcher interface {
	Search(ctx context.Context, query knowledge.Query) ([]knowledge.Passage, error)
}

// Model words a reply from what was asked and what was found.
type Model interface {
	// Name is what the turn's record calls the model.
	Name() string
	// Reply calls onText with the whole text so far each time it grows. What
	// was streamed is void when an error or a handoff is returned. With an error
	// the reply says what was spent, and nothing else.
	Reply(ctx context.Context, req Request, onText func(textSoFar string)) (Reply, error)
}

// Request is what a Model gets.
type Request struct {
	Input    Input
	Language dialogue.Language
	Intro    string // stands before the reply when not empty; the model need not greet
	Topics   []Topic
	Today    time.Time
	// Search finds more knowledge; nil where there is none to find.
	Search func(ctx context.Context, query string) ([]knowledge.Passage, error)
}

// Topic is one thing the customer asked, and what the knowledge base has on it.
type Topic struct {
	Kind     TopicKind
	Question string
	Passages []knowledge.Passage // best first
}

// Reply is what a Model made.
type Reply struct {
	Text      string
	Handoff   dialogue.HandoffReason
	Sources   []knowledge.Passage
	Usage     Usage
	ToolCalls []ToolCall
	Request   json.RawMessage
	Response  json.RawMessage
}

// Deps is what a Bot works with.
type Deps struct {
	Knowledge Searcher
	Model     Model
	Log       *slog.Logger     // slog.Default() when nil
	Now       func() time.Time // time.Now when nil
}

// Bot answers customers. It is safe for concurrent use.
type Bot struct {
	knowledge Searcher
	model     Model
	log       *slog.Logger
	now       func() time.Time
}

// New makes a Bot.
func New(d Deps) *Bot {
	b := &Bot{knowledge: d.Knowledge, model: d.Model, log: d.Log, now: d.Now}
	if b.log == nil {
		b.log = slog.Default()
	}
	if b.now == nil {
		b.now = time.Now
	}
	return b
}

// Answer answers the questions of in, or says why a human must. onText, which
// may be nil, gets the whole text so far each time it grows; what it got is
// void when Answer returns an error or a handoff. Errors of the model are of
// type *Error; when ctx ends, its error is returned. With an error the answer
// says what was spent, and by whom: Usage, Model and PromptVersion; the rest is empty.
func (b *Bot) Answer(ctx context.Context, in Input, onText func(textSoFar string)) (Answer, error) {
	if len(in.Questions) == 0 {
		return Answer{}, dialogue.Errorf(dialogue.CodeInvalid, "there is nothing to answer: the dialogue has no unanswered message")
	}
	in = readable(in)
	lang := LanguageOf(in)
	answer := Answer{Language: lang, PromptVersion: promptVersion(in.Profile)}
	if !in.Draft && WantsHuman(in) {
		answer.Handoff = dialogue.HandoffCustomerAsked
		return answer, nil
	}

	if onlyCommands(in.Questions) && !in.Draft {
		answer.Text = greeting(in, lang)
		if onText != nil {
			onText(answer.Text)
		}
		return answer, nil
	}
	topics, err := b.retrieve(ctx, in, lang)
	if err != nil {
		return Answer{}, err
	}
	req := Request{Input: in, Language: lang, Topics: topics, Today: b.now().In(in.Profile.Location())}
	req.Search = func(ctx context.Context, query string) ([]knowledge.Passage, error) {
		return b.knowledge.Search(ctx, knowledge.Query{Text: query, Language: lang, Limit: maxToolPassages})
	}
	req.Intro = introOf(in, lang)
	reply, err := b.model.Reply(ctx, req, withIntro(req.Intro, onText))
	answer.Model = b.model.Name()
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("ask %s: %w", answer.Model, err)
		} else {
			err = ctx.Err()
		}
		return Answer{Usage: reply.Usage, Model: answer.Model, PromptVersion: answer.PromptVersion}, err
	}
	answer.Sources = reply.Sources
	answer.Usage, answer.ToolCalls = reply.Usage, reply.ToolCalls
	answer.Request, answer.Response = reply.Request, reply.Response
	if reply.Handoff != "" {
		answer.Handoff = reply.Handoff
		b.log.DebugContext(ctx, "bot hands off", "dialogue_id", in.DialogueID, "reason", reply.Handoff)
		return answer, nil
	}
	answer.Text = joinIntro(req.Intro, strings.TrimSpace(reply.Text))
	return answer, nil
}

// maxReadBytes is how much of one message the bot reads. Nobody asks in more, and
// the rules read every word several times.
const maxReadBytes = 12_000

// readable is the input without the middle of messages that are longer.
func readable(in Input) Input {
	short := func(lines []Line) []Line {
		out := slices.Clone(lines)
		for i, l := range out {
			if len(l.Text) > maxReadBytes {
				head, tail := l.Text[:maxReadBytes/2], l.Text[len(l.Text)-maxReadBytes/2:]
				out[i].Text = strings.ToValidUTF8(head, "") + gap + strings.ToValidUTF8(tail, "")
			}
		}
		return out
	}
	in.History, in.Questions = short(in.History), short(in.Questions)
	return in
}

// LanguageOf finds the language of the questions, or of what the customer wrote
// before when they do not tell.
func LanguageOf(in Input) dialogue.Language {
	in = readable(in)
	var asked strings.Builder
	for _, q := range in.Questions {
		if !isCommand(q.Text) {
			asked.WriteString(q.Text + "\n")
		}
	}
	return DetectLanguage(asked.String(), in.Language, customerLines(in.History)...)
}

// customerLines returns what the customer wrote, newest first.
func customerLines(history []Line) []string {
	var out []string
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Author == dialogue.AuthorCustomer {
			out = append(out, history[i].Text)
		}
	}
	return out
}

// NeedsModel says whether it takes a model to answer: not to greet, nor to pass a
// customer on who asks for a human.
func NeedsModel(in Input) bool { return !WantsHuman(in) && !onlyCommands(in.Questions) }

// WantsHuman says whether a question asks for a human, by rule: no model is asked for that.
func WantsHuman(in Input) bool {
	for _, q := range in.Questions {
		if q.Seq > in.HandoffSeq && AsksForHuman(q.Text) {
			return true
		}
	}
	return false
}

// introOf is the bot's introduction, where this is the first that the customer hears of it.
func introOf(in Input, lang dialogue.Language) string {
	if !in.Profile.Disclose || in.Draft {
		return ""
	}
	for _, l := range in.History {
		if l.Author == dialogue.AuthorBot {
			return ""
		}
	}
	return intro(in.Profile, lang)
}

func joinIntro(intro, text string) string {
	if intro == "" || text == "" {
		return intro + text
	}
	return intro + "\n\n" + text
}

func withIntro(intro string, onText func(string)) func(string) {
	if onText == nil {
		return func(string) {}
	}
	return func(text string) { onText(joinIntro(intro, text)) }
}

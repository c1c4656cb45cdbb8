package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
)

// Summary is what the older part of a dialogue came to.
type Summary struct {
	UpTo   int64 // the newest message that is in it
	Text   string
	Model  string
	Tokens int // of the text, estimated
	Usage  Usage
}

// Summarizer is a Model that can also keep notes on a dialogue. The offline
// responder reads the newest messages alone and needs none.
type Summarizer interface {
	// Fold chooses which of the oldest lines of in.History should become part
	// of its summary; none while the conversation is short.
	Fold(in Input) []Line
	// Summarize writes the summary anew, with the lines in it.
	Summarize(ctx context.Context, in Input, lang dialogue.Language, lines []Line) (text string, spent Usage, err error)
}

var _ Summarizer = (*OpenAI)(nil)

// Fold writes the summary of a dialogue anew when much has been said since the
// last one. It reports false when that is not needed.
func (b *Bot) Fold(ctx context.Context, in Input) (Summary, bool, error) {
	model, ok := b.model.(Summarizer)
	if !ok {
		return Summary{}, false, nil
	}
	lines := model.Fold(in)
	if len(lines) == 0 {
		return Summary{}, false, nil
	}
	text, spent, err := model.Summarize(ctx, in, LanguageOf(in), lines)
	out := Summary{UpTo: lines[len(lines)-1].Seq, Text: text, Model: b.model.Name(), Tokens: estimate(text), Usage: spent}
	if err != nil {
		return out, false, fmt.Errorf("summarize with %s: %w", b.model.Name(), err)
	}
	return out, true, nil
}

const (
	maxOpenLines   = 150 // lines that are not folded, however short
	keptLines      = 50  // of them, after a fold
	summaryWords   = 350
	maxFoldedLine  = 600 // tokens of one line
	assumedRules   = 1000
	maxSummaryRune = 6000
)

// Fold folds when the lines take half of what the history has at least, and
// leaves the newest quarter of it. Between the summary and the window nothing is
// missing: what is not folded yet still fits.
func (m *OpenAI) Fold(in Input) []Line {
	room := m.meter.room(m.config.Context)
	b := shares(room, assumedRules, estimate(in.Profile.Instructions))
	limit := max(b.history, leastPiece)

	until := len(in.History) // nothing after the first question is folded: it has not been answered
	if len(in.Questions) > 0 {
		for until > 0 && in.History[until-1].Seq > in.Questions[0].Seq {
			until--
		}
	}
	sizes, total := make([]int, len(in.History)), 0
	for i, l := range in.History {
		sizes[i] = min(estimate(l.Text), limit/2) + messageFrame
		total += sizes[i]
	}
	if total <= limit/2 && len(in.History) <= maxOpenLines {
		return nil
	}
	// One call reads no more than half of the context; the rest has its turn next time.
	n, folded := 0, 0
	for n < until && (total > limit/4 || len(in.History)-n > maxOpenLines || len(in.History) > maxOpenLines && len(in.History)-n > keptLines) {
		read := min(sizes[n], maxFoldedLine)
		if folded+read > room/2 {
			break
		}
		folded += read
		total -= sizes[n]
		n++
	}
	return in.History[:n]
}

// Summarize asks for the notes without streaming them to anybody.
func (m *OpenAI) Summarize(ctx context.Context, in Input, lang dialogue.Language, lines []Line) (string, Usage, error) {
	var rules strings.Builder
	err := m.prompt.ExecuteTemplate(&rules, "summary", struct {
		Shop, Language, OperatorMark string
		Words                        int
	}{in.Profile.Shop, languageName(lang), operatorMark, summaryWords})
	if err != nil {
		return "", Usage{}, fmt.Errorf("fill in the prompt: %w", err)
	}
	var data strings.Builder
	fmt.Fprintf(&data, "<notes>\n%s\n</notes>\n\n<messages>\n", asData(clip(in.Summary, m.config.Context/8)))
	for _, l := range lines {
		who := map[dialogue.Author]string{dialogue.AuthorCustomer: "Customer", dialogue.AuthorOperator: operatorMark, dialogue.AuthorBot: "Bot"}[l.Author]
		if who != "" {
			fmt.Fprintf(&data, "%s: %s\n", who, oneLine(asData(clip(l.Told(), maxFoldedLine))))
		}
	}
	data.WriteString("</messages>")
	call := openai.ChatCompletionRequest{
		Model: m.config.Model, Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true},
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: rules.String()},
			{Role: openai.ChatMessageRoleUser, Content: data.String()},
		},
	}
	s := &reading{onText: func(string) {}}
	spent, err := m.call(ctx, call, s)
	if err != nil {
		return "", spent, err
	}
	text := cut(s.said(), maxSummaryRune)
	if text == "" {
		return "", spent, &Error{Class: ErrorMalformed, Err: errors.New("the summary is empty")}
	}
	return text, spent, nil
}

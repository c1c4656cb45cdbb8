package bot

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
	"parley/knowledge"
)

//go:embed prompt.txt
var promptText string

const (
	handoffTool     = "handoff"
	handoffSentinel = "[[HANDOFF]]"
	operatorMark    = "[human colleague]"

	maxPassages     = 8
	maxHistoryLines = 30
	maxHistoryRunes = 8000
	maxLineRunes    = 4000
)

// promptVersion changes whenever the prompt's wording does, so that a turn's
// record tells which one it was made with.
func promptVersion() string {
	sum := sha256.Sum256([]byte(promptText))
	return hex.EncodeToString(sum[:6])
}

func parsePrompt() (*template.Template, error) {
	return template.New("prompt").Parse(promptText)
}

// prompt is what the template sees.
type prompt struct {
	Name, Shop, Instructions, Intro string
	Language, Today                 string
	Draft                           bool
	Tool, Sentinel, OperatorMark    string
	Passages                        []knowledge.Passage
}

// messages makes the chat that the model gets: the rules with the knowledge,
// the history, and the questions.
func messages(t *template.Template, req Request, passages []knowledge.Passage) ([]openai.ChatCompletionMessage, error) {
	data := prompt{
		Name: req.Input.Profile.Name, Shop: req.Input.Profile.Shop, Instructions: req.Input.Profile.Instructions, Intro: req.Intro,
		Language: languageName(req.Language), Today: req.Today.Format("Monday, 2 January 2006"), Draft: req.Input.Draft,
		Tool: handoffTool, Sentinel: handoffSentinel, OperatorMark: operatorMark,
	}
	for _, p := range passages {
		p.Title, p.Question, p.Text = asData(p.Title), asData(p.Question), asData(p.Text)
		data.Passages = append(data.Passages, p)
	}
	var system strings.Builder
	if err := t.Execute(&system, data); err != nil {
		return nil, fmt.Errorf("fill in the prompt: %w", err)
	}
	out := []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleSystem, Content: system.String()}}
	for _, l := range recent(req.Input.History) {
		out = appendLine(out, l)
	}
	for _, l := range req.Input.Questions {
		out = appendLine(out, l)
	}
	return out, nil
}

// appendLine adds a line; several of one side in a row become one message,
// because some servers insist on alternating roles.
func appendLine(out []openai.ChatCompletionMessage, l Line) []openai.ChatCompletionMessage {
	text := strings.TrimSpace(cut(l.Text, maxLineRunes))
	if text == "" {
		return out
	}
	role := openai.ChatMessageRoleAssistant
	switch l.Author {
	case dialogue.AuthorCustomer:
		role = openai.ChatMessageRoleUser
	case dialogue.AuthorOperator:
		text = operatorMark + " " + text
	case dialogue.AuthorSystem:
		return out
	}
	if last := &out[len(out)-1]; last.Role == role {
		last.Content += "\n" + text
		return out
	}
	return append(out, openai.ChatCompletionMessage{Role: role, Content: text})
}

// recent keeps the newest lines that fit.
func recent(history []Line) []Line {
	runes := 0
	from := len(history)
	for from > 0 && len(history)-from < maxHistoryLines {
		runes += len([]rune(history[from-1].Text))
		if runes > maxHistoryRunes {
			break
		}
		from--
	}
	return history[from:]
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// asData keeps a text from closing the knowledge block it stands in.
func asData(s string) string {
	return strings.NewReplacer("<", "‹", ">", "›").Replace(s)
}

func languageName(l dialogue.Language) string {
	switch l {
	case dialogue.Kazakh:
		return "Kazakh"
	case dialogue.English:
		return "English"
	}
	return "Russian"
}

// merged returns the passages of all topics, the best of each topic first,
// without repetitions.
func merged(topics []Topic, limit int) []knowledge.Passage {
	var out []knowledge.Passage
	seen := map[string]bool{}
	for rank := 0; rank < passagesPerTopic; rank++ {
		for _, t := range topics {
			if rank >= len(t.Passages) || len(out) == limit {
				continue
			}
			p := t.Passages[rank]
			if id := p.ItemID.String(); !seen[id] {
				seen[id] = true
				out = append(out, p)
			}
		}
	}
	return out
}

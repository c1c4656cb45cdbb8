package bot

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
	"parley/knowledge"
)

//go:embed prompt.txt
var promptText string

//go:embed summary.txt
var summaryText string

const (
	handoffTool     = "handoff"
	searchTool      = "search_knowledge"
	handoffSentinel = "[[HANDOFF]]"
	operatorMark    = "[human colleague]"

	maxPassages = 8
)

// promptVersion changes whenever the prompt's wording or what the shop has set the
// bot to does, so that a turn's record tells which bot it was made with.
func promptVersion(p Profile) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{promptText, summaryText, p.Name, p.Shop, p.Instructions}, "\x00")))
	return hex.EncodeToString(sum[:6])
}

func parsePrompt() (*template.Template, error) {
	t, err := template.New("prompt").Parse(promptText)
	if err != nil {
		return nil, err
	}
	if _, err := t.New("summary").Parse(summaryText); err != nil {
		return nil, err
	}
	return t, nil
}

// prompt is what the template sees.
type prompt struct {
	Name, Shop, Instructions, Intro string
	Language, Today                 string
	Draft                           bool
	Tool, SearchTool, Sentinel      string
	OperatorMark, Summary           string
	Passages                        []knowledge.Passage
}

// assembly is a chat for the model, and what it was made from.
type assembly struct {
	chat     []openai.ChatCompletionMessage
	passages []knowledge.Passage // those that it shows
	tools    int                 // tokens that tools may return
	answer   int                 // tokens left for the answer
}

// assemble makes the chat that the model gets within room tokens: the rules
// with the knowledge and the summary, the history, and the questions.
func assemble(t *template.Template, req Request, passages []knowledge.Passage, room int, tools bool) (assembly, error) {
	data := prompt{
		Name: req.Input.Profile.Name, Shop: req.Input.Profile.Shop, Intro: req.Intro,
		Language: languageName(req.Language), Today: req.Today.Format("Monday, 2 January 2006, 15:04"), Draft: req.Input.Draft,
		Tool: handoffTool, Sentinel: handoffSentinel, OperatorMark: operatorMark,
	}
	if tools && req.Search != nil {
		data.SearchTool = searchTool
	}
	bare, err := system(t, data)
	if err != nil {
		return assembly{}, err
	}
	f := fit(req, passages, room, estimate(bare)+2*messageFrame, data.SearchTool != "")
	data.Instructions, data.Summary = f.instructions, asData(f.summary)
	for _, p := range f.passages {
		data.Passages = append(data.Passages, shown(p))
	}
	text, err := system(t, data)
	if err != nil {
		return assembly{}, err
	}
	out := assembly{passages: f.passages, tools: f.tools, answer: f.answer}
	out.chat = []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleSystem, Content: text}}
	for _, l := range f.lines {
		out.chat = appendLine(out.chat, l)
	}
	return out, nil
}

func system(t *template.Template, data prompt) (string, error) {
	var text strings.Builder
	if err := t.ExecuteTemplate(&text, "prompt", data); err != nil {
		return "", fmt.Errorf("fill in the prompt: %w", err)
	}
	return text.String(), nil
}

// shown is a passage as a text for the model.
func shown(p knowledge.Passage) knowledge.Passage {
	p.Title, p.Question, p.Text = asData(p.Title), asData(p.Question), asData(p.Text)
	return p
}

// asData keeps a text from closing the knowledge block it stands in.
func asData(s string) string {
	return strings.NewReplacer("<", "‹", ">", "›").Replace(s)
}

// withoutMark is a customer's text that cannot be taken for a colleague's.
func withoutMark(s string) string { return forgedMark.ReplaceAllString(s, "(human colleague)") }

// forgedMark finds operatorMark however it is pulled apart: with blanks of any
// kind, and with characters that nobody sees.
var forgedMark = func() *regexp.Regexp {
	const gap = `[\s\p{Z}\p{Cc}\p{Cf}\x{FE00}-\x{FE0F}]*`
	var letters []string
	for _, r := range strings.ReplaceAll(operatorMark, " ", "") {
		letters = append(letters, regexp.QuoteMeta(string(r)))
	}
	return regexp.MustCompile(`(?i)` + strings.Join(letters, gap))
}()

// oneLine is a text that cannot begin a line which reads as somebody else's.
func oneLine(s string) string { return strings.Join(strings.Fields(withoutMark(s)), " ") }

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

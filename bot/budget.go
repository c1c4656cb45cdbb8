package bot

import (
	"slices"
	"strings"

	"github.com/sashabaranov/go-openai"

	"parley/dialogue"
	"parley/knowledge"
)

// DefaultContext is how many tokens a prompt and its answer may take together
// unless something else is set: enough for a long conversation, and within what
// any model in use reads.
const DefaultContext = 12000

// LeastContext is the smallest context that the rules and a short conversation fit in.
const LeastContext = 3000

// messageFrame is what a message costs beside its text.
const messageFrame = 5

// leastPiece is what a text must at least keep to say anything, in tokens.
const leastPiece = 40

// budget shares a prompt's tokens out. The parts that are short leave what they
// do not need to the history.
type budget struct {
	answer    int // room for what the model writes
	rules     int // the shop's instructions
	questions int
	passages  int
	summary   int
	tools     int // what tools may return, all rounds together
	history   int // what is left for it at least
}

// shares plans for a context of so many tokens, of which the rules without the
// shop's instructions take base.
func shares(context, base, instructions int) budget {
	b := budget{answer: min(max(context/8, 400), 2000)}
	room := context - b.answer - base
	b.rules = min(instructions, room*2/5)
	rest := room - b.rules
	b.questions, b.passages = rest*3/10, rest*3/10
	b.summary, b.tools = rest/10, rest/10
	b.history = rest - b.questions - b.passages - b.summary - b.tools
	return b
}

// fitted is what a prompt has room for.
type fitted struct {
	instructions string
	summary      string
	passages     []knowledge.Passage
	lines        []Line // history and questions, oldest first
	tools        int    // tokens that tools may return
	answer       int
}

// fit chooses what a prompt shows within context tokens.
func fit(req Request, passages []knowledge.Passage, context, base int, tools bool) fitted {
	in := req.Input
	b := shares(context, base, estimate(in.Profile.Instructions))
	out := fitted{instructions: clip(in.Profile.Instructions, b.rules), summary: clip(in.Summary, b.summary), answer: b.answer}
	used := estimate(out.summary)
	if tools {
		out.tools = b.tools
		used += b.tools
	}
	questions, cost := newest(in.Questions, b.questions)
	used += cost
	out.passages, cost = best(passages, b.passages)
	used += cost
	all := b.questions + b.passages + b.summary + b.tools + b.history
	history, _ := newest(in.History, max(all-used, 0))
	out.lines = slices.Concat(history, questions)
	return out
}

// newest keeps the newest lines that fit. A line that is much longer than its
// share is clipped in the middle, so that one message does not push out all others.
func newest(lines []Line, room int) (kept []Line, cost int) {
	longest := max(room/3, leastPiece)
	if len(lines) == 1 {
		longest = room
	}
	for _, l := range slices.Backward(lines) {
		l.Text = clip(l.Text, min(longest, room-cost-messageFrame))
		size := estimate(l.Told()) + messageFrame
		if cost+size > room {
			break
		}
		kept = append(kept, l)
		cost += size
		if room-cost < leastPiece {
			break
		}
	}
	slices.Reverse(kept)
	return kept, cost
}

// best keeps the first passages that fit.
func best(passages []knowledge.Passage, room int) (kept []knowledge.Passage, cost int) {
	for _, p := range passages {
		left := room - cost - messageFrame*2
		if left < leastPiece {
			break
		}
		p.Title, p.Question = clip(p.Title, left/4), clip(p.Question, left/4)
		p.Text = clip(p.Text, left/2)
		kept = append(kept, p)
		cost += estimate(p.Title) + estimate(p.Question) + estimate(p.Text) + messageFrame*2
	}
	return kept, cost
}

// sizeOf estimates a whole chat.
func sizeOf(chat []openai.ChatCompletionMessage, tools []openai.Tool) int {
	size := 3
	for _, m := range chat {
		size += estimate(m.Content) + messageFrame
		for _, c := range m.ToolCalls {
			size += estimate(c.Function.Name) + estimate(c.Function.Arguments) + messageFrame
		}
	}
	for _, t := range tools {
		size += 60 + estimate(t.Function.Description)
	}
	return size
}

// appendLine adds a line; several of one side in a row become one message,
// because some servers insist on alternating roles.
func appendLine(out []openai.ChatCompletionMessage, l Line) []openai.ChatCompletionMessage {
	text := strings.TrimSpace(l.Told())
	if text == "" {
		return out
	}
	role := openai.ChatMessageRoleAssistant
	switch l.Author {
	case dialogue.AuthorCustomer:
		role, text = openai.ChatMessageRoleUser, withoutMark(text)
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

package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"parley/dialogue"
	"parley/knowledge"
)

// Offline is a Model that needs no server: it answers with the shop's own words
// from the knowledge base, and hands off when it is not sure of any of what was
// asked.
type Offline struct{}

var _ Model = Offline{}

// Name returns "offline".
func (Offline) Name() string { return "offline" }

// Reply answers every topic, or hands off.
func (Offline) Reply(ctx context.Context, req Request, onText func(string)) (Reply, error) {
	lang := req.Language
	reply := Reply{}
	questions, known := 0, true
	for _, t := range req.Topics {
		if t.Kind != TopicQuestion {
			continue
		}
		questions++
		switch best, sure := bestPassage(t.Passages); {
		case sure || req.Input.Draft && best != nil && best.Confidence >= worthDrafting:
			reply.Sources = addSource(reply.Sources, *best)
		case !answeredAlready(req.Topics, best):
			known = false
		}
	}
	if !known && !req.Input.Draft {
		return Reply{Handoff: dialogue.HandoffNoAnswer, Sources: reply.Sources}, nil
	}
	var parts []string
	noted := map[dialogue.Language]bool{lang: true}
	for _, p := range reply.Sources {
		if !noted[p.Language] {
			noted[p.Language] = true
			parts = append(parts, inOtherLanguage(lang, p.Language))
		}
		parts = append(parts, p.Text)
	}
	if questions == 0 {
		parts = append(parts, courtesy(courtesyOf(req.Topics), lang, req.Intro != ""))
	}
	if len(parts) == 0 {
		return Reply{Handoff: dialogue.HandoffNoAnswer}, nil
	}
	reply.Text = strings.Join(parts, "\n\n")
	if err := streamWords(ctx, reply.Text, onText); err != nil {
		return Reply{}, err
	}
	var err error
	if reply.Response, err = json.Marshal(map[string]any{"topics": len(req.Topics), "passages": len(reply.Sources)}); err != nil {
		return Reply{}, fmt.Errorf("encode the response: %w", err)
	}
	return reply, nil
}

// bestPassage returns the passage to answer with, if any, and whether it is
// surely the answer. The first is not always: it may speak at length of the one
// rare word of the question, and another of all of them.
func bestPassage(passages []knowledge.Passage) (*knowledge.Passage, bool) {
	if len(passages) == 0 {
		return nil, false
	}
	for i := range passages[:min(len(passages), considered)] {
		if passages[i].Confidence >= confident {
			return &passages[i], true
		}
	}
	return &passages[0], false
}

// answeredAlready says whether the best that was found for one question, though
// not surely its answer, surely answers another of the same burst: «плойка
// пятая сколько стоит? пс5».
func answeredAlready(topics []Topic, best *knowledge.Passage) bool {
	if best == nil || best.Confidence < touching {
		return false
	}
	for _, t := range topics {
		if other, sure := bestPassage(t.Passages); sure && other.ItemID == best.ItemID {
			return true
		}
	}
	return false
}

func addSource(sources []knowledge.Passage, p knowledge.Passage) []knowledge.Passage {
	for _, s := range sources {
		if s.ItemID == p.ItemID {
			return sources
		}
	}
	return append(sources, p)
}

// courtesyOf picks what to reply to when nothing was asked: thanks and farewells
// make a greeting or an «ок» beside them superfluous.
func courtesyOf(topics []Topic) TopicKind {
	has := map[TopicKind]bool{}
	for _, t := range topics {
		has[t.Kind] = true
	}
	for _, kind := range []TopicKind{TopicRepeatedRequest, TopicIdentity, TopicFarewell, TopicThanks, TopicGreeting, TopicAcknowledgement} {
		if has[kind] {
			return kind
		}
	}
	// Only words that lead up to a question: asking for it is the answer.
	return TopicGreeting
}

// streamWords passes a text on word by word, as a model would.
func streamWords(ctx context.Context, text string, onText func(string)) error {
	for i, r := range text {
		if (r == ' ' || r == '\n') && i > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			onText(text[:i])
		}
	}
	onText(text)
	return ctx.Err()
}

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
	lang, draft := req.Language, req.Input.Draft
	var parts []string
	var reply Reply
	said := map[string]bool{}
	say := func(text string) {
		if text != "" && !said[text] {
			said[text] = true
			parts = append(parts, text)
		}
	}
	questions := 0
	for _, t := range req.Topics {
		if t.Kind != TopicQuestion {
			continue
		}
		questions++
		best, sure := bestPassage(t.Passages)
		if !sure && !draft {
			return Reply{Handoff: dialogue.HandoffNoAnswer, Sources: best}, nil
		}
		for _, p := range best {
			if said[p.ItemID.String()] {
				continue
			}
			said[p.ItemID.String()] = true
			if p.Language != lang && p.Language != "" {
				say(inOtherLanguage(lang, p.Language))
			}
			say(p.Text)
			reply.Sources = append(reply.Sources, p)
		}
	}
	if len(parts) == 0 && questions == 0 {
		for _, t := range courtesies(req.Topics) {
			say(courtesy(t, req.Input.Profile, lang, req.Intro != ""))
		}
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

// bestPassage returns the passage to answer with, and whether it is the answer.
func bestPassage(passages []knowledge.Passage) ([]knowledge.Passage, bool) {
	if len(passages) == 0 {
		return nil, false
	}
	return passages[:1], passages[0].Confidence >= confident
}

// courtesies picks what to reply to when nothing was asked: thanks and farewells
// make a greeting or an «ок» beside them superfluous.
func courtesies(topics []Topic) []TopicKind {
	has := map[TopicKind]bool{}
	for _, t := range topics {
		has[t.Kind] = true
	}
	for _, kind := range []TopicKind{TopicRepeatedRequest, TopicIdentity, TopicFarewell, TopicThanks, TopicGreeting, TopicAcknowledgement} {
		if has[kind] {
			return []TopicKind{kind}
		}
	}
	// Only words that lead up to a question: the greeting asks for it.
	return []TopicKind{TopicGreeting}
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

package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
)

// Profile loads how the bot appears. A shop that has set nothing has a bot without
// a name that says what it is.
func Profile(ctx context.Context, s *store.Store) (bot.Profile, error) {
	profile := bot.Profile{Disclose: true}
	err := s.BotProfile(ctx, &profile)
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
		err = nil
	}
	return profile, err
}

// TurnInput is what the bot is given to read for a turn.
func TurnInput(t store.Turn, profile bot.Profile) bot.Input {
	return bot.Input{
		DialogueID: t.DialogueID, History: t.History, Questions: t.Questions, HandoffSeq: t.HandoffSeq, Profile: profile,
	}
}

// TurnResult is what an answer leaves in the turn's record.
func TurnResult(a bot.Answer) (store.TurnResult, error) {
	sources := make([]store.Source, len(a.Sources))
	for i, p := range a.Sources {
		sources[i] = store.Source{ItemID: p.ItemID, Title: cmp.Or(p.Title, p.Question), Text: p.Text, Score: p.Score}
	}
	encoded, err := json.Marshal(sources)
	if err != nil {
		return store.TurnResult{}, fmt.Errorf("encode the sources of a turn: %w", err)
	}
	return store.TurnResult{
		Text: a.Text, Handoff: a.Handoff, Language: a.Language, Model: a.Model, PromptVersion: a.PromptVersion,
		PromptTokens: a.PromptTokens, CompletionTokens: a.CompletionTokens,
		Sources: encoded, Request: a.Request, Response: a.Response,
	}, nil
}

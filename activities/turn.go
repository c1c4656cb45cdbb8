package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"parley/bot"
	"parley/store"
)

// Profile loads how the bot appears.
func Profile(ctx context.Context, s *store.Store) (bot.Profile, error) {
	profile := bot.DefaultProfile()
	_, err := s.LoadBotProfile(ctx, &profile)
	return profile, err
}

// ProfileOf is how the bot appears in a turn.
func ProfileOf(t store.Turn) (bot.Profile, error) {
	profile := bot.DefaultProfile()
	if err := json.Unmarshal(t.Profile, &profile); err != nil {
		return bot.Profile{}, fmt.Errorf("read the bot's profile: %w", err)
	}
	return profile, nil
}

// TurnInput is what the bot is given to read for a turn.
func TurnInput(t store.Turn, profile bot.Profile) bot.Input {
	return bot.Input{
		DialogueID: t.DialogueID, Language: t.Language, Summary: t.Summary, History: t.History, Questions: t.Questions, HandoffSeq: t.HandoffSeq, Profile: profile,
	}
}

// TurnResult is what an answer leaves in the turn's record.
func TurnResult(a bot.Answer, profile bot.Profile) (store.TurnResult, error) {
	sources := make([]store.Source, len(a.Sources))
	for i, p := range a.Sources {
		sources[i] = store.Source{ItemID: p.ItemID, Title: cmp.Or(p.Title, p.Question), Text: p.Text, Score: p.Score}
	}
	res := store.TurnResult{
		Text: a.Text, Handoff: a.Handoff, Language: a.Language, Model: a.Model, PromptVersion: a.PromptVersion,
		Spent: Spent(a.Usage, profile), FirstWord: a.Usage.FirstWord, ModelTime: a.Usage.Model,
		Request: a.Request, Response: a.Response,
	}
	var err error
	if res.Sources, err = json.Marshal(sources); err != nil {
		return store.TurnResult{}, fmt.Errorf("encode the sources of a turn: %w", err)
	}
	if len(a.ToolCalls) > 0 {
		if res.ToolCalls, err = json.Marshal(a.ToolCalls); err != nil {
			return store.TurnResult{}, fmt.Errorf("encode the tool calls of a turn: %w", err)
		}
	}
	return res, nil
}

// Spent is what a model's calls took, and what that costs the shop.
func Spent(u bot.Usage, profile bot.Profile) store.Spent {
	spent := store.Spent{Calls: u.Calls, PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens, Estimated: u.Estimated}
	if cost, currency, known := profile.Cost(u); known && u.Calls > 0 {
		spent.CostMicros, spent.Currency = &cost, currency
	}
	return spent
}

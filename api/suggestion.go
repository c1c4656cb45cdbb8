package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/store/live"
)

type suggestion struct {
	Text    string         `json:"text"`
	Sources []store.Source `json:"sources"`
	TurnID  uuid.UUID      `json:"turn_id"`
}

// suggest has the bot draft an answer for an operator. Nobody but operators sees
// it; it needs no engine, and whoever asks waits for it.
func (s *Server) suggest(ctx context.Context, id, operator uuid.UUID) (suggestion, error) {
	t, err := s.Store.OpenSuggestion(ctx, id, operator)
	if err != nil {
		return suggestion{}, err
	}
	progress := live.Turn{DialogueID: id, TurnID: t.ID, Kind: live.Suggestion}
	show := func(state, text string) {
		p := progress
		p.State, p.Text = state, text
		s.Live.Publish(live.Item{Turn: &p})
	}
	defer show(live.Ended, "")
	profile, err := activities.ProfileOf(t)
	if err != nil {
		return suggestion{}, err
	}
	answer, err := s.draft(ctx, t, profile, func(text string) { show(live.Writing, text) })
	if err != nil {
		return suggestion{}, s.draftFailed(ctx, t, profile, answer, err)
	}
	res, err := activities.TurnResult(answer, profile)
	if err != nil {
		return suggestion{}, err
	}
	if err := s.Store.FinishSuggestion(ctx, t, res); err != nil {
		return suggestion{}, err
	}
	out := suggestion{Text: answer.Text, TurnID: t.ID}
	return out, json.Unmarshal(res.Sources, &out.Sources)
}

func (s *Server) draft(ctx context.Context, t store.Turn, profile bot.Profile, onText func(string)) (bot.Answer, error) {
	if t.Cap != "" {
		return bot.Answer{}, dialogue.Errorf(dialogue.CodeConflict, "the bot has reached the shop's limit for today (%s): write yourself, or have an admin raise the limit", t.Cap)
	}
	in := activities.TurnInput(t, profile)
	in.Draft = true
	return s.Bot.Answer(ctx, in, onText)
}

// draftFailed records why there is no draft, and what that cost, and tells the operator what a model's error means.
func (s *Server) draftFailed(ctx context.Context, t store.Turn, profile bot.Profile, answer bot.Answer, err error) error {
	if dbErr := s.Store.Spend(context.WithoutCancel(ctx), t, activities.Spent(answer.Usage, profile), false); dbErr != nil {
		return errors.Join(err, dbErr)
	}
	failure := store.Failure{Cause: bot.CauseInternal, Reason: err, Model: answer.Model, PromptVersion: answer.PromptVersion}
	modelErr, ok := errors.AsType[*bot.Error](err)
	switch {
	case ok:
		failure.Cause = string(modelErr.Class)
	case t.Cap != "":
		failure.Cause = "cap"
	}
	if dbErr := s.Store.FailSuggestion(context.WithoutCancel(ctx), t.ID, failure); dbErr != nil {
		return errors.Join(err, dbErr)
	}
	if ok {
		s.Log.Warn("a suggestion failed", "dialogue_id", t.DialogueID, "turn_id", t.ID, "cause", failure.Cause, "error", bot.Public(err))
		return dialogue.Errorf(dialogue.CodeUnavailable, "the bot's model did not answer (%s): write yourself, or ask again in a minute", failure.Cause)
	}
	if t.Cap != "" {
		return err
	}
	return fmt.Errorf("draft an answer in dialogue %s: %w", t.DialogueID, err)
}

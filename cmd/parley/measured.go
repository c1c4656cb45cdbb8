package main

import (
	"context"
	"errors"
	"time"

	"parley/bot"
	"parley/metrics"
)

// measuredBot notes how long the bot takes, what comes of it, and what it costs.
type measuredBot struct {
	*bot.Bot
	metrics *metrics.Metrics
}

// Answer does what the bot's Answer does.
func (b measuredBot) Answer(ctx context.Context, in bot.Input, onText func(textSoFar string)) (bot.Answer, error) {
	began := time.Now()
	answer, err := b.Bot.Answer(ctx, in, onText)
	outcome, spent := "answered", answer.Usage
	switch {
	case ctx.Err() != nil:
		outcome = "cancelled"
	case err != nil:
		outcome = "failed"
		if wrong, ok := errors.AsType[*bot.Error](err); ok {
			outcome, spent = string(wrong.Class), wrong.Spent
		}
	case answer.Handoff != "":
		outcome = "handed_off"
	}
	b.metrics.Worded(outcome, time.Since(began))
	b.metrics.Tokens(spent.PromptTokens, spent.CompletionTokens)
	return answer, err
}

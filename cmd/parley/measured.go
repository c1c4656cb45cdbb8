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
	server  *bot.OpenAI // nil: the offline responder answers
	metrics *metrics.Metrics
}

// ping asks the model's server for one word.
func (b measuredBot) ping(ctx context.Context) (bot.Usage, error) {
	usage, err := b.server.Ping(ctx)
	b.metrics.Tokens(usage.PromptTokens, usage.CompletionTokens)
	return usage, err
}

// Answer does what the bot's Answer does.
func (b measuredBot) Answer(ctx context.Context, in bot.Input, onText func(textSoFar string)) (bot.Answer, error) {
	began := time.Now()
	answer, err := b.Bot.Answer(ctx, in, onText)
	outcome := "answered"
	switch {
	case ctx.Err() != nil:
		outcome = "cancelled"
	case err != nil:
		outcome = "failed"
		if wrong, ok := errors.AsType[*bot.Error](err); ok {
			outcome = string(wrong.Class)
		}
	case answer.Handoff != "":
		outcome = "handed_off"
	}
	b.metrics.Worded(outcome, time.Since(began))
	b.metrics.Tokens(answer.Usage.PromptTokens, answer.Usage.CompletionTokens)
	return answer, err
}

// Fold does what the bot's Fold does.
func (b measuredBot) Fold(ctx context.Context, in bot.Input) (bot.Summary, bool, error) {
	sum, written, err := b.Bot.Fold(ctx, in)
	b.metrics.Tokens(sum.Usage.PromptTokens, sum.Usage.CompletionTokens)
	return sum, written, err
}

package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// Each class of model error is tried as often as it makes sense, and then the
// dialogue goes to the operators.
func TestModelErrors(t *testing.T) {
	t.Parallel()
	for class, calls := range map[bot.ErrorClass]int{
		bot.ErrorRateLimited: 20, bot.ErrorUnavailable: 4, bot.ErrorTimeout: 4, bot.ErrorMalformed: 4,
		bot.ErrorBadKey: 1, bot.ErrorBadRequest: 1, bot.ErrorContentFilter: 1,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
				return bot.Answer{Model: "test-model", PromptVersion: "abcdef"}, &bot.Error{Class: class, RetryAfter: 7 * time.Second, Err: errors.New("the provider's own words")}
			}
			id := b.write("Когда привезут заказ?")
			for _, pause := range []time.Duration{7, 7, 7, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30}[:calls-1] {
				_, err := b.reply(id)
				failed := applicationError(t, err)
				require.False(t, failed.NonRetryable())
				require.Equal(t, string(class), failed.Type())
				require.NotContains(t, err.Error(), "the provider's own words", "developers see it in the workflow's history")
				require.Equal(t, pause*time.Second, failed.NextRetryDelay(), "as long as the server asks for, and longer each time")
			}
			res := b.answered(id)
			require.Equal(t, workflows.ReplyFailed, res.Outcome)
			require.Contains(t, res.Error, string(class))
			require.NotContains(t, res.Error, "the provider's own words")
			require.Len(t, b.bot.calls(), calls)

			turn := b.turn(res.TurnID)
			require.Equal(t, store.TurnFailed, turn.State)
			require.Equal(t, []string{string(class), "test-model", "abcdef"}, []string{*turn.Cause, *turn.Model, *turn.PromptVersion})
			require.Contains(t, *turn.Error, "the provider's own words")
			require.Equal(t, int32(calls), turn.Attempts)
			d, err := b.Dialogue(b.ctx, id)
			require.NoError(t, err)
			require.Equal(t, dialogue.ModeOperator, d.Mode)
			require.Equal(t, string(dialogue.HandoffBotError), *d.HandoffReason)
			require.Equal(t, []string{
				"customer: Когда привезут заказ?",
				"system: " + bot.Notice(dialogue.HandoffBotError, dialogue.Russian),
			}, b.said(id))
		})
	}
}

// A server that asks to wait is waited for, but not for so long that the customer gives up.
func TestProviderCannotMakeACustomerWaitForHours(t *testing.T) {
	t.Parallel()
	asking := func(wait time.Duration) error {
		return &bot.Error{Class: bot.ErrorRateLimited, RetryAfter: wait, Err: errors.New("later")}
	}
	t.Run("for a minute", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		b.bot.fails(asking(time.Minute))
		_, err := b.reply(b.write("one"))
		require.Equal(t, time.Minute, applicationError(t, err).NextRetryDelay())
	})
	t.Run("for hours", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		b.bot.fails(asking(6 * time.Hour))
		require.Equal(t, workflows.ReplyFailed, b.answered(b.write("one")).Outcome)
	})
	t.Run("again and again", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		b.bot.fails(asking(time.Minute))
		id := b.write("one")
		_, err := b.reply(id)
		require.Error(t, err)
		b.older("1 minute")
		_, err = b.reply(id)
		require.Error(t, err)
		b.older("1 minute")
		require.Equal(t, workflows.ReplyFailed, b.answered(id).Outcome)
	})
	t.Run("with the pause that nobody has asked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		b.bot.fails(asking(0))
		id := b.write("one")
		for _, pause := range []time.Duration{1, 2, 4, 8} {
			_, err := b.reply(id)
			require.Equal(t, pause*time.Second, applicationError(t, err).NextRetryDelay())
		}
		b.older("170 seconds")
		require.Equal(t, workflows.ReplyFailed, b.answered(id).Outcome, "after sixteen seconds more it would be later than three minutes")
	})
	t.Run("when nobody has tried for long", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		id := b.write("one")
		b.bot.fails(errors.New("the knowledge base is away"))
		_, err := b.reply(id)
		require.Error(t, err)
		b.older("1 hour")
		b.bot.fails(asking(time.Second))
		_, err = b.reply(id)
		require.Equal(t, time.Second, applicationError(t, err).NextRetryDelay())
	})
}

func TestModelThatRecoversAnswersInTheSameTurn(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.answer = func(_ context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		if call < 3 {
			return bot.Answer{}, &bot.Error{Class: bot.ErrorUnavailable, Err: errors.New("down")}
		}
		return bot.Answer{Text: "up again"}, nil
	}
	id := b.write("one")
	for range 2 {
		_, err := b.reply(id)
		require.Error(t, err)
	}
	res := b.answered(id)
	require.Equal(t, workflows.ReplyAnswered, res.Outcome)
	require.Equal(t, int32(3), b.turn(res.TurnID).Attempts)
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns"))
}

// An error that nobody has foreseen is the engine's to retry; the customer is not
// given up for it.
func TestPanicsAndUnknownErrorsAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.answer = func(_ context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		switch call {
		case 1:
			panic("index out of range")
		case 2:
			return bot.Answer{}, fmt.Errorf("read the knowledge: %w", errors.New("broken pipe"))
		}
		return bot.Answer{Text: "in the end"}, nil
	}
	id := b.write("one")
	for _, says := range []string{"panicked", "broken pipe"} {
		_, err := b.reply(id)
		require.ErrorContains(t, err, says)
		require.False(t, applicationError(t, err).NonRetryable())
	}
	b.answered(id)
	require.Equal(t, []string{"customer: one", "bot: in the end"}, b.said(id))
}

// A model error after the operators took over is the turn's, not the dialogue's.
func TestModelErrorAfterATakeoverChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("one")
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		b.takeOver(id)
		return bot.Answer{}, &bot.Error{Class: bot.ErrorBadKey, Err: errors.New("revoked")}
	}
	_, err := b.reply(id)
	require.NoError(t, err)
	d, err := b.Dialogue(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, string(dialogue.HandoffOperator), *d.HandoffReason)
	require.Zero(t, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
}

// What a model or its server says may hold what the record cannot: the customer
// is answered, or handed over, all the same.
func TestTextsThatTheRecordCannotHold(t *testing.T) {
	t.Parallel()
	t.Run("answer", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "telegram")
		b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
			return bot.Answer{
				Text: "four\x00 hours\xff", Model: "m\x00", Request: json.RawMessage(`{"q":"\u0000"}`), Response: json.RawMessage(`{"a":"four\u0000 hours"}`),
			}, nil
		}
		id := b.write("how long?")
		res := b.answered(id)
		require.Equal(t, workflows.ReplyAnswered, res.Outcome)
		require.Equal(t, "four hours\uFFFD", *b.turn(res.TurnID).Answer)
		_, _, err := b.BeginDraft(b.ctx, b.turn(res.TurnID), channel.Pace{Burst: time.Minute}, false)
		require.NoError(t, err)
		require.Equal(t, []string{"customer: how long?", "bot: four hours\uFFFD"}, b.said(id))
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "widget")
		b.bot.fails(&bot.Error{Class: bot.ErrorUnavailable, Err: errors.New("502 \x00\xff")})
		id := b.write("how long?")
		for range 3 {
			_, err := b.reply(id)
			require.Equal(t, string(bot.ErrorUnavailable), applicationError(t, err).Type())
		}
		require.Equal(t, workflows.ReplyFailed, b.answered(id).Outcome)
		require.Len(t, b.bot.calls(), 4)
	})
}

package activities_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// profile stores the bot's settings.
func (b *bundle) profile(change func(p *bot.Profile)) {
	b.t.Helper()
	p := bot.DefaultProfile()
	version, err := b.LoadBotProfile(b.ctx, &p)
	require.NoError(b.t, err)
	change(&p)
	require.NoError(b.t, p.Check())
	_, err = b.SaveBotProfile(b.ctx, p, version.Version)
	require.NoError(b.t, err)
}

// spends has the bot answer, and its model take so many tokens.
func (f *fakeBot) spends(prompt, completion int) {
	f.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		return bot.Answer{Text: "answer", Language: dialogue.English, Usage: bot.Usage{
			Calls: 2, PromptTokens: prompt, CompletionTokens: completion, FirstWord: time.Second, Model: 2 * time.Second,
		}, ToolCalls: []bot.ToolCall{{Round: 1, Name: "search_knowledge", Arguments: `{"query":"x"}`}}}, nil
	}
}

func TestTurnRecordsWhatItCost(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Prices = &bot.Prices{Input: 0.15, Output: 0.6, Currency: "USD"} })
	b.bot.spends(2000, 100)
	turn := b.turn(b.answered(b.write("hello")).TurnID)
	require.EqualValues(t, []int32{2000, 100, 2, 1000, 2000}, []int32{*turn.PromptTokens, *turn.CompletionTokens, *turn.Rounds, *turn.FirstWordMs, *turn.ModelMs})
	require.Equal(t, []any{int64(360), "USD", false}, []any{*turn.CostMicros, *turn.Currency, turn.TokensEstimated})
	require.Contains(t, string(turn.ToolCalls), "search_knowledge")
	require.Equal(t, 1, b.count("SELECT count(*) FROM bot_usage WHERE calls = 2 AND tokens = 2100 AND cost_micros = 360"))
}

func TestFailedAttemptsCount(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Prices = &bot.Prices{Input: 1, Output: 2, Currency: "KZT"} })
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		return bot.Answer{Usage: bot.Usage{Calls: 2, PromptTokens: 700, CompletionTokens: 10, Estimated: true}}, &bot.Error{Class: bot.ErrorTimeout, Err: errors.New("slow")}
	}
	id := b.write("hello")
	_, err := b.reply(id)
	require.Error(t, err)
	b.bot.spends(1000, 50)
	turn := b.turn(b.answered(id).TurnID)
	require.EqualValues(t, []any{int32(1700), int32(60), true, int64(1820)}, []any{*turn.PromptTokens, *turn.CompletionTokens, turn.TokensEstimated, *turn.CostMicros})
	require.Equal(t, 4, b.count("SELECT sum(calls) FROM bot_usage"))
}

// Nobody waits for the answer to a question that the customer has gone on from, but the model's server is paid for it.
func TestStoppedAttemptsCount(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]bool{"a model that can be stopped": true, "a model that answers all the same": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			b.bot.answer = func(ctx context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
				if call > 1 {
					return bot.Answer{Text: "to both", Usage: bot.Usage{Calls: 1, PromptTokens: 1000, CompletionTokens: 50}}, nil
				}
				b.write("two")
				spent := bot.Usage{Calls: 1, PromptTokens: 700, Estimated: true}
				if stops {
					<-ctx.Done()
					return bot.Answer{Usage: spent}, ctx.Err()
				}
				return bot.Answer{Text: "only to the first", Usage: spent}, nil
			}
			turn := b.turn(b.answered(b.write("one")).TurnID)
			require.EqualValues(t, []any{int32(1700), int32(50), true}, []any{*turn.PromptTokens, *turn.CompletionTokens, turn.TokensEstimated})
			require.Equal(t, 1, b.count("SELECT count(*) FROM bot_usage WHERE calls = 2 AND tokens = 1750"))
		})
	}
}

func TestReachedLimitHandsOver(t *testing.T) {
	t.Parallel()
	for limit, caps := range map[dialogue.Cap]dialogue.Caps{
		dialogue.CapDialogueTurns: {DialogueTurns: 1},
		dialogue.CapDayCalls:      {DayCalls: 2},
		dialogue.CapDayTokens:     {DayTokens: 2000},
		dialogue.CapDayCost:       {DayCost: 0.0003},
	} {
		t.Run(string(limit), func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			b.profile(func(p *bot.Profile) {
				p.Prices = &bot.Prices{Input: 0.15, Output: 0.6, Currency: "USD"}
				p.Caps = caps
			})
			b.bot.spends(2000, 100)
			id := b.write("hello")
			require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
			b.write("hello again")
			res := b.answered(id)
			require.Equal(t, workflows.ReplyHandedOff, res.Outcome)
			require.Len(t, b.bot.calls(), 1, "the model is not asked")
			turn := b.turn(res.TurnID)
			require.Equal(t, []string{string(limit), "rule"}, []string{*turn.Cap, *turn.HandoffReason})
			require.Nil(t, turn.ModelMs)
			p := bot.DefaultProfile()
			require.Equal(t, "system: "+p.Notice(dialogue.HandoffRule, limit, dialogue.English, time.Now()), b.said(id)[3])
			require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'event' AND data->>'type' = 'handoff' AND data->>'detail' = $1", string(limit)))

			// An operator may still ask for a draft where only the dialogue's own limit is reached.
			draft, err := b.OpenSuggestion(b.ctx, id, b.anna.ID)
			require.NoError(t, err)
			require.Equal(t, limit != dialogue.CapDialogueTurns, draft.Cap != "")
		})
	}
}

// Who asks for a human is told that one will come, not that a limit is reached.
func TestWhoAsksForAHumanIsNotToldOfALimit(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Caps = dialogue.Caps{DialogueTurns: 1} })
	b.bot.answer = func(_ context.Context, _ int, in bot.Input, _ func(string)) (bot.Answer, error) {
		if bot.WantsHuman(in) {
			return bot.Answer{Handoff: dialogue.HandoffCustomerAsked, Language: dialogue.Russian}, nil
		}
		return bot.Answer{Text: "Да."}, nil
	}
	id := b.write("Есть доставка?")
	b.answered(id)
	b.write("Позовите оператора")
	turn := b.turn(b.answered(id).TurnID)
	require.Equal(t, string(dialogue.HandoffCustomerAsked), *turn.HandoffReason)
	require.Nil(t, turn.Cap)
}

func TestDialogueHasTurnsAgainAfterADay(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Caps = dialogue.Caps{DialogueTurns: 1} })
	b.bot.says("answer")
	id := b.write("hello")
	b.answered(id)
	b.older("25 hours")
	b.write("hello again")
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
}

// fakeSummarizer writes summaries as the test says.
type fakeSummarizer func(ctx context.Context, in bot.Input) (bot.Summary, bool, error)

func (f fakeSummarizer) Fold(ctx context.Context, in bot.Input) (bot.Summary, bool, error) {
	return f(ctx, in)
}

func TestSummaryIsWrittenBesideTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("answer")
	release := make(chan struct{})
	folder := &activities.Folder{Store: b.Store, Log: slog.New(slog.DiscardHandler), Bot: fakeSummarizer(func(_ context.Context, in bot.Input) (bot.Summary, bool, error) {
		<-release
		return bot.Summary{UpTo: in.History[len(in.History)-1].Seq, Text: "Her name is Anna.", Model: "m", Tokens: 5, Usage: bot.Usage{Calls: 1, PromptTokens: 90, CompletionTokens: 5}}, true, nil
	})}
	id := b.write("I am Anna")
	b.answered(id)

	b.replies.Summaries = folder
	b.write("second")
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome, "the answer does not wait for the summary")
	close(release)
	folder.Wait(b.ctx)
	require.Equal(t, 95, b.count("SELECT tokens FROM bot_usage"))

	b.replies.Summaries = nil
	b.write("third")
	b.answered(id)
	seen := b.bot.calls()[2]
	require.Equal(t, "Her name is Anna.", seen.Summary)
	for _, l := range seen.History {
		require.Greater(t, l.Seq, int64(2), "what is in the summary is not shown again")
	}
	require.Equal(t, []string{"third"}, questions(seen))
}

func TestSummaryThatFailsHarmsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("answer")
	b.replies.Summaries = &activities.Folder{Store: b.Store, Log: slog.New(slog.DiscardHandler), Bot: fakeSummarizer(func(context.Context, bot.Input) (bot.Summary, bool, error) {
		return bot.Summary{}, false, errors.New("no model")
	})}
	id := b.write("hello")
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
	b.replies.Summaries.Wait(b.ctx)
	require.Zero(t, b.count("SELECT count(*) FROM dialogue_summaries"))
}

// A process that ends does not wait for summaries for long, but knows what they took.
func TestSummaryThatIsStoppedIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("answer")
	b.replies.Summaries = &activities.Folder{Store: b.Store, Log: slog.New(slog.DiscardHandler), Bot: fakeSummarizer(func(ctx context.Context, _ bot.Input) (bot.Summary, bool, error) {
		<-ctx.Done()
		return bot.Summary{Usage: bot.Usage{Calls: 1, PromptTokens: 90, Estimated: true}}, false, ctx.Err()
	})}
	b.answered(b.write("hello"))
	ending, end := context.WithCancel(b.ctx)
	end()
	b.replies.Summaries.Wait(ending)
	require.Equal(t, 1, b.count("SELECT count(*) FROM bot_usage WHERE calls = 1 AND tokens = 90"))
}

// A process that ends begins no summary any more, and keeps one that was finished in spite of being stopped.
func TestSummariesAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("answer")
	written := 0
	folder := &activities.Folder{Store: b.Store, Log: slog.New(slog.DiscardHandler), Bot: fakeSummarizer(func(ctx context.Context, in bot.Input) (bot.Summary, bool, error) {
		written++
		<-ctx.Done()
		return bot.Summary{UpTo: 1, Text: "in the last moment"}, true, nil
	})}
	b.replies.Summaries = folder
	id := b.write("hello")
	b.answered(id)
	ending, end := context.WithCancel(b.ctx)
	end()
	folder.Wait(ending)
	require.Equal(t, 1, b.count("SELECT count(*) FROM dialogue_summaries WHERE text = 'in the last moment'"))
	b.write("hello again")
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
	folder.Wait(b.ctx)
	require.Equal(t, 1, written)
}

func TestProfileOfAShopThatSetNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("answer")
	b.answered(b.write("hello"))
	require.Equal(t, bot.DefaultProfile(), b.bot.calls()[0].Profile)

	_, err := b.Pool().Exec(b.ctx, `INSERT INTO bot_profile (profile) VALUES ('{"shop":"Tumar","disclose":false}')`)
	require.NoError(t, err)
	p, err := activities.Profile(b.ctx, b.Store)
	require.NoError(t, err)
	require.Equal(t, []any{"Tumar", false, int64(100)}, []any{p.Shop, p.Disclose, p.Caps.DialogueTurns})
}

func TestUsageOfManyDialoguesIsNotOneRow(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.spends(10, 1)
	for i := range 20 {
		thread := fmt.Sprint("thread ", i)
		out, err := b.TakeMessage(b.ctx, store.Inbound{
			ChannelID: b.channel.ID, ThreadKey: thread, IdentityKind: "test", Identity: thread, ProviderMessageID: thread, Text: "hello",
		})
		require.NoError(t, err)
		b.answered(out.Dialogue.ID)
	}
	require.Greater(t, b.count("SELECT count(*) FROM bot_usage"), 5)
	require.Equal(t, 220, b.count("SELECT sum(tokens) FROM bot_usage"))
}

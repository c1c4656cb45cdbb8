package activities_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
	"parley/workflows"
)

// A program that answers everything with one text is not answered for ever, nor told of it, and no model is asked.
func TestAnotherProgramIsLeftToHumansWithoutAWord(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("How can I help?")
	const autoReply = "Спасибо за обращение! Мы ответим в рабочее время."
	id := b.write(autoReply)
	for range 3 {
		require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
		b.write(autoReply)
	}
	said := b.said(id)
	res := b.answered(id)
	require.Equal(t, []any{workflows.ReplyHandedOff, dialogue.ModeOperator, false, ""}, []any{res.Outcome, res.State.Mode, res.ToSend, res.Answer})
	require.Equal(t, said, b.said(id), "nothing more is said")
	require.Len(t, b.bot.calls(), 3)
	turn := b.turn(res.TurnID)
	require.Equal(t, []string{string(dialogue.CapLoopSameText), "rule"}, []string{*turn.Cap, *turn.HandoffReason})
	require.Equal(t, 1, b.count("SELECT count(*) FROM dialogues WHERE waiting_since IS NOT NULL AND status = 'new'"))

	// An operator who looks at it may give it back, and may have the bot draft an answer all the same.
	draft, err := b.OpenSuggestion(b.ctx, id, b.anna.ID)
	require.NoError(t, err)
	require.Empty(t, draft.Cap)
	_, err = b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	b.write(autoReply)
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
}

func TestTooManyAnswersAtOnceAreStoppedForEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Loops.Per10Minutes = 2 })
	b.bot.says("Hello!")
	id := b.write("/start")
	for range 2 {
		require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
		b.write("/start")
	}
	res := b.answered(id)
	require.Equal(t, workflows.ReplyHandedOff, res.Outcome, "also of those that need no model")
	require.Equal(t, string(dialogue.CapLoopRate), *b.turn(res.TurnID).Cap)
	require.Zero(t, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
}

func TestWhoAsksForAHumanInHasteIsNoProgram(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.profile(func(p *bot.Profile) { p.Loops.Per10Minutes = 1 })
	b.bot.says("Да.")
	id := b.write("Есть доставка?")
	b.answered(id)
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		return bot.Answer{Handoff: dialogue.HandoffCustomerAsked, Language: dialogue.Russian}, nil
	}
	b.write("Позовите оператора")
	turn := b.turn(b.answered(id).TurnID)
	require.Equal(t, string(dialogue.HandoffCustomerAsked), *turn.HandoffReason)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
}

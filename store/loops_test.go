package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

const autoReply = "Thank you for your message! We will answer within one day."

// exchange has the customer write and the bot answer, unless a limit is reached, which it returns.
func (b *bundle) exchange(n int, text string) dialogue.Cap {
	b.t.Helper()
	ctx := context.Background()
	turn, err := b.OpenTurn(ctx, b.write("a", fmt.Sprint("m", n), text).Dialogue.ID)
	require.NoError(b.t, err)
	res := store.TurnResult{Text: "answer"}
	if turn.Cap != "" {
		res = store.TurnResult{Handoff: dialogue.HandoffRule, Cap: turn.Cap}
	}
	_, err = b.FinishTurn(ctx, turn, res, false)
	require.NoError(b.t, err)
	return turn.Cap
}

func TestTheSameTextAgainAndAgainIsALoop(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	for i := range 3 {
		require.Empty(t, b.exchange(i, autoReply))
	}
	require.Empty(t, b.exchange(3, "How much is the delivery to Almaty?"), "another text")
	require.Equal(t, dialogue.CapLoopSameText, b.exchange(4, "  "+strings.ToUpper(autoReply[:5])+autoReply[5:]+"\n"), "case and spaces do not matter")

	// Humans have it, and nothing was said: a notice would be answered too.
	var id uuid.UUID
	var reason, detail string
	err := b.Pool().QueryRow(ctx, "SELECT d.id, d.handoff_reason || ' ' || d.handoff_detail, m.data->>'detail' FROM dialogues d JOIN messages m ON m.dialogue_id = d.id AND m.kind = 'event'").Scan(&id, &reason, &detail)
	require.NoError(t, err)
	require.Equal(t, []string{"rule loop_same_text", "loop_same_text"}, []string{reason, detail})
	require.Equal(t, 0, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE cap = 'loop_same_text' AND state = 'handed_off'"))

	// Handed back, it is counted anew.
	d, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	require.Nil(t, d.HandoffDetail)
	for i := range 3 {
		require.Empty(t, b.exchange(10+i, autoReply))
	}
	require.Equal(t, dialogue.CapLoopSameText, b.exchange(20, autoReply))
}

func TestASingleMessageOfABurstThatComesAgainCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	for i := range 4 {
		b.write("a", fmt.Sprint("first", i), autoReply)
		got := b.exchange(i, fmt.Sprint("Ticket ", i))
		require.Equal(t, i == 3, got == dialogue.CapLoopSameText, i)
	}
}

func TestPeopleWhoSayTheSameAreNoLoop(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	for i := range 10 {
		require.Empty(t, b.exchange(i, []string{"ok", "Рахмет!", "да, спасибо"}[i%3]))
	}
	// The same question after more than an hour is one that somebody asks again.
	_, err := b.Pool().Exec(t.Context(), "UPDATE turns SET started_at = started_at - interval '61 minutes'")
	require.NoError(t, err)
	for i := range 3 {
		require.Empty(t, b.exchange(20+i, autoReply))
	}
	_, err = b.Pool().Exec(t.Context(), "UPDATE turns SET started_at = started_at - interval '61 minutes'")
	require.NoError(t, err)
	require.Empty(t, b.exchange(30, autoReply))
}

func TestTooManyAnswersInTenMinutesAreALoop(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	for i := range 20 {
		require.Empty(t, b.exchange(i, fmt.Sprintf("And what of the offer number %d then?", i)))
	}
	_, err := b.Pool().Exec(ctx, "UPDATE turns SET started_at = started_at - interval '11 minutes' WHERE from_seq = 0")
	require.NoError(t, err)
	require.Empty(t, b.exchange(20, "One more"), "nineteen within ten minutes")
	require.Equal(t, dialogue.CapLoopRate, b.exchange(21, "And one more"))
}

func TestLoopsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	require.NoError(t, b.EnsureBotProfile(t.Context(), map[string]any{"loops": dialogue.Loops{}}))
	for i := range 25 {
		require.Empty(t, b.exchange(i, autoReply))
	}
}

package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

// Many customers write at the same moment, just before the day's limit: what is being worded has been spent too.
func TestAnswersThatAreBeingWordedCountForTheDay(t *testing.T) {
	t.Parallel()
	// An answer of yesterday took two calls of 1 000 tokens for 0.01 each.
	for name, limit := range map[string]dialogue.Caps{
		"calls": {DayCalls: 3}, "tokens": {DayTokens: 3000}, "cost": {DayCost: 0.03},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			require.NoError(t, b.EnsureBotProfile(t.Context(), map[string]any{"caps": limit}))
			_, err := b.Pool().Exec(t.Context(), "INSERT INTO bot_usage (day, shard, calls, tokens, cost_micros) VALUES ((now() AT TIME ZONE 'UTC')::date - 1, 3, 2, 2000, 20000)")
			require.NoError(t, err)

			open := func(thread int) store.Turn {
				turn, err := b.OpenTurn(t.Context(), b.write(fmt.Sprint(thread), fmt.Sprint("m", thread), "hello").Dialogue.ID)
				require.NoError(t, err)
				return turn
			}
			var begun []store.Turn
			for i := range 3 {
				begun = append(begun, open(i))
				require.Empty(t, begun[i].Cap, i)
			}
			require.NotEmpty(t, open(3).Cap)

			// One ends without having asked a model, as for a customer who asks for a human: there is room again, but for the
			// one that was refused and has not been handed over yet.
			for _, turn := range begun[:2] {
				_, err = b.FinishTurn(t.Context(), turn, store.TurnResult{Handoff: dialogue.HandoffCustomerAsked, Notice: "A colleague will answer."}, true)
				require.NoError(t, err)
			}
			require.Empty(t, open(4).Cap)
			require.NotEmpty(t, open(5).Cap)
		})
	}
}

// Turns that begin at the same instant, which do not see each other's, do not pass the limit together either.
func TestTurnsThatBeginAtOnceKeepTheDaysLimit(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]dialogue.Caps{"calls": {DayCalls: 10}, "tokens": {DayTokens: 10_000}, "cost": {DayCost: 0.1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			require.NoError(t, b.EnsureBotProfile(t.Context(), map[string]any{"caps": limit}))
			_, err := b.Pool().Exec(t.Context(), "INSERT INTO bot_usage (day, shard, calls, tokens, cost_micros) VALUES ((now() AT TIME ZONE 'UTC')::date - 1, 3, 2, 2000, 20000)")
			require.NoError(t, err)
			var ids []uuid.UUID
			for i := range 40 {
				ids = append(ids, b.write(fmt.Sprint(i), "m", "hello").Dialogue.ID)
			}
			var free atomic.Int32
			var group sync.WaitGroup
			for _, id := range ids {
				group.Go(func() {
					turn, err := b.OpenTurn(t.Context(), id)
					if assert.NoError(t, err) && turn.Cap == "" {
						free.Add(1)
					}
				})
			}
			group.Wait()
			require.EqualValues(t, 10, free.Load())
		})
	}
}

func TestWhatBelongsToNoDialogueCountsForTheDay(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	require.NoError(t, b.SpendBeside(t.Context(), store.Spent{Calls: 1, PromptTokens: 12, CompletionTokens: 1}))
	require.NoError(t, b.SpendBeside(t.Context(), store.Spent{}), "a server that did not hear of it is owed nothing")
	require.Equal(t, 1, b.count("SELECT count(*) FROM bot_usage WHERE calls = 1 AND tokens = 13"))
}

package store_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"parley/store"
)

func TestSummaryOnlyMovesForward(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	for _, c := range []struct {
		upTo  int64
		kept  bool
		stays string
	}{{5, true, "up to 5"}, {5, false, "up to 5"}, {3, false, "up to 5"}, {9, true, "up to 9"}} {
		kept, err := b.SaveSummary(t.Context(), id, store.Summary{UpToSeq: c.upTo, Text: fmt.Sprint("up to ", c.upTo), Model: "m", Tokens: 3})
		require.NoError(t, err)
		require.Equal(t, c.kept, kept)
		var text string
		require.NoError(t, b.Pool().QueryRow(t.Context(), "SELECT text FROM dialogue_summaries WHERE dialogue_id = $1", id).Scan(&text))
		require.Equal(t, c.stays, text)
	}
}

func TestTurnReadsNoMoreThanItCan(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("a", "1", "start "+strings.Repeat("я", 500_000)+" end").Dialogue.ID
	turn, err := b.OpenTurn(t.Context(), id)
	require.NoError(t, err)
	text := turn.Questions[0].Text
	require.Less(t, utf8.RuneCountInString(text), 25_000)
	require.True(t, strings.HasPrefix(text, "start ") && strings.HasSuffix(text, " end"))
}

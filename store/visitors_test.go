package store_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
)

func hashed(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func TestVisitorsWhoStayAwayAreForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	ctx := t.Context()
	const day = 24 * time.Hour
	var sessions [][]byte
	for i := range 12 {
		sessions = append(sessions, hashed(string(rune('a'+i))))
		require.NoError(t, b.AddVisitor(ctx, sessions[i], b.channel.ID))
	}
	v, err := b.Visitor(ctx, sessions[0])
	require.NoError(t, err)
	wrote := b.write(v.SessionID.String(), "1", "hello")
	_, err = b.Visitor(ctx, sessions[0]) // the first visit with a dialogue
	require.NoError(t, err)

	forget := func(after time.Duration, n int) int {
		gone, err := b.ForgetVisitors(ctx, time.Now().Add(after), n)
		require.NoError(t, err)
		return gone
	}
	require.Zero(t, forget(29*day, 100))
	require.Equal(t, 5, forget(31*day, 5))
	require.Equal(t, 6, forget(31*day, 100))
	require.Zero(t, forget(364*day, 100))
	v, err = b.Visitor(ctx, sessions[0])
	require.NoError(t, err)
	require.Equal(t, wrote.Dialogue.ID, v.DialogueID.UUID)
	_, err = b.Visitor(ctx, sessions[5])
	require.Equal(t, dialogue.CodeUnauthorized, dialogue.ErrorCode(err))
	require.Equal(t, 1, forget(366*day, 100))
	_, err = b.Dialogue(ctx, wrote.Dialogue.ID)
	require.NoError(t, err, "what was said stays")

	require.NoError(t, b.AddVisitor(ctx, hashed("late"), b.channel.ID))
	_, err = b.Pool().Exec(ctx, "UPDATE widget_sessions SET expires_at = now()")
	require.NoError(t, err)
	_, err = b.Visitor(ctx, hashed("late"))
	require.Equal(t, dialogue.CodeUnauthorized, dialogue.ErrorCode(err), "over, whether it was removed or not")
}

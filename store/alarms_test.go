package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

// opens takes a message of a new customer and opens the bot's turn.
func (b *bundle) opens(thread string) store.Turn {
	b.t.Helper()
	turn, err := b.OpenTurn(context.Background(), b.write(thread, thread+"-1", "hello").Dialogue.ID)
	require.NoError(b.t, err)
	return turn
}

// failsBy has the bot fail at a turn.
func (b *bundle) failsBy(turn store.Turn, cause string) {
	b.t.Helper()
	_, err := b.FailTurn(context.Background(), turn, store.Failure{Cause: cause, Reason: errors.New("502 bad gateway")}, "one moment")
	require.NoError(b.t, err)
}

// alarms are all that are listed.
func (b *bundle) alarms() []store.AlarmView {
	b.t.Helper()
	alarms, err := b.Alarms(context.Background())
	require.NoError(b.t, err)
	return alarms
}

// alarmEvents counts the events of alarms.
func (b *bundle) alarmEvents() int {
	b.t.Helper()
	return b.count("SELECT count(*) FROM events WHERE kind = 'alarm' AND audience = 'operators'")
}

func TestAnAlarmOpensOnceHoweverManyFail(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	require.Empty(t, b.alarms())
	var turns []store.Turn
	for i := range 50 {
		turns = append(turns, b.opens(fmt.Sprint("t", i)))
	}
	var group sync.WaitGroup
	for _, turn := range turns {
		group.Go(func() { b.failsBy(turn, "unavailable") })
	}
	group.Wait()
	alarms := b.alarms()
	require.Len(t, alarms, 1)
	require.Equal(t, []any{"model", "unavailable", int64(50), int64(50), int64(50)},
		[]any{alarms[0].Kind, alarms[0].Cause, alarms[0].Count, alarms[0].Dialogues, alarms[0].Waiting})
	require.Nil(t, alarms[0].ClosedAt)
	require.Equal(t, 1, b.alarmEvents())
	require.Equal(t, 1, b.count("SELECT count(*) FROM alarms"))

	// Whom a human has answered waits no more.
	_, err := b.PostOperatorMessage(t.Context(), store.OperatorMessage{DialogueID: turns[0].DialogueID, Operator: b.anna, ClientID: "c", Text: "hello"})
	require.NoError(t, err)
	require.Equal(t, int64(49), b.alarms()[0].Waiting)
	backlog, err := b.Backlog(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"unavailable"}, backlog.Alarms)
}

func TestWhenAnAlarmOpens(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.failsBy(b.opens("a"), "timeout")
	b.failsBy(b.opens("b"), "unavailable")
	b.failsBy(b.opens("c"), "timeout")
	require.Empty(t, b.alarms(), "two of a cause are none")

	// What failed long ago does not count.
	_, err := b.Pool().Exec(t.Context(), "UPDATE turns SET finished_at = now() - interval '11 minutes' WHERE cause = 'timeout'")
	require.NoError(t, err)
	b.failsBy(b.opens("d"), "timeout")
	require.Empty(t, b.alarms())

	// A key that is not taken needs no second failure. Each cause has its own alarm.
	b.failsBy(b.opens("e"), "bad_key")
	b.failsBy(b.opens("f"), "timeout")
	b.failsBy(b.opens("g"), "timeout")
	alarms := b.alarms()
	require.Len(t, alarms, 2)
	require.ElementsMatch(t, []string{"bad_key", "timeout"}, []string{alarms[0].Cause, alarms[1].Cause})
	for _, a := range alarms {
		require.Equal(t, a.Cause == "timeout", a.Count == 3, "the one of long ago is not among them")
	}
}

func TestAnAnswerOfTheModelClosesTheAlarm(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	slow, greeting, answered := b.opens("slow"), b.opens("greeting"), b.opens("answered")
	for i := range 3 {
		b.failsBy(b.opens(fmt.Sprint("t", i)), "unavailable")
	}
	// One that the model began before the others failed says nothing, nor does one without a model.
	_, err := b.FinishTurn(ctx, slow, store.TurnResult{Text: "at last", Model: "m", ModelTime: time.Minute}, false)
	require.NoError(t, err)
	_, err = b.FinishTurn(ctx, greeting, store.TurnResult{Text: "hello"}, false)
	require.NoError(t, err)
	require.Nil(t, b.alarms()[0].ClosedAt)
	require.Equal(t, 1, b.alarmEvents())

	_, err = b.FinishTurn(ctx, answered, store.TurnResult{Text: "yes", Model: "m"}, false)
	require.NoError(t, err)
	alarms := b.alarms()
	require.Len(t, alarms, 1)
	require.NotNil(t, alarms[0].ClosedAt)
	require.Equal(t, []any{store.ClosedRecovered, int64(3), int64(3), int64(3)},
		[]any{*alarms[0].ClosedBy, alarms[0].Count, alarms[0].Dialogues, alarms[0].Waiting}, "what failed still waits")
	require.Equal(t, 2, b.alarmEvents())

	// Failures of the alarm before do not count for the next.
	b.failsBy(b.opens("x"), "unavailable")
	b.failsBy(b.opens("y"), "unavailable")
	require.NotNil(t, b.alarms()[0].ClosedAt)
	b.failsBy(b.opens("z"), "unavailable")
	alarms = b.alarms()
	require.Len(t, alarms, 1, "of a cause the newest is listed")
	require.Equal(t, []any{(*time.Time)(nil), int64(3)}, []any{alarms[0].ClosedAt, alarms[0].Count})
}

func TestOneProcessProbesWhileThereIsSomethingToProbeFor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	causes := []string{"unavailable", "bad_key"}
	hold := func(holder string) []string {
		open, err := b.HoldProbe(ctx, holder, time.Minute, causes)
		require.NoError(t, err)
		return open
	}
	require.Empty(t, hold("one"))
	for i := range 3 {
		b.failsBy(b.opens(fmt.Sprint("f", i)), "content_filter")
	}
	require.Empty(t, hold("one"), "no probe can tell whether that is over")
	b.failsBy(b.opens("k"), "bad_key")
	require.Equal(t, []string{"bad_key"}, hold("one"))
	require.Empty(t, hold("two"))
	require.Equal(t, []string{"bad_key"}, hold("one"))

	closed, err := b.ModelAnswered(ctx, causes, time.Minute)
	require.NoError(t, err)
	require.Zero(t, closed, "an answer has failed since it was asked")
	var group sync.WaitGroup
	counts := make([]int, 8)
	for i := range counts {
		group.Go(func() {
			n, err := b.ModelAnswered(ctx, causes, 0)
			require.NoError(t, err)
			counts[i] = n
		})
	}
	group.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	require.Equal(t, 1, sum)
	require.Equal(t, 3, b.alarmEvents(), "two opened, one closed")
	require.Empty(t, hold("one"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM alarms WHERE closed_at IS NULL AND cause = 'content_filter'"))
}

func TestAnOperatorClosesAnAlarm(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.failsBy(b.opens("k"), "bad_key")
	id := b.alarms()[0].ID
	for range 2 {
		a, err := b.CloseAlarm(ctx, id, b.anna)
		require.NoError(t, err)
		require.Equal(t, []any{store.ClosedOperator, b.anna, int64(1)}, []any{*a.ClosedBy, *a.Operator, a.Count})
	}
	require.Equal(t, 2, b.alarmEvents())
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'alarm_closed'"))
	_, err := b.CloseAlarm(ctx, uuid.New(), b.anna)
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err))
}

package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

// silent makes everything in a dialogue so much older.
func (b *bundle) silent(id uuid.UUID, d time.Duration) {
	b.t.Helper()
	_, err := b.Pool().Exec(context.Background(),
		`UPDATE dialogues SET last_message_at = last_message_at - $2::interval, waiting_since = waiting_since - $2::interval,
			human_at = human_at - $2::interval, snoozed_until = snoozed_until - $2::interval WHERE id = $1`, id, d)
	require.NoError(b.t, err)
	_, err = b.Pool().Exec(context.Background(), "UPDATE messages SET created_at = created_at - $2::interval WHERE dialogue_id = $1", id, d)
	require.NoError(b.t, err)
}

// answer has the bot answer what is unanswered.
func (b *bundle) answer(id uuid.UUID) store.Finished {
	b.t.Helper()
	ctx := context.Background()
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(b.t, err)
	done, err := b.FinishTurn(ctx, turn, store.TurnResult{Text: "an answer", Language: dialogue.English}, false)
	require.NoError(b.t, err)
	return done
}

func TestSilenceClosesAnEpisodeAndTheNextMessageOpensAnother(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.answer(id)
	b.silent(id, 23*time.Hour)
	require.Empty(t, b.fire(id).Kinds, "not a day yet")

	b.silent(id, 2*time.Hour)
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerClose}, b.fire(id).Kinds)
	d, err := b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.Equal(t, dialogue.StatusClosed, d.Status)
	require.Equal(t, dialogue.AuthorBot, d.LastMessage.Author, "the list goes on showing what was said")
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes WHERE outcome = 'closed_by_silence' AND closed_at IS NOT NULL"))
	lines, _, err := b.MessagesBefore(ctx, id, 1000, 10)
	require.NoError(t, err)
	require.Equal(t, &store.TimelineEvent{Type: store.TimelineClosed, Detail: store.DetailSilence}, lines[len(lines)-1].Data)
	require.Equal(t, 1, b.count("SELECT count(*) FROM events WHERE payload->'message'->'data'->>'type' = 'closed'"), "the inbox is told")
	require.Empty(t, b.fire(id).Kinds, "it is closed already")

	again := b.write("a", "2", "me again")
	require.Equal(t, dialogue.StatusOpen, again.Dialogue.Status)
	require.Equal(t, 2, b.count("SELECT count(*) FROM episodes"))
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	require.Len(t, turn.Questions, 1)
	require.Equal(t, "me again", turn.Questions[0].Text)
}

func TestSilenceLeavesAloneWhatWaits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	cases := map[string]func(id uuid.UUID){
		"unanswered": func(uuid.UUID) {},
		"drafted":    func(id uuid.UUID) { require.True(t, b.answer(id).ToSend) },
		"taken over": func(id uuid.UUID) {
			_, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
			require.NoError(t, err)
		},
		"answered by an operator": func(id uuid.UUID) { b.operatorWrites(id, "1") },
		"to be sent": func(id uuid.UUID) {
			b.operatorWrites(id, "1")
			_, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
			require.NoError(t, err)
		},
		"for a human to look at": func(id uuid.UUID) {
			b.operatorWrites(id, "1")
			out, err := b.NextOutgoing(ctx, id)
			require.NoError(t, err)
			require.NoError(t, b.begin(&out.Message))
			_, err = b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
			require.NoError(t, err)
			b.deliver(out.Message, dialogue.StateUnconfirmed, "", "")
		},
	}
	for name, prepare := range cases {
		id := b.write(name, "1", "hello").Dialogue.ID
		prepare(id)
		b.silent(id, 48*time.Hour)
		b.fire(id)
	}
	require.Equal(t, len(cases), b.count("SELECT count(*) FROM dialogues WHERE status <> 'closed'"))
}

func TestDialogueIsClosedOnceAndNeverWhenItIsWrittenTo(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	const dialogues, written = 30, 15
	var nodes sync.WaitGroup
	var closed atomic.Int64
	for i := range dialogues {
		id := b.write(fmt.Sprint(i), "1", "hello").Dialogue.ID
		b.answer(id)
		b.silent(id, 48*time.Hour)
		for range 3 {
			nodes.Go(func() { closed.Add(int64(len(b.fire(id).Kinds))) })
		}
		if i < written {
			nodes.Go(func() { b.write(fmt.Sprint(i), "2", "still there") })
		}
	}
	nodes.Wait()
	require.EqualValues(t, closed.Load(), b.count("SELECT count(*) FROM messages WHERE kind = 'event'"), "each once")
	require.GreaterOrEqual(t, closed.Load(), int64(dialogues-written))
	require.Equal(t, written, b.count("SELECT count(*) FROM dialogues WHERE status = 'open' AND customer_seq > answered_seq"),
		"who wrote is in an open dialogue and will be answered")
}

func TestBellsSayWhetherSomethingWaitsToLeave(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	require.False(t, b.bells[0].ToSend)
	b.operatorWrites(id, "1")
	b.write("a", "2", "hello again")
	require.True(t, b.bells[2].ToSend, "also a customer's ring says it")
	taken, err := b.TakeBells(ctx, 10, time.Minute)
	require.NoError(t, err)
	require.Empty(t, taken, "fresh bells are left to the fast path")
	_, err = b.Pool().Exec(ctx, "UPDATE outbox SET due_at = now()")
	require.NoError(t, err)
	taken, err = b.TakeBells(ctx, 10, time.Minute)
	require.NoError(t, err)
	require.Len(t, taken, 1)
	require.True(t, taken[0].ToSend)

	out, err := b.NextOutgoing(ctx, id)
	require.NoError(t, err)
	require.NoError(t, b.begin(&out.Message))
	b.deliver(out.Message, dialogue.StateSent, "77/1", "")
	b.write("a", "3", "thanks")
	require.False(t, b.bells[3].ToSend)
}

func TestWhatDoesNotLeaveIsShownOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	fresh, shown, err := b.ShowStuck(ctx, time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, fresh)
	require.Zero(t, shown)
	b.silent(id, time.Hour)
	stuck, shown, err := b.ShowStuck(ctx, time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{id}, stuck)
	require.Equal(t, 1, shown)
	d, err := b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.NotNil(t, d.WaitingSince)
	stuck, shown, err = b.ShowStuck(ctx, time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{id}, stuck, "its workflow may be lost all the same")
	require.Zero(t, shown)

	require.NoError(t, b.RingAgain(ctx, id))
	newest := b.bells[len(b.bells)-1]
	require.True(t, newest.ToSend)
	require.Contains(t, newest.Rings, dialogue.RingMessageReceived)
}

func TestUnansweredForLongIsFoundUnlessABellIsAboutIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.silent(id, time.Hour)
	stuck, err := b.StuckReplies(ctx, time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, stuck)
	require.NoError(t, b.ForgetBells(ctx, b.bells))
	stuck, err = b.StuckReplies(ctx, time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{id}, stuck)
}

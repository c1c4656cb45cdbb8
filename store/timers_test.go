package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

// fire has everything done that is due in a dialogue.
func (b *bundle) fire(id uuid.UUID) store.Fired {
	b.t.Helper()
	out, err := b.FireTimers(context.Background(), id, func(lang dialogue.Language) string { return "Was that all? " + string(lang) })
	require.NoError(b.t, err)
	return out
}

// timing sets how long timers run, in minutes.
func (b *bundle) timing(t dialogue.Timing) {
	b.t.Helper()
	require.NoError(b.t, b.EnsureBotProfile(context.Background(), map[string]any{"timers": t}))
}

func (b *bundle) lines(id uuid.UUID) (types []store.TimelineType) {
	b.t.Helper()
	all, _, err := b.MessagesBefore(context.Background(), id, 1000, 100)
	require.NoError(b.t, err)
	for _, m := range all {
		if m.Data != nil {
			types = append(types, m.Data.Type)
		}
	}
	return types
}

func kinds(d store.DialogueView) (out []dialogue.TimerKind) {
	for _, t := range d.Timers {
		out = append(out, t.Kind)
	}
	return out
}

func TestSnoozedDialogueComesBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	until := time.Now().Add(time.Hour)
	_, err := b.Snooze(ctx, id, until, b.anna)
	require.ErrorContains(t, err, "take it over")
	b.operatorWrites(id, "1")
	_, err = b.Snooze(ctx, id, time.Now().Add(-time.Second), b.anna)
	require.ErrorContains(t, err, "within a year")

	rung := len(b.bells)
	d, err := b.Snooze(ctx, id, until, b.anna)
	require.NoError(t, err)
	require.Equal(t, dialogue.StatusSnoozed, d.Status)
	require.Equal(t, dialogue.TimerSnooze, d.Timers[0].Kind)
	require.WithinDuration(t, until, d.Due(), time.Millisecond)
	bell := b.bells[len(b.bells)-1]
	require.Len(t, b.bells, rung+1, "the workflow has to know when to wake")
	require.Equal(t, []dialogue.Ring{dialogue.RingTimerSet}, bell.Rings[len(bell.Rings)-1:])
	require.WithinDuration(t, until, bell.Due, time.Millisecond)
	require.Equal(t, d.Version, bell.DialogueVersion)

	require.Empty(t, b.fire(id).Kinds, "not yet")
	b.silent(id, 2*time.Hour)
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerSnooze}, b.fire(id).Kinds)
	d, err = b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.Equal(t, dialogue.StatusOpen, d.Status)
	require.NotNil(t, d.WaitingSince, "somebody has to look")
	require.Equal(t, []store.TimelineType{store.TimelineTakenOver, store.TimelineSnoozed, store.TimelineWoken}, b.lines(id))
	require.Empty(t, b.fire(id).Kinds)
}

func TestCustomerWakesASnoozedDialogue(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	_, err := b.Snooze(context.Background(), id, time.Now().Add(time.Hour), b.anna)
	require.NoError(t, err)
	d := b.write("a", "2", "still there?").Dialogue
	require.Equal(t, dialogue.StatusOpen, d.Status)
	require.Empty(t, d.Timers)
	b.silent(id, 2*time.Hour)
	require.Empty(t, b.fire(id).Kinds)
}

func TestLateAnswersAreShownOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.timing(dialogue.Timing{FirstReply: 5, NextReply: 15})
	id := b.write("a", "1", "hello").Dialogue.ID
	b.fails(id, "One moment.")
	d, err := b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerFirstReply}, kinds(d))
	require.WithinDuration(t, d.WaitingSince.Add(5*time.Minute), d.Due(), time.Millisecond)

	b.silent(id, 6*time.Minute)
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerFirstReply}, b.fire(id).Kinds)
	require.Empty(t, b.fire(id).Kinds, "once")
	d, err = b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.NotNil(t, d.OverdueSince)

	d = b.operatorWrites(id, "1").Dialogue
	require.Nil(t, d.OverdueSince)
	require.Empty(t, d.Timers)
	d = b.write("a", "2", "and then?").Dialogue
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerNextReply}, kinds(d))
	require.WithinDuration(t, d.WaitingSince.Add(15*time.Minute), d.Due(), time.Millisecond)
	require.Equal(t, d.Due(), b.bells[len(b.bells)-1].Due)
}

func TestBotGetsBackWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.timing(dialogue.Timing{Return: 30})
	waiting := b.write("a", "1", "hello").Dialogue.ID
	b.fails(waiting, "One moment.")
	b.silent(waiting, 10*time.Hour)
	require.Empty(t, b.fire(waiting).Kinds, "who was promised a human waits for one")

	id := b.write("b", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	b.silent(id, 20*time.Minute)
	b.write("b", "2", "and then?")
	b.silent(id, 20*time.Minute)
	require.Empty(t, b.fire(id).Kinds, "the operator has half an hour for what the customer wrote")
	b.silent(id, 11*time.Minute)
	fired := b.fire(id)
	require.Equal(t, []dialogue.TimerKind{dialogue.TimerReturn}, fired.Kinds)
	require.Equal(t, dialogue.ModeBot, fired.Dialogue.Mode)
	require.Nil(t, fired.Dialogue.Assignee)
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "and then?", turn.Questions[0].Text)
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'returned_to_bot' AND actor_kind = 'bot' AND detail->>'detail' = 'inactivity'"))
}

func TestSilentCustomerIsAskedOnce(t *testing.T) {
	t.Parallel()
	for kind, sent := range map[string]bool{"widget": false, "telegram": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			b := setup(t, kind)
			b.timing(dialogue.Timing{FollowUp: 60, Close: 24 * 60})
			id := b.write("a", "1", "hello").Dialogue.ID
			done := b.answer(id)
			if kind == "telegram" {
				out, err := b.beginDraft(turnOf(t, b, id))
				require.NoError(t, err)
				b.deliver(out, dialogue.StateSent, "a/1", "")
				d, err := b.Dialogue(ctx, id)
				require.NoError(t, err)
				done.Dialogue = d
			}
			require.Equal(t, []dialogue.TimerKind{dialogue.TimerFollowUp, dialogue.TimerClose}, kinds(done.Dialogue))
			b.silent(id, 2*time.Hour)
			fired := b.fire(id)
			require.Equal(t, []dialogue.TimerKind{dialogue.TimerFollowUp}, fired.Kinds)
			require.Equal(t, sent, fired.ToSend)
			require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'notice' AND text = 'Was that all? en'"))
			require.Equal(t, []dialogue.TimerKind{dialogue.TimerClose}, kinds(fired.Dialogue), "once")
		})
	}
}

func turnOf(t *testing.T, b *bundle, id uuid.UUID) (turn uuid.UUID) {
	t.Helper()
	require.NoError(t, b.Pool().QueryRow(context.Background(), "SELECT id FROM turns WHERE dialogue_id = $1", id).Scan(&turn))
	return turn
}

// What waits to leave keeps a dialogue open, and its timer from coming up again at once.
func TestDialogueWithUnsentMessagesIsNotClosed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	_, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	b.silent(id, 48*time.Hour)
	fired := b.fire(id)
	require.NotEqual(t, dialogue.StatusClosed, fired.Dialogue.Status)
	require.Greater(t, time.Until(fired.Dialogue.Due()), 4*time.Minute)
}

// Settings that changed since hold: the timer is set anew.
func TestTimersGoByTheSettingsOfTheDay(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.answer(id)
	b.timing(dialogue.Timing{Close: 3 * 24 * 60})
	b.silent(id, 25*time.Hour)
	fired := b.fire(id)
	require.Empty(t, fired.Kinds)
	require.Greater(t, time.Until(fired.Dialogue.Due()), 46*time.Hour)
	again, err := b.Dialogue(context.Background(), id)
	require.NoError(t, err)
	require.Equal(t, fired.Dialogue.Due(), again.Due())
}

func TestLateTimersAreFound(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.answer(id)
	require.NoError(t, b.ForgetBells(ctx, b.bells))
	late := func(after time.Duration) []uuid.UUID {
		ids, err := b.LateTimers(ctx, time.Now().Add(after), 10)
		require.NoError(t, err)
		return ids
	}
	require.Empty(t, late(0))
	require.Equal(t, []uuid.UUID{id}, late(25*time.Hour))
	require.NoError(t, b.RingAgain(ctx, id))
	require.Empty(t, late(25*time.Hour), "a bell is about it")
}

// followsUp has a customer of a messenger asked whether that was all; the question waits to leave.
func (b *bundle) followsUp(thread string) db.Message {
	b.t.Helper()
	ctx := context.Background()
	id := b.write(thread, "1", "hello").Dialogue.ID
	b.answer(id)
	m, err := b.beginDraft(turnOf(b.t, b, id))
	require.NoError(b.t, err)
	b.deliver(m, dialogue.StateSent, thread+"/1", "")
	b.silent(id, 2*time.Hour)
	require.True(b.t, b.fire(id).ToSend)
	out, err := b.NextOutgoing(ctx, id)
	require.NoError(b.t, err)
	return out.Message
}

// What a silent customer is asked is the bot's to say: it keeps behind the fence of a takeover.
func TestNoFollowUpAfterATakeover(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	b.timing(dialogue.Timing{FollowUp: 60})

	queued := b.followsUp("a")
	_, err := b.SetMode(ctx, queued.DialogueID, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	require.Equal(t, "failed", b.state(queued.ID))
	require.Error(t, b.begin(&queued), "a worker that has it in hand does not send it")
	out, err := b.NextOutgoing(ctx, queued.DialogueID)
	require.NoError(t, err)
	require.Nil(t, out)

	sending := b.followsUp("b")
	require.NoError(t, b.begin(&sending))
	_, err = b.SetMode(ctx, sending.DialogueID, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	under, err := b.WaitForBotSends(ctx, sending.DialogueID, 0)
	require.NoError(t, err)
	require.Len(t, under, 1, "the takeover names it")
	b.deliver(sending, dialogue.StateQueued, "", "wait")
	require.Equal(t, "failed", b.state(sending.ID), "it is not tried again")
}

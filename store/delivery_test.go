package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

// outgoing is a dialogue with one message of an operator on its way.
func outgoing(t *testing.T) (*bundle, uuid.UUID, db.Message) {
	t.Helper()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	out, err := b.NextOutgoing(context.Background(), id)
	require.NoError(t, err)
	require.NoError(t, b.begin(&out.Message))
	return b, id, out.Message
}

// begin marks a queued message as being on its way.
func (b *bundle) begin(m *db.Message) error {
	_, err := b.BeginSend(context.Background(), m, unhurried(), false)
	return err
}

// beginDraft passes the fence with a drafted answer.
func (b *bundle) beginDraft(turn uuid.UUID) (db.Message, error) {
	b.t.Helper()
	row, err := b.Turn(context.Background(), turn)
	require.NoError(b.t, err)
	m, _, err := b.BeginDraft(context.Background(), row, unhurried(), false)
	return m, err
}

// unhurried is the pace of an account that may send at any time.
func unhurried() channel.Pace { return channel.Pace{Every: time.Millisecond, Burst: time.Minute} }

// deliver records how far a message has come.
func (b *bundle) deliver(m db.Message, state dialogue.DeliveryState, providerID, reason string) {
	b.t.Helper()
	_, err := b.SetDelivery(context.Background(), m, state, providerID, reason)
	require.NoError(b.t, err)
}

func (b *bundle) operatorWrites(id uuid.UUID, clientID string) store.MessageAndDialogue {
	b.t.Helper()
	out, err := b.PostOperatorMessage(context.Background(), store.OperatorMessage{
		DialogueID: id, Operator: b.anna, ClientID: clientID, Text: "message " + clientID,
	})
	require.NoError(b.t, err)
	return out
}

func (b *bundle) state(message uuid.UUID) (state string) {
	b.t.Helper()
	require.NoError(b.t, b.Pool().QueryRow(context.Background(), "SELECT state FROM messages WHERE id = $1", message).Scan(&state))
	return state
}

func TestWhatIsSentStaysSent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, id, m := outgoing(t)
	// One attempt was taken for dead, and another says that nobody knows. Then the first one comes back.
	b.deliver(m, dialogue.StateUnconfirmed, "", "")
	b.deliver(m, dialogue.StateSent, "a/1", "")
	require.Equal(t, "sent", b.state(m.ID))
	events := b.count("SELECT count(*) FROM events")
	for _, late := range []dialogue.DeliveryState{dialogue.StateUnconfirmed, dialogue.StateFailed, dialogue.StateQueued, dialogue.StateSent} {
		b.deliver(m, late, "", "too late")
		require.Equal(t, "sent", b.state(m.ID))
	}
	require.Equal(t, events, b.count("SELECT count(*) FROM events"), "nothing happened")
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE provider_message_id = 'a/1' AND error IS NULL"))
	next, err := b.NextOutgoing(ctx, id)
	require.NoError(t, err)
	require.Nil(t, next)
}

func TestUncertainDeliveryWaitsForAHuman(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, state := range []dialogue.DeliveryState{dialogue.StateUnconfirmed, dialogue.StateFailed} {
		b, id, m := outgoing(t)
		d, err := b.Dialogue(ctx, id)
		require.NoError(t, err)
		require.Nil(t, d.WaitingSince, "the operator has answered")
		for range 2 {
			b.deliver(m, state, "", "no answer")
		}
		again, err := b.Dialogue(ctx, id)
		require.NoError(t, err)
		require.NotNil(t, again.WaitingSince)
		require.Equal(t, d.Mode, again.Mode, "who answers stays as it is")
	}
}

func TestTakeoverLearnsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
	require.NoError(t, err)
	out, err := b.beginDraft(turn.ID)
	require.NoError(t, err)
	_, err = b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)

	left, err := b.WaitForBotSends(ctx, id, 100*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{out.ID}, left)
	waited := make(chan []uuid.UUID)
	go func() {
		left, err := b.WaitForBotSends(ctx, id, time.Minute)
		if err != nil {
			t.Errorf("wait: %v", err)
		}
		waited <- left
	}()
	b.deliver(out, dialogue.StateSent, "a/1", "")
	require.Empty(t, <-waited, "settled meanwhile")

	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = b.WaitForBotSends(gone, id, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
}

// Every write that an activity does can be done again.
func TestActivitiesWritesCanBeRepeated(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	failed, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	for range 2 {
		_, err = b.FailTurn(ctx, failed, store.Failure{Cause: "bad_key", Reason: context.DeadlineExceeded}, "one moment")
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'event'"))
	require.Equal(t, 1, b.count("SELECT cardinality(handoff_reasons) FROM episodes"))

	_, err = b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err, "after an error of the bot it answers what is still open")
	for range 2 { // a draft can be written again until it is sent
		_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
		require.NoError(t, err)
	}
	_, err = b.beginDraft(turn.ID)
	require.NoError(t, err)
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "another"}, false)
	require.ErrorIs(t, err, store.ErrSuperseded)
	for range 2 {
		require.NoError(t, b.SupersedeTurn(ctx, turn.ID))
		_, err = b.FailTurn(ctx, turn, store.Failure{Cause: "timeout", Reason: context.DeadlineExceeded}, "one moment")
		require.NoError(t, err)
	}
	record, err := b.Turn(ctx, turn.ID)
	require.NoError(t, err)
	require.Equal(t, store.TurnAnswered, record.State, "an attempt that comes too late does not rewrite it")
	require.Equal(t, "answer", *record.Answer)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))
	d, err := b.Dialogue(ctx, id)
	require.NoError(t, err)
	require.Equal(t, dialogue.ModeBot, d.Mode)
}

// An attempt whose process stood still learns late what became of its request. By then another may have the message.
func TestOldAttemptsOutcomeChangesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		then func(b *bundle, m db.Message) // what happens to the message meanwhile
		late dialogue.DeliveryState        // what the old attempt has learnt
		want dialogue.DeliveryState
	}{
		"it is known to have failed": {func(b *bundle, m db.Message) { b.deliver(m, dialogue.StateFailed, "", "refused") }, dialogue.StateUnconfirmed, dialogue.StateFailed},
		"it waits to leave again":    {func(b *bundle, m db.Message) { b.deliver(m, dialogue.StateQueued, "", "") }, dialogue.StateUnconfirmed, dialogue.StateQueued},
		"another attempt has it": {func(b *bundle, m db.Message) {
			b.deliver(m, dialogue.StateUnconfirmed, "", "")
			_, err := b.Resend(ctx, m.DialogueID, m.ID, b.anna)
			require.NoError(b.t, err)
			require.NoError(b.t, b.begin(&m))
		}, dialogue.StateQueued, dialogue.StateSending},
		"an operator has queued it again": {func(b *bundle, m db.Message) {
			b.deliver(m, dialogue.StateUnconfirmed, "", "")
			_, err := b.Resend(ctx, m.DialogueID, m.ID, b.anna)
			require.NoError(b.t, err)
		}, dialogue.StateFailed, dialogue.StateQueued},
		"it was given up, and has not left": {func(b *bundle, m db.Message) { b.deliver(m, dialogue.StateUnconfirmed, "", "") }, dialogue.StateQueued, dialogue.StateQueued},
		"it was given up, and has arrived":  {func(b *bundle, m db.Message) { b.deliver(m, dialogue.StateUnconfirmed, "", "") }, dialogue.StateSent, dialogue.StateSent},
		"it is sent again, and had arrived": {func(b *bundle, m db.Message) {
			b.deliver(m, dialogue.StateUnconfirmed, "", "")
			_, err := b.Resend(ctx, m.DialogueID, m.ID, b.anna)
			require.NoError(b.t, err)
		}, dialogue.StateSent, dialogue.StateSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _, m := outgoing(t)
			c.then(b, m)
			b.deliver(m, c.late, "", "")
			var state dialogue.DeliveryState
			require.NoError(t, b.Pool().QueryRow(ctx, "SELECT state FROM messages WHERE id = $1", m.ID).Scan(&state))
			require.Equal(t, c.want, state)
			if c.want == dialogue.StateSending {
				require.ErrorIs(t, b.PartSent(ctx, m, 1), store.ErrTaken)
			}
		})
	}
}

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

// outgoing is a dialogue with one message of an operator on its way.
func outgoing(t *testing.T) (*bundle, uuid.UUID, db.Message) {
	t.Helper()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	b.operatorWrites(id, "1")
	out, err := b.NextOutgoing(context.Background(), id)
	require.NoError(t, err)
	require.NoError(t, b.BeginSend(context.Background(), out.Message))
	return b, id, out.Message
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
	require.NoError(t, b.SetDelivery(ctx, m, dialogue.StateUnconfirmed, "", ""))
	require.NoError(t, b.SetDelivery(ctx, m, dialogue.StateSent, "a/1", ""))
	require.Equal(t, "sent", b.state(m.ID))
	events := b.count("SELECT count(*) FROM events")
	for _, late := range []dialogue.DeliveryState{dialogue.StateUnconfirmed, dialogue.StateFailed, dialogue.StateQueued, dialogue.StateSent} {
		require.NoError(t, b.SetDelivery(ctx, m, late, "", "too late"))
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
			require.NoError(t, b.SetDelivery(ctx, m, state, "", "no answer"))
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
	require.NoError(t, b.SendDraft(ctx, turn.ID))
	out, err := b.NextOutgoing(ctx, id)
	require.NoError(t, err)
	require.NoError(t, b.BeginSend(ctx, out.Message))
	_, err = b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)

	left, err := b.WaitForBotSends(ctx, id, 100*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{out.Message.ID}, left)
	waited := make(chan []uuid.UUID)
	go func() {
		left, err := b.WaitForBotSends(ctx, id, time.Minute)
		if err != nil {
			t.Errorf("wait: %v", err)
		}
		waited <- left
	}()
	require.NoError(t, b.SetDelivery(ctx, out.Message, dialogue.StateSent, "a/1", ""))
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
		_, err = b.FailTurn(ctx, failed, "bad_key", context.DeadlineExceeded, "one moment")
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
	require.NoError(t, b.SendDraft(ctx, turn.ID))
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "another"}, false)
	require.ErrorIs(t, err, store.ErrSuperseded)
	for range 2 {
		require.NoError(t, b.SupersedeTurn(ctx, turn.ID))
		_, err = b.FailTurn(ctx, turn, "timeout", context.DeadlineExceeded, "one moment")
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

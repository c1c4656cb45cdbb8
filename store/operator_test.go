package store_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

func TestOperatorWhoWritesInBotModeTakesOverOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() { b.operatorWrites(id, "1") })
	}
	group.Wait()
	first := b.operatorWrites(id, "1")
	d := first.Dialogue
	require.Equal(t, dialogue.ModeOperator, d.Mode)
	require.Equal(t, string(dialogue.HandoffOperator), *d.HandoffReason)
	require.Equal(t, int64(2), d.Epoch)
	require.Equal(t, b.anna, *d.Assignee)
	require.Equal(t, d.CustomerSeq, d.AnsweredSeq)
	require.Nil(t, d.WaitingSince)
	require.Zero(t, d.Unread)
	require.Equal(t, dialogue.StateQueued, first.Message.State)
	list, _, err := b.MessagesAfter(ctx, id, 0, 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, store.TimelineTakenOver, list[1].Data.Type, "the takeover comes before the message")
	require.Equal(t, first.Message, list[2])

	second := b.operatorWrites(id, "2")
	require.Equal(t, int64(2), second.Dialogue.Epoch, "who holds it goes on holding it")
	rings := []dialogue.Ring{dialogue.RingMessageReceived, dialogue.RingOperatorTookOver, dialogue.RingOperatorWrote}
	require.Equal(t, rings, b.bells[len(b.bells)-1].Rings)
}

func TestOperatorsClientIDsAreOfOneDialogue(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	one, other := b.write("a", "1", "hello").Dialogue.ID, b.write("b", "1", "hello").Dialogue.ID
	require.NotEqual(t, b.operatorWrites(one, "same").Message.ID, b.operatorWrites(other, "same").Message.ID)
	require.Equal(t, dialogue.StateSent, b.operatorWrites(one, "2").Message.State, "on the widget the commit is the delivery")
}

func TestNotesStayInside(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	bells := len(b.bells)
	var note store.MessageAndDialogue
	for range 2 {
		var err error
		note, err = b.PostNote(ctx, id, b.anna, "n", "a difficult customer")
		require.NoError(t, err)
	}
	require.Equal(t, dialogue.ModeBot, note.Dialogue.Mode)
	require.Equal(t, "hello", note.Dialogue.LastMessage.Preview)
	require.Len(t, b.bells, bells, "nothing for the workflow to do")
	seen, err := b.CustomerMessages(ctx, id, -1, 10)
	require.NoError(t, err)
	require.Len(t, seen, 1)
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	require.Empty(t, turn.History, "the bot does not read notes")
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'note'"))
	require.Zero(t, b.count("SELECT count(*) FROM events WHERE audience = 'everyone' AND payload::text LIKE '%difficult%'"))
}

func TestSwitchingToTheModeThatItHasChangesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	for _, mode := range []dialogue.Mode{dialogue.ModeBot, dialogue.ModeOperator, dialogue.ModeBot} {
		first, err := b.SetMode(ctx, id, mode, b.anna)
		require.NoError(t, err)
		events, bells := b.count("SELECT count(*) FROM events"), len(b.bells)
		again, err := b.SetMode(ctx, id, mode, b.anna)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, events, b.count("SELECT count(*) FROM events"))
		require.Len(t, b.bells, bells)
	}
}

func TestTakeoverSpoilsWhatTheBotIsWriting(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, change := range map[string]func(b *bundle, id uuid.UUID) error{
		"taken over": func(b *bundle, id uuid.UUID) error {
			_, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
			return err
		},
		"taken over and handed back": func(b *bundle, id uuid.UUID) error {
			if _, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna); err != nil {
				return err
			}
			_, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
			return err
		},
		"closed": func(b *bundle, id uuid.UUID) error {
			_, err := b.Close(ctx, id, b.anna)
			return err
		},
		"answered by a human": func(b *bundle, id uuid.UUID) error {
			b.operatorWrites(id, "1")
			return nil
		},
	} {
		for _, kind := range []string{"widget", "telegram"} {
			b := setup(t, kind)
			id := b.write("a", "1", "hello").Dialogue.ID
			turn, err := b.OpenTurn(ctx, id)
			require.NoError(t, err)
			drafted := kind == "telegram"
			if drafted {
				_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "too late"}, true)
				require.NoError(t, err)
			}
			require.NoError(t, change(b, id))
			for _, late := range []bool{false, true} {
				_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "too late"}, late)
				require.ErrorIs(t, err, store.ErrSuperseded, name)
				_, err = b.FinishTurn(ctx, turn, store.TurnResult{Handoff: dialogue.HandoffNoAnswer, Notice: "too late"}, late)
				require.ErrorIs(t, err, store.ErrSuperseded, name)
			}
			if drafted {
				row, err := b.Turn(ctx, turn.ID)
				require.NoError(t, err)
				require.Equal(t, store.TurnSuperseded, row.State, name)
				_, err = b.beginDraft(turn.ID)
				require.ErrorIs(t, err, store.ErrSuperseded, name)
			}
			require.Zero(t, b.count("SELECT count(*) FROM messages WHERE text = 'too late'"), name)
		}
	}
}

func TestClosingAndReopening(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	for range 2 {
		d, err := b.Close(ctx, id, b.anna)
		require.NoError(t, err)
		require.Equal(t, dialogue.StatusClosed, d.Status)
		require.Equal(t, d.CustomerSeq, d.AnsweredSeq, "nobody waits in a closed dialogue")
	}
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes WHERE closed_at IS NOT NULL AND outcome = 'closed_by_operator'"))
	for range 2 {
		d, err := b.Reopen(ctx, id, b.anna)
		require.NoError(t, err)
		require.Equal(t, dialogue.StatusOpen, d.Status)
	}
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes WHERE closed_at IS NULL"))
	require.Equal(t, 2, b.count("SELECT count(*) FROM messages WHERE kind = 'event'"))

	_, err := b.Close(ctx, id, b.anna)
	require.NoError(t, err)
	out := b.operatorWrites(id, "1")
	require.Equal(t, dialogue.StatusOpen, out.Dialogue.Status, "an operator who writes opens it again")
	require.Equal(t, 2, b.count("SELECT count(*) FROM episodes"))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM messages m JOIN dialogues d ON d.episode_id = m.episode_id WHERE m.author = 'operator'`))
}

func TestAssigning(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	for range 2 {
		d, err := b.Assign(ctx, id, &b.anna)
		require.NoError(t, err)
		require.Equal(t, b.anna, *d.Assignee)
	}
	for range 2 {
		d, err := b.Assign(ctx, id, nil)
		require.NoError(t, err)
		require.Nil(t, d.Assignee)
	}
	require.Equal(t, 2, b.count("SELECT count(*) FROM messages WHERE kind = 'event'"))
}

func TestUnknownDialogue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := uuid.New()
	_, setMode := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	_, closing := b.Close(ctx, id, b.anna)
	_, reading := b.MarkRead(ctx, id, 1)
	_, opening := b.OpenTurn(ctx, id)
	_, pending := b.Pending(ctx, id)
	for _, err := range []error{setMode, closing, reading, opening, pending, b.MarkReceived(ctx, id, 1, 1)} {
		require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err), "%v", err)
	}
}

// Each change is told to those whom it concerns, with the dialogue as it then is.
func TestEventsOfEachChange(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	var sent store.MessageAndDialogue
	for _, step := range []struct {
		name   string
		do     func() error
		events []string // kind/audience/author
	}{
		{"take over", func() error { _, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna); return err }, []string{"message/operators/system"}},
		{"write", func() error { sent = b.operatorWrites(id, "1"); return nil }, []string{"message/everyone/operator"}},
		{"receipts", func() error { return b.MarkReceived(ctx, id, 0, sent.Message.Seq) }, []string{"message/operators/operator"}},
		{"customer", func() error { b.write("a", "2", "thanks"); return nil }, []string{"message/everyone/customer"}},
		{"read", func() error { _, err := b.MarkRead(ctx, id, 99); return err }, []string{"dialogue/operators/"}},
		{"read again", func() error { _, err := b.MarkRead(ctx, id, 99); return err }, nil},
		{"note", func() error { _, err := b.PostNote(ctx, id, b.anna, "n", "x"); return err }, []string{"message/operators/operator"}},
		{"hand back", func() error { _, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna); return err }, []string{"message/operators/system"}},
		{"hand over", func() error {
			turn, err := b.OpenTurn(ctx, id)
			if err == nil {
				_, err = b.FinishTurn(ctx, turn, store.TurnResult{Handoff: dialogue.HandoffNoAnswer, Notice: "one moment"}, false)
			}
			return err
		}, []string{"message/operators/system", "message/everyone/system"}},
		{"close", func() error { _, err := b.Close(ctx, id, b.anna); return err }, []string{"message/operators/system"}},
	} {
		before := b.count("SELECT coalesce(max(id), 0) FROM events")
		require.NoError(t, step.do(), step.name)
		rows, err := b.Pool().Query(ctx, "SELECT kind, audience, payload FROM events WHERE id > $1 ORDER BY id", before)
		require.NoError(t, err)
		logged, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			Kind, Audience string
			Payload        store.MessageAndDialogue
		}])
		require.NoError(t, err)
		d, err := b.Dialogue(ctx, id)
		require.NoError(t, err)
		var got []string
		for _, e := range logged {
			got = append(got, e.Kind+"/"+e.Audience+"/"+string(e.Payload.Message.Author))
			requireSame(t, d, e.Payload.Dialogue, step.name)
		}
		require.Equal(t, step.events, got, step.name)
	}
}

// requireSame compares what clients are shown.
func requireSame(t *testing.T, want, got any, name string) {
	t.Helper()
	wantJSON, err := json.Marshal(want)
	require.NoError(t, err)
	gotJSON, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, string(wantJSON), string(gotJSON), name)
}

// Whatever takes a dialogue from a turn ends the turn in its own transaction,
// whether or not a worker is alive to notice.
func TestNoTurnStaysOpenThatCannotAnswerAnyMore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, kind := range []string{"widget", "telegram"} {
		b := setup(t, kind)
		for name, end := range map[string]func(id uuid.UUID) error{
			"taken over": func(id uuid.UUID) error { _, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna); return err },
			"closed":     func(id uuid.UUID) error { _, err := b.Close(ctx, id, b.anna); return err },
			"answered":   func(id uuid.UUID) error { b.operatorWrites(id, "1"); return nil },
		} {
			id := b.write(name, "1", "hello").Dialogue.ID
			turn, err := b.OpenTurn(ctx, id)
			require.NoError(t, err)
			if kind == "telegram" {
				_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "a draft"}, false)
				require.NoError(t, err)
			}
			suggestion, err := b.OpenSuggestion(ctx, id, b.anna.ID)
			require.NoError(t, err)
			require.NoError(t, end(id), name)
			record, err := b.Turn(ctx, turn.ID)
			require.NoError(t, err)
			require.Equal(t, store.TurnSuperseded, record.State, name)
			require.NotNil(t, record.FinishedAt)
			record, err = b.Turn(ctx, suggestion.ID)
			require.NoError(t, err)
			require.Equal(t, store.TurnRunning, record.State, "a suggestion is nobody's business but its operator's")
		}
	}
}

package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

// fails has the bot fail at what is unanswered, and returns the turn.
func (b *bundle) fails(id uuid.UUID, notice string) uuid.UUID {
	b.t.Helper()
	turn, err := b.OpenTurn(context.Background(), id)
	require.NoError(b.t, err)
	_, err = b.FailTurn(context.Background(), turn, store.Failure{Cause: "unavailable", Reason: errors.New("502 bad gateway")}, notice)
	require.NoError(b.t, err)
	return turn.ID
}

func TestReplayReturnsTheDialogueToTheBot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	failed := b.fails(id, "one moment")

	d, err := b.ReplayTurn(ctx, failed, &b.anna)
	require.NoError(t, err)
	require.Equal(t, dialogue.ModeBot, d.Mode)
	require.Nil(t, d.WaitingSince)
	require.Less(t, d.AnsweredSeq, d.CustomerSeq, "the bot finds its question")
	require.Equal(t, 1, b.count("SELECT count(*) FROM outbox WHERE 'turn_replayed' = ANY(rings)"))
	_, err = b.ReplayTurn(ctx, failed, &b.anna)
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	require.ErrorContains(t, err, "Anna")

	// It fails again: that is another turn, and the customer, who has been told, is not told again.
	again := b.fails(id, "one moment")
	require.NotEqual(t, failed, again)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
	_, err = b.ReplayTurn(ctx, again, &b.anna)
	require.NoError(t, err)
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
	require.NoError(t, err)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))

	// The next question is another matter.
	b.write("a", "2", "and now?")
	b.fails(id, "one moment")
	require.Equal(t, 2, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
}

func TestReplayLeavesHumansTheirDialogue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, act := range map[string]func(b *bundle, id uuid.UUID) error{
		"they wrote":     func(b *bundle, id uuid.UUID) error { b.operatorWrites(id, "1"); return nil },
		"they noted":     func(b *bundle, id uuid.UUID) error { _, err := b.PostNote(ctx, id, b.anna, "n", "I call"); return err },
		"it is theirs":   func(b *bundle, id uuid.UUID) error { _, err := b.Assign(ctx, id, &b.anna); return err },
		"they closed it": func(b *bundle, id uuid.UUID) error { _, err := b.Close(ctx, id, b.anna); return err },
		"they handed back": func(b *bundle, id uuid.UUID) error {
			_, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
			return err
		},
		"to and fro": func(b *bundle, id uuid.UUID) error {
			_, err := b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
			if err == nil {
				_, err = b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			id := b.write("a", "1", "hello").Dialogue.ID
			failed := b.fails(id, "one moment")
			require.NoError(t, act(b, id))
			before, err := b.Dialogue(ctx, id)
			require.NoError(t, err)
			_, err = b.ReplayTurn(ctx, failed, &b.anna)
			require.ErrorIs(t, err, store.ErrHumansSince)
			require.Zero(t, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"), "nothing has happened")
			require.NoError(t, b.NoteSuggested(ctx, failed, b.anna))
			after, err := b.Dialogue(ctx, id)
			require.NoError(t, err)
			require.Equal(t, before, after)
			replay, err := b.ReplayOf(ctx, failed)
			require.NoError(t, err)
			require.Equal(t, store.ReplaySuggested, replay.Outcome)
			_, err = b.ReplayTurn(ctx, failed, &b.anna)
			require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err), "once")
			require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(b.NoteSuggested(ctx, failed, b.anna)))
			require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"))
		})
	}
}

func TestTwoAdminsReplayAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	failed := b.fails(id, "one moment")
	var admins sync.WaitGroup
	results := make(chan error, 8)
	for range cap(results) {
		admins.Go(func() {
			_, err := b.ReplayTurn(context.Background(), failed, &b.anna)
			results <- err
		})
	}
	admins.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
			continue
		}
		require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err), "%v", err)
	}
	require.Equal(t, 1, done)
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"))
}

func TestFailedTurnsAreListedAndCounted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	var failed []uuid.UUID
	for _, thread := range []string{"a", "b", "c"} {
		failed = append(failed, b.fails(b.write(thread, "1", "question of "+thread).Dialogue.ID, "one moment"))
	}
	list, err := b.Turns(ctx, store.TurnFilter{State: store.TurnFailed}, nil, 2)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "question of c", list[0].Question)
	require.True(t, list[0].Open)
	place := list[1].Place()
	rest, err := b.Turns(ctx, store.TurnFilter{State: store.TurnFailed}, &place, 2)
	require.NoError(t, err)
	require.Len(t, rest, 1)
	_, err = b.ReplayTurn(ctx, failed[0], &b.anna)
	require.NoError(t, err)
	b.operatorWrites(list[0].Dialogue.ID, "answered by hand")
	open, err := b.Turns(ctx, store.TurnFilter{Open: true, Cause: "unavailable"}, nil, 10)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, failed[1], open[0].Turn.ID)
	none, err := b.Turns(ctx, store.TurnFilter{Cause: "bad_key"}, nil, 10)
	require.NoError(t, err)
	require.Empty(t, none)
	counts, err := b.CountFailures(ctx, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, []store.FailureCount{{Cause: "unavailable", Failed: 3, Open: 1}}, counts)
	counts, err = b.CountFailures(ctx, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, []store.FailureCount{{Cause: "unavailable", Open: 1}}, counts, "whoever still waits is counted, however long ago it was")
}

func TestAuditLogSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	ctx := store.ActingAs(context.Background(), store.Actor{Kind: store.ActorOperator, ID: b.anna.ID, Name: b.anna.Name})
	id := b.write("a", "1", "hello").Dialogue.ID
	_, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	_, err = b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	_, err = b.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "tg", Name: "Bot"})
	require.NoError(t, err)
	_, err = b.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "tg", Name: "Bot"})
	require.Error(t, err)

	entries, err := b.Audit(ctx, store.AuditFilter{Actor: uuid.NullUUID{UUID: b.anna.ID, Valid: true}}, nil, 10)
	require.NoError(t, err)
	var told []string
	for _, e := range entries {
		told = append(told, e.Actor.Name+" "+e.Action+" "+e.Object.Kind)
	}
	require.Equal(t, []string{"Anna channel_added channel", "Anna returned_to_bot dialogue", "Anna taken_over dialogue"}, told, "what did not happen is not told")
	one, err := b.Audit(ctx, store.AuditFilter{Object: id.String(), Action: "taken_over"}, nil, 10)
	require.NoError(t, err)
	require.Len(t, one, 1)
	future := time.Now().Add(time.Hour)
	none, err := b.Audit(ctx, store.AuditFilter{Since: &future}, nil, 10)
	require.NoError(t, err)
	require.Empty(t, none)
	commands, err := b.Audit(ctx, store.AuditFilter{Action: "channel_added"}, nil, 10)
	require.NoError(t, err)
	require.Equal(t, store.ActorCommand, commands[len(commands)-1].Actor.Kind, "made without a login")
	require.NoError(t, b.AddAPIToken(ctx, store.NewAPIToken{Operator: b.anna.ID, Hash: []byte("hash"), Name: "order system"}))
	before, err := b.Channel(ctx, b.channel.ID.String())
	require.NoError(t, err)
	_, err = b.SaveChannel(ctx, before.ID, store.SaveChannel{Name: "New name", Settings: before.Settings, Secrets: before.Secrets, Enabled: true})
	require.NoError(t, err)
	changed, err := b.Audit(ctx, store.AuditFilter{Action: "channel_changed"}, nil, 10)
	require.NoError(t, err)
	require.JSONEq(t, `{"renamed":true}`, string(changed[0].Detail), "what stayed is not told")
	tokens, err := b.Audit(ctx, store.AuditFilter{Action: "api_token_made"}, nil, 10)
	require.NoError(t, err)
	require.Len(t, tokens, 1)
	require.JSONEq(t, `{"name":"order system"}`, string(tokens[0].Detail))
}

package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/bot"
	"parley/channel"
	"parley/store"
	"parley/workflows"
)

// failedDialogues has n customers ask what the bot fails at, the longest waiting first.
func (b *bundle) failedDialogues(n int) (ids []uuid.UUID) {
	b.t.Helper()
	for i := range n {
		out, err := b.TakeMessage(b.ctx, store.Inbound{
			ChannelID: b.channel.ID, ThreadKey: fmt.Sprint(i), IdentityKind: "test", Identity: fmt.Sprint(i),
			ProviderMessageID: fmt.Sprint(b.written, "/", i), Text: "question",
		})
		require.NoError(b.t, err)
		turn, err := b.OpenTurn(b.ctx, out.Dialogue.ID)
		require.NoError(b.t, err)
		_, err = b.FailTurn(b.ctx, turn, store.Failure{Cause: string(bot.ErrorUnavailable), Reason: fmt.Errorf("502")}, "one moment")
		require.NoError(b.t, err)
		ids = append(ids, out.Dialogue.ID)
	}
	return ids
}

func (b *bundle) replays(rate int) *activities.Replays {
	return &activities.Replays{Store: b.Store, Rate: rate, Log: slog.New(slog.DiscardHandler)}
}

// page runs the activity once, which must succeed.
func (b *bundle) page(r *activities.Replays, batch uuid.UUID) workflows.ReplayPageResult {
	b.t.Helper()
	res, err := execute[workflows.ReplayPageResult](r.ReplayPage, workflows.ReplayPageInput{BatchID: batch})
	require.NoError(b.t, err)
	return res
}

func (b *bundle) startReplay() store.ReplayBatch {
	b.t.Helper()
	batch, err := b.StartReplay(b.ctx, store.ReplayFilter{})
	require.NoError(b.t, err)
	return batch
}

func TestAPageReplaysAsManyAsTheRate(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	b.failedDialogues(7)
	r, batch := b.replays(3), b.startReplay()
	require.Equal(t, workflows.ReplayPageResult{Wait: time.Second, Total: 7, Replayed: 3}, b.page(r, batch.ID))
	require.Equal(t, workflows.ReplayPageResult{Wait: time.Second, Total: 7, Replayed: 6}, b.page(r, batch.ID))
	require.Equal(t, workflows.ReplayPageResult{Over: true, Total: 7, Replayed: 7}, b.page(r, batch.ID))
	require.Equal(t, workflows.ReplayPageResult{Over: true, Total: 7, Replayed: 7}, b.page(r, batch.ID), "run again it does nothing")
	ended, err := b.Replay(b.ctx, batch.ID)
	require.NoError(t, err)
	require.Equal(t, store.ReplayDone, ended.State)
	require.Equal(t, 7, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'replay_ended'"))
}

// The process dies within a page, when one turn is replayed and the next is not: another worker goes on there.
func TestAPageThatBreaksOffIsGoneOnWith(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	ids := b.failedDialogues(6)
	_, err := b.Assign(b.ctx, ids[0], &b.anna)
	require.NoError(t, err)
	batch := b.startReplay()
	turns, err := b.NextToReplay(b.ctx, batch, 4)
	require.NoError(t, err)
	require.NoError(t, b.ReplayInBatch(b.ctx, batch, turns[0])) // skipped
	require.NoError(t, b.ReplayInBatch(b.ctx, batch, turns[1]))
	// Somebody replays one by itself meanwhile, which the batch then passes over.
	_, err = b.ReplayTurn(b.ctx, turns[3].ID, &b.anna)
	require.NoError(t, err)

	r := b.replays(2)
	res := b.page(r, batch.ID)
	require.Equal(t, []int{3, 1}, []int{res.Replayed, res.Skipped})
	for !res.Over {
		res = b.page(r, batch.ID)
	}
	require.Equal(t, []int{4, 1}, []int{res.Replayed, res.Skipped})
	require.Equal(t, 5, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"))
	require.Equal(t, 5, b.count("SELECT count(*) FROM turns WHERE replayed_at IS NOT NULL"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM dialogues WHERE mode = 'operator'"))
}

func TestABatchWaitsForTheAnswersToWhatIsReplayed(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	ids := b.failedDialogues(24)
	r, batch := b.replays(15), b.startReplay()
	require.Equal(t, 15, b.page(r, batch.ID).Replayed)
	require.Equal(t, 20, b.page(r, batch.ID).Replayed, "no more than there is room for")
	res := b.page(r, batch.ID)
	require.Equal(t, 20, res.Replayed)
	require.Equal(t, 2*time.Second, res.Wait)
	require.NotEmpty(t, res.Why)
	b.bot.says("answer")
	for _, id := range ids[:3] {
		b.answered(id)
	}
	require.Equal(t, 23, b.page(r, batch.ID).Replayed)
	b.answered(ids[3])
	b.answered(ids[4])
	res = b.page(r, batch.ID)
	require.Equal(t, 24, res.Replayed)
	require.True(t, res.Over)
}

func TestBatchesFollowEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	b.failedDialogues(4)
	cause := string(bot.ErrorUnavailable)
	first := b.startReplay()
	second, err := b.StartReplay(b.ctx, store.ReplayFilter{Cause: &cause})
	require.NoError(t, err)
	r := b.replays(3)
	res := b.page(r, second.ID)
	require.Zero(t, res.Replayed)
	require.False(t, res.Over)
	require.NotEmpty(t, res.Why)
	require.Equal(t, 3, b.page(r, first.ID).Replayed)
	_, err = b.StopReplay(b.ctx, first.ID)
	require.NoError(t, err)
	require.True(t, b.page(r, first.ID).Over)
	res = b.page(r, second.ID)
	require.Equal(t, 1, res.Replayed)
	require.True(t, res.Over)
}

func TestCancellingStopsTheBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	b.failedDialogues(1)
	r, batch := b.replays(1), b.startReplay()
	_, err := execute[any](r.StopReplay, workflows.ReplayPageInput{BatchID: batch.ID})
	require.NoError(t, err)
	require.Equal(t, workflows.ReplayPageResult{Over: true, Total: 1}, b.page(r, batch.ID))
	for _, do := range []any{r.StopReplay, r.ReplayPage} {
		_, err = execute[any](do, workflows.ReplayPageInput{BatchID: uuid.New()})
		require.Equal(t, workflows.ReplayGoneErrorType, applicationError(t, err).Type())
		require.True(t, applicationError(t, err).NonRetryable())
	}
}

// A turn that cannot be replayed, for a reason that stays, ends the batch instead of being tried for ever.
func TestABatchThatCannotGoOnIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Widget)
	b.failedDialogues(2)
	r, batch := b.replays(2), b.startReplay()
	_, err := b.Pool().Exec(b.ctx, `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the turn is broken'; END $$;
		CREATE TRIGGER broken BEFORE UPDATE ON turns FOR EACH ROW WHEN (NEW.replayed_at IS NOT NULL) EXECUTE FUNCTION broken()`)
	require.NoError(t, err)
	_, err = execute[workflows.ReplayPageResult](r.ReplayPage, workflows.ReplayPageInput{BatchID: batch.ID})
	require.ErrorContains(t, err, "broken", "it is tried again")
	r.Attempts = 1
	require.True(t, b.page(r, batch.ID).Over)
	ended, err := b.Replay(context.Background(), batch.ID)
	require.NoError(t, err)
	require.Equal(t, store.ReplayFailed, ended.State)
	require.Contains(t, *ended.Error, "the turn is broken")
	require.Equal(t, 2, b.count("SELECT count(*) FROM dialogues WHERE mode = 'operator'"))
}

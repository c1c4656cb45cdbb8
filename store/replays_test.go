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

// failed has n customers ask what the bot fails at; it returns their dialogues, the longest waiting first.
func (b *bundle) failed(n int) (dialogues []uuid.UUID) {
	b.t.Helper()
	for i := range n {
		id := b.write(fmt.Sprint("thread ", i), "1", fmt.Sprint("question ", i)).Dialogue.ID
		b.fails(id, "one moment")
		dialogues = append(dialogues, id)
	}
	return dialogues
}

// as is a context in which Anna acts.
func (b *bundle) as() context.Context {
	return store.ActingAs(context.Background(), store.Actor{Kind: store.ActorOperator, ID: b.anna.ID, Name: b.anna.Name})
}

// work replays up to n turns of a batch, and returns how it stands.
func (b *bundle) work(id uuid.UUID, n int) store.ReplayBatch {
	b.t.Helper()
	ctx := context.Background()
	batch, err := b.Replay(ctx, id)
	require.NoError(b.t, err)
	turns, err := b.NextToReplay(ctx, batch, n)
	require.NoError(b.t, err)
	for _, turn := range turns {
		require.NoError(b.t, b.ReplayInBatch(ctx, batch, turn))
	}
	batch, err = b.Replay(ctx, id)
	require.NoError(b.t, err)
	return batch
}

func TestABatchReplaysTheLongestWaitingFirstAndCountsThem(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	dialogues := b.failed(5)
	_, err := b.Assign(ctx, dialogues[1], &b.anna) // a human has taken it on
	require.NoError(t, err)
	batch, err := b.StartReplay(b.as(), store.ReplayFilter{})
	require.NoError(t, err)
	require.Equal(t, store.ReplayRunning, batch.State)
	require.Equal(t, 5, batch.Total)
	require.Equal(t, "Anna", *batch.By)

	batch = b.work(batch.ID, 3)
	require.Equal(t, []int{2, 1}, []int{batch.Replayed, batch.Skipped})
	for i, id := range dialogues {
		d, err := b.Dialogue(ctx, id)
		require.NoError(t, err)
		want := dialogue.ModeOperator
		if i == 0 || i == 2 {
			want = dialogue.ModeBot
		}
		require.Equal(t, want, d.Mode, i)
	}

	// What fails again meanwhile is for another batch.
	b.fails(dialogues[0], "one moment")
	batch = b.work(batch.ID, 10)
	require.Equal(t, []int{4, 1}, []int{batch.Replayed, batch.Skipped})
	batch = b.work(batch.ID, 10)
	require.Equal(t, []int{4, 1}, []int{batch.Replayed, batch.Skipped}, "the skipped one is not looked at again")
	batch, err = b.EndReplay(ctx, batch.ID, nil)
	require.NoError(t, err)
	require.Equal(t, store.ReplayDone, batch.State)
	require.NotNil(t, batch.FinishedAt)
	require.Equal(t, 4, b.count("SELECT count(*) FROM turns WHERE replayed_by IS NOT NULL"))

	entries, err := b.Audit(ctx, store.AuditFilter{Object: batch.ID.String()}, nil, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"Anna replay_ended", "Anna replay_started"}, []string{
		entries[0].Actor.Name + " " + entries[0].Action, entries[1].Actor.Name + " " + entries[1].Action,
	})
	require.JSONEq(t, `{"state": "done", "replayed": 4, "skipped": 1, "total": 5}`, string(entries[0].Detail))
}

func TestOneBatchOfAFilterRunsAtATime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.failed(1)
	cause := "unavailable"
	filters := []store.ReplayFilter{{}, {Cause: &cause}, {Channel: &b.channel.ID}}
	ids := make([]map[uuid.UUID]bool, len(filters))
	var mu sync.Mutex
	var admins sync.WaitGroup
	for i, f := range filters {
		ids[i] = map[uuid.UUID]bool{}
		for range 4 {
			admins.Go(func() {
				batch, err := b.StartReplay(b.as(), f)
				if err != nil {
					t.Errorf("start a replay: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[i][batch.ID] = true
			})
		}
	}
	admins.Wait()
	for i := range ids {
		require.Len(t, ids[i], 1, "filter %d", i)
	}
	running, err := b.RunningReplays(ctx)
	require.NoError(t, err)
	require.Len(t, running, len(filters))
	require.Equal(t, len(filters), b.count("SELECT count(*) FROM audit WHERE action = 'replay_started'"))

	first, err := b.StartReplay(ctx, store.ReplayFilter{})
	require.NoError(t, err)
	_, err = b.EndReplay(ctx, first.ID, errors.New("a turn is broken"))
	require.NoError(t, err)
	second, err := b.StartReplay(ctx, store.ReplayFilter{})
	require.NoError(t, err)
	require.NotEqual(t, first.ID, second.ID)
	require.Nil(t, second.By, "a command")
	list, err := b.Replays(ctx, nil, 10)
	require.NoError(t, err)
	require.Equal(t, second.ID, list[0].ID, "newest first")
	place := list[1].Place()
	rest, err := b.Replays(ctx, &place, 10)
	require.NoError(t, err)
	require.Len(t, rest, len(list)-2)
	first, err = b.Replay(ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, store.ReplayFailed, first.State)
	require.Equal(t, "a turn is broken", *first.Error)
}

// A worker that was taken for dead may go on beside the one that took its page over.
func TestTwoWorkersOnOneBatchDoNothingTwice(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	const n = 20
	dialogues := b.failed(n)
	for i := range n {
		if i%4 == 0 {
			_, err := b.PostNote(ctx, dialogues[i], b.anna, "n", "I call")
			require.NoError(t, err)
		}
	}
	batch, err := b.StartReplay(b.as(), store.ReplayFilter{})
	require.NoError(t, err)
	turns, err := b.NextToReplay(ctx, batch, n)
	require.NoError(t, err)
	require.Len(t, turns, n)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for _, turn := range turns {
				if err := b.ReplayInBatch(ctx, batch, turn); err != nil && !errors.Is(err, store.ErrReplayMoved) {
					t.Errorf("replay a turn: %v", err)
				}
			}
		})
	}
	workers.Wait()
	batch, err = b.Replay(ctx, batch.ID)
	require.NoError(t, err)
	require.Equal(t, []int{n - n/4, n / 4}, []int{batch.Replayed, batch.Skipped})
	require.Equal(t, batch.Replayed, b.count("SELECT count(*) FROM turns WHERE replayed_at IS NOT NULL"))
	require.Equal(t, batch.Replayed, b.count("SELECT count(*) FROM audit WHERE action = 'turn_replayed'"))
}

func TestAStoppedBatchReplaysNothingMore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.failed(4)
	batch, err := b.StartReplay(ctx, store.ReplayFilter{})
	require.NoError(t, err)
	turns, err := b.NextToReplay(ctx, batch, 4)
	require.NoError(t, err)
	require.NoError(t, b.ReplayInBatch(ctx, batch, turns[0]))
	stopped, err := b.StopReplay(b.as(), batch.ID)
	require.NoError(t, err)
	require.Equal(t, store.ReplayStopped, stopped.State)
	require.ErrorIs(t, b.ReplayInBatch(ctx, batch, turns[1]), store.ErrReplayMoved)
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE replayed_at IS NOT NULL"))
	require.Equal(t, 3, b.count("SELECT count(*) FROM dialogues WHERE mode = 'operator'"))

	again, err := b.StopReplay(ctx, batch.ID)
	require.NoError(t, err)
	require.Equal(t, stopped, again)
	ended, err := b.EndReplay(ctx, batch.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stopped, ended, "what was stopped stays so")
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE action = 'replay_stopped' AND actor_name = 'Anna'"))
	require.Zero(t, b.count("SELECT count(*) FROM audit WHERE action = 'replay_ended'"))
	_, err = b.StopReplay(ctx, uuid.New())
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err))
}

func TestWhatIsReplayedAndNotAnsweredIsCounted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	dialogues := b.failed(4)
	unanswered := func(within time.Duration) int {
		n, err := b.ReplaysUnanswered(ctx, within)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, unanswered(time.Minute))
	batch, err := b.StartReplay(ctx, store.ReplayFilter{})
	require.NoError(t, err)
	b.work(batch.ID, 4)
	require.Equal(t, 4, unanswered(time.Minute))
	turn, err := b.OpenTurn(ctx, dialogues[0])
	require.NoError(t, err)
	require.Equal(t, 4, unanswered(time.Minute), "one that is being worded")
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
	require.NoError(t, err)
	b.fails(dialogues[1], "one moment")
	b.operatorWrites(dialogues[2], "1")
	require.Equal(t, 1, unanswered(time.Minute))
	_, err = b.Pool().Exec(ctx, "UPDATE turns SET replayed_at = now() - interval '2 minutes'")
	require.NoError(t, err)
	require.Zero(t, unanswered(time.Minute), "it holds up nothing any more")
}

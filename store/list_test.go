package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
)

// pages reads the list to its end; between pages something may happen.
func (b *bundle) pages(size int, between func()) (ids []uuid.UUID) {
	b.t.Helper()
	var place *store.Place
	for {
		list, err := b.ListDialogues(context.Background(), store.DialogueFilter{}, place, size)
		require.NoError(b.t, err)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		if len(list) < size {
			return ids
		}
		last := list[len(list)-1]
		place = &store.Place{At: last.LastMessage.CreatedAt, ID: last.ID}
		between()
	}
}

func TestPagesHaveNoGapWhileDialoguesMoveToTheTop(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	all := make(map[uuid.UUID]bool)
	for i := range 25 {
		all[b.write(fmt.Sprint("t", i), "1", "hello").Dialogue.ID] = true
	}
	n := 0
	ids := b.pages(4, func() {
		n++
		b.write(fmt.Sprint("t", (n*7)%25), fmt.Sprint("again ", n), "hello again") // moves to the top
		b.write(fmt.Sprint("new", n), "1", "hello")                                // begins there
	})
	seen := make(map[uuid.UUID]bool)
	for _, id := range ids {
		require.False(t, seen[id], "a dialogue comes twice")
		seen[id] = true
	}
	// One that moved from below the page to above it is not on later pages: the stream has told of it.
	missed := 0
	for id := range all {
		if !seen[id] {
			missed++
		}
	}
	require.LessOrEqual(t, missed, n)

	still := b.pages(4, func() {})
	require.Len(t, still, 25+n)
	require.Len(t, uniqueIDs(still), 25+n)
}

func TestPagesOfDialoguesOfTheSameInstant(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	for i := range 10 {
		b.write(fmt.Sprint("t", i), "1", "hello")
	}
	_, err := b.Pool().Exec(context.Background(), "UPDATE dialogues SET last_message_at = '2026-11-22 12:00:00.123456+05'")
	require.NoError(t, err)
	require.Len(t, uniqueIDs(b.pages(3, func() {})), 10)
}

func uniqueIDs(ids []uuid.UUID) map[uuid.UUID]bool {
	unique := make(map[uuid.UUID]bool)
	for _, id := range ids {
		unique[id] = true
	}
	return unique
}

func TestTranscriptPages(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	var id uuid.UUID
	for i := range 7 {
		id = b.write("a", fmt.Sprint(i), fmt.Sprint(i+1)).Dialogue.ID
	}
	texts := func(list []store.MessageView) (joined string) {
		for _, m := range list {
			joined += m.Text
		}
		return joined
	}
	list, more, err := b.MessagesBefore(ctx, id, 1<<62, 3)
	require.NoError(t, err)
	require.Equal(t, "567", texts(list))
	require.True(t, more)
	list, more, err = b.MessagesBefore(ctx, id, 4, 3)
	require.NoError(t, err)
	require.Equal(t, "123", texts(list))
	require.False(t, more)
	list, more, err = b.MessagesAfter(ctx, id, 4, 3)
	require.NoError(t, err)
	require.Equal(t, "567", texts(list))
	require.False(t, more)
	list, more, err = b.MessagesAfter(ctx, id, 0, 6)
	require.NoError(t, err)
	require.Equal(t, "123456", texts(list))
	require.True(t, more)
	list, err = b.CustomerMessages(ctx, id, -1, 2)
	require.NoError(t, err)
	require.Equal(t, "67", texts(list))
}

func TestRelaysShareTheBells(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	for i := range 60 {
		b.write(fmt.Sprint("t", i), "1", "hello")
	}
	_, err := b.Pool().Exec(ctx, "UPDATE outbox SET due_at = now() - interval '1 s'")
	require.NoError(t, err)
	var mu sync.Mutex
	taken := make(map[uuid.UUID]int)
	var relays sync.WaitGroup
	for range 6 {
		relays.Go(func() {
			bells, err := b.TakeBells(ctx, 10, time.Minute)
			if err != nil {
				t.Errorf("take bells: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, bell := range bells {
				taken[bell.DialogueID]++
			}
		})
	}
	relays.Wait()
	require.NotEmpty(t, taken)
	for id, times := range taken {
		require.Equal(t, 1, times, id)
	}

	_, err = b.Pool().Exec(ctx, "UPDATE outbox SET due_at = now() - interval '1 s'")
	require.NoError(t, err)
	again, err := b.TakeBells(ctx, 100, time.Minute)
	require.NoError(t, err)
	require.Len(t, again, 60, "what was not forgotten within the lease is due again")
}

func TestSameProviderIDInTwoChannels(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	other, err := b.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "other", Name: "Other"})
	require.NoError(t, err)
	take := func(channel uuid.UUID) store.MessageAndDialogue {
		out, err := b.TakeMessage(ctx, store.Inbound{
			ChannelID: channel, ThreadKey: "5", IdentityKind: "telegram_user", Identity: "5", ProviderMessageID: "5/7", Text: "hello",
		})
		require.NoError(t, err)
		return out
	}
	one, two := take(b.channel.ID), take(other.ID)
	require.NotEqual(t, one.Dialogue.ID, two.Dialogue.ID)
	require.Equal(t, one.Message.ID, take(b.channel.ID).Message.ID, "delivered again")
	require.Equal(t, 2, b.count("SELECT count(*) FROM messages"))
}

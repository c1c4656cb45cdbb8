package activities_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/store"
)

// fakeCounters says the same of every dialogue, and as the customer's newest
// message, unless there is one, how often it was asked.
type fakeCounters struct {
	is store.Counters

	mu    sync.Mutex
	asked int64
	ids   []uuid.UUID
	err   error
}

func (f *fakeCounters) Watch(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]store.Counters, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	f.ids = ids
	if f.err != nil {
		return nil, f.err
	}
	found := make(map[uuid.UUID]store.Counters)
	for _, id := range ids {
		found[id] = f.is
		if f.is.CustomerSeq == 0 {
			found[id] = store.Counters{CustomerSeq: f.asked}
		}
	}
	return found, nil
}

func (f *fakeCounters) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeCounters) seen() (int64, []uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked, f.ids
}

func startWatcher(t *testing.T, source *fakeCounters) *activities.Watcher {
	t.Helper()
	watcher := activities.NewWatcher(source, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = watcher.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return watcher
}

const (
	deadline = 10 * time.Second
	moment   = 5 * time.Millisecond
)

func TestWatchersOfOneDialogueShareTheQueryAndGetTheNewest(t *testing.T) {
	t.Parallel()
	source := &fakeCounters{}
	watcher := startWatcher(t, source)
	id := uuid.New()
	one, other := watcher.Watch(id), watcher.Watch(id)
	defer other.Close()
	require.Eventually(t, func() bool { asked, _ := source.seen(); return asked >= 4 }, deadline, moment)
	require.GreaterOrEqual(t, (<-one.C).CustomerSeq, int64(3), "a slow reader finds only the newest")
	_, ids := source.seen()
	require.Equal(t, []uuid.UUID{id}, ids)

	one.Close()
	for range 3 {
		<-other.C // goes on
	}
}

func TestWatcherRestsWhenNobodyWatches(t *testing.T) {
	t.Parallel()
	source := &fakeCounters{}
	watcher := startWatcher(t, source)
	watch := watcher.Watch(uuid.New())
	<-watch.C
	watch.Close()
	asked, _ := source.seen()
	require.Never(t, func() bool { now, _ := source.seen(); return now > asked+1 }, 500*time.Millisecond, 50*time.Millisecond)
	again := watcher.Watch(uuid.New())
	defer again.Close()
	<-again.C
}

func TestWatcherOutlivesADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	source := &fakeCounters{}
	watcher := startWatcher(t, source)
	source.fail(errors.New("connection refused"))
	watch := watcher.Watch(uuid.New())
	defer watch.Close()
	require.Eventually(t, func() bool { asked, _ := source.seen(); return asked >= 2 }, deadline, moment)
	require.Empty(t, watch.C)
	source.fail(nil)
	<-watch.C
}

package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"parley/store"
)

// watchEvery is how soon a running reply learns of a newer message or of a
// takeover. The fence in the record is what keeps the promise; this only saves
// model time and customers' waiting.
const watchEvery = 100 * time.Millisecond

// counters loads the counters of several dialogues at once.
type counters interface {
	Watch(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]store.Counters, error)
}

// Watcher tells running replies how the counters of their dialogues stand. One
// query serves all of a worker's; none runs when there are none.
type Watcher struct {
	source counters
	log    *slog.Logger

	mu      sync.Mutex
	watches map[uuid.UUID]map[*Watch]struct{}
	some    chan struct{} // has an element when there may be watches
}

// NewWatcher makes a Watcher; Run serves it.
func NewWatcher(source counters, log *slog.Logger) *Watcher {
	return &Watcher{source: source, log: log, watches: make(map[uuid.UUID]map[*Watch]struct{}), some: make(chan struct{}, 1)}
}

// Watch is one reply's view of its dialogue. C gets the newest counters each
// time they are looked up; a slow reader finds only the newest.
type Watch struct {
	C  chan store.Counters
	id uuid.UUID
	w  *Watcher
}

// Watch begins to watch a dialogue, until Close.
func (w *Watcher) Watch(id uuid.UUID) *Watch {
	watch := &Watch{C: make(chan store.Counters, 1), id: id, w: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watches[id] == nil {
		w.watches[id] = make(map[*Watch]struct{})
	}
	w.watches[id][watch] = struct{}{}
	select {
	case w.some <- struct{}{}:
	default:
	}
	return watch
}

// Close ends the watch.
func (x *Watch) Close() {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	delete(x.w.watches[x.id], x)
	if len(x.w.watches[x.id]) == 0 {
		delete(x.w.watches, x.id)
	}
}

// Run looks the counters up until ctx is done.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if len(w.ids()) == 0 {
			select {
			case <-w.some:
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		ids := w.ids()
		if len(ids) == 0 {
			continue
		}
		found, err := w.source.Watch(ctx, ids)
		if err != nil {
			if ctx.Err() == nil {
				w.log.Warn("cannot look up the counters of running replies; trying again", "error", err)
			}
			continue
		}
		w.tell(found)
	}
}

func (w *Watcher) ids() []uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(w.watches))
	for id := range w.watches {
		ids = append(ids, id)
	}
	return ids
}

func (w *Watcher) tell(found map[uuid.UUID]store.Counters) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, c := range found {
		for watch := range w.watches[id] {
			select {
			case <-watch.C: // nobody has read the last one: it is older
			default:
			}
			watch.C <- c
		}
	}
}

package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"parley/bot"
	"parley/store"
)

// foldTime bounds the writing of one summary.
const foldTime = 2 * time.Minute

// Summarizer writes the summary of a dialogue when there is need.
type Summarizer interface {
	Fold(ctx context.Context, in bot.Input) (bot.Summary, bool, error)
}

// Folder keeps the summaries of long dialogues, beside the turns that read them.
// No answer waits for it: a summary that comes late, or not at all, is written
// at the next turn.
type Folder struct {
	Store *store.Store
	Bot   Summarizer
	Log   *slog.Logger

	mu      sync.Mutex
	ended   bool                             // none begins any more
	running map[uuid.UUID]context.CancelFunc // one at a time for each dialogue
	group   sync.WaitGroup
}

// Start looks whether the turn's dialogue needs a new summary, and has it written.
func (f *Folder) Start(ctx context.Context, t store.Turn, profile bot.Profile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || f.running[t.DialogueID] != nil {
		return
	}
	if f.running == nil {
		f.running = map[uuid.UUID]context.CancelFunc{}
	}
	// The turn's end does not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), foldTime)
	f.running[t.DialogueID] = cancel
	f.group.Go(func() {
		defer cancel()
		defer f.done(t.DialogueID)
		if err := f.fold(ctx, t, profile); err != nil {
			f.Log.Warn("a dialogue's summary was not written; the next turn tries again", "dialogue_id", t.DialogueID, "error", bot.Public(err))
		}
	})
}

// Wait returns when no summary is being written any more; none begins after that.
// When ctx ends before, it stops those that are; what they took is counted all the same.
func (f *Folder) Wait(ctx context.Context) {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, cancel := range f.running {
			cancel()
		}
	})
	defer stop()
	f.group.Wait()
}

func (f *Folder) done(id uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, id)
}

func (f *Folder) fold(ctx context.Context, t store.Turn, profile bot.Profile) error {
	sum, written, err := f.Bot.Fold(ctx, TurnInput(t, profile))
	if spendErr := f.Store.Spend(context.WithoutCancel(ctx), t, Spent(sum.Usage, profile), true); spendErr != nil {
		f.Log.Warn("what a summary took is not counted", "dialogue_id", t.DialogueID, "error", spendErr)
	}
	if err != nil || !written {
		return err
	}
	_, err = f.Store.SaveSummary(context.WithoutCancel(ctx), t.DialogueID, store.Summary{UpToSeq: sum.UpTo, Text: sum.Text, Model: sum.Model, Tokens: sum.Tokens})
	return err
}

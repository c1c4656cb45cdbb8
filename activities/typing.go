package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"parley/channel"
	"parley/store"
	"parley/store/db"
)

const (
	// typingAtOnce is how many signs of typing are under way at most; more are left out.
	typingAtOnce = 32
	// channelsFor is how long a channel is remembered for signs of typing.
	channelsFor = 30 * time.Second
	typingLimit = 4 * time.Second
)

// Typing shows the customers of messengers that an answer is being written. It is
// a courtesy: it gives way to messages, and errors only leave it out.
type Typing struct {
	store    *store.Store
	accounts Accounts
	senders  map[string]channel.Sender
	log      *slog.Logger

	free  chan struct{}
	mu    sync.Mutex
	known map[uuid.UUID]knownChannel
}

type knownChannel struct {
	db.Channel
	at time.Time
}

// NewTyping makes a Typing.
func NewTyping(s *store.Store, accounts Accounts, senders map[string]channel.Sender, log *slog.Logger) *Typing {
	return &Typing{
		store: s, accounts: accounts, senders: senders, log: log,
		free: make(chan struct{}, typingAtOnce), known: make(map[uuid.UUID]knownChannel),
	}
}

// Show shows that the bot is typing; it does not block.
func (t *Typing) Show(turn store.Turn) {
	typer, ok := t.senders[turn.Kind].(channel.Typer)
	if !ok {
		return
	}
	select {
	case t.free <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-t.free }()
		ctx, cancel := context.WithTimeout(context.Background(), typingLimit)
		defer cancel()
		if err := t.show(ctx, typer, turn); err != nil {
			t.log.Debug("no sign of typing", "dialogue_id", turn.DialogueID, "error", err)
		}
	}()
}

func (t *Typing) show(ctx context.Context, typer channel.Typer, turn store.Turn) error {
	c, err := t.channel(ctx, turn.ChannelID)
	if err != nil {
		return err
	}
	account, err := t.accounts.Account(c)
	if err != nil {
		return err
	}
	if spare, err := t.store.SpareSlot(ctx, c.ID, t.senders[turn.Kind].Pace(account)); err != nil || !spare {
		return err
	}
	return typer.Typing(ctx, account, turn.ThreadKey)
}

func (t *Typing) channel(ctx context.Context, id uuid.UUID) (db.Channel, error) {
	t.mu.Lock()
	k, ok := t.known[id]
	t.mu.Unlock()
	if ok && time.Since(k.at) < channelsFor {
		return k.Channel, nil
	}
	c, err := t.store.Channel(ctx, id.String())
	if err != nil {
		return db.Channel{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[id] = knownChannel{Channel: c, at: time.Now()}
	return c, nil
}

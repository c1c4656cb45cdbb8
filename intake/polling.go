package intake

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"parley/channel"
	"parley/channel/telegram"
	"parley/store"
	"parley/store/db"
)

const (
	// leaseTerm is how long after its process died a bot waits for another one to poll.
	leaseTerm = 12 * time.Second
	// lookEvery is how often leases are renewed and channels looked up.
	lookEvery = 3 * time.Second
)

// Accounts opens a channel's sealed secrets.
type Accounts interface {
	Account(c db.Channel) (channel.Account, error)
}

// Polling polls for the bots whose channels say so. Of all processes, one polls
// for a bot: whoever holds its lease.
type Polling struct {
	Store    *store.Store
	Intake   *Intake
	Accounts Accounts
	API      botAPI
	Log      *slog.Logger
	Restless time.Duration // how soon a poll without updates is repeated; 0: a second
}

// Run polls until ctx is done.
func (p *Polling) Run(ctx context.Context) error {
	holder := uuid.NewString()
	pollers := make(map[uuid.UUID]*running)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	held := time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		wanted, err := p.wanted(ctx)
		if err == nil {
			err = p.hold(ctx, holder, wanted, pollers)
		}
		if err == nil {
			held = began
		} else if ctx.Err() == nil {
			p.Log.Warn("cannot look after polling; trying again", "error", err)
			if time.Since(held) > leaseTerm-lookEvery {
				p.stop(ctx, holder, pollers, nil) // another process may begin any moment
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	p.stop(context.WithoutCancel(ctx), holder, pollers, nil)
	return nil
}

// wanted lists the channels that are polled for.
func (p *Polling) wanted(ctx context.Context) (map[uuid.UUID]db.Channel, error) {
	list, err := p.Store.Channels(ctx)
	if err != nil {
		return nil, err
	}
	wanted := make(map[uuid.UUID]db.Channel)
	for _, c := range list {
		if c.Kind != channel.Telegram || c.DisabledAt != nil {
			continue
		}
		if settings, err := telegram.SettingsOf(channel.Account{Settings: c.Settings}); err == nil && settings.Mode == telegram.ModePolling {
			wanted[c.ID] = c
		}
	}
	return wanted, nil
}

// hold takes and renews leases, and has a poller run for each that is held.
func (p *Polling) hold(ctx context.Context, holder string, wanted map[uuid.UUID]db.Channel, pollers map[uuid.UUID]*running) error {
	p.stop(ctx, holder, pollers, wanted)
	for id, c := range wanted {
		holds, err := p.Store.HoldLease(ctx, id, holder, leaseTerm)
		if err != nil {
			return err
		}
		r, runs := pollers[id]
		switch {
		case runs && !holds:
			p.Log.Warn("another process polls for this channel now", "channel_id", id)
			r.end()
			delete(pollers, id)
		case holds && !runs:
			if r := p.start(ctx, c); r != nil {
				pollers[id] = r
			}
		}
	}
	return nil
}

func (p *Polling) start(ctx context.Context, c db.Channel) *running {
	account, err := p.Accounts.Account(c)
	if err != nil {
		if err := p.Store.SetChannelProblem(ctx, c.ID, err.Error()); err != nil {
			p.Log.Warn("cannot record a channel's problem", "channel_id", c.ID, "error", err)
		}
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	r := &running{channel: c, stop: stop}
	one := &poller{Polling: p, channel: c, account: account, failures: make(map[int64]int)}
	r.done.Go(func() { one.run(ctx) })
	p.Log.Info("polling", "channel_id", c.ID)
	return r
}

// stop ends the pollers of channels that are not wanted as they were, and gives
// their leases back.
func (p *Polling) stop(ctx context.Context, holder string, pollers map[uuid.UUID]*running, wanted map[uuid.UUID]db.Channel) {
	for id, r := range pollers {
		if c, ok := wanted[id]; ok && sameBot(c, r.channel) {
			continue
		}
		r.end()
		delete(pollers, id)
		if err := p.Store.DropLease(ctx, id, holder); err != nil {
			p.Log.Warn("cannot give a lease back", "channel_id", id, "error", err)
		}
	}
}

// end waits until what the poller was storing is stored.
func (r *running) end() {
	r.stop()
	r.done.Wait()
}

// sameBot reports whether nothing that a poller needs has changed.
func sameBot(a, b db.Channel) bool {
	return bytes.Equal(a.Settings, b.Settings) && bytes.Equal(a.Secrets, b.Secrets)
}

// Package intake takes what providers bring: updates of Telegram bots, whether
// Telegram calls a webhook or a poller asks for them.
package intake

import (
	"context"
	"fmt"
	"log/slog"

	"parley/channel/telegram"
	"parley/store"
	"parley/store/db"
)

// Counter is told what became of what came in, by kind of channel.
type Counter interface {
	Inbound(kind, outcome string)
}

// What becomes of an update that is not stored as a message; the record itself
// tells its hooks of those that are.
const (
	DeadLetter = "dead_letter" // not understood: kept for somebody to look at
	Ignored    = "ignored"     // holds nothing for a dialogue
)

// Intake stores updates.
type Intake struct {
	Store *store.Store
	Count Counter // nil: nobody counts
	Log   *slog.Logger
}

// Telegram takes one update. It returns nil only when the update is stored, kept
// as a dead letter, or holds nothing for a dialogue: then it may be acknowledged.
// One that comes twice is stored once.
func (i *Intake) Telegram(ctx context.Context, c db.Channel, body []byte) error {
	e, err := telegram.Parse(body)
	if err != nil {
		i.count(c, DeadLetter)
		return i.Store.KeepDeadLetter(ctx, c.ID, err.Error(), body)
	}
	outcome := ""
	switch {
	case e.Message != nil:
		_, err = i.Store.TakeMessage(ctx, inbound(c, e.Message, body))
	case e.Edit != nil:
		var known bool
		if known, err = i.Store.EditMessage(ctx, inbound(c, e.Edit, body)); err == nil && !known {
			// The message itself never came: what it says now is all there is.
			_, err = i.Store.TakeMessage(ctx, inbound(c, e.Edit, body))
		}
	case e.Blocked != nil:
		err = i.Store.SetBlocked(ctx, c.ID, e.Thread, *e.Blocked)
	default:
		outcome = Ignored
		i.Log.Debug("an update holds nothing for a dialogue", "channel_id", c.ID, "reason", e.Ignored)
	}
	if store.IsUnstorable(err) {
		// Nothing that can be stored comes of it, however often it is delivered.
		outcome = DeadLetter
		err = i.Store.KeepDeadLetter(ctx, c.ID, "it holds what cannot be stored: "+err.Error(), body)
	}
	if err != nil {
		return fmt.Errorf("take update %d of channel %s: %w", e.UpdateID, c.Slug, err)
	}
	if outcome != "" {
		i.count(c, outcome)
	}
	return nil
}

// Abandon keeps as a dead letter an update that could not be stored, for the given
// cause, however often it was tried while others could.
func (i *Intake) Abandon(ctx context.Context, c db.Channel, body []byte, cause error) error {
	if err := i.Store.KeepDeadLetter(ctx, c.ID, "it could not be stored: "+cause.Error(), body); err != nil {
		return err
	}
	i.Log.Error("an update could not be stored and is kept as a dead letter", "channel_id", c.ID, "error", cause)
	i.count(c, DeadLetter)
	return nil
}

func (i *Intake) count(c db.Channel, outcome string) {
	if i.Count != nil {
		i.Count.Inbound(c.Kind, outcome)
	}
}

func inbound(c db.Channel, m *telegram.Message, body []byte) store.Inbound {
	return store.Inbound{
		ChannelID: c.ID, ThreadKey: m.ThreadKey, IdentityKind: telegram.IdentityKind, Identity: m.UserID, ContactName: m.Name, Language: m.Language,
		ProviderMessageID: m.ProviderMessageID, Text: m.Text, Attachments: m.Attachments, Raw: body,
	}
}

// Package intake takes what providers bring: updates of Telegram bots, whether
// Telegram calls a webhook or a poller asks for them.
package intake

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/uuid"

	"parley/channel"
	"parley/channel/telegram"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

// Counter is told what became of what came in, by kind of channel.
type Counter interface {
	Inbound(kind, outcome string)
}

// What becomes of an update. Of those that are taken the record itself tells its
// hooks; the others are counted here.
const (
	Taken      = "taken"       // stored, or stored already
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
	outcome, reason, err := i.telegram(ctx, c, body)
	if err == nil && outcome == DeadLetter {
		err = i.Store.KeepDeadLetter(ctx, c.ID, reason, body)
	}
	if err != nil {
		return err
	}
	if outcome != Taken {
		i.count(c, outcome)
	}
	return nil
}

// telegram stores what an update holds. Of one that nothing can come of, however
// often it is delivered, it says why; an error says that it could not be stored now.
func (i *Intake) telegram(ctx context.Context, c db.Channel, body []byte) (outcome, reason string, err error) {
	e, err := telegram.Parse(body)
	if err != nil {
		return DeadLetter, err.Error(), nil
	}
	outcome = Taken
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
		return DeadLetter, "it holds what cannot be stored: " + err.Error(), nil
	}
	if err != nil {
		return "", "", fmt.Errorf("take update %d of channel %s: %w", e.UpdateID, c.Slug, err)
	}
	return outcome, "", nil
}

// Retry takes a dead letter as if it were delivered now, and removes it when it is
// taken or holds nothing for a dialogue; the outcome says which. One that still
// cannot be taken stays, with the reason that it has now. Whoever dies between
// taking and removing leaves it to the next try, which finds it stored already.
func (i *Intake) Retry(ctx context.Context, id uuid.UUID) (outcome string, err error) {
	letter, err := i.Store.DeadLetter(ctx, id)
	if err != nil {
		return "", err
	}
	c := letter.Channel
	switch {
	case c.Kind != channel.Telegram:
		return "", dialogue.Errorf(dialogue.CodeConflict, "what a %s channel delivered cannot be taken again: it stays here", c.Kind)
	case c.DisabledAt != nil:
		return "", dialogue.Errorf(dialogue.CodeConflict, "the channel %s is switched off: switch it on, then try again", c.Name)
	}
	outcome, reason, err := i.telegram(ctx, c, letter.Body)
	if err != nil {
		if ctx.Err() != nil || i.Store.CanTake(ctx, c.ID) != nil {
			return "", err // nothing can be stored now: that says nothing of the letter
		}
		outcome, reason = DeadLetter, notStored(err)
	}
	if outcome == DeadLetter {
		if err := i.Store.SetDeadLetterReason(ctx, id, reason); err != nil {
			return "", err
		}
		short, _, _ := strings.Cut(reason, ":") // what Postgres or the decoder says in full is in the list
		return "", dialogue.Errorf(dialogue.CodeConflict, "it still cannot be taken, and stays here: %s", short)
	}
	if err := i.Store.DeadLetterTaken(ctx, letter, outcome); err != nil {
		return "", err
	}
	return outcome, nil
}

// Abandon keeps as a dead letter an update that could not be stored, for the given
// cause, however often it was tried while others could.
func (i *Intake) Abandon(ctx context.Context, c db.Channel, body []byte, cause error) error {
	if err := i.Store.KeepDeadLetter(ctx, c.ID, notStored(cause), body); err != nil {
		return err
	}
	i.Log.Error("an update could not be stored and is kept as a dead letter", "channel_id", c.ID, "error", cause)
	i.count(c, DeadLetter)
	return nil
}

func notStored(cause error) string { return "it could not be stored: " + cause.Error() }

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

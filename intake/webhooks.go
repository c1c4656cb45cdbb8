package intake

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"parley/channel"
	"parley/channel/telegram"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

const (
	// webhooksEvery is how often it is looked whether providers reach us.
	webhooksEvery = 5 * time.Minute
	// webhookTerm bounds how long one look keeps other processes from theirs.
	webhookTerm = time.Minute
)

// webhookAPI is what keeping a webhook needs of Telegram.
type webhookAPI interface {
	Webhook(ctx context.Context, a channel.Account) (telegram.Webhook, error)
	SetWebhook(ctx context.Context, a channel.Account, address string) error
}

// Webhooks keeps the channels whose provider calls us connected: it renews an
// address that has changed, and shows when calls do not arrive.
type Webhooks struct {
	Store     *store.Store
	Accounts  Accounts
	API       webhookAPI
	PublicURL string // empty: providers do not reach us
	Log       *slog.Logger
}

// Run looks after the webhooks until ctx is done.
func (w *Webhooks) Run(ctx context.Context) error {
	holder := uuid.NewString()
	tick := time.NewTicker(webhooksEvery)
	defer tick.Stop()
	for {
		if err := w.Look(ctx, holder); err != nil && ctx.Err() == nil {
			w.Log.Warn("cannot look after webhooks; trying again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look looks after every webhook once, except those that another process looks after right now.
func (w *Webhooks) Look(ctx context.Context, holder string) error {
	list, err := w.Store.Channels(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		settings, err := telegram.SettingsOf(channel.Account{Settings: c.Settings})
		if c.Kind != channel.Telegram || c.DisabledAt != nil || err != nil || settings.Mode != telegram.ModeWebhook {
			continue
		}
		if holds, err := w.Store.HoldLease(ctx, c.ID, holder, webhookTerm); err != nil || !holds {
			if err != nil {
				return err
			}
			continue
		}
		problem := w.problem(ctx, c)
		if err := w.Store.SetChannelProblem(ctx, c.ID, problem); err != nil {
			return err
		}
		if err := w.Store.DropLease(ctx, c.ID, holder); err != nil {
			return err
		}
	}
	return nil
}

// problem connects one channel, and says what is wrong with it; empty: nothing.
func (w *Webhooks) problem(ctx context.Context, c db.Channel) string {
	account, err := w.Accounts.Account(c)
	if err != nil {
		return err.Error()
	}
	if w.PublicURL == "" {
		return "Telegram does not know where to call: set PARLEY_PUBLIC_URL, or change the channel to the mode polling"
	}
	address := WebhookURL(w.PublicURL, c.ID)
	info, err := w.API.Webhook(ctx, account)
	if err != nil || info.URL != address {
		if err := w.API.SetWebhook(ctx, account, address); err != nil {
			return dialogue.Told(connectError(err))
		}
		w.Log.Info("webhook set", "channel_id", c.ID)
		return ""
	}
	if info.LastError != "" && info.Pending > 0 {
		if strings.Contains(info.LastError, "webhook: 401") {
			// Our refusal of its secret: a change of the secret reached Telegram and not the record. The record's counts.
			if err := w.API.SetWebhook(ctx, account, address); err != nil {
				return dialogue.Told(connectError(err))
			}
			w.Log.Info("webhook set again: its secret was refused", "channel_id", c.ID)
		}
		return "Telegram cannot deliver messages to " + w.PublicURL + ": " + info.LastError
	}
	return ""
}

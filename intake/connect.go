package intake

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"parley/channel"
	"parley/channel/telegram"
	"parley/dialogue"
)

// telegramAPI is what connecting a bot needs of Telegram.
type telegramAPI interface {
	Me(ctx context.Context, a channel.Account) (username string, err error)
	SetWebhook(ctx context.Context, a channel.Account, address string) error
	DeleteWebhook(ctx context.Context, a channel.Account) error
	Webhook(ctx context.Context, a channel.Account) (telegram.Webhook, error)
}

// Connector checks accounts with their provider and connects them.
type Connector struct {
	API       telegramAPI
	PublicURL string // where the provider reaches us; empty: nowhere
}

// WebhookURL is where Telegram calls for a channel.
func WebhookURL(publicURL string, id uuid.UUID) string {
	return strings.TrimRight(publicURL, "/") + "/hooks/telegram/" + id.String()
}

// Telegram checks a bot's settings and secrets with Telegram, and with a webhook
// has it call us. It returns both as they are to be stored: a secret for the
// webhook is made when there is none. Nothing is stored here.
func (c *Connector) Telegram(ctx context.Context, id uuid.UUID, settings telegram.Settings, secrets map[string]string) (telegram.Settings, map[string]string, error) {
	if settings.Mode == "" {
		settings.Mode = telegram.ModePolling
	}
	kept := map[string]string{telegram.SecretToken: secrets[telegram.SecretToken]}
	if settings.Mode == telegram.ModeWebhook {
		kept[telegram.SecretWebhook] = secrets[telegram.SecretWebhook]
		if kept[telegram.SecretWebhook] == "" {
			kept[telegram.SecretWebhook] = rand.Text()
		}
	}
	if err := telegram.Check(settings, kept); err != nil {
		return settings, nil, err
	}
	settings.Bot = telegram.BotNumber(kept[telegram.SecretToken])
	if settings.Mode == telegram.ModeWebhook {
		if u, err := url.Parse(c.PublicURL); c.PublicURL == "" || err != nil || u.Scheme != "https" && settings.APIBaseURL == "" {
			return settings, nil, dialogue.Errorf(dialogue.CodeInvalid,
				"a webhook needs PARLEY_PUBLIC_URL, an https address that Telegram reaches; without one, use the mode polling")
		}
	}
	account, err := accountOf(id, settings, kept)
	if err != nil {
		return settings, nil, err
	}
	if settings.Username, err = c.API.Me(ctx, account); err != nil {
		return settings, nil, connectError(err)
	}
	if settings.Mode == telegram.ModeWebhook {
		if err := c.API.SetWebhook(ctx, account, WebhookURL(c.PublicURL, id)); err != nil {
			return settings, nil, connectError(err)
		}
	}
	return settings, kept, nil
}

// Disconnect has Telegram call us no more; what it has for us it keeps for a day.
func (c *Connector) Disconnect(ctx context.Context, a channel.Account) error {
	settings, err := telegram.SettingsOf(a)
	if err != nil || settings.Mode != telegram.ModeWebhook {
		return err
	}
	if err := c.API.DeleteWebhook(ctx, a); err != nil {
		return connectError(err)
	}
	return nil
}

// Check asks Telegram whether the bot's token is accepted and, with a webhook,
// whether its calls come here.
func (c *Connector) Check(ctx context.Context, id uuid.UUID, a channel.Account) error {
	settings, err := telegram.SettingsOf(a)
	if err != nil {
		return err
	}
	if _, err := c.API.Me(ctx, a); err != nil {
		return connectError(err)
	}
	if settings.Mode != telegram.ModeWebhook || c.PublicURL == "" {
		return nil
	}
	switch info, err := c.API.Webhook(ctx, a); {
	case err != nil:
		return connectError(err)
	case info.URL != WebhookURL(c.PublicURL, id):
		return dialogue.Errorf(dialogue.CodeConflict, "Telegram does not call %s: a running api node sets that again within a few minutes", c.PublicURL)
	case info.LastError != "" && info.Pending > 0:
		return dialogue.Errorf(dialogue.CodeConflict, "Telegram cannot deliver messages to %s: %s", c.PublicURL, info.LastError)
	}
	return nil
}

func accountOf(id uuid.UUID, settings telegram.Settings, secrets map[string]string) (channel.Account, error) {
	raw, err := json.Marshal(settings)
	if err != nil {
		return channel.Account{}, err
	}
	return channel.Account{ID: id.String(), Kind: channel.Telegram, Settings: raw, Secrets: secrets}, nil
}

// connectError tells an admin what Telegram did not like.
func connectError(err error) error {
	apiErr, ok := errors.AsType[*telegram.APIError](err)
	switch {
	case !ok:
		return err
	case apiErr.Status == http.StatusUnauthorized || apiErr.Status == http.StatusNotFound:
		return dialogue.Errorf(dialogue.CodeInvalid, "Telegram does not know this token: copy it once more from @BotFather")
	case apiErr.Status == 0 || apiErr.Status >= 500:
		return dialogue.Errorf(dialogue.CodeUnavailable, "the token cannot be checked now (%s): try again", apiErr.Reason)
	}
	return dialogue.Errorf(dialogue.CodeInvalid, "%s", apiErr.Reason)
}

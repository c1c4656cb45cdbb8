package intake

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"parley/channel"
	"parley/channel/telegram"
	"parley/channel/widget"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

// Vault seals channels' secrets and opens them again.
type Vault interface {
	Seal(secrets map[string]string) (sealed []byte, keyID string, err error)
	Account(c db.Channel) (channel.Account, error)
}

// Manager adds and changes channels: nothing is stored that the provider does not accept.
type Manager struct {
	Store     *store.Store
	Vault     Vault
	Connector *Connector
	Log       *slog.Logger
}

// NewChannel is a channel to add, with its secrets in the clear.
type NewChannel struct {
	Kind     string            `json:"kind"`
	Slug     string            `json:"slug"`
	Name     string            `json:"name"`
	Settings json.RawMessage   `json:"settings"`
	Secrets  map[string]string `json:"secrets"`
}

// Change is what changes of a channel; what is nil stays.
type Change struct {
	Name     *string           `json:"name"`
	Enabled  *bool             `json:"enabled"`
	Settings json.RawMessage   `json:"settings"` // an object; what it does not name stays, null takes back
	Secrets  map[string]string `json:"secrets"`  // those that are not named stay
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func checkName(name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > dialogue.MaxName || strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
		return dialogue.Errorf(dialogue.CodeInvalid, "name has 1 to %d characters", dialogue.MaxName)
	}
	return nil
}

// Add adds a channel.
func (m *Manager) Add(ctx context.Context, in NewChannel) (db.Channel, error) {
	if !slugForm.MatchString(in.Slug) {
		return db.Channel{}, dialogue.Errorf(dialogue.CodeInvalid, "slug has 1 to 63 characters of a-z, 0-9 and -, and begins with a letter or digit")
	}
	if _, err := uuid.Parse(in.Slug); err == nil {
		return db.Channel{}, dialogue.Errorf(dialogue.CodeInvalid, "slug looks like an id: choose a word")
	}
	if err := checkName(in.Name); err != nil {
		return db.Channel{}, err
	}
	if _, err := m.Store.Channel(ctx, in.Slug); err == nil { // before a provider is told of anything
		return db.Channel{}, dialogue.Errorf(dialogue.CodeConflict, "there is already a channel with the slug %s", in.Slug)
	}
	add := store.NewChannel{ID: store.NewID(), Kind: in.Kind, Slug: in.Slug, Name: in.Name}
	settings, secrets, err := m.connect(ctx, add.ID, in.Kind, in.Settings, in.Secrets)
	if err != nil {
		return db.Channel{}, err
	}
	add.Settings = settings
	if len(secrets) > 0 {
		if add.Secrets, add.SecretKeyID, err = m.Vault.Seal(secrets); err != nil {
			return db.Channel{}, err
		}
	}
	return m.Store.AddChannel(ctx, add)
}

// Change changes a channel, and checks it with its provider again.
func (m *Manager) Change(ctx context.Context, idOrSlug string, in Change) (db.Channel, error) {
	c, err := m.Store.Channel(ctx, idOrSlug)
	if err != nil {
		return db.Channel{}, err
	}
	save := store.SaveChannel{Name: c.Name, Settings: c.Settings, Secrets: c.Secrets, SecretKeyID: c.SecretKeyID, NewSecrets: len(in.Secrets) > 0, Enabled: c.DisabledAt == nil}
	if in.Name != nil {
		if err := checkName(*in.Name); err != nil {
			return db.Channel{}, err
		}
		save.Name = *in.Name
	}
	if in.Enabled != nil {
		save.Enabled = *in.Enabled
	}
	changed := given(in.Settings) || len(in.Secrets) > 0
	if given(in.Settings) {
		if save.Settings, err = merged(c.Settings, in.Settings); err != nil {
			return db.Channel{}, err
		}
	}
	switch {
	case changed || save.Enabled && c.DisabledAt != nil:
		if err := m.reconnect(ctx, c, in.Secrets, &save); err != nil {
			return db.Channel{}, err
		}
		if !save.Enabled {
			m.disconnect(ctx, c)
		}
	case !save.Enabled && c.DisabledAt == nil:
		m.disconnect(ctx, c)
	}
	return m.Store.SaveChannel(ctx, c.ID, save)
}

// merged are settings with those of a change in their place.
func merged(settings, change json.RawMessage) (json.RawMessage, error) {
	all, changed := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal(change, &changed); err != nil {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "settings are an object")
	}
	if err := json.Unmarshal(settings, &all); err != nil {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "the channel's settings cannot be read")
	}
	for name, value := range changed {
		if all[name] = value; !given(value) {
			delete(all, name)
		}
	}
	return json.Marshal(all)
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// reconnect checks a changed channel with its provider. A key that cannot open
// the old secrets is no hindrance to new ones.
func (m *Manager) reconnect(ctx context.Context, c db.Channel, changed map[string]string, save *store.SaveChannel) error {
	account, err := m.Vault.Account(c)
	if err != nil && len(changed) == 0 {
		return dialogue.Errorf(dialogue.CodeConflict, "%s", err)
	}
	if c.Kind == channel.Widget && len(changed) > 0 {
		return dialogue.Errorf(dialogue.CodeInvalid, "a widget has no secrets: %s is none of a Telegram bot", c.Slug)
	}
	if err := sameAccount(c, account.Secrets, changed); err != nil {
		return err
	}
	secrets := make(map[string]string)
	maps.Copy(secrets, account.Secrets)
	maps.Copy(secrets, changed)
	save.Settings, secrets, err = m.connect(ctx, c.ID, c.Kind, save.Settings, secrets)
	if err != nil || len(secrets) == 0 {
		return err
	}
	sealed, keyID, err := m.Vault.Seal(secrets)
	save.Secrets, save.SecretKeyID = sealed, &keyID
	return err
}

// sameAccount refuses the token of another bot: Telegram numbers messages within a
// bot's chats, so another bot's would be taken for copies of those that are here.
func sameAccount(c db.Channel, before, changed map[string]string) error {
	token := changed[telegram.SecretToken]
	if c.Kind != channel.Telegram || token == "" {
		return nil
	}
	if err := telegram.Check(telegram.Settings{}, changed); err != nil {
		return err
	}
	settings, err := telegram.SettingsOf(channel.Account{Settings: c.Settings})
	if err != nil {
		return err
	}
	bot := settings.Bot
	if bot == "" { // connected before that was noted
		bot = telegram.BotNumber(before[telegram.SecretToken])
	}
	if bot != "" && bot != telegram.BotNumber(token) {
		return dialogue.Errorf(dialogue.CodeConflict, "this is the token of another bot: add a channel of its own for it")
	}
	return nil
}

// oneChannelEach refuses a bot that another channel has already: both would take
// and answer every message.
func (m *Manager) oneChannelEach(ctx context.Context, id uuid.UUID, token string) error {
	all, err := m.Store.Channels(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ID == id || c.Kind != channel.Telegram {
			continue
		}
		settings, err := telegram.SettingsOf(channel.Account{Settings: c.Settings})
		if err != nil {
			return err
		}
		if number := telegram.BotNumber(token); number != "" && settings.Bot == number {
			return dialogue.Errorf(dialogue.CodeConflict, "this bot is already connected as the channel %s: change that one, or take the token of another bot", c.Slug)
		}
	}
	return nil
}

// disconnect is no condition of switching a channel off: what comes is not taken.
func (m *Manager) disconnect(ctx context.Context, c db.Channel) {
	if c.Kind != channel.Telegram {
		return
	}
	account, err := m.Vault.Account(c)
	if err == nil {
		err = m.Connector.Disconnect(ctx, account)
	}
	if err != nil {
		m.Log.Warn("cannot disconnect a channel that is switched off", "channel_id", c.ID, "error", err)
	}
}

// connect checks settings and secrets, with the provider if there is one, and
// makes of them what is stored.
func (m *Manager) connect(ctx context.Context, id uuid.UUID, kind string, settings json.RawMessage, secrets map[string]string) (json.RawMessage, map[string]string, error) {
	if !given(settings) {
		settings = json.RawMessage("{}")
	}
	switch kind {
	case channel.Widget:
		var w widget.Settings
		if err := json.Unmarshal(settings, &w); err != nil {
			return nil, nil, dialogue.Errorf(dialogue.CodeInvalid, `settings of a widget are {"allowed_origins": [...]}`)
		}
		return settings, nil, w.Check()
	case channel.Telegram:
		var t telegram.Settings
		if err := json.Unmarshal(settings, &t); err != nil {
			return nil, nil, dialogue.Errorf(dialogue.CodeInvalid, `settings of a Telegram channel are {"mode": "polling" or "webhook", "api_base_url": "…"}`)
		}
		if err := m.oneChannelEach(ctx, id, secrets[telegram.SecretToken]); err != nil {
			return nil, nil, err
		}
		t, kept, err := m.Connector.Telegram(ctx, id, t, secrets)
		if err != nil {
			return nil, nil, err
		}
		settings, err = json.Marshal(t)
		return settings, kept, err
	}
	return nil, nil, dialogue.Errorf(dialogue.CodeInvalid, "kind %q is neither widget nor telegram", kind)
}

// Check asks the provider whether a channel works, and records what it says. That
// the provider could not be asked is no problem of the channel's.
func (m *Manager) Check(ctx context.Context, c db.Channel) error {
	if c.Kind != channel.Telegram {
		return nil
	}
	account, err := m.Vault.Account(c)
	if err == nil {
		err = m.Connector.Check(ctx, c.ID, account)
	}
	if dialogue.ErrorCode(err) == dialogue.CodeUnavailable {
		return err
	}
	problem := ""
	if err != nil {
		problem = dialogue.Told(err)
	}
	if storeErr := m.Store.SetChannelProblem(ctx, c.ID, problem); storeErr != nil {
		return storeErr
	}
	return err
}

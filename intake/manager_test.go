package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/channel"
	"parley/channel/telegram"
	"parley/dialogue"
	"parley/intake"
	"parley/store/db"
)

// fakeVault keeps secrets as they are, until its key is lost.
type fakeVault struct{ lost bool }

func (v *fakeVault) Seal(secrets map[string]string) ([]byte, string, error) {
	sealed, err := json.Marshal(secrets)
	return sealed, "key", err
}

func (v *fakeVault) Account(c db.Channel) (channel.Account, error) {
	if v.lost {
		return channel.Account{}, errors.New("sealed under another key")
	}
	a := channel.Account{ID: c.ID.String(), Kind: c.Kind, Settings: c.Settings}
	return a, json.Unmarshal(c.Secrets, &a.Secrets)
}

// fakeWebhookAPI is Telegram as channels are connected to it. It shows what is
// wrong with its calls until the webhook is set again.
type fakeWebhookAPI struct {
	webhook telegram.Webhook
	secret  string
	set     int
}

func (f *fakeWebhookAPI) Me(context.Context, channel.Account) (string, error) { return "shop_bot", nil }

func (f *fakeWebhookAPI) SetWebhook(_ context.Context, a channel.Account, address string) error {
	f.webhook, f.secret = telegram.Webhook{URL: address}, a.Secrets[telegram.SecretWebhook]
	f.set++
	return nil
}

func (f *fakeWebhookAPI) DeleteWebhook(context.Context, channel.Account) error { return nil }

func (f *fakeWebhookAPI) Webhook(context.Context, channel.Account) (telegram.Webhook, error) {
	return f.webhook, nil
}

const (
	publicURL = "https://parley.example"
	botToken  = "123456789:AAE-token-of-the-bot"
)

func (b *bundle) manager(v *fakeVault, api *fakeWebhookAPI) *intake.Manager {
	return &intake.Manager{
		Store: b.store, Vault: v, Log: slog.New(slog.DiscardHandler), Connector: &intake.Connector{API: api, PublicURL: publicURL},
	}
}

// connect adds a bot that Telegram calls us for.
func (b *bundle) connect(m *intake.Manager) db.Channel {
	b.t.Helper()
	c, err := m.Add(b.t.Context(), intake.NewChannel{
		Kind: channel.Telegram, Slug: "hooked", Name: "Hooked", Settings: json.RawMessage(`{"mode":"webhook"}`),
		Secrets: map[string]string{telegram.SecretToken: botToken, telegram.SecretWebhook: "first-secret"},
	})
	require.NoError(b.t, err)
	return c
}

// Two channels of one bot would both answer whoever writes to it.
func TestBotHasOneChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.manager(&fakeVault{}, &fakeWebhookAPI{})
	c := b.connect(m)
	add := func(slug, token string) error {
		_, err := m.Add(t.Context(), intake.NewChannel{Kind: channel.Telegram, Slug: slug, Name: "Second", Secrets: map[string]string{telegram.SecretToken: token}})
		return err
	}
	err := add("second", botToken)
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	require.ErrorContains(t, err, "already connected as the channel hooked")
	require.Error(t, add("second", "123456789:AAE-new-token-of-it"), "a new token is the same bot's")
	off := false
	_, err = m.Change(t.Context(), c.Slug, intake.Change{Enabled: &off})
	require.NoError(t, err)
	require.Error(t, add("second", botToken), "it may be switched on again")
	require.NoError(t, add("second", "987654321:AAE-token-of-another"))
	name := "Renamed"
	_, err = m.Change(t.Context(), c.Slug, intake.Change{Name: &name, Secrets: map[string]string{telegram.SecretToken: botToken}})
	require.NoError(t, err, "the channel itself may be changed")
}

// A change of one setting leaves the others.
func TestSettingsThatAreNotNamedStay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.manager(&fakeVault{}, &fakeWebhookAPI{})
	c := b.connect(m)
	settings := func(change string) (out map[string]any) {
		changed, err := m.Change(t.Context(), c.Slug, intake.Change{Settings: json.RawMessage(change)})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(changed.Settings, &out))
		return out
	}
	require.Equal(t, "https://api.example", settings(`{"api_base_url":"https://api.example"}`)["api_base_url"])
	after := settings(`{"mode":"polling"}`)
	require.Equal(t, []any{"polling", "https://api.example"}, []any{after["mode"], after["api_base_url"]})
	require.NotContains(t, settings(`{"api_base_url":null}`), "api_base_url")
	_, err := m.Change(t.Context(), c.Slug, intake.Change{Settings: json.RawMessage(`[]`)})
	require.Equal(t, dialogue.CodeInvalid, dialogue.ErrorCode(err))
}

// Another bot numbers its messages by itself: they would be taken for copies of those that are here.
func TestChannelStaysWithItsBot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, api := &fakeVault{}, &fakeWebhookAPI{}
	m := b.manager(v, api)
	c := b.connect(m)
	change := func(token string) error {
		_, err := m.Change(t.Context(), c.Slug, intake.Change{Secrets: map[string]string{telegram.SecretToken: token}})
		return err
	}
	const sameBots, anothers = "123456789:AAE-new-token-of-it", "987654321:AAE-token-of-another"
	refused := func(because string) {
		t.Helper()
		set := api.set
		err := change(anothers)
		require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err), because)
		require.ErrorContains(t, err, "add a channel of its own", because)
		require.Equal(t, set, api.set, "Telegram was told nothing")
	}

	refused("the channel knows its bot")
	require.NoError(t, change(sameBots))
	require.ErrorContains(t, change("garbage"), "does not look like")

	_, err := m.Change(t.Context(), c.Slug, intake.Change{Settings: json.RawMessage(`{"mode":"webhook","bot":"987654321"}`)})
	require.NoError(t, err)
	refused("whose bot it is nobody sets")

	v.lost = true
	refused("also when the old token cannot be read any more")
	require.NoError(t, change(sameBots))
	v.lost = false

	_, err = b.store.Pool().Exec(t.Context(), "UPDATE channels SET settings = settings - 'bot' WHERE id = $1", c.ID)
	require.NoError(t, err)
	refused("the bot's number was not noted: the old token tells it")
	require.NoError(t, change(sameBots))
}

// A change of the secret that Telegram took and the record did not.
func TestWebhookWhoseSecretIsRefusedIsSetAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, api := &fakeVault{}, &fakeWebhookAPI{}
	m := b.manager(v, api)
	c := b.connect(m)
	_, err := b.store.Pool().Exec(t.Context(), `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''gone''; END';
		CREATE TRIGGER refuse BEFORE UPDATE ON channels EXECUTE FUNCTION refuse()`)
	require.NoError(t, err)
	_, err = m.Change(t.Context(), c.Slug, intake.Change{Secrets: map[string]string{telegram.SecretWebhook: "second-secret"}})
	require.Error(t, err)
	_, err = b.store.Pool().Exec(t.Context(), "DROP TRIGGER refuse ON channels")
	require.NoError(t, err)
	require.Equal(t, "second-secret", api.secret, "Telegram has it")

	w := &intake.Webhooks{Store: b.store, Accounts: v, API: api, PublicURL: publicURL, Log: slog.New(slog.DiscardHandler)}
	look := func() (problem string) {
		t.Helper()
		require.NoError(t, w.Look(t.Context(), "me"))
		saved, err := b.store.Channel(t.Context(), c.Slug)
		require.NoError(t, err)
		if saved.Problem != nil {
			problem = *saved.Problem
		}
		return problem
	}
	before := api.set
	for _, others := range []string{"Wrong response from the webhook: 500 Internal Server Error", "Connection timed out"} {
		api.webhook.Pending, api.webhook.LastError = 3, others
		require.Contains(t, look(), others)
	}
	require.Equal(t, before, api.set, "what its secret does not cause")

	api.webhook.LastError = "Wrong response from the webhook: 401 Unauthorized"
	require.Contains(t, look(), "401", "shown until it is known to be over")
	require.Equal(t, "first-secret", api.secret, "the record's counts")
	require.Empty(t, look())
	require.Equal(t, before+1, api.set)
}

// A check of a webhook's channel sees what keeps messages from coming.
func TestCheckOfAWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, api := &fakeVault{}, &fakeWebhookAPI{}
	m := b.manager(v, api)
	c := b.connect(m)
	require.NoError(t, m.Check(t.Context(), c))

	api.webhook.Pending, api.webhook.LastError = 3, "Connection timed out"
	require.ErrorContains(t, m.Check(t.Context(), c), "Connection timed out")
	saved, err := b.store.Channel(t.Context(), c.Slug)
	require.NoError(t, err)
	require.Contains(t, *saved.Problem, "Connection timed out", "the inbox shows it too")

	api.webhook = telegram.Webhook{URL: "https://another.example/hook"}
	require.ErrorContains(t, m.Check(t.Context(), c), "does not call "+publicURL)

	api.webhook = telegram.Webhook{URL: intake.WebhookURL(publicURL, c.ID)}
	require.NoError(t, m.Check(t.Context(), c))
	saved, err = b.store.Channel(t.Context(), c.Slug)
	require.NoError(t, err)
	require.Nil(t, saved.Problem)
}

// Package telegram is the adapter of Telegram bots: it understands updates and
// calls the Bot API (https://core.telegram.org/bots/api), as plain JSON over HTTP.
package telegram

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"parley/channel"
	"parley/dialogue"
)

// Names of the secrets of an account.
const (
	SecretToken   = "token"
	SecretWebhook = "webhook_secret"
)

// SecretHeader carries the webhook's secret token
// (https://core.telegram.org/bots/api#setwebhook).
const SecretHeader = "X-Telegram-Bot-Api-Secret-Token"

// IdentityKind is the kind of identity that a Telegram user is.
const IdentityKind = "telegram_user"

// How updates come.
const (
	ModePolling = "polling" // we ask for them: needs no public address
	ModeWebhook = "webhook" // Telegram calls
)

const defaultBaseURL = "https://api.telegram.org"

// One account may send about 30 messages a second
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): some of it is left to typing signs.
const (
	defaultPerSecond = 25
	burst            = 300 * time.Millisecond
)

// Settings are what an admin sets for a Telegram channel.
type Settings struct {
	// Mode is ModePolling or ModeWebhook; empty is polling.
	Mode string `json:"mode,omitempty"`
	// APIBaseURL replaces https://api.telegram.org, for a Bot API server of one's own.
	APIBaseURL string `json:"api_base_url,omitempty"`
	// PerSecond is how many messages a second the account may send; 0 is 25.
	PerSecond float64 `json:"per_second,omitempty"`
	// Username is the bot's, as Telegram told it.
	Username string `json:"username,omitempty"`
	// Bot is the bot's number, which is also in its token; set when the channel is connected.
	Bot string `json:"bot,omitempty"`
}

// BotNumber is the number of the bot that a token is for; its new tokens have it too.
func BotNumber(token string) string {
	number, _, _ := strings.Cut(token, ":")
	return number
}

var (
	tokenForm  = regexp.MustCompile(`^[0-9]{3,20}:[A-Za-z0-9_-]{10,100}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

// Check says what is wrong with the settings and secrets of an account, if anything.
func Check(settings Settings, secrets map[string]string) error {
	if settings.APIBaseURL != "" {
		if u, err := url.Parse(settings.APIBaseURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			return dialogue.Errorf(dialogue.CodeInvalid, "api_base_url is no http or https address")
		}
	}
	if settings.Mode != "" && settings.Mode != ModePolling && settings.Mode != ModeWebhook {
		return dialogue.Errorf(dialogue.CodeInvalid, "mode %q is neither polling nor webhook", settings.Mode)
	}
	if settings.PerSecond < 0 || settings.PerSecond > 1000 {
		return dialogue.Errorf(dialogue.CodeInvalid, "per_second is between 0 (the default, %d) and 1000", defaultPerSecond)
	}
	if !tokenForm.MatchString(secrets[SecretToken]) {
		return dialogue.Errorf(dialogue.CodeInvalid, "token does not look like one of BotFather's, such as 123456789:AAE…")
	}
	if secret := secrets[SecretWebhook]; settings.Mode == ModeWebhook && !secretForm.MatchString(secret) {
		return dialogue.Errorf(dialogue.CodeInvalid, "webhook_secret has 1 to 256 characters of A-Z, a-z, 0-9, _ and -; without one, a random one is made")
	}
	return nil
}

// SettingsOf reads an account's settings.
func SettingsOf(a channel.Account) (Settings, error) {
	var settings Settings
	if err := json.Unmarshal(a.Settings, &settings); err != nil {
		return settings, dialogue.Errorf(dialogue.CodeInvalid, "the channel's settings cannot be read")
	}
	if settings.Mode == "" {
		settings.Mode = ModePolling
	}
	return settings, nil
}

func (s Settings) baseURL() string {
	if s.APIBaseURL == "" {
		return defaultBaseURL
	}
	return strings.TrimRight(s.APIBaseURL, "/")
}

// Authentic reports whether a webhook call carries the account's secret token.
func Authentic(account channel.Account, header http.Header) bool {
	want := account.Secrets[SecretWebhook]
	return want != "" && subtle.ConstantTimeCompare([]byte(header.Get(SecretHeader)), []byte(want)) == 1
}

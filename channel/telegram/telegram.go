// Package telegram is the adapter of Telegram bots: it understands webhook
// updates and sends messages with the Bot API (https://core.telegram.org/bots/api),
// as plain JSON over HTTP.
package telegram

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
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

const (
	defaultBaseURL = "https://api.telegram.org"
	sendTimeout    = 30 * time.Second
	maxReply       = 1 << 20
)

// Settings are what an admin sets for a Telegram channel.
type Settings struct {
	// APIBaseURL replaces https://api.telegram.org, for a Bot API server of one's own.
	APIBaseURL string `json:"api_base_url,omitempty"`
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
	if !tokenForm.MatchString(secrets[SecretToken]) {
		return dialogue.Errorf(dialogue.CodeInvalid, "token does not look like one of BotFather's, such as 123456789:AAE…")
	}
	if !secretForm.MatchString(secrets[SecretWebhook]) {
		return dialogue.Errorf(dialogue.CodeInvalid, "webhook_secret has 1 to 256 characters of A-Z, a-z, 0-9, _ and -: make a long random one")
	}
	return nil
}

// Authentic reports whether a webhook call carries the account's secret token.
func Authentic(account channel.Account, header http.Header) bool {
	want := account.Secrets[SecretWebhook]
	return want != "" && subtle.ConstantTimeCompare([]byte(header.Get(SecretHeader)), []byte(want)) == 1
}

// Message is a customer's text as an update brought it.
type Message struct {
	ProviderMessageID string
	ThreadKey         string // the chat
	UserID            string
	Name              string
	Text              string
}

// update has the fields of an update that matter here. All else is left as it
// is: a wrong type in a field that nobody needs loses no message.
type update struct {
	UpdateID *int64 `json:"update_id"`
	Message  *struct {
		MessageID int64 `json:"message_id"`
		From      *struct {
			ID        int64  `json:"id"`
			IsBot     bool   `json:"is_bot"`
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
		} `json:"from"`
		Chat struct {
			ID   int64  `json:"id"`
			Type string `json:"type"`
		} `json:"chat"`
		Text    string `json:"text"`
		Caption string `json:"caption"`
	} `json:"message"`
}

// Parse reads an update. Updates that hold nothing for a dialogue give nil and
// the reason why they are passed over.
func Parse(body []byte) (m *Message, ignored string, err error) {
	var u update
	if err := json.Unmarshal(body, &u); err != nil {
		return nil, "", fmt.Errorf("the update is not understood: %w", err)
	}
	switch {
	case u.UpdateID == nil:
		return nil, "", errors.New("the update has no update_id")
	case u.Message == nil:
		return nil, "not a new message", nil
	case u.Message.Chat.Type != "private":
		return nil, "not a private chat", nil
	case u.Message.From == nil || u.Message.From.IsBot:
		return nil, "not written by a person", nil
	}
	text := u.Message.Text
	if text == "" {
		text = u.Message.Caption
	}
	text = withoutNUL(text)
	if strings.TrimSpace(text) == "" {
		return nil, "no text", nil
	}
	return &Message{
		ProviderMessageID: fmt.Sprintf("%d/%d", u.Message.Chat.ID, u.Message.MessageID),
		ThreadKey:         strconv.FormatInt(u.Message.Chat.ID, 10),
		UserID:            strconv.FormatInt(u.Message.From.ID, 10),
		Name:              withoutNUL(strings.TrimSpace(u.Message.From.FirstName + " " + u.Message.From.LastName)),
		Text:              text,
	}, "", nil
}

// withoutNUL drops what the record cannot hold.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// Sender sends messages with sendMessage.
type Sender struct {
	client *http.Client
}

var _ channel.Sender = (*Sender)(nil)

// NewSender makes a Sender.
func NewSender() *Sender {
	return &Sender{client: &http.Client{Timeout: sendTimeout}}
}

// reply is what the Bot API answers to every call.
type reply struct {
	OK          bool   `json:"ok"`
	Description string `json:"description"`
	Result      struct {
		MessageID int64 `json:"message_id"`
	} `json:"result"`
	Parameters struct {
		RetryAfter int `json:"retry_after"`
	} `json:"parameters"`
}

// Send implements channel.Sender. Text longer than one message holds goes out in
// parts, split where it reads well.
func (s *Sender) Send(ctx context.Context, account channel.Account, out channel.Outgoing) (string, error) {
	var settings Settings
	if err := json.Unmarshal(account.Settings, &settings); err != nil {
		return "", &channel.SendError{Outcome: channel.Refused, Reason: "the channel's settings cannot be read"}
	}
	base := strings.TrimRight(settings.APIBaseURL, "/")
	if base == "" {
		base = defaultBaseURL
	}
	var id string
	for i, part := range Split(out.Text) {
		var err error
		id, err = s.sendPart(ctx, base+"/bot"+account.Secrets[SecretToken]+"/sendMessage", out.ThreadKey, part)
		if err != nil {
			// Once a part is out, the message is neither sent nor not sent: somebody has to look.
			if sendErr, ok := errors.AsType[*channel.SendError](err); ok && i > 0 {
				return "", &channel.SendError{Outcome: channel.Unknown, Reason: fmt.Sprintf("only the first %d parts were sent: %s", i, sendErr.Reason)}
			}
			return "", err
		}
	}
	return id, nil
}

func (s *Sender) sendPart(ctx context.Context, endpoint, chat, text string) (string, error) {
	body, err := json.Marshal(map[string]any{"chat_id": chat, "text": text})
	if err != nil {
		return "", &channel.SendError{Outcome: channel.Refused, Reason: "the message cannot be encoded"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return "", &channel.SendError{Outcome: channel.Refused, Reason: "the Bot API's address cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		// The error holds the URL, and that the token: only its kind is told.
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return "", &channel.SendError{Outcome: channel.NotSent, Reason: "Telegram cannot be reached", RetryAfter: 5 * time.Second}
		}
		return "", &channel.SendError{Outcome: channel.Unknown, Reason: "Telegram did not answer in time"}
	}
	defer resp.Body.Close()
	var r reply
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&r); err != nil {
		return "", outcome(resp.StatusCode, reply{Description: "an answer that is not understood"})
	}
	if !r.OK {
		return "", outcome(resp.StatusCode, r)
	}
	return fmt.Sprintf("%s/%d", chat, r.Result.MessageID), nil
}

// outcome classifies an answer that is not a success
// (https://core.telegram.org/bots/api#making-requests).
func outcome(status int, r reply) error {
	reason := fmt.Sprintf("Telegram: %d %s", status, dialogue.Preview(r.Description))
	switch {
	case status == http.StatusTooManyRequests:
		wait := max(time.Duration(r.Parameters.RetryAfter)*time.Second, time.Second)
		return &channel.SendError{Outcome: channel.NotSent, Reason: reason, RetryAfter: wait}
	case status >= 400 && status < 500:
		return &channel.SendError{Outcome: channel.Refused, Reason: reason}
	default:
		return &channel.SendError{Outcome: channel.Unknown, Reason: reason}
	}
}

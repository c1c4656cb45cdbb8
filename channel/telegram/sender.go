package telegram

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"parley/channel"
)

// Sender sends messages with sendMessage.
type Sender struct{ *Client }

var (
	_ channel.Sender = Sender{}
	_ channel.Typer  = Sender{}
)

// Parts implements channel.Sender.
func (Sender) Parts(text string) []string { return Split(text) }

// Pace implements channel.Sender.
func (Sender) Pace(a channel.Account) channel.Pace {
	settings, err := SettingsOf(a)
	perSecond := settings.PerSecond
	if err != nil || perSecond == 0 {
		perSecond = defaultPerSecond
	}
	return channel.Pace{Every: time.Duration(float64(time.Second) / perSecond), Burst: burst}
}

// Send implements channel.Sender.
func (s Sender) Send(ctx context.Context, a channel.Account, chat, part string) (string, error) {
	var sent struct {
		MessageID int64 `json:"message_id"`
	}
	if err := s.call(ctx, a, "sendMessage", map[string]any{"chat_id": chat, "text": part}, &sent, callTimeout); err != nil {
		return "", sendError(err)
	}
	return fmt.Sprintf("%s/%d", chat, sent.MessageID), nil
}

// Typing implements channel.Typer.
func (s Sender) Typing(ctx context.Context, a channel.Account, chat string) error {
	return s.call(ctx, a, "sendChatAction", map[string]any{"chat_id": chat, "action": "typing"}, nil, callTimeout)
}

// TokenRefused tells an admin what to do about a token that does not work.
const TokenRefused = "Telegram does not accept the bot's token any more: make a new one with @BotFather and enter it at the channel"

// sendError says what the error of a sendMessage means for the message
// (https://core.telegram.org/bots/api#making-requests).
func sendError(err error) *channel.SendError {
	apiErr, ok := errors.AsType[*APIError](err)
	if !ok {
		return &channel.SendError{Outcome: channel.Unknown, Reason: "the request was broken off"}
	}
	out := &channel.SendError{Outcome: channel.Unknown, Reason: apiErr.Reason}
	switch {
	case apiErr.Unreached:
		out.Outcome, out.RetryAfter = channel.NotSent, 5*time.Second
	case apiErr.Status == http.StatusTooManyRequests:
		out.Outcome, out.RetryAfter = channel.Paused, max(apiErr.RetryAfter, time.Second)
	case apiErr.Status == http.StatusUnauthorized || apiErr.Status == http.StatusNotFound:
		out.Outcome, out.Reason = channel.Broken, TokenRefused
	case apiErr.Status == http.StatusForbidden && strings.Contains(apiErr.Reason, "blocked"):
		out.Outcome, out.Reason = channel.Refused, "the customer has blocked the bot"
	case apiErr.Status >= 400 && apiErr.Status < 500:
		out.Outcome = channel.Refused
	}
	return out
}

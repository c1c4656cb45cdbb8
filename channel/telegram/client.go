package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"parley/channel"
	"parley/dialogue"
)

const (
	callTimeout = 30 * time.Second
	// pollSeconds is how long Telegram holds a getUpdates open; it takes no more than 50.
	pollSeconds = 50
	// pollGrace is how much longer than that we wait for its answer.
	pollGrace = 15 * time.Second
	maxReply  = 32 << 20 // a batch of 100 updates
)

// Client calls the Bot API.
type Client struct {
	http *http.Client
}

// NewClient makes a Client.
func NewClient() *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // all bots of a process talk to one host
	return &Client{http: &http.Client{
		Transport: transport,
		// The address holds the token: it goes nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is what the Bot API answers to every call.
type reply struct {
	OK          bool            `json:"ok"`
	Description string          `json:"description"`
	Result      json.RawMessage `json:"result"`
	Parameters  struct {
		RetryAfter int `json:"retry_after"`
	} `json:"parameters"`
}

// APIError is a call that did not succeed. It never holds the token.
type APIError struct {
	Status     int  // 0: there was no answer
	Unreached  bool // the request did not leave
	RetryAfter time.Duration
	Reason     string
}

func (e *APIError) Error() string { return e.Reason }

// call makes one call. Errors are of type *APIError, or ctx's.
func (c *Client) call(ctx context.Context, a channel.Account, method string, in, out any, timeout time.Duration) error {
	settings, err := SettingsOf(a)
	if err != nil {
		return &APIError{Unreached: true, Reason: err.Error()}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return &APIError{Unreached: true, Reason: "the request cannot be encoded"}
	}
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, settings.baseURL()+"/bot"+a.Secrets[SecretToken]+"/"+method, bytes.NewReader(body))
	if err != nil {
		return &APIError{Unreached: true, Reason: "the Bot API's address cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		if parent.Err() != nil {
			return parent.Err()
		}
		// The error holds the URL, and that the token: only its kind is told.
		op, ok := errors.AsType[*net.OpError](err)
		if ok && op.Op == "dial" {
			return &APIError{Unreached: true, Reason: "Telegram cannot be reached"}
		}
		return &APIError{Reason: "Telegram did not answer in time"}
	}
	defer resp.Body.Close()
	var r reply
	err = json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&r)
	if err == nil && r.OK {
		if out != nil {
			err = json.Unmarshal(r.Result, out)
		}
		if err == nil {
			return nil
		}
	}
	if parent.Err() != nil {
		return parent.Err()
	}
	if err != nil || r.Description == "" {
		r.Description = "an answer that is not understood"
	}
	return &APIError{
		Status: resp.StatusCode, RetryAfter: time.Duration(r.Parameters.RetryAfter) * time.Second,
		Reason: fmt.Sprintf("Telegram: %d %s", resp.StatusCode, dialogue.Preview(r.Description)),
	}
}

// Me asks who the bot is: whether the token is accepted.
func (c *Client) Me(ctx context.Context, a channel.Account) (username string, err error) {
	var me struct {
		Username string `json:"username"`
	}
	err = c.call(ctx, a, "getMe", struct{}{}, &me, callTimeout)
	return me.Username, err
}

// Updates returns the updates from offset on, which acknowledges those before it.
// With hold it waits for some, fifty seconds at most.
func (c *Client) Updates(ctx context.Context, a channel.Account, offset int64, hold bool) ([]json.RawMessage, error) {
	wait := 0
	if hold {
		wait = pollSeconds
	}
	var updates []json.RawMessage
	err := c.call(ctx, a, "getUpdates", map[string]any{
		"offset": offset, "timeout": wait, "limit": 100, "allowed_updates": allowedUpdates(),
	}, &updates, pollSeconds*time.Second+pollGrace)
	return updates, err
}

// SetWebhook has Telegram call address with every update.
func (c *Client) SetWebhook(ctx context.Context, a channel.Account, address string) error {
	return c.call(ctx, a, "setWebhook", map[string]any{
		"url": address, "secret_token": a.Secrets[SecretWebhook], "allowed_updates": allowedUpdates(),
	}, nil, callTimeout)
}

// DeleteWebhook makes room for polling; updates that wait stay.
func (c *Client) DeleteWebhook(ctx context.Context, a channel.Account) error {
	return c.call(ctx, a, "deleteWebhook", map[string]any{"drop_pending_updates": false}, nil, callTimeout)
}

// Webhook is what Telegram says about its calls.
type Webhook struct {
	URL       string `json:"url"`
	Pending   int    `json:"pending_update_count"`
	LastError string `json:"last_error_message"`
}

// Webhook asks how Telegram's calls fare.
func (c *Client) Webhook(ctx context.Context, a channel.Account) (w Webhook, err error) {
	err = c.call(ctx, a, "getWebhookInfo", struct{}{}, &w, callTimeout)
	return w, err
}

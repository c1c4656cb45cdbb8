package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"parley/e2e/chaos/journal"
)

// telegram stands in for the Bot API, as strict as the real one where that is known
// (https://core.telegram.org/bots/api and the source of its server): who may call,
// one poller at a time, what a text may be, how many messages a second.
type telegram struct {
	journal *journal.Writer
	bots    map[string]*bot // by token

	mu      sync.Mutex
	random  *rand.Rand
	healthy bool
}

// bot is an account.
type bot struct {
	slug, token string
	polled      bool // else updates are taken to the webhook

	mu        sync.Mutex
	webhook   string // where updates are taken to; empty: they wait for a poller
	secret    string
	chats     map[string]*customer // who has written to it
	lastID    int64                // of an update
	messageID int64
	waiting   []update      // for a poller that confirms them
	changed   chan struct{} // closed when an update came or another poller did
	pollers   int
	sent      []time.Time // the last second's messages
}

// update is one that a poller has not confirmed yet.
type update struct {
	id     int64
	body   json.RawMessage
	copies int // how often the webhook gets it at once
	ack    func(at time.Time)
}

// How Telegram fails, in parts of a thousand messages.
const (
	telegramBusy    = 8 // 429
	telegramBroken  = 4 // 500, nothing delivered
	telegramLoses   = 6 // delivered, the answer is lost
	telegramHangsUp = 4 // not delivered, no answer
)

const (
	perSecond       = 30
	maxText         = 4096
	telegramLatency = 120 * time.Millisecond
	longestPoll     = 50 * time.Second
)

func newBot(slug, token string, polled bool) *bot {
	return &bot{slug: slug, token: token, polled: polled, chats: map[string]*customer{}, changed: make(chan struct{}), lastID: 1000, messageID: 1_000_000}
}

func (t *telegram) heal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.healthy = true
}

// plan draws how one message fares, and how long it takes.
func (t *telegram) plan() (string, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.healthy {
		return journal.Delivered, 0
	}
	latency := time.Duration(t.random.Int64N(int64(telegramLatency)))
	n := t.random.IntN(1000)
	for _, f := range []struct {
		what string
		part int
	}{{"429", telegramBusy}, {"500", telegramBroken}, {journal.Lost, telegramLoses}, {journal.Dropped, telegramHangsUp}} {
		if n < f.part {
			return f.what, latency
		}
		n -= f.part
	}
	return journal.Delivered, latency
}

func (t *telegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	b := t.bots[token]
	if !ok || b == nil {
		fail(w, http.StatusUnauthorized, "Unauthorized", 0)
		return
	}
	var in parameters
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || json.NewDecoder(r.Body).Decode(&in) != nil {
		fail(w, http.StatusBadRequest, "Bad Request: can't parse the parameters", 0)
		return
	}
	switch method {
	case "getMe":
		succeed(w, map[string]any{"id": 1, "is_bot": true, "first_name": b.slug, "username": b.slug + "_bot"})
	case "setWebhook", "deleteWebhook":
		b.setWebhook(in.URL, in.SecretToken)
		succeed(w, true)
	case "getWebhookInfo":
		b.mu.Lock()
		defer b.mu.Unlock()
		succeed(w, map[string]any{"url": b.webhook, "pending_update_count": len(b.waiting)})
	case "getUpdates":
		b.updates(w, r.Context(), in)
	case "sendChatAction":
		succeed(w, true)
	case "sendMessage":
		t.sendMessage(w, r, b, in)
	default:
		fail(w, http.StatusNotFound, "Not Found", 0)
	}
}

// parameters are those of all methods that are known here.
type parameters struct {
	URL         string `json:"url"`
	SecretToken string `json:"secret_token"`
	Offset      int64  `json:"offset"`
	Timeout     int    `json:"timeout"`
	Limit       int    `json:"limit"`
	ChatID      any    `json:"chat_id"`
	Text        string `json:"text"`
}

func succeed(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
}

func fail(w http.ResponseWriter, status int, description string, retryAfter int) {
	out := map[string]any{"ok": false, "error_code": status, "description": description}
	if retryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(retryAfter))
		out["parameters"] = map[string]int{"retry_after": retryAfter}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

func (t *telegram) sendMessage(w http.ResponseWriter, r *http.Request, b *bot, in parameters) {
	request := journal.Request{Channel: b.slug, Thread: fmt.Sprint(in.ChatID), Text: in.Text, At: time.Now()}
	defer func() {
		request.Returned = time.Now()
		t.journal.Request(request)
	}()
	chat, busy := b.admit(request.Thread, request.At)
	wrong := ""
	switch {
	case chat == nil:
		wrong = "Bad Request: chat not found"
	case strings.TrimSpace(in.Text) == "":
		wrong = "Bad Request: message text is empty"
	case len(utf16.Encode([]rune(in.Text))) > maxText:
		wrong = "Bad Request: message is too long"
	}
	if wrong != "" {
		request.Outcome, request.Detail = journal.Wrong, wrong
		fail(w, http.StatusBadRequest, wrong, 0)
		return
	}
	what, latency := t.plan()
	if busy {
		what = "429"
	}
	time.Sleep(latency) // the caller may be killed meanwhile: that does not keep a message from being delivered
	switch what {
	case "429":
		request.Outcome = journal.Refused
		fail(w, http.StatusTooManyRequests, "Too Many Requests: retry after 1", 1)
	case "500":
		request.Outcome = journal.Dropped
		fail(w, http.StatusInternalServerError, "Internal Server Error", 0)
	case journal.Dropped:
		request.Outcome = journal.Dropped
		panic(http.ErrAbortHandler)
	default:
		id := b.nextMessage()
		chat.hear()
		if what == journal.Lost || r.Context().Err() != nil {
			request.Outcome = journal.Lost
			panic(http.ErrAbortHandler)
		}
		request.Outcome = journal.Delivered
		succeed(w, map[string]any{"message_id": id, "date": time.Now().Unix(), "text": in.Text})
	}
}

// admit looks the chat up, and says whether the account sends too much.
func (b *bot) admit(chat string, now time.Time) (c *customer, busy bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.sent) > 0 && now.Sub(b.sent[0]) > time.Second {
		b.sent = b.sent[1:]
	}
	if busy = len(b.sent) >= perSecond; !busy {
		b.sent = append(b.sent, now)
	}
	return b.chats[chat], busy
}

func (b *bot) nextMessage() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messageID++
	return b.messageID
}

func (b *bot) setWebhook(url, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.webhook, b.secret = url, secret
}

// written makes the update that a customer's message is.
func (b *bot) written(c *customer, text string) update {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.chats[c.Thread] = c
	b.lastID++
	b.messageID++
	body, _ := json.Marshal(map[string]any{"update_id": b.lastID, "message": map[string]any{ // it always encodes
		"message_id": b.messageID, "date": time.Now().Unix(), "text": text,
		"from": map[string]any{"id": json.Number(c.Thread), "is_bot": false, "first_name": c.ID},
		"chat": map[string]any{"id": json.Number(c.Thread), "type": "private", "first_name": c.ID},
	}})
	return update{id: b.lastID, body: body}
}

// leave leaves an update to the poller.
func (b *bot) leave(u update) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, u)
	b.signal()
}

func (b *bot) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *bot) updates(w http.ResponseWriter, ctx context.Context, in parameters) {
	b.mu.Lock()
	if b.webhook != "" {
		b.mu.Unlock()
		fail(w, http.StatusConflict, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", 0)
		return
	}
	now := time.Now()
	for len(b.waiting) > 0 && b.waiting[0].id < in.Offset {
		b.waiting[0].ack(now)
		b.waiting = b.waiting[1:]
	}
	b.pollers++
	me := b.pollers
	b.signal()
	b.mu.Unlock()

	deadline := time.NewTimer(min(time.Duration(in.Timeout)*time.Second, longestPoll))
	defer deadline.Stop()
	for {
		b.mu.Lock()
		replaced, changed := b.pollers != me, b.changed
		bodies := make([]json.RawMessage, 0, len(b.waiting))
		for _, u := range b.waiting[:min(len(b.waiting), max(in.Limit, 1))] {
			bodies = append(bodies, u.body)
		}
		b.mu.Unlock()
		if replaced {
			fail(w, http.StatusConflict, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", 0)
			return
		}
		if len(bodies) > 0 {
			succeed(w, bodies)
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			succeed(w, bodies)
			return
		case <-ctx.Done():
			return
		}
	}
}

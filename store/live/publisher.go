package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/dialogue"
	"parley/store/db"
)

const (
	flushEvery = 120 * time.Millisecond
	maxPending = 4096

	// typingEvery is how often the same sign of typing is sent, which is shown for 5 s.
	typingEvery = 2 * time.Second

	// maxPayload keeps a notification under Postgres's limit of 8000 bytes.
	maxPayload = 7500
	// maxText is how much of a payload the text of one turn may take, encoded.
	maxText = 6500
)

// Publisher sends items to all nodes. Of several with the same subject (a turn,
// somebody who types, …) that come within one beat only the newest is sent.
type Publisher struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	rung chan struct{}

	mu      sync.Mutex
	pending map[string]Item
	order   []string
	typed   map[string]time.Time // signs of typing that were taken lately
}

// NewPublisher makes a Publisher. It works while Run runs.
func NewPublisher(pool *pgxpool.Pool, log *slog.Logger) *Publisher {
	return &Publisher{pool: pool, log: log, rung: make(chan struct{}, 1), pending: map[string]Item{}, typed: map[string]time.Time{}}
}

// Publish takes an item to be sent. It never blocks; when thousands wait already
// it drops the item. The text of a Turn is the whole text so far. What the item
// points to must not be changed any more. A Typing may come with every letter.
func (p *Publisher) Publish(item Item) {
	key := item.key()
	p.mu.Lock()
	defer p.mu.Unlock()
	if item.Turn != nil && item.Turn.State == Ended {
		// A sign that the bot is typing must not follow on its message.
		typing := Item{Typing: &Typing{DialogueID: item.Turn.DialogueID, Author: dialogue.AuthorBot}}.key()
		delete(p.pending, typing)
		delete(p.typed, typing)
	}
	_, waits := p.pending[key]
	if key == "" || !waits && len(p.pending) >= maxPending || item.Typing != nil && !p.mayType(key) {
		return
	}
	if !waits {
		p.order = append(p.order, key)
	}
	p.pending[key] = item
	select {
	case p.rung <- struct{}{}:
	default:
	}
}

func (p *Publisher) mayType(key string) bool {
	now := time.Now()
	if now.Sub(p.typed[key]) < typingEvery {
		return false
	}
	if len(p.typed) >= maxPending {
		for k, at := range p.typed {
			if now.Sub(at) >= typingEvery {
				delete(p.typed, k)
			}
		}
	}
	p.typed[key] = now
	return true
}

// Run sends what was published, the first at once and then every 120 ms, until
// ctx ends.
func (p *Publisher) Run(ctx context.Context) error {
	q := db.New()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.rung:
		}
		if payloads := p.payloads(); len(payloads) > 0 {
			send, cancel := context.WithTimeout(ctx, 2*time.Second)
			err := q.NotifyLive(send, p.pool, payloads)
			cancel()
			if err != nil && ctx.Err() == nil {
				p.log.WarnContext(ctx, "could not send live items", "error", err)
			}
		}
		timer.Reset(flushEvery)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}

// payloads takes all that waits and packs it into as few payloads as it fits.
func (p *Publisher) payloads() []string {
	p.mu.Lock()
	pending, order := p.pending, p.order
	p.pending, p.order = make(map[string]Item, len(pending)), nil
	p.mu.Unlock()

	items := make([][]byte, 0, len(order))
	for _, key := range order {
		item, waits := pending[key]
		if !waits {
			continue
		}
		delete(pending, key) // a key that was taken back and came again is in order twice
		if item.Turn != nil {
			item.Turn = fit(*item.Turn)
		}
		encoded, err := encode(item)
		if err != nil || len(encoded)+2 > maxPayload {
			p.log.Warn("cannot send a live item", "key", key, "bytes", len(encoded), "error", err)
			continue
		}
		items = append(items, encoded)
	}
	return pack(items)
}

// pack joins encoded items, in their order, into JSON arrays no longer than maxPayload.
func pack(items [][]byte) []string {
	var (
		payloads []string
		b        bytes.Buffer
	)
	for _, item := range items {
		if b.Len() > 0 && b.Len()+1+len(item)+1 > maxPayload {
			payloads = append(payloads, b.String()+"]")
			b.Reset()
		}
		if b.Len() == 0 {
			b.WriteByte('[')
		} else {
			b.WriteByte(',')
		}
		b.Write(item)
	}
	if b.Len() > 0 {
		payloads = append(payloads, b.String()+"]")
	}
	return payloads
}

// encode writes JSON without the escapes that only HTML needs: they would eat up the payload.
func encode(item Item) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(item); err != nil {
		return nil, fmt.Errorf("encode a live item: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// fit leaves of the text what a payload can hold: all of it, or else its end.
func fit(t Turn) *Turn {
	size, cut := 0, len(t.Text)
	for cut > 0 {
		r, width := utf8.DecodeLastRuneInString(t.Text[:cut])
		if size += encodedLen(r, width); size > maxText {
			break
		}
		cut -= width
	}
	t.Offset = utf16Len(t.Text[:cut])
	t.Text = t.Text[cut:]
	return &t
}

// encodedLen is how many bytes a rune takes in a JSON string, at most.
func encodedLen(r rune, width int) int {
	switch {
	case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
		return 2
	case r < 0x20 || r == utf8.RuneError || r == '\u2028' || r == '\u2029':
		return 6
	}
	return width
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

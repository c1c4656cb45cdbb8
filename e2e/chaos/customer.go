package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"parley/e2e/chaos/journal"
)

// customer writes to the shop. What and when is decided beforehand.
type customer struct {
	journal.Customer
	world  *world
	random *rand.Rand
	bursts []burst
	bot    *bot   // nil in the widget
	token  string // of the widget's session

	mu     sync.Mutex
	heard  chan struct{} // closed when something arrives
	wrote  int
	queued chan update // for the webhook, in order
}

// burst is what a customer writes in one go.
type burst struct {
	at    time.Duration // since the beginning
	texts int
}

// plan draws the bursts of all customers: messages in all, spread over the duration.
func plan(random *rand.Rand, customers []*customer, messages int, duration time.Duration) {
	for left := messages; left > 0; {
		n := 1
		if random.IntN(3) == 0 {
			n = 2 + random.IntN(3)
		}
		n = min(n, left)
		left -= n
		c := customers[random.IntN(len(customers))]
		c.bursts = append(c.bursts, burst{at: time.Duration(random.Int64N(int64(duration))), texts: n})
	}
	for _, c := range customers {
		slices.SortFunc(c.bursts, func(a, b burst) int { return int(a.at - b.at) })
	}
}

// hear wakes the customer if they wait for an answer.
func (c *customer) hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.heard)
	c.heard = make(chan struct{})
}

// The customer's habits.
const (
	typingLeast, typingMost = 50 * time.Millisecond, 700 * time.Millisecond
	waitsFor                = 4 * time.Second // for an answer, before writing again anyway
	oneInHuman              = 40              // asks for a human
	oneInTwice              = 20              // is delivered several times, at once or later
	oneInAtOnce             = 15              // the burst is sent all at once
)

// write writes everything that is planned. It returns when all of it is acknowledged.
func (c *customer) write(ctx context.Context, began time.Time) {
	var sending sync.WaitGroup
	defer sending.Wait()
	for _, b := range c.bursts {
		if !pause(ctx, time.Until(began.Add(b.at))) {
			return
		}
		atOnce := c.random.IntN(oneInAtOnce) == 0
		for range b.texts {
			token, text := c.next()
			copies := 1
			if c.random.IntN(oneInTwice) == 0 {
				copies = 2 + c.random.IntN(3)
			}
			send := func() { c.send(ctx, token, text, copies) }
			if atOnce && c.bot == nil {
				sending.Go(send)
				continue
			}
			send()
			if !pause(ctx, typingLeast+time.Duration(c.random.Int64N(int64(typingMost-typingLeast)))) {
				return
			}
		}
		sending.Wait()
		c.mu.Lock()
		heard := c.heard
		c.mu.Unlock()
		select {
		case <-heard:
		case <-time.After(waitsFor):
		case <-ctx.Done():
			return
		}
	}
}

func (c *customer) next() (token, text string) {
	c.wrote++
	token = fmt.Sprintf("%s-%04d", c.ID, c.wrote)
	form := questions()[c.random.IntN(len(questions()))]
	if c.random.IntN(oneInHuman) == 0 {
		form = forHuman
	}
	return token, fmt.Sprintf(form, token, c.Word)
}

// send has a message delivered, again and again until it is acknowledged, and now and then more often than that.
func (c *customer) send(ctx context.Context, token, text string, copies int) {
	switch {
	case c.bot == nil:
		c.sendToWidget(ctx, token, text, copies)
	case c.bot.polled:
		at := time.Now()
		u := c.bot.written(c, text)
		u.ack = func(returned time.Time) {
			c.world.acknowledged(journal.Ack{Token: token, Customer: c.ID, Author: "customer", At: at, Returned: returned, Copies: 1})
		}
		c.world.owe(1)
		c.bot.leave(u)
	default:
		at := time.Now()
		u := c.bot.written(c, text)
		u.ack = func(returned time.Time) {
			c.world.acknowledged(journal.Ack{Token: token, Customer: c.ID, Author: "customer", At: at, Returned: returned, Copies: copies})
		}
		u.copies = copies
		c.world.owe(1)
		c.queued <- u
	}
}

// deliver takes a chat's updates to the webhook one after the other, as Telegram
// does: the next one waits until the one before is taken.
func (c *customer) deliver(ctx context.Context) {
	for {
		select {
		case u := <-c.queued:
			c.deliverOne(ctx, u)
		case <-ctx.Done():
			return
		}
	}
}

func (c *customer) deliverOne(ctx context.Context, u update) {
	c.bot.mu.Lock()
	header := headers("")
	header.Set("X-Telegram-Bot-Api-Secret-Token", c.bot.secret)
	c.bot.mu.Unlock()
	path := "/hooks/telegram/" + c.bot.slug
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		if several(u.copies, func() bool { return c.world.balancer.try(ctx, http.MethodPost, path, header, u.body).ok() }) {
			u.ack(time.Now())
			return
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// several makes the same call so often at once, and says whether one succeeded.
func several(n int, call func() bool) bool {
	var group sync.WaitGroup
	ok := make([]bool, n)
	for i := range n {
		group.Go(func() { ok[i] = call() })
	}
	group.Wait()
	return slices.Contains(ok, true)
}

func (c *customer) sendToWidget(ctx context.Context, token, text string, copies int) {
	at := time.Now()
	c.world.owe(1)
	body, _ := json.Marshal(map[string]string{"client_id": token, "text": text}) // strings always encode
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var mu sync.Mutex
		var seq int64
		if several(copies, func() bool {
			a := c.world.balancer.try(ctx, http.MethodPost, "/widget/v1/messages", headers(c.token), body)
			var m struct{ Seq int64 }
			if !a.ok() || json.Unmarshal(a.body, &m) != nil {
				if a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests {
					c.world.wrong("%s was refused: %s", token, a)
				}
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			seq = m.Seq
			return true
		}) {
			c.world.acknowledged(journal.Ack{Token: token, Customer: c.ID, Author: "customer", At: at, Returned: time.Now(), Seq: seq, Copies: copies})
			return
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// enter gives a widget's customer a session.
func (c *customer) enter(ctx context.Context) error {
	a, ok := c.world.balancer.insist(ctx, http.MethodPost, "/widget/v1/sessions", headers(""), map[string]string{"channel": c.Channel}, nil)
	var out struct{ Token string }
	if !ok || !a.ok() || json.NewDecoder(bytes.NewReader(a.body)).Decode(&out) != nil {
		return fmt.Errorf("begin a session in the widget: %s", a)
	}
	c.token = out.Token
	return nil
}

package intake

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/channel"
	"parley/channel/telegram"
	"parley/store/db"
)

const (
	// restless is how soon after the last one a poll without updates is repeated, for a server that answers at once
	// instead of holding the call must not be asked in circles; and the first wait after a failure.
	restless = time.Second
	// chatsAtOnce is how many chats of a batch are stored side by side.
	chatsAtOnce = 8
	// longestBackoff is how many times longer than the first one the waits between failing polls get.
	longestBackoff = 30
	// patience is how often in a row storing an update may fail, while others can be stored, before it is abandoned.
	patience = 5
)

// botAPI is what a poller needs of Telegram.
type botAPI interface {
	Updates(ctx context.Context, a channel.Account, offset int64, hold bool) ([]json.RawMessage, error)
	DeleteWebhook(ctx context.Context, a channel.Account) error
}

// poller asks one bot's updates until its context ends. It acknowledges an update
// only when it is stored: the next call's offset does that. What was stored and
// not yet acknowledged comes again to the next poller, and is known then.
type poller struct {
	*Polling
	channel db.Channel
	account channel.Account

	offset  int64
	backoff time.Duration
	problem string // as last recorded

	mu       sync.Mutex
	failures map[int64]int // of updates that could not be stored, by their number: how often in a row
}

func (p *poller) run(ctx context.Context) {
	if p.channel.Problem != nil {
		p.problem = *p.channel.Problem
	}
	ready := false
	for ctx.Err() == nil {
		began := time.Now()
		var updates []json.RawMessage
		var err error
		if !ready {
			err = p.API.DeleteWebhook(ctx, p.account)
			ready = err == nil
		}
		if err == nil {
			// After a problem the first poll does not wait for news: that it is over shows at once.
			updates, err = p.API.Updates(ctx, p.account, p.offset, p.problem == "")
		}
		if apiErr, ok := errors.AsType[*telegram.APIError](err); ok && apiErr.Status == http.StatusConflict {
			ready = false // somebody has set a webhook, or polls too
		}
		if err == nil {
			err = p.take(ctx, updates)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.failed(ctx, err)
		default:
			p.backoff = 0
			p.note(ctx, "")
			if len(updates) == 0 {
				sleep(ctx, p.restless()-time.Since(began))
			}
		}
	}
}

func (p *poller) restless() time.Duration {
	if p.Restless > 0 {
		return p.Restless
	}
	return restless
}

// numbered is an update with its number; 0 when it has none that can be read.
type numbered struct {
	id   int64
	body json.RawMessage
}

// take stores a batch: chats side by side, each in its order. When one update
// cannot be stored the rest of its chat waits with it, and the batch comes again.
func (p *poller) take(ctx context.Context, updates []json.RawMessage) error {
	chats := make(map[string][]numbered)
	var order []string
	next := p.offset
	for _, u := range updates {
		e, err := telegram.Parse(u)
		if err != nil {
			e.UpdateID = telegram.UpdateID(u)
		}
		if err == nil || e.UpdateID > 0 {
			next = e.UpdateID + 1 // not the greatest: after a quiet week Telegram numbers anew (https://core.telegram.org/bots/api#update)
		}
		if _, known := chats[e.Thread]; !known {
			order = append(order, e.Thread)
		}
		chats[e.Thread] = append(chats[e.Thread], numbered{e.UpdateID, u})
	}
	var g errgroup.Group
	g.SetLimit(chatsAtOnce)
	for _, chat := range order {
		g.Go(func() error {
			for _, u := range chats[chat] {
				if err := p.takeOne(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if next == p.offset && len(updates) > 0 {
		return errors.New("updates come without a number and cannot be acknowledged")
	}
	p.offset = next
	clear(p.failures)
	return nil
}

// takeOne stores an update, or abandons it: one that can never be stored does not
// hold up the others.
func (p *poller) takeOne(ctx context.Context, u numbered) error {
	err := p.Intake.Telegram(ctx, p.channel, u.body)
	if ctx.Err() != nil {
		return err
	}
	if err != nil && p.Store.CanTake(ctx, p.channel.ID) != nil {
		return err // nothing else can be stored either: that is what is wrong
	}
	if p.failedInRow(u.id, err != nil) < patience {
		return err
	}
	if p.Intake.Abandon(ctx, p.channel, u.body, err) != nil {
		return err
	}
	return nil
}

// failedInRow counts how often in a row storing an update has failed. An outage that
// ends between a try and the look whether others can be stored counts for one.
func (p *poller) failedInRow(id int64, failed bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !failed {
		delete(p.failures, id)
		return 0
	}
	p.failures[id]++
	return p.failures[id]
}

// failed waits before the next try, longer each time, and says what is wrong.
func (p *poller) failed(ctx context.Context, err error) {
	p.backoff = min(max(2*p.backoff, p.restless()), longestBackoff*p.restless())
	wait := p.backoff/2 + time.Duration(rand.Int64N(int64(p.backoff)))
	problem := "updates cannot be stored: " + err.Error()
	if apiErr, ok := errors.AsType[*telegram.APIError](err); ok {
		problem = pollProblem(apiErr)
		wait = max(wait, apiErr.RetryAfter)
	}
	p.Log.Warn("cannot take updates; trying again", "channel_id", p.channel.ID, "problem", problem, "wait_seconds", wait.Seconds())
	p.note(ctx, problem)
	sleep(ctx, wait)
}

func pollProblem(err *telegram.APIError) string {
	switch err.Status {
	case http.StatusUnauthorized, http.StatusNotFound:
		return telegram.TokenRefused
	case http.StatusConflict:
		return "another program takes this bot's messages as well: stop it, or make a bot of its own for Parley (" + err.Reason + ")"
	}
	return err.Reason
}

// note records the channel's problem: each time that there is one, for others may have taken it for mended.
func (p *poller) note(ctx context.Context, problem string) {
	if problem == "" && p.problem == "" {
		return
	}
	if err := p.Store.SetChannelProblem(ctx, p.channel.ID, problem); err != nil {
		p.Log.Warn("cannot record a channel's problem", "channel_id", p.channel.ID, "error", err)
		return
	}
	p.problem = problem
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// running is a poller that runs, of a channel as it was then.
type running struct {
	channel db.Channel
	stop    context.CancelFunc
	done    sync.WaitGroup
}

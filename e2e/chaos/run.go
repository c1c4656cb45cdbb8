package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"parley/e2e/chaos/journal"
)

const (
	lookEvery = 200 * time.Millisecond
	tellEvery = 15 * time.Second
)

// run does everything, and leaves a journal.
func run(ctx context.Context, o options) (err error) {
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if o.deploy == "" {
		o.deploy = o.parley
	}
	o.tell("chaos: seed %d, %d customers, %s; journal and logs in %s", o.seed, o.customers, o.duration, o.log)
	w, err := build(ctx, o)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	result := journal.Run{Seed: o.seed}
	if err := w.start(ctx, w.nodes, versionOld); err != nil {
		return err
	}
	if err := w.people(ctx); err != nil {
		return err
	}
	for _, c := range w.customers {
		result.Customers = append(result.Customers, c.Customer)
	}

	result.Began = time.Now()
	if err := w.load(ctx); err != nil {
		return err
	}
	o.tell("chaos: %d messages acknowledged; waiting until everything has come to rest", w.acked.Load())
	result.Unsettled = w.settle(ctx)
	if err := w.transcribe(ctx); err != nil {
		return err
	}
	result.Ended = time.Now()
	if err := w.leave(ctx, &result); err != nil {
		return err
	}
	result.Died = w.problems
	return w.journal.Finish(result)
}

// load has everybody write, work and watch while things break. It returns when every
// customer has written everything and nothing is broken any more.
func (w *world) load(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(ctx)
	for _, x := range w.watchers {
		w.looking.Go(func() { x.watch(watching) })
	}
	w.stopWatching = stopWatching
	breaking, stopBreaking := context.WithCancel(ctx)
	working, stopWorking := context.WithCancel(ctx)
	defer stopBreaking()
	defer stopWorking()

	var faults, work, writing sync.WaitGroup
	faults.Go(func() {
		if !pause(breaking, w.duration/2) {
			return
		}
		if err := w.upgrade(context.WithoutCancel(breaking)); err != nil {
			w.wrong("%v", err)
		}
	})
	faults.Go(func() { w.breakThings(breaking, w.chance(chanceFaults), w.every) })
	interrupter, workers := w.operators[len(w.operators)-1], w.operators[:len(w.operators)-1]
	work.Go(func() { interrupter.interrupt(working) })
	for _, o := range workers {
		work.Go(func() { o.work(working) })
	}
	began := time.Now()
	for _, c := range w.customers {
		if c.bot != nil && !c.bot.polled {
			w.looking.Go(func() { c.deliver(watching) })
		}
		writing.Go(func() { c.write(ctx, began) })
	}
	written := make(chan struct{})
	go func() {
		writing.Wait()
		close(written)
	}()
	end := time.NewTimer(w.duration)
	defer end.Stop()
	progress := time.NewTicker(tellEvery)
	defer progress.Stop()
	for ended := false; !ended; {
		select {
		case <-progress.C:
			w.tell("chaos: %s, %d acknowledged, %d not yet", time.Since(began).Round(time.Second), w.acked.Load(), w.owed.Load())
		case <-end.C:
			ended = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	stopBreaking()
	faults.Wait()
	w.model.heal()
	w.telegram.heal()
	<-written
	stopWorking()
	work.Wait()
	return ctx.Err()
}

// settle waits until nothing is under way. It says what still is when that takes too long.
func (w *world) settle(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, w.rest)
	defer cancel()
	for {
		left, err := w.underWay(ctx)
		if err == nil && left == "" {
			return ""
		}
		if err != nil {
			left = err.Error()
		}
		if !pause(ctx, lookEvery) {
			return left
		}
	}
}

// underWay says what has not come to rest: messages that nobody has acknowledged, bells, answers, sends, and streams
// that are behind. The record is asked only to know when to stop waiting: what is right is for the checker to say.
func (w *world) underWay(ctx context.Context) (string, error) {
	if owed := w.owed.Load(); owed > 0 {
		return fmt.Sprintf("%d messages are not acknowledged", owed), nil
	}
	var left string
	if err := w.pool.QueryRow(ctx, `SELECT concat_ws('; ',
		(SELECT string_agg(format('bell of %s', dialogue_id), ', ') FROM outbox),
		(SELECT string_agg(format('turn %s of %s is %s', id, dialogue_id, state), ', ')
			FROM turns WHERE kind = 'reply' AND state IN ('running', 'drafted')),
		(SELECT string_agg(format('dialogue %s: answered to %s of %s', id, answered_seq, customer_seq), ', ')
			FROM dialogues WHERE mode = 'bot' AND status <> 'closed' AND customer_seq > answered_seq),
		(SELECT string_agg(format('replay %s runs', id), ', ') FROM replay_batches WHERE state = 'running'),
		(SELECT string_agg(format('message %s of %s is %s', seq, dialogue_id, state), ', ') FROM messages WHERE state IN ('queued', 'sending')))`).Scan(&left); err != nil {
		return "", err
	}
	if left != "" {
		return left, nil
	}
	var list struct{ Position int64 }
	if err := w.balancer.read(ctx, "/api/v1/dialogues?limit=1", w.operators[0].token, &list); err != nil {
		return "", err
	}
	for _, x := range w.watchers {
		if x.customer == "" && x.last.Load() < list.Position {
			return fmt.Sprintf("stream %s is at %d of %d", x.name, x.last.Load(), list.Position), nil
		}
		if x.customer != "" {
			seen, err := w.messages(ctx, "/widget/v1/messages?limit=100", x.token)
			if err != nil {
				return "", err
			}
			if n := len(seen); n > 0 && x.seq.Load() < seen[n-1].Seq {
				return fmt.Sprintf("stream %s is at message %d of %d", x.name, x.seq.Load(), seen[n-1].Seq), nil
			}
		}
	}
	return "", nil
}

// transcribe notes every dialogue as operators see it, and as customers do.
func (w *world) transcribe(ctx context.Context) error {
	o := w.operators[0]
	cursor := ""
	for {
		var page struct {
			Dialogues []struct {
				ID, Mode, Status string
				ChatID           string  `json:"chat_id"`
				WaitingSince     *string `json:"waiting_since"`
				CustomerSeq      int64   `json:"customer_seq"`
				AnsweredSeq      int64   `json:"answered_seq"`
				Channel          struct{ Slug string }
			}
			NextCursor *string `json:"next_cursor"`
		}
		if err := w.balancer.read(ctx, "/api/v1/dialogues?limit=100"+cursor, o.token, &page); err != nil {
			return err
		}
		for _, d := range page.Dialogues {
			t := journal.Transcript{
				Dialogue: d.ID, Channel: d.Channel.Slug, Thread: d.ChatID, Mode: d.Mode, Status: d.Status, Waiting: d.WaitingSince != nil,
				CustomerSeq: d.CustomerSeq, AnsweredSeq: d.AnsweredSeq,
			}
			var err error
			if t.Messages, err = w.messages(ctx, "/api/v1/dialogues/"+d.ID+"/messages?limit=100", o.token); err != nil {
				return err
			}
			w.journal.Transcript(t)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	for _, c := range w.customers {
		if c.bot != nil {
			continue
		}
		messages, err := w.messages(ctx, "/widget/v1/messages?limit=100", c.token)
		if err != nil {
			return err
		}
		w.journal.Seen(journal.Seen{Customer: c.ID, Messages: messages})
	}
	return nil
}

// messages reads a whole transcript, page by page.
func (w *world) messages(ctx context.Context, path, token string) ([]journal.Message, error) {
	var out []journal.Message
	for after := int64(0); ; {
		var page struct {
			Messages []struct {
				journal.Message
				Data *struct{ Type string }
			}
		}
		if err := w.balancer.read(ctx, fmt.Sprintf("%s&after=%d", path, after), token, &page); err != nil {
			return nil, err
		}
		if len(page.Messages) == 0 {
			return out, nil
		}
		for _, m := range page.Messages {
			if m.Data != nil {
				m.Event = m.Data.Type
			}
			out = append(out, m.Message)
			after = m.Seq
		}
	}
}

// leave has everybody go, ends the processes, and notes what is left over.
func (w *world) leave(ctx context.Context, result *journal.Run) error {
	w.stopWatching()
	w.looking.Wait()
	w.balancer.client.CloseIdleConnections()
	for _, n := range w.nodes {
		after, err := n.goroutines(ctx, w.balancer)
		if err != nil {
			return err
		}
		result.Goroutines = append(result.Goroutines, journal.Goroutines{Process: n.name, After: after})
	}
	var err error
	if result.Workflows, err = w.workflows(ctx); err != nil {
		return err
	}
	for i, n := range w.nodes {
		if err := errors.Join(n.deploy(w.deploy), n.ready(ctx)); err != nil {
			return err
		}
		if result.Goroutines[i].Fresh, err = n.goroutines(ctx, w.balancer); err != nil {
			return err
		}
	}
	for _, n := range w.nodes {
		if err := n.end(); err != nil {
			w.wrong("%v", err)
		}
	}
	result.Connections, err = w.connections(ctx)
	return err
}

// connections counts sessions in Postgres that stay although nobody uses them.
func (w *world) connections(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectionsWithin)
	defer cancel()
	for {
		err := w.pool.QueryRow(context.WithoutCancel(ctx), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> $1", applicationName).Scan(&n)
		if err != nil || n == 0 || !pause(ctx, lookEvery) {
			return n, err
		}
	}
}

// connectionsWithin is how long Postgres may take to notice that a process has ended.
const connectionsWithin = 15 * time.Second

// workflowsWithin is how long runs may take to end for want of work: twice PARLEY_IDLE_AFTER, and then some.
const workflowsWithin = time.Minute

// workflows counts runs by status that are not over as they should be.
func (w *world) workflows(ctx context.Context) (map[string]int, error) {
	c, err := client.DialContext(ctx, client.Options{HostPort: w.stack.TemporalAddress, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, workflowsWithin)
	defer cancel()
	for {
		left := map[string]int{}
		for _, status := range []string{"Running", "Failed", "Terminated", "TimedOut", "Canceled"} {
			n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: fmt.Sprintf("ExecutionStatus = '%s'", status)})
			if err != nil {
				return nil, fmt.Errorf("count the workflows: %w", err)
			}
			if n.Count > 0 {
				left[status] = int(n.Count)
			}
		}
		if len(left) == 0 || !pause(ctx, time.Second) {
			return left, nil
		}
	}
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines are how many a process has when it has nothing to do: the fewest of a while.
func (n *node) goroutines(ctx context.Context, b *balancer) (int, error) {
	least := 0
	for range 10 {
		a := b.tryAt(ctx, "http://"+n.address, "GET", "/metrics", headers(""), nil)
		found := goroutines.FindStringSubmatch(strings.ReplaceAll(string(a.body), "\r", ""))
		if found == nil {
			return 0, fmt.Errorf("read the metrics of %s: %s", n.name, a)
		}
		if count, err := strconv.Atoi(found[1]); err == nil && (least == 0 || count < least) {
			least = count
		}
		if !pause(ctx, 300*time.Millisecond) {
			return least, ctx.Err()
		}
	}
	return least, nil
}

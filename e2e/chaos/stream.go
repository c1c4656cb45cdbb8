package main

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"parley/e2e/chaos/journal"
)

const (
	// silence is how long a stream may say nothing, not even a heartbeat, before its client takes it for dead.
	silence = 20 * time.Second
	// A client goes away and comes again between these.
	shortestVisit, longestVisit = 3 * time.Second, 30 * time.Second
	reconnect                   = 200 * time.Millisecond
)

// watcher is a client of a stream of server-sent events. It reads on after the last
// event that it saw, whatever becomes of its connections.
type watcher struct {
	name     string
	customer string // empty: the inbox
	path     string
	token    string
	balancer *balancer
	journal  *journal.Writer
	random   *rand.Rand
	heard    func(journal.Event) // may be nil

	last atomic.Int64 // id of the last event
	seq  atomic.Int64 // of the newest message
}

// watch follows the stream until ctx ends.
func (w *watcher) watch(ctx context.Context) {
	for ctx.Err() == nil {
		w.visit(ctx)
		pause(ctx, reconnect)
	}
}

// visit is one connection.
func (w *watcher) visit(ctx context.Context) {
	visit := shortestVisit + time.Duration(w.random.Int64N(int64(longestVisit-shortestVisit)))
	ctx, cancel := context.WithTimeout(ctx, visit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.balancer.base()+w.path, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Last-Event-ID", strconv.FormatInt(w.last.Load(), 10))
	resp, err := w.balancer.client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return
	}
	w.journal.Event(journal.Event{Client: w.name, Customer: w.customer, At: time.Now(), Mark: "open", ID: w.last.Load()})
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(nil, 4<<20)
	var id, name, data string
	for scanner.Scan() {
		quiet.Reset(silence)
		field, value, _ := strings.Cut(scanner.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			if data != "" {
				w.take(id, name, data)
			}
			name, data = "", ""
		}
	}
	w.journal.Event(journal.Event{Client: w.name, Customer: w.customer, At: time.Now(), Mark: "end", ID: w.last.Load()})
}

// take notes an event that is kept in the log, or a reset; signs of typing and the like are not.
func (w *watcher) take(id, name, data string) {
	if name != "message" && name != "dialogue" && name != "reset" {
		return
	}
	e := journal.Event{Client: w.name, Customer: w.customer, At: time.Now(), Name: name}
	e.ID, _ = strconv.ParseInt(id, 10, 64)
	if w.customer != "" {
		var m struct {
			ID, Author, Text string
			Seq              int64
		}
		_ = json.Unmarshal([]byte(data), &m)
		e.Message, e.Seq, e.Author, e.Text = m.ID, m.Seq, m.Author, m.Text
	} else {
		var in struct {
			Message *struct {
				ID, Author, Text, State string
				Seq                     int64
			}
			Dialogue struct{ ID string }
		}
		_ = json.Unmarshal([]byte(data), &in)
		e.Dialogue = in.Dialogue.ID
		if m := in.Message; m != nil {
			e.Message, e.Seq, e.Author, e.State, e.Text = m.ID, m.Seq, m.Author, m.State, m.Text
		}
	}
	w.journal.Event(e)
	w.last.Store(e.ID)
	w.seq.Store(max(w.seq.Load(), e.Seq))
	if w.heard != nil {
		w.heard(e)
	}
}

package stream

import (
	"sort"
	"time"

	"github.com/google/uuid"

	"parley/store/eventlog"
)

// Begin implements eventlog.Sink.
func (h *Hub) Begin(recent []eventlog.Event, head int64) {
	events := h.prepare(recent)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.head, h.floor = head, head
	if len(events) > 0 {
		h.floor = events[0].Position - 1
	}
	h.remember(events)
	close(h.ready)
}

// Append implements eventlog.Sink.
func (h *Hub) Append(batch []eventlog.Event) {
	events := h.prepare(batch)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remember(events)
	h.head = events[len(events)-1].Position
	for _, e := range events {
		for c := range h.threads[e.thread] {
			if Visible(c.viewer, e) {
				if c.next == 0 {
					c.next = e.Position
				}
				c.nudge()
			}
		}
	}
	for c := range h.operators {
		c.nudge()
	}
}

// Reset implements eventlog.Sink.
func (h *Hub) Reset(head int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent, h.recentBytes, h.floor, h.head = nil, 0, head, head
	for c := range h.conns {
		c.reset = true
		c.nudge()
	}
}

// prepare makes events ready for the streams.
func (h *Hub) prepare(events []eventlog.Event) []*Event {
	prepared := make([]*Event, len(events))
	for i, e := range events {
		var err error
		if prepared[i], err = NewEvent(e); err != nil {
			h.log.Error("an event is not shown to its customer", "error", err)
		}
	}
	return prepared
}

// remember keeps the newest events in memory, where every stream that is not far
// behind finds them. Slices handed out before stay as they are.
func (h *Hub) remember(events []*Event) {
	h.recent = append(h.recent, events...)
	for _, e := range events {
		h.recentBytes += len(e.Payload)
	}
	for len(h.recent) > h.options.Recent || h.recentBytes > recentBytes {
		half := (len(h.recent) + 1) / 2
		for _, e := range h.recent[:half] {
			h.recentBytes -= len(e.Payload)
		}
		h.floor = h.recent[half-1].Position
		h.recent = append([]*Event(nil), h.recent[half:]...)
	}
}

// recentAfter returns the events after the cursor from memory, and up to where
// they go; false when memory does not reach back so far.
func (h *Hub) recentAfter(cursor int64) ([]*Event, int64, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if cursor < h.floor {
		return nil, 0, false
	}
	i := sort.Search(len(h.recent), func(i int) bool { return h.recent[i].Position > cursor })
	return h.recent[i:len(h.recent):len(h.recent)], max(cursor, h.head), true
}

// position is the newest event that this node knows.
func (h *Hub) position() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.head
}

// look is how a pump learns what there is to do.
func (h *Hub) look(c *conn) (head, next int64, reset bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next, c.next = c.next, 0
	return h.head, next, c.reset
}

// add registers a stream. From then on it is told of every event after the head
// of this moment, which is its cursor when it came without one.
func (h *Hub) add(c *conn, hasCursor bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining || len(h.conns) >= h.options.MaxStreams || h.addresses[c.address] >= h.options.PerAddress {
		return false
	}
	h.addresses[c.address]++
	if !hasCursor {
		c.cursor = h.head
	}
	c.last = c.cursor
	limit := h.options.PerVisitor
	switch v := c.viewer.(type) {
	case OperatorViewer:
		limit = h.options.PerOperator
		h.operators[c] = struct{}{}
		if old := h.streams[c.stream]; old != nil {
			h.end(old) // its client has come again
		}
		if c.stream != "" {
			h.streams[c.stream] = c
		}
	case CustomerViewer:
		put(h.threads, v.Session.String(), c)
	}
	if of := h.sessions[c.session]; len(of) >= limit {
		h.end(of[0])
	}
	h.conns[c] = struct{}{}
	h.sessions[c.session] = append(h.sessions[c.session], c)
	h.serving.Add(1)
	return true
}

// end takes a stream out of what is fed, and lets it finish.
func (h *Hub) end(c *conn) {
	if c.ended {
		return
	}
	c.ended = true
	c.cancel()
	delete(h.operators, c)
	if h.streams[c.stream] == c {
		delete(h.streams, c.stream)
	}
	if v, ok := c.viewer.(CustomerViewer); ok {
		take(h.threads, v.Session.String(), c)
	}
	h.show(c, uuid.NullUUID{})
	of := h.sessions[c.session]
	for i := range of {
		if of[i] == c {
			of = append(of[:i:i], of[i+1:]...)
			break
		}
	}
	if h.sessions[c.session] = of; len(of) == 0 {
		delete(h.sessions, c.session)
	}
}

// remove is called when the handler returns.
func (h *Hub) remove(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end(c)
	delete(h.conns, c)
	if h.addresses[c.address]--; h.addresses[c.address] == 0 {
		delete(h.addresses, c.address)
	}
}

// show notes what a stream has on the screen, for a minute.
func (h *Hub) show(c *conn, dialogue uuid.NullUUID) {
	if c.screen.Valid && c.screen != dialogue {
		take(h.watching, c.screen.UUID, c)
	}
	if dialogue.Valid {
		put(h.watching, dialogue.UUID, c)
	}
	c.screen, c.until = dialogue, time.Now().Add(screenLifetime)
}

// restoreScreen does what show does, unless the client has reported in the meantime.
func (h *Hub) restoreScreen(c *conn, dialogue uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.ended && !c.screenSet {
		h.show(c, uuid.NullUUID{UUID: dialogue, Valid: true})
	}
}

// nudge tells the pump to look; it is enough to tell it once.
func (c *conn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// offer gives an ephemeral event to a stream that has room for it.
func (c *conn) offer(s signal) {
	select {
	case c.signals <- s:
	default:
	}
}

func put[K comparable](sets map[K]map[*conn]struct{}, key K, c *conn) {
	if sets[key] == nil {
		sets[key] = map[*conn]struct{}{}
	}
	sets[key][c] = struct{}{}
}

func take[K comparable](sets map[K]map[*conn]struct{}, key K, c *conn) {
	delete(sets[key], c)
	if len(sets[key]) == 0 {
		delete(sets, key)
	}
}

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
	"parley/store/live"
)

const (
	minClient = 8
	maxClient = 64

	screenLifetime = time.Minute
	sweepEvery     = 10 * time.Second
	checkAgain     = time.Second
	// typingEvery is how often a customer is told that the same dialogue is being typed in.
	typingEvery = 2 * time.Second
)

// streamID names a stream across nodes. It holds the operator's id, so that
// nobody can speak for another operator's stream.
func streamID(operator uuid.UUID, client string) string { return operator.String() + "/" + client }

// Run tells colleagues when operators have gone without saying so, and looks at
// the operators' logins again when that is due, until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.check:
			if err := h.endRevoked(ctx, h.operatorStreams()...); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "could not look at the operators' logins again; trying again", "error", err)
				time.AfterFunc(checkAgain, h.CheckLogins)
			}
			continue
		case <-sweep.C:
		}
		if err := h.sweep(ctx); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "could not remove viewers that have gone", "error", err)
		}
	}
}

func (h *Hub) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	left, err := h.q.RemoveExpiredViewers(ctx, h.pool)
	if err != nil {
		return fmt.Errorf("remove expired viewers: %w", err)
	}
	return h.publishPresence(ctx, left...)
}

// SetPresence takes an operator's report of which dialogue one of their streams
// has on the screen (nil: none) and whether they are typing in it. The stream may
// be held by another node, or not be open yet.
func (h *Hub) SetPresence(ctx context.Context, v OperatorViewer, client string, dialogueID *uuid.UUID, typing bool) error {
	if n := utf8.RuneCountInString(client); n < minClient || n > maxClient {
		return dialogue.Errorf(dialogue.CodeInvalid, "client must have %d to %d characters", minClient, maxClient)
	}
	stream := streamID(v.ID, client)
	if dialogueID == nil {
		left, err := h.q.RemoveViewer(ctx, h.pool, stream)
		if err != nil {
			return fmt.Errorf("remove viewer %s: %w", stream, err)
		}
		h.tellScreen(live.Screen{Stream: stream})
		return h.publishPresence(ctx, left...)
	}

	row, err := h.q.ReportViewer(ctx, h.pool, db.ReportViewerParams{
		StreamID: stream, OperatorID: v.ID, DialogueID: *dialogueID, Lifetime: screenLifetime,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return dialogue.Errorf(dialogue.CodeNotFound, "there is no dialogue %s", *dialogueID)
	}
	if err != nil {
		return fmt.Errorf("report viewer %s: %w", stream, err)
	}
	now := uuid.NullUUID{UUID: *dialogueID, Valid: true}
	h.tellScreen(live.Screen{Stream: stream, DialogueID: now})
	if typing {
		h.publisher.Publish(live.Item{Typing: &live.Typing{
			DialogueID: *dialogueID, ThreadKey: row.ThreadKey, Author: dialogue.AuthorOperator, OperatorID: v.ID, Name: v.Name,
		}})
	}
	if row.Before == now {
		return nil
	}
	if row.Before.Valid {
		return h.publishPresence(ctx, *dialogueID, row.Before.UUID)
	}
	return h.publishPresence(ctx, *dialogueID)
}

// CheckLogins has the hub look soon whether the logins of the operators' streams
// still hold. It is called when word that one does not may have been lost.
func (h *Hub) CheckLogins() {
	select {
	case h.check <- struct{}{}:
	default:
	}
}

func (h *Hub) operatorStreams() []*conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Collect(maps.Keys(h.operators))
}

// endRevoked ends those of some operators' streams whose login does not hold any
// more: its session is over, its token was revoked, or its operator may not log in
// or has other rights.
func (h *Hub) endRevoked(ctx context.Context, streams ...*conn) error {
	if len(streams) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	logins := make([][]byte, 0, len(streams))
	for _, c := range streams {
		if v, ok := c.viewer.(OperatorViewer); ok {
			logins = append(logins, v.Login)
		}
	}
	valid, err := h.q.ValidLogins(ctx, h.pool, logins)
	if err != nil {
		return fmt.Errorf("look whether logins still hold: %w", err)
	}
	roles := make(map[string]string, len(valid))
	for _, login := range valid {
		roles[string(login.TokenHash)] = login.Role
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range streams {
		if v, ok := c.viewer.(OperatorViewer); ok && roles[string(v.Login)] != v.Role {
			c.revoke()
		}
	}
	return nil
}

// revoke ends a stream whose client has to log in again.
func (c *conn) revoke() {
	c.reset = true
	c.nudge()
}

// tellScreen sets what a stream of this node shows, and tells the other nodes:
// the stream may have moved to one of them.
func (h *Hub) tellScreen(s live.Screen) {
	h.setScreen(&s)
	h.publisher.Publish(live.Item{Screen: &s})
}

func (h *Hub) publishPresence(ctx context.Context, dialogues ...uuid.UUID) error {
	for _, id := range dialogues {
		rows, err := h.q.DialogueViewers(ctx, h.pool, id)
		if err != nil {
			return fmt.Errorf("load the viewers of dialogue %s: %w", id, err)
		}
		operators := make([]live.Operator, len(rows))
		for i, r := range rows {
			operators[i] = live.Operator(r)
		}
		h.publisher.Publish(live.Item{Presence: &live.Presence{DialogueID: id, Operators: operators}})
	}
	return nil
}

// Live takes an item from another node or process, or from this one. It does not block.
func (h *Hub) Live(item live.Item) {
	switch {
	case item.Turn != nil:
		h.turn(item.Turn)
	case item.Typing != nil:
		h.typing(item.Typing)
	case item.Presence != nil:
		h.toWatching(item.Presence.DialogueID, uuid.Nil, "presence", item.Presence)
	case item.Screen != nil:
		h.setScreen(item.Screen)
	case item.Revoked != nil:
		h.revoked(item.Revoked)
	}
}

func (h *Hub) turn(t *live.Turn) {
	h.toWatching(t.DialogueID, uuid.Nil, "turn", struct {
		DialogueID uuid.UUID `json:"dialogue_id"`
		TurnID     uuid.UUID `json:"turn_id"`
		Kind       string    `json:"kind"`
		State      string    `json:"state"`
		Offset     int       `json:"offset"`
		Text       string    `json:"text"`
	}{t.DialogueID, t.TurnID, t.Kind, t.State, t.Offset, t.Text})
	if t.Kind == live.Reply && t.State == live.Writing {
		h.typingToCustomer(t.ThreadKey, dialogue.AuthorBot)
	}
}

func (h *Hub) typing(t *live.Typing) {
	h.toWatching(t.DialogueID, t.OperatorID, "typing", struct {
		DialogueID uuid.UUID       `json:"dialogue_id"`
		Author     dialogue.Author `json:"author"`
		Name       string          `json:"name,omitempty"`
	}{t.DialogueID, t.Author, t.Name})
	if t.Author == dialogue.AuthorBot || t.Author == dialogue.AuthorOperator {
		h.typingToCustomer(t.ThreadKey, t.Author)
	}
}

// toWatching offers an event to the operators that have the dialogue on the
// screen, but for the one who caused it.
func (h *Hub) toWatching(dialogueID, cause uuid.UUID, name string, payload any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watching[dialogueID]) == 0 {
		return
	}
	data, err := json.Marshal(payload)
	if err != nil {
		h.log.Error("cannot encode a live event", "event", name, "error", err)
		return
	}
	now := time.Now()
	for c := range h.watching[dialogueID] {
		if v, ok := c.viewer.(OperatorViewer); ok && cause != uuid.Nil && v.ID == cause {
			continue
		}
		if now.After(c.until) {
			h.show(c, uuid.NullUUID{})
			continue
		}
		c.offer(signal{name, data})
	}
}

func (h *Hub) typingToCustomer(thread string, author dialogue.Author) {
	if thread == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for c := range h.threads[thread] {
		if now.Sub(c.typed) < typingEvery {
			continue
		}
		c.typed = now
		c.offer(signal{"typing", []byte(`{"author":"` + string(author) + `"}`)})
	}
}

func (h *Hub) setScreen(s *live.Screen) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.streams[s.Stream]; c != nil {
		c.screenSet = true
		h.show(c, s.DialogueID)
	}
}

func (h *Hub) revoked(r *live.Revoked) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.operators {
		v, ok := c.viewer.(OperatorViewer)
		if ok && v.ID == r.OperatorID && (r.Session == "" || v.login() == r.Session) {
			c.revoke()
		}
	}
}

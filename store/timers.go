package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/channel"
	"parley/dialogue"
	"parley/store/db"
)

// DetailInactivity is the detail of a return to the bot that nobody asked for: the
// operator who had the dialogue did nothing.
const DetailInactivity = "inactivity"

const (
	timersAtOnce = 8               // that come to something in one transaction
	clockSkew    = time.Second     // by which the engine's clock may be ahead of the database's
	unsentPause  = 5 * time.Minute // until a dialogue is looked at again that cannot end yet
)

// scheduleOf reads what timers go by of the shop's settings.
func scheduleOf(settings json.RawMessage) (dialogue.Schedule, error) {
	in := struct {
		Timing dialogue.Timing `json:"timers"`
		Hours  dialogue.Hours  `json:"hours"`
		Zone   string          `json:"time_zone"`
	}{Timing: dialogue.DefaultTiming()}
	if len(settings) > 0 {
		if err := json.Unmarshal(settings, &in); err != nil {
			return dialogue.Schedule{}, fmt.Errorf("read the settings of the timers: %w", err)
		}
	}
	out := dialogue.Schedule{Timing: in.Timing, Hours: in.Hours, Zone: time.UTC}
	if zone, err := time.LoadLocation(in.Zone); err == nil {
		out.Zone = zone
	}
	return out, nil
}

// schedule notes in the row which timers run now.
func (c *change) schedule() error {
	by, err := scheduleOf(c.row.schedule)
	if err != nil {
		return err
	}
	timers := c.state.Timers(by)
	if timers == nil {
		timers = []dialogue.Timer{}
	}
	for i := range timers {
		if timers[i].DueAt.Before(c.notBefore) {
			timers[i].DueAt = c.notBefore
		}
	}
	if c.row.Timers, err = json.Marshal(timers); err != nil {
		return fmt.Errorf("encode the timers of dialogue %s: %w", c.row.ID, err)
	}
	before := c.row.TimerAt
	c.row.TimerAt = nil
	if len(timers) > 0 {
		c.row.TimerAt = &timers[0].DueAt
	}
	if c.timed && c.ring == "" && c.row.TimerAt != nil && (before == nil || c.row.TimerAt.Before(*before)) {
		c.ring = dialogue.RingTimerSet // the workflow sleeps longer than that
	}
	return nil
}

// Fired is what came of a dialogue's timers.
type Fired struct {
	Dialogue DialogueView
	Kinds    []dialogue.TimerKind // of those that came to something
	ToSend   bool                 // messages wait for the send activity
}

// FireTimers has everything come to pass that is due in a dialogue. It can be
// called at any time: what is not due, or was done already, is left. followUp words
// what a silent customer is asked.
func (s *Store) FireTimers(ctx context.Context, id uuid.UUID, followUp func(dialogue.Language) string) (Fired, error) {
	var out Fired
	var err error
	out.Dialogue, err = s.change(ctx, id, func(c *change) error {
		out = Fired{}
		by, err := scheduleOf(c.row.schedule)
		if err != nil {
			return err
		}
		c.rescheduled = true
		for range timersAtOnce {
			timers := c.state.Timers(by)
			if len(timers) == 0 || timers[0].DueAt.After(c.now.Add(clockSkew)) || c.notBefore.After(c.now) {
				return nil
			}
			if err := c.fire(timers[0].Kind, followUp); err != nil {
				return err
			}
			out.Kinds = append(out.Kinds, timers[0].Kind)
			out.ToSend = out.ToSend || timers[0].Kind == dialogue.TimerFollowUp && !channel.CommitDelivers(c.row.channelKind)
		}
		return nil
	})
	if err != nil {
		return Fired{}, fmt.Errorf("fire the timers of dialogue %s: %w", id, err)
	}
	return out, nil
}

// fire has one timer come to something.
func (c *change) fire(kind dialogue.TimerKind, followUp func(dialogue.Language) string) error {
	switch kind {
	case dialogue.TimerSnooze:
		c.state.Wake(c.now)
		return c.timeline(TimelineEvent{Type: TimelineWoken})
	case dialogue.TimerFirstReply, dialogue.TimerNextReply:
		c.state.Overdue(c.now)
		return c.timeline(TimelineEvent{Type: TimelineOverdue, Detail: string(kind)})
	case dialogue.TimerReturn:
		c.state.ReturnToBot()
		c.assign(nil)
		if err := c.audit(Actor{Kind: ActorBot, Name: "bot"}, ActionReturnedToBot, map[string]any{"detail": DetailInactivity}); err != nil {
			return err
		}
		return c.timeline(TimelineEvent{Type: TimelineReturned, Detail: DetailInactivity})
	case dialogue.TimerFollowUp:
		return c.followUp(followUp)
	case dialogue.TimerClose:
		unsent, err := c.s.q.HasUnsent(c.ctx, c.tx, c.row.ID)
		if err != nil {
			return fmt.Errorf("look whether messages wait in dialogue %s: %w", c.row.ID, err)
		}
		if unsent {
			c.notBefore = c.now.Add(unsentPause)
			return nil
		}
		return c.close(closedBySilence, TimelineEvent{Type: TimelineClosed, Detail: DetailSilence})
	}
	return fmt.Errorf("timer %q is not known", kind)
}

// followUp asks the silent customer whether that was all, unless they have blocked us.
func (c *change) followUp(word func(dialogue.Language) string) error {
	c.state.FollowedUp()
	last, err := c.s.q.LastBlocking(c.ctx, c.tx, c.row.ID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("look whether dialogue %s is blocked: %w", c.row.ID, err)
	}
	if last == string(TimelineBlocked) {
		return nil
	}
	state := dialogue.StateQueued
	if channel.CommitDelivers(c.row.channelKind) {
		state = dialogue.StateSent
	}
	_, err = c.add(db.InsertMessageParams{
		Seq: c.state.AddLine(), Author: dialogue.AuthorSystem, Kind: dialogue.KindNotice, Text: word(languageOf(c.row.Dialogue)), State: state,
	}, nil)
	return err
}

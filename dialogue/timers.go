package dialogue

import (
	"slices"
	"time"
)

// TimerKind names what a dialogue comes to by itself when its time is there.
type TimerKind string

// The timers.
const (
	TimerSnooze     TimerKind = "snooze"      // the operators have it before them again
	TimerFirstReply TimerKind = "first_reply" // an operator should have answered the handoff
	TimerNextReply  TimerKind = "next_reply"  // an operator should have answered again
	TimerReturn     TimerKind = "return"      // the bot gets it back from an operator who does nothing
	TimerFollowUp   TimerKind = "follow_up"   // the silent customer is asked whether that was all
	TimerClose      TimerKind = "close"       // the episode ends
)

// Timer is a timer that runs.
type Timer struct {
	Kind  TimerKind `json:"kind"`
	DueAt time.Time `json:"due_at"`
}

// Timing is how long a shop lets the timers of its dialogues run, in minutes. Zero
// is off.
type Timing struct {
	FirstReply int64 `json:"first_reply"` // from the handoff to an operator's first answer, in the shop's hours
	NextReply  int64 `json:"next_reply"`  // from the customer's next message to the operator's answer, in the shop's hours
	Return     int64 `json:"return"`      // without an act of the operator who has the dialogue
	FollowUp   int64 `json:"follow_up"`   // of the customer's silence after an answer of the bot
	Close      int64 `json:"close"`       // of silence in a dialogue of the bot
}

// DefaultTiming is that of a shop that has set nothing: an episode of the bot ends
// after a day of silence.
func DefaultTiming() Timing { return Timing{Close: 24 * 60} }

// longestTiming is a year.
const longestTiming = 366 * 24 * 60

// Check says what is wrong with the timing, in words for who edits it.
func (t Timing) Check() error {
	for _, m := range []struct {
		field   string
		minutes int64
	}{{"first_reply", t.FirstReply}, {"next_reply", t.NextReply}, {"return", t.Return}, {"follow_up", t.FollowUp}, {"close", t.Close}} {
		if m.minutes < 0 || m.minutes > longestTiming {
			return Errorf(CodeInvalid, "timers.%s is a number of minutes from 0, which is off, to %d", m.field, longestTiming)
		}
	}
	return nil
}

// Schedule is what timers go by besides the dialogue itself.
type Schedule struct {
	Timing Timing
	Hours  Hours
	Zone   *time.Location
}

// Timers are the timers that run in this state, the next one first. They are a
// function of the state alone: whatever changes it starts, moves and stops them.
func (s *State) Timers(by Schedule) []Timer {
	var out []Timer
	add := func(kind TimerKind, minutes int64, due func(d time.Duration) time.Time) {
		if minutes > 0 {
			out = append(out, Timer{kind, due(time.Duration(minutes) * time.Minute).UTC().Truncate(time.Microsecond)})
		}
	}
	switch {
	case s.Status == StatusClosed:
	case s.Status == StatusSnoozed && s.SnoozedUntil != nil:
		out = append(out, Timer{TimerSnooze, *s.SnoozedUntil})
	case s.Mode == ModeOperator:
		if s.Unanswered() && s.WaitingSince != nil && s.OverdueSince == nil {
			kind, minutes := TimerFirstReply, by.Timing.FirstReply
			if s.RepliedSeq > 0 {
				kind, minutes = TimerNextReply, by.Timing.NextReply
			}
			add(kind, minutes, func(d time.Duration) time.Time { return by.Hours.After(*s.WaitingSince, d, by.Zone) })
		}
		if s.HumanAt != nil {
			add(TimerReturn, by.Timing.Return, func(d time.Duration) time.Time {
				idle := *s.HumanAt
				if s.WaitingSince != nil && s.WaitingSince.After(idle) {
					idle = *s.WaitingSince // who is just being written to has time to answer
				}
				return idle.Add(d)
			})
		}
	case !s.Unanswered() && s.WaitingSince == nil:
		if s.LastAuthor == AuthorBot && s.FollowUpSeq < s.CustomerSeq {
			add(TimerFollowUp, by.Timing.FollowUp, s.LastMessageAt.Add)
		}
		add(TimerClose, by.Timing.Close, s.LastMessageAt.Add)
	}
	slices.SortStableFunc(out, func(a, b Timer) int { return a.DueAt.Compare(b.DueAt) })
	return out
}

// Snooze puts the dialogue off until a time, or until the customer writes.
func (s *State) Snooze(until, now time.Time) {
	s.Status, s.SnoozedUntil = StatusSnoozed, &until
	s.Acted(now)
}

// Wake puts a dialogue before the operators again that was put off.
func (s *State) Wake(now time.Time) {
	s.Status, s.SnoozedUntil = StatusOpen, nil
	s.NeedsLook(now)
}

// Overdue notes that an operator should have answered by now. It holds until
// somebody does.
func (s *State) Overdue(now time.Time) { s.OverdueSince = &now }

// FollowedUp notes that the customer was asked whether that was all: once, until
// they write again.
func (s *State) FollowedUp() { s.FollowUpSeq = s.CustomerSeq }

// Acted notes that an operator has done something: the dialogue is in somebody's hands.
func (s *State) Acted(now time.Time) {
	if s.Mode == ModeOperator {
		s.HumanAt = &now
	}
}

package dialogue

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var almaty = time.FixedZone("Asia/Almaty", 5*60*60)

// shopHours are Monday to Friday 10 to 13 and 14 to 19, and Saturday 11 to 15.
func shopHours() Hours {
	h := Hours{"sat": {{From: "11:00", To: "15:00"}}}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		h[day] = []Interval{{From: "10:00", To: "13:00"}, {From: "14:00", To: "19:00"}}
	}
	return h
}

func TestTimeOfTheHours(t *testing.T) {
	t.Parallel()
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, almaty) } // the 23rd is a Monday
	for name, tc := range map[string]struct {
		from time.Time
		wait time.Duration
		want time.Time
	}{
		"within the hours":   {at(23, 10, 30), 30 * time.Minute, at(23, 11, 0)},
		"to their very end":  {at(23, 12, 0), time.Hour, at(23, 13, 0)},
		"over lunch":         {at(23, 12, 50), 30 * time.Minute, at(23, 14, 20)},
		"over night":         {at(23, 18, 50), 30 * time.Minute, at(24, 10, 20)},
		"before they open":   {at(23, 7, 0), 15 * time.Minute, at(23, 10, 15)},
		"over the weekend":   {at(28, 14, 50), time.Hour, at(30, 10, 50)},
		"on the day of rest": {at(29, 12, 0), time.Minute, at(30, 10, 1)},
		"longer than a day":  {at(23, 10, 0), 10 * time.Hour, at(24, 12, 0)},
	} {
		require.True(t, tc.want.Equal(shopHours().After(tc.from.UTC(), tc.wait, almaty)), "%s: %s", name, shopHours().After(tc.from, tc.wait, almaty))
	}
	require.Equal(t, at(23, 3, 0), Hours{}.After(at(23, 2, 0), time.Hour, almaty), "a shop without hours always answers")
}

// Longer waits never end sooner, nothing ends before it began, and what ends does so within the hours.
func TestTimeOfTheHoursAnyWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 11, 23, 0, 0, 0, 0, almaty).Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "minute")) * time.Minute)
		wait := time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "wait")) * time.Minute
		end := shopHours().After(from, wait, almaty)
		if end.Before(from.Add(wait)) {
			t.Fatalf("%s after %s is %s", wait, from, end)
		}
		if longer := shopHours().After(from, wait+time.Minute, almaty); !longer.After(end) {
			t.Fatalf("%s ends at %s, a minute more at %s", wait, end, longer)
		}
		if _, closed := shopHours().Next(end.Add(-time.Second)); closed {
			t.Fatalf("%s is outside of the hours", end)
		}
	})
}

// Whatever happens to a dialogue, its timers fit its state.
func TestTimersFitTheState(t *testing.T) {
	t.Parallel()
	by := Schedule{Timing: Timing{FirstReply: 5, NextReply: 15, Return: 30, FollowUp: 60, Close: 24 * 60}, Hours: shopHours(), Zone: almaty}
	rapid.Check(t, func(t *rapid.T) {
		s := State{Mode: ModeBot, Epoch: 1, Status: StatusOpen, EpisodeID: uuid.New()}
		s.CustomerWrote("question", noon, uuid.New)
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			e := rapid.SampledFrom(events()).Draw(t, "event")
			if !possible(s.Mode, s.Status, e) {
				continue
			}
			e.happens(&s)
			if (s.SnoozedUntil != nil) != (s.Status == StatusSnoozed) {
				t.Fatalf("%s with a time to come back of %v", s.Status, s.SnoozedUntil)
			}
			timers := s.Timers(by)
			for i, timer := range timers {
				if i > 0 && timer.DueAt.Before(timers[i-1].DueAt) {
					t.Fatalf("not in order: %v", timers)
				}
				switch timer.Kind {
				case TimerClose, TimerFollowUp:
					if s.Mode != ModeBot || s.Unanswered() || s.Status == StatusClosed {
						t.Fatalf("%s in %+v", timer.Kind, s)
					}
				case TimerSnooze:
					if s.Status != StatusSnoozed {
						t.Fatalf("%s in %+v", timer.Kind, s)
					}
				default:
					if s.Mode != ModeOperator || s.Status == StatusClosed {
						t.Fatalf("%s in %+v", timer.Kind, s)
					}
				}
			}
			if s.Status == StatusClosed && len(timers) > 0 {
				t.Fatalf("a closed dialogue has timers: %v", timers)
			}
		}
	})
}

func TestTimingIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultTiming().Check())
	require.NoError(t, Timing{}.Check())
	require.ErrorContains(t, Timing{Return: -1}.Check(), "timers.return")
	require.ErrorContains(t, Timing{Close: 1 << 40}.Check(), "timers.close")
}

package dialogue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are when humans of the shop answer, by weekday ("mon" to "sun"), in the
// shop's time zone. Without any day they always do.
type Hours map[string][]Interval

// maxIntervals is into how many parts a day may fall.
const maxIntervals = 8

// Interval is a part of a day, as "10:00" and "19:00"; the end may be "24:00".
type Interval struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// weekdays in the order of time.Weekday.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// Check says what is wrong with the hours, in words for who edits them.
func (h Hours) Check() error {
	open := 0
	for day, intervals := range h {
		if !slices.Contains(weekdays(), day) {
			return Errorf(CodeInvalid, "hours: %q is not a day; there are mon, tue, wed, thu, fri, sat and sun", day)
		}
		if len(intervals) > maxIntervals {
			return Errorf(CodeInvalid, "hours.%s has at most %d parts", day, maxIntervals)
		}
		end := -1
		for _, part := range intervals {
			from, to, err := part.minutes()
			if err != nil {
				return Errorf(CodeInvalid, "hours.%s: %v", day, err)
			}
			if from < end {
				return Errorf(CodeInvalid, "hours.%s: the parts of a day follow one another and do not overlap", day)
			}
			end = to
			open++
		}
	}
	if len(h) > 0 && open == 0 {
		return Errorf(CodeInvalid, "hours name no time at all: leave them empty when humans always answer")
	}
	return nil
}

// minutes are the interval's ends, counted from midnight.
func (i Interval) minutes() (from, to int, err error) {
	if from, err = minuteOf(i.From); err != nil {
		return 0, 0, err
	}
	if to, err = minuteOf(i.To); err != nil {
		return 0, 0, err
	}
	if from >= to {
		return 0, 0, fmt.Errorf("%s to %s is no time: what goes past midnight is two parts, one to 24:00 and one from 00:00 of the next day", i.From, i.To)
	}
	return from, to, nil
}

func minuteOf(s string) (int, error) {
	hours, minutes, ok := strings.Cut(s, ":")
	h, err1 := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(minutes)
	if !ok || err1 != nil || err2 != nil || len(hours) != 2 || len(minutes) != 2 || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is not a time of day such as 09:30", s)
	}
	return h*60 + m, nil
}

// Opening is when humans answer again.
type Opening struct {
	Days   int // from today: 0 is today, 1 tomorrow
	Day    time.Weekday
	Minute int // of that day
}

// Next says when humans answer again after now, a time in the shop's zone. It
// reports false when they do now, or when no hours are set.
func (h Hours) Next(now time.Time) (Opening, bool) {
	minute := now.Hour()*60 + now.Minute()
	for days := range 8 {
		day := time.Weekday((int(now.Weekday()) + days) % 7)
		for _, part := range h[weekdays()[day]] {
			from, to, err := part.minutes()
			switch {
			case err != nil:
				continue
			case days > 0 || minute < from:
				return Opening{days, day, from}, true
			case minute < to:
				return Opening{}, false
			}
		}
	}
	return Opening{}, false
}

// After is when so much time of the hours has passed since from. Without any day
// all time counts. Two weeks without an hour are the most that is looked ahead.
func (h Hours) After(from time.Time, d time.Duration, zone *time.Location) time.Time {
	if len(h) == 0 {
		return from.Add(d)
	}
	local := from.In(zone)
	for day := range 15 {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, 0, 0, zone)
		for _, part := range h[weekdays()[date.Weekday()]] {
			opens, closes, err := part.minutes()
			if err != nil {
				continue
			}
			begin := time.Date(date.Year(), date.Month(), date.Day(), 0, opens, 0, 0, zone)
			end := time.Date(date.Year(), date.Month(), date.Day(), 0, closes, 0, 0, zone)
			if begin.Before(local) {
				begin = local
			}
			left := end.Sub(begin)
			if left <= 0 {
				continue
			}
			if d <= left {
				return begin.Add(d)
			}
			d -= left
		}
	}
	return local.AddDate(0, 0, 15)
}

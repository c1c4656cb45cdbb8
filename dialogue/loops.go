package dialogue

// Loops are how soon the bot takes a customer for another program: another bot, or
// one that answers everything by itself. Zero means never.
type Loops struct {
	SameText     int64 `json:"same_text"`      // answers within an hour to one and the same text
	Per10Minutes int64 `json:"per_10_minutes"` // answers in one dialogue within ten minutes
}

// DefaultLoops are those of a shop that has set none.
func DefaultLoops() Loops { return Loops{SameText: 3, Per10Minutes: 20} }

// LoopRunes is how long a text is at least that counts as said again: people say
// "yes" and "thank you" often.
const LoopRunes = 20

// The limits that a program on the other side comes to. It is not told of the
// handoff, for it would answer that too.
const (
	CapLoopSameText Cap = "loop_same_text"
	CapLoopRate     Cap = "loop_rate"
)

// Loop says whether the limit is one that only a program comes to.
func (c Cap) Loop() bool { return c == CapLoopSameText || c == CapLoopRate }

// Said is what the bot has answered in a dialogue since it holds it.
type Said struct {
	SameText     int64 // within an hour, to what the customer writes now
	Per10Minutes int64
}

// Reached returns the limit that leaves the bot nothing to say, and is empty when
// it may go on.
func (l Loops) Reached(s Said) Cap {
	switch {
	case l.SameText > 0 && s.SameText >= l.SameText:
		return CapLoopSameText
	case l.Per10Minutes > 0 && s.Per10Minutes >= l.Per10Minutes:
		return CapLoopRate
	}
	return ""
}

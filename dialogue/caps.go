package dialogue

// Caps are what a shop lets its bot use. Zero means no limit.
type Caps struct {
	DialogueTurns int64   `json:"dialogue_turns"` // answers in one dialogue within 24 hours
	DayCalls      int64   `json:"day_calls"`      // calls of the model per day, all dialogues together
	DayTokens     int64   `json:"day_tokens"`     // tokens per day, read and written
	DayCost       float64 `json:"day_cost"`       // money per day, in the currency of the prices
}

// DefaultCaps are those of a shop that has set none: a dialogue that goes round in
// circles, with another program say, comes to a human some time.
func DefaultCaps() Caps { return Caps{DialogueTurns: 100} }

// Cap names a limit of the shop.
type Cap string

// The limits.
const (
	CapDialogueTurns Cap = "dialogue_turns"
	CapDayCalls      Cap = "day_calls"
	CapDayTokens     Cap = "day_tokens"
	CapDayCost       Cap = "day_cost"
)

// Used is what the bot has used already, of what the caps limit.
type Used struct {
	DialogueTurns int64
	DayCalls      int64
	DayTokens     int64
	DayCostMicros int64 // in millionths of the currency

	CallTokens     int64 // that one call takes, about
	CallCostMicros int64 // that one call costs, about
}

// Daily says whether there is a limit that holds for the whole shop.
func (c Caps) Daily() bool { return c.DayCalls > 0 || c.DayTokens > 0 || c.DayCost > 0 }

// Reached returns the first limit that leaves the bot nothing, and is empty when
// it may go on.
func (c Caps) Reached(u Used) Cap {
	switch {
	case c.DialogueTurns > 0 && u.DialogueTurns >= c.DialogueTurns:
		return CapDialogueTurns
	case c.DayCalls > 0 && u.DayCalls >= c.DayCalls:
		return CapDayCalls
	case c.DayTokens > 0 && u.DayTokens >= c.DayTokens:
		return CapDayTokens
	case c.DayCost > 0 && float64(u.DayCostMicros) >= c.DayCost*1e6:
		return CapDayCost
	}
	return ""
}

// Near says whether so many calls more would come to a limit of the day.
func (c Caps) Near(u Used, calls int64) bool {
	u.DialogueTurns = 0
	u.DayCalls += calls
	u.DayTokens += calls * u.CallTokens
	u.DayCostMicros += calls * u.CallCostMicros
	return c.Reached(u) != ""
}

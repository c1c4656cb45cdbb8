// Package live carries what is worth showing only now between processes: texts
// that grow word by word, signs of typing, who looks at what. It goes by NOTIFY,
// is never stored, and may be lost: whoever needs to know something for sure
// reads the event log.
package live

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"parley/dialogue"
)

// Channel is the NOTIFY channel of the items.
const Channel = "parley_live"

// Item is exactly one of its fields.
type Item struct {
	Turn     *Turn     `json:"turn,omitempty"`
	Typing   *Typing   `json:"typing,omitempty"`
	Presence *Presence `json:"presence,omitempty"`
	Screen   *Screen   `json:"screen,omitempty"`
	Revoked  *Revoked  `json:"revoked,omitempty"`
}

// Turn is the text of a turn so far.
type Turn struct {
	DialogueID uuid.UUID `json:"dialogue_id"`
	ThreadKey  string    `json:"thread_key,omitempty"` // when set, a reply shows its customer that the bot is typing
	TurnID     uuid.UUID `json:"turn_id"`
	Kind       string    `json:"kind"`   // reply or suggestion
	State      string    `json:"state"`  // writing or ended
	Offset     int       `json:"offset"` // how much of the text is left out at its beginning, in UTF-16 code units; set by the Publisher
	Text       string    `json:"text"`
}

// Kinds and states of a Turn.
const (
	Reply      = "reply"
	Suggestion = "suggestion"
	Writing    = "writing"
	Ended      = "ended"
)

// Typing says that somebody is typing. It is shown for about 5 s.
type Typing struct {
	DialogueID uuid.UUID       `json:"dialogue_id"`
	ThreadKey  string          `json:"thread_key,omitempty"` // when set, the customer is shown it too, unless it is theirs
	Author     dialogue.Author `json:"author"`
	OperatorID uuid.UUID       `json:"operator_id,omitzero"`
	Name       string          `json:"name,omitempty"` // of the operator
}

// Presence says who has a dialogue on the screen.
type Presence struct {
	DialogueID uuid.UUID  `json:"dialogue_id"`
	Operators  []Operator `json:"operators"`
}

// Operator names an operator.
type Operator struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// Screen tells the node that holds a stream which dialogue it has on the screen.
// It is repeated while it holds.
type Screen struct {
	Stream     string        `json:"stream"`
	DialogueID uuid.NullUUID `json:"dialogue_id"` // null: none
}

// Revoked ends the streams of an operator, whose rights must be looked at again.
type Revoked struct {
	OperatorID uuid.UUID `json:"operator_id"`
	Session    string    `json:"session,omitempty"` // empty: all sessions
}

// key says which items replace each other while they wait.
func (i Item) key() string {
	switch {
	case i.Turn != nil:
		return "turn/" + i.Turn.TurnID.String()
	case i.Typing != nil:
		return "typing/" + i.Typing.DialogueID.String() + "/" + string(i.Typing.Author) + "/" + i.Typing.OperatorID.String()
	case i.Presence != nil:
		return "presence/" + i.Presence.DialogueID.String()
	case i.Screen != nil:
		return "screen/" + i.Screen.Stream
	case i.Revoked != nil:
		return "revoked/" + i.Revoked.OperatorID.String() + "/" + i.Revoked.Session
	}
	return ""
}

// Handler returns what takes the notifications of Channel apart, for a LISTENing
// connection. sink must not block.
func Handler(sink func(Item), log *slog.Logger) func(payload string) {
	return func(payload string) {
		items, err := decode(payload)
		if err != nil {
			log.Warn("cannot read a live notification", "error", err)
			return
		}
		for _, item := range items {
			sink(item)
		}
	}
}

func decode(payload string) ([]Item, error) {
	var items []Item
	if err := json.Unmarshal([]byte(payload), &items); err != nil {
		return nil, fmt.Errorf("decode live items: %w", err)
	}
	return items, nil
}

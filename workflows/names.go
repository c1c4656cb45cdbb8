package workflows

import (
	"time"

	"github.com/google/uuid"

	"parley/dialogue"
)

// TaskQueue is where dialogues and their activities run.
const TaskQueue = "dialogues"

// DialogueID is the id of a dialogue's workflow.
func DialogueID(id uuid.UUID) string { return "dialogue/" + id.String() }

// DialogueInput starts a dialogue's workflow. Fields are only ever added: runs
// that were started by an older version continue as new with it.
type DialogueInput struct {
	DialogueID uuid.UUID     `json:"dialogue_id"`
	IdleAfter  time.Duration `json:"idle_after"`          // how long a run waits for the next ring before it ends
	Known      Doorbell      `json:"known,omitzero"`      // what an earlier run knew
	MaxEvents  int           `json:"max_events,omitzero"` // continue as new from this length of history on; 0: when the server suggests it
	Labelled   bool          `json:"labelled,omitzero"`   // the server knows the search attributes of labels.go
	ToSend     bool          `json:"to_send,omitzero"`    // an earlier run left something to send
}

// Doorbell is the content of every signal: the counters of the dialogue's row
// when it rang. It says nothing that the record does not say better, so the
// workflow keeps the newest of each and a doubled, late or reordered signal does
// no harm.
type Doorbell struct {
	Epoch       int64         `json:"epoch"`
	Mode        dialogue.Mode `json:"mode"` // in that epoch
	CustomerSeq int64         `json:"customer_seq"`
	AnsweredSeq int64         `json:"answered_seq"`
	ToSend      bool          `json:"to_send,omitzero"` // messages waited to leave: for a run that began without knowing it
	Version     int64         `json:"version,omitzero"` // of the row
	Due         time.Time     `json:"due,omitzero"`     // when its next timer is due; zero when none runs
}

// merge keeps what is newer of two. Within an epoch counters only grow; an answer
// that never left may be taken back with a new epoch.
func (d *Doorbell) merge(other Doorbell) {
	switch {
	case other.Epoch > d.Epoch:
		d.Epoch, d.Mode, d.AnsweredSeq = other.Epoch, other.Mode, other.AnsweredSeq
	case other.Epoch == d.Epoch:
		d.AnsweredSeq = max(d.AnsweredSeq, other.AnsweredSeq)
	}
	d.CustomerSeq = max(d.CustomerSeq, other.CustomerSeq)
	if other.Version > d.Version {
		d.Version, d.Due = other.Version, other.Due
	}
}

// ReplyInput asks the bot to answer what is unanswered in a dialogue.
type ReplyInput struct {
	DialogueID uuid.UUID `json:"dialogue_id"`
}

// ReplyOutcome says what came of a reply.
type ReplyOutcome string

// The outcomes of a reply.
const (
	ReplyAnswered  ReplyOutcome = "answered"
	ReplyHandedOff ReplyOutcome = "handed_off"
	ReplyFailed    ReplyOutcome = "failed"        // recorded, and handed to the operators
	ReplyNothing   ReplyOutcome = "nothing_to_do" // answered or taken over meanwhile
)

// ReplyResult is what came of a reply, and the dialogue's counters after it.
type ReplyResult struct {
	Outcome ReplyOutcome `json:"outcome"`
	TurnID  uuid.UUID    `json:"turn_id,omitzero"`
	State   Doorbell     `json:"state"`
	ToSend  bool         `json:"to_send,omitzero"` // messages wait for the send activity

	// Short previews for those who look at the workflow.
	Question string `json:"question,omitzero"`
	Answer   string `json:"answer,omitzero"`
	Error    string `json:"error,omitzero"`
	Cause    string `json:"cause,omitzero"` // of ReplyFailed: the class of the error
}

// SendInput asks for everything of a dialogue that waits to leave to be sent.
type SendInput struct {
	DialogueID uuid.UUID `json:"dialogue_id"`
	TurnID     uuid.UUID `json:"turn_id,omitzero"` // whose drafted answer goes out after that; zero: none
}

// SendResult is what was sent.
type SendResult struct {
	State  Doorbell `json:"state"`
	Sent   int      `json:"sent"`
	Failed int      `json:"failed,omitzero"`
	Error  string   `json:"error,omitzero"` // of the last one that failed
}

// FireInput asks for everything to be done that is due in a dialogue.
type FireInput struct {
	DialogueID uuid.UUID `json:"dialogue_id"`
}

// FireResult is what a dialogue's timers came to.
type FireResult struct {
	State  Doorbell             `json:"state"`
	ToSend bool                 `json:"to_send,omitzero"` // messages wait for the send activity
	Fired  []dialogue.TimerKind `json:"fired,omitempty"`
}

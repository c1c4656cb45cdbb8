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
	DialogueID uuid.UUID
	IdleAfter  time.Duration // how long a run waits for the next ring before it ends
	Known      Doorbell      // what an earlier run knew
	MaxEvents  int           // continue as new from this length of history on; 0: when the server suggests it
}

// Doorbell is the content of every signal: the counters of the dialogue's row
// when it rang. It says nothing that the record does not say better, so the
// workflow keeps the largest of each and a doubled, late or reordered signal
// does no harm.
type Doorbell struct {
	Epoch       int64
	Mode        dialogue.Mode // in that epoch
	CustomerSeq int64
	AnsweredSeq int64
}

// merge keeps what is newer of two.
func (d *Doorbell) merge(other Doorbell) {
	if other.Epoch > d.Epoch {
		d.Epoch, d.Mode = other.Epoch, other.Mode
	}
	d.CustomerSeq = max(d.CustomerSeq, other.CustomerSeq)
	d.AnsweredSeq = max(d.AnsweredSeq, other.AnsweredSeq)
}

// ReplyInput asks the bot to answer what is unanswered in a dialogue.
type ReplyInput struct {
	DialogueID uuid.UUID
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
	Outcome ReplyOutcome
	TurnID  uuid.UUID
	State   Doorbell
	ToSend  bool // messages wait for the send activity

	// Short previews for those who look at the workflow.
	Question string
	Answer   string
	Error    string
}

// SendInput asks for everything of a dialogue that waits to leave to be sent.
type SendInput struct {
	DialogueID uuid.UUID
	TurnID     uuid.UUID // whose drafted answer goes out after that; zero: none
}

// SendResult is what was sent.
type SendResult struct {
	State  Doorbell
	Sent   int
	Failed int
	Error  string // of the last one that failed
}

package dialogue

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Ring is what rang at a dialogue's workflow: the name of a signal. A ring is a
// doorbell: what there is to do is read from the record, so a doubled, late or
// reordered ring does no harm.
type Ring string

// The rings.
const (
	RingMessageReceived  Ring = "message_received"
	RingOperatorTookOver Ring = "operator_took_over"
	RingReturnedToBot    Ring = "returned_to_bot"
	RingOperatorWrote    Ring = "operator_wrote"
	RingTurnReplayed     Ring = "turn_replayed"
	RingTimerSet         Ring = "timer_set"
)

// Rings lists every ring.
func Rings() []Ring {
	return []Ring{RingMessageReceived, RingOperatorTookOver, RingReturnedToBot, RingOperatorWrote, RingTurnReplayed, RingTimerSet}
}

// State is the part of a dialogue that the rules below read and change. Its
// methods are the whole table mode × status × event → next; docs/dialogue-states.md
// shows it as a table. Whoever calls them holds the dialogue's row lock.
type State struct {
	Mode          Mode
	Epoch         int64
	Status        Status
	HandoffReason HandoffReason // why operators hold it; empty in bot mode
	HandoffDetail string        // the limit that was reached, or the class of the bot's error
	AssigneeID    uuid.NullUUID
	EpisodeID     uuid.UUID
	WaitingSince  *time.Time // since when a human is waited for
	OverdueSince  *time.Time // since when a human should have answered
	SnoozedUntil  *time.Time // when a snoozed dialogue comes back
	HumanAt       *time.Time // when the operator who holds it has last done something; nil: nobody has taken it on

	LastSeq     int64 // newest message of any author
	CustomerSeq int64 // newest message of the customer
	AnsweredSeq int64 // answered up to this customer message
	HandoffSeq  int64 // newest customer message that was ever handed to humans
	RepliedSeq  int64 // newest message of an operator since the dialogue came to them; 0: none
	FollowUpSeq int64 // the customer message after whose answer they were asked whether that was all
	ReadSeq     int64
	Unread      int

	LastMessageAt time.Time
	LastAuthor    Author
	LastPreview   string
}

// Unanswered reports whether the customer waits for an answer, whoever gives it.
func (s *State) Unanswered() bool { return s.CustomerSeq > s.AnsweredSeq }

// BotMayAnswer is the fence before everything that the bot says: the dialogue is
// still the bot's, in the same epoch, and nothing has been answered since.
func (s *State) BotMayAnswer(epoch, answeredSeq int64) bool {
	return s.Mode == ModeBot && s.Status != StatusClosed && s.Epoch == epoch && s.AnsweredSeq == answeredSeq
}

// AddMessage gives the next seq to a message that is shown as the dialogue's last words.
func (s *State) AddMessage(author Author, text string, now time.Time) (seq int64) {
	s.LastSeq++
	s.LastMessageAt, s.LastAuthor, s.LastPreview = now, author, Preview(text)
	return s.LastSeq
}

// AddLine gives the next seq to a notice, a note or a line of the timeline: the
// list goes on showing what the customer said last, which is what somebody waits
// to be answered.
func (s *State) AddLine() (seq int64) {
	s.LastSeq++
	return s.LastSeq
}

// CustomerWrote takes a message of the customer. A message into a closed
// dialogue opens a new episode, which the bot answers; newEpisode is its id.
func (s *State) CustomerWrote(text string, now time.Time, newEpisode func() uuid.UUID) (seq int64) {
	if s.Status == StatusClosed {
		s.EpisodeID = newEpisode()
		s.AnsweredSeq = s.CustomerSeq
		if s.Mode == ModeOperator {
			s.toBot()
		}
		s.AssigneeID = uuid.NullUUID{}
	}
	if s.Status == StatusClosed || s.Status == StatusSnoozed {
		s.Status, s.SnoozedUntil = StatusOpen, nil
	}
	seq = s.AddMessage(AuthorCustomer, text, now)
	s.CustomerSeq = seq
	s.Unread++
	if s.Mode == ModeOperator && s.WaitingSince == nil {
		s.WaitingSince = &now
	}
	return seq
}

// BotAnswered records that everything up to the customer message toSeq is
// answered by the bot.
func (s *State) BotAnswered(toSeq int64) { s.AnsweredSeq = toSeq }

// BotMaySend is the fence before an answer of the bot that has been said and
// still waits to leave.
func (s *State) BotMaySend(epoch int64) bool {
	return s.Mode == ModeBot && s.Status != StatusClosed && s.Epoch == epoch
}

// Recalled takes back an answer of the bot that never left: what came after
// fromSeq is unanswered again, unless something later than it has answered. It is
// part of a change of hands, whose new epoch tells readers of the counters that
// this one has gone back; without one AskAgain follows.
func (s *State) Recalled(fromSeq, toSeq int64) bool {
	if s.Status == StatusClosed || s.AnsweredSeq != toSeq {
		return false
	}
	s.AnsweredSeq = fromSeq
	return true
}

// AskAgain has whoever holds the dialogue answer what was taken back after it
// changed hands. It reports whether that is the bot, in a new epoch.
func (s *State) AskAgain(now time.Time) bool {
	if s.Mode == ModeBot {
		s.Epoch++
		return true
	}
	s.NeedsLook(now)
	return false
}

// HandOff gives the dialogue from the bot to the operators. The detail may be empty.
func (s *State) HandOff(reason HandoffReason, detail string, now time.Time) {
	s.toOperator(reason)
	s.HandoffDetail = detail
	s.HandoffSeq = s.CustomerSeq
	s.Status = StatusNew
	s.WaitingSince = &now
}

// TakeOver gives the dialogue to one operator, who asked for it.
func (s *State) TakeOver(operator uuid.UUID, now time.Time, newEpisode func() uuid.UUID) {
	s.reopen(newEpisode)
	s.toOperator(HandoffOperator)
	s.Status = StatusOpen
	s.AssigneeID = uuid.NullUUID{UUID: operator, Valid: true}
	s.SnoozedUntil = nil
	s.Acted(now)
	s.answeredByHuman()
	if s.Unanswered() {
		s.WaitingSince = &now
	}
}

// ReturnToBot gives the dialogue back to the bot. What the bot had handed over
// because it could not or should not answer it counts as dealt with by humans:
// otherwise it would hand the same message over again at once.
func (s *State) ReturnToBot() {
	switch s.HandoffReason {
	case HandoffCustomerAsked, HandoffNoAnswer, HandoffRule:
		s.AnsweredSeq = max(s.AnsweredSeq, s.HandoffSeq)
	}
	s.toBot()
	s.AssigneeID = uuid.NullUUID{}
	if s.Status == StatusNew || s.Status == StatusSnoozed {
		s.Status, s.SnoozedUntil = StatusOpen, nil
	}
}

// HeldByFailure reports whether operators hold the dialogue only because the bot
// failed in an epoch, at what came after fromSeq, and nobody has taken it on.
func (s *State) HeldByFailure(epoch, fromSeq int64) bool {
	return s.Mode == ModeOperator && s.HandoffReason == HandoffBotError && s.Epoch == epoch+1 && s.AnsweredSeq == fromSeq &&
		!s.AssigneeID.Valid && s.Status != StatusClosed
}

// OperatorWrote takes an operator's message to the customer. In bot mode TakeOver
// comes first: whoever writes holds the dialogue.
func (s *State) OperatorWrote(text string, now time.Time, newEpisode func() uuid.UUID) (seq int64) {
	s.reopen(newEpisode)
	s.Status, s.SnoozedUntil = StatusOpen, nil
	s.Acted(now)
	s.answeredByHuman()
	s.AnsweredSeq = s.CustomerSeq
	seq = s.AddMessage(AuthorOperator, text, now)
	s.ReadSeq, s.Unread, s.RepliedSeq = seq, 0, seq
	return seq
}

// Close ends the episode: nothing of it waits for an answer any more, also not
// one that the bot is writing.
func (s *State) Close() {
	s.Status, s.SnoozedUntil = StatusClosed, nil
	s.AnsweredSeq = s.CustomerSeq
	s.answeredByHuman()
}

// Reopen puts a closed or snoozed dialogue back into work, in the same episode and mode.
func (s *State) Reopen(now time.Time) {
	s.Status, s.SnoozedUntil = StatusOpen, nil
	s.Acted(now)
}

// Read marks the customer's messages up to seq as read by the operators;
// unread of them are newer.
func (s *State) Read(seq int64, unread int) {
	s.ReadSeq, s.Unread = min(seq, s.LastSeq), unread
	if s.Status == StatusNew && unread == 0 {
		s.Status = StatusOpen
	}
}

// NeedsLook puts the dialogue among those that wait for a human because a message
// may not have reached the customer. Who answers stays as it is.
func (s *State) NeedsLook(now time.Time) {
	if s.WaitingSince == nil {
		s.WaitingSince = &now
	}
}

func (s *State) reopen(newEpisode func() uuid.UUID) {
	if s.Status == StatusClosed {
		s.Status = StatusOpen
		s.EpisodeID = newEpisode()
	}
}

func (s *State) toOperator(reason HandoffReason) {
	s.Mode, s.HandoffReason, s.HandoffDetail = ModeOperator, reason, ""
	s.HumanAt, s.RepliedSeq = nil, 0
	s.Epoch++
}

func (s *State) toBot() {
	s.Mode, s.HandoffReason, s.HandoffDetail = ModeBot, "", ""
	s.HumanAt, s.RepliedSeq = nil, 0
	s.answeredByHuman()
	s.Epoch++
}

// answeredByHuman ends the customer's wait for a human.
func (s *State) answeredByHuman() { s.WaitingSince, s.OverdueSince = nil, nil }

// previewRunes is how much of a message the list shows at most.
const previewRunes = 140

// Preview is a message as one short line.
func Preview(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(line) <= previewRunes {
		return line
	}
	return string([]rune(line)[:previewRunes-1]) + "…"
}

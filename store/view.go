package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"parley/dialogue"
	"parley/store/db"
)

// ChannelView is a channel as the API shows it.
type ChannelView struct {
	ID   uuid.UUID `json:"id"`
	Kind string    `json:"kind"`
	Slug string    `json:"slug"`
	Name string    `json:"name"`
}

// ViewChannel is the view of a channel.
func ViewChannel(c db.Channel) ChannelView {
	return ChannelView{ID: c.ID, Kind: c.Kind, Slug: c.Slug, Name: c.Name}
}

// OperatorRef names an operator.
type OperatorRef struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// ContactView is a customer as the API shows them.
type ContactView struct {
	ID     uuid.UUID `json:"id"`
	Name   *string   `json:"name"`
	Number int64     `json:"number"`
}

// LastMessage is a dialogue's last words.
type LastMessage struct {
	Author    dialogue.Author `json:"author"`
	Preview   string          `json:"preview"`
	CreatedAt time.Time       `json:"created_at"`
}

// DialogueView is a dialogue as the API and the event log show it to operators.
type DialogueView struct {
	ID            uuid.UUID        `json:"id"`
	Version       int64            `json:"version"`
	Channel       ChannelView      `json:"channel"`
	Contact       ContactView      `json:"contact"`
	ChatID        string           `json:"chat_id"`
	Mode          dialogue.Mode    `json:"mode"`
	Epoch         int64            `json:"epoch"`
	Status        dialogue.Status  `json:"status"`
	HandoffReason *string          `json:"handoff_reason"`
	HandoffDetail *string          `json:"handoff_detail"`
	Assignee      *OperatorRef     `json:"assignee"`
	Language      *string          `json:"language"`
	WaitingSince  *time.Time       `json:"waiting_since"`
	OverdueSince  *time.Time       `json:"overdue_since"` // since when an operator should have answered
	Timers        []dialogue.Timer `json:"timers"`        // that run, the next one first
	Unread        int32            `json:"unread"`
	ReadSeq       int64            `json:"read_seq"`
	LastSeq       int64            `json:"last_seq"`
	CustomerSeq   int64            `json:"customer_seq"`
	AnsweredSeq   int64            `json:"answered_seq"`
	LastMessage   LastMessage      `json:"last_message"`
	CreatedAt     time.Time        `json:"created_at"`
}

// MessageView is a message as the API and the event log show it to operators.
type MessageView struct {
	ID         uuid.UUID       `json:"id"`
	DialogueID uuid.UUID       `json:"dialogue_id"`
	Seq        int64           `json:"seq"`
	Author     dialogue.Author `json:"author"`
	Kind       dialogue.Kind   `json:"kind"`
	Text       string          `json:"text"`
	Data       *TimelineEvent  `json:"data"`

	Attachments []dialogue.Attachment `json:"attachments,omitempty"`
	Former      []string              `json:"former,omitempty"` // what the customer wrote before editing it, oldest first

	State     dialogue.DeliveryState `json:"state"`
	Error     *string                `json:"error"`
	Operator  *OperatorRef           `json:"operator"`
	TurnID    *uuid.UUID             `json:"turn_id"`
	ClientID  *string                `json:"client_id"`
	CreatedAt time.Time              `json:"created_at"`
}

// CustomerMessage is all that a customer is told about a message.
type CustomerMessage struct {
	ID        uuid.UUID       `json:"id"`
	Seq       int64           `json:"seq"`
	Author    dialogue.Author `json:"author"`
	Text      string          `json:"text"`
	CreatedAt time.Time       `json:"created_at"`
	ClientID  *string         `json:"client_id"` // of the customer's own messages
}

// ForCustomer is the message as its customer may see it.
func (m MessageView) ForCustomer() CustomerMessage {
	v := CustomerMessage{ID: m.ID, Seq: m.Seq, Author: m.Author, Text: m.Text, CreatedAt: m.CreatedAt}
	if m.Author == dialogue.AuthorCustomer {
		v.ClientID = m.ClientID
	}
	return v
}

// TimelineEvent is what a message of kind event says.
type TimelineEvent struct {
	Type     TimelineType           `json:"type"`
	Reason   dialogue.HandoffReason `json:"reason,omitempty"`
	Detail   string                 `json:"detail,omitempty"` // of a handoff: the limit that was reached, or the class of the error; else what brought it about
	Operator *OperatorRef           `json:"operator,omitempty"`
	Until    *time.Time             `json:"until,omitempty"` // of a snoozing
}

// TimelineType says what happened to a dialogue.
type TimelineType string

// The lines of the timeline.
const (
	TimelineHandoff   TimelineType = "handoff"
	TimelineTakenOver TimelineType = "taken_over"
	TimelineReturned  TimelineType = "returned_to_bot"
	TimelineClosed    TimelineType = "closed"
	TimelineReopened  TimelineType = "reopened"
	TimelineAssigned  TimelineType = "assigned"
	TimelineReplayed  TimelineType = "replayed"  // the bot's failed answer is tried again
	TimelineBlocked   TimelineType = "blocked"   // the customer takes no more messages
	TimelineUnblocked TimelineType = "unblocked" // and takes them again
	TimelineSnoozed   TimelineType = "snoozed"   // put off until a time
	TimelineWoken     TimelineType = "woken"     // put before the operators again
	TimelineOverdue   TimelineType = "overdue"   // an operator should have answered by now
)

// MessageAndDialogue is the payload of a message event, and the answer to the
// calls that add a message.
type MessageAndDialogue struct {
	Message  MessageView  `json:"message"`
	Dialogue DialogueView `json:"dialogue"`
}

// row is a dialogue with the names that belong to it, as LockDialogue,
// GetDialogue and ListDialogues return it.
type row struct {
	db.Dialogue
	channelKind, channelSlug, channelName string
	contactName                           *string
	contactNumber                         int64
	assigneeName                          *string
	schedule                              json.RawMessage // what timers go by; only of a locked row
}

func lockedRow(r db.LockDialogueRow) row {
	return row{r.Dialogue, r.ChannelKind, r.ChannelSlug, r.ChannelName, r.ContactName, r.ContactNumber, r.AssigneeName, r.Schedule}
}

func (r row) view() DialogueView {
	v := DialogueView{
		ID: r.ID, Version: r.Version,
		Channel: ChannelView{ID: r.ChannelID, Kind: r.channelKind, Slug: r.channelSlug, Name: r.channelName},
		Contact: ContactView{ID: r.ContactID, Name: r.contactName, Number: r.contactNumber},
		ChatID:  r.ThreadKey, Mode: r.Mode, Epoch: r.Epoch, Status: r.Status, HandoffReason: r.HandoffReason, HandoffDetail: r.HandoffDetail,
		Language: r.Language, WaitingSince: r.WaitingSince, OverdueSince: r.OverdueSince, Timers: timersOf(r.Dialogue), Unread: r.Unread, ReadSeq: r.ReadSeq,
		LastSeq: r.LastSeq, CustomerSeq: r.CustomerSeq, AnsweredSeq: r.AnsweredSeq,
		LastMessage: LastMessage{Author: r.LastAuthor, Preview: r.LastPreview, CreatedAt: r.LastMessageAt},
		CreatedAt:   r.CreatedAt,
	}
	if r.AssigneeID.Valid && r.assigneeName != nil {
		v.Assignee = &OperatorRef{ID: r.AssigneeID.UUID, Name: *r.assigneeName}
	}
	return v
}

// timersOf are the timers that run in a dialogue. What cannot be read is none: the
// column is only written from such a list.
func timersOf(d db.Dialogue) []dialogue.Timer {
	timers := []dialogue.Timer{}
	_ = json.Unmarshal(d.Timers, &timers)
	return timers
}

// Due is when the next timer of the dialogue is due; zero when none runs.
func (v DialogueView) Due() time.Time {
	if len(v.Timers) == 0 {
		return time.Time{}
	}
	return v.Timers[0].DueAt
}

func messageView(m db.Message, operatorName *string) (MessageView, error) {
	v := MessageView{
		ID: m.ID, DialogueID: m.DialogueID, Seq: m.Seq, Author: m.Author, Kind: m.Kind, Text: m.Text,
		State: m.State, Error: m.Error, ClientID: m.ClientID, CreatedAt: m.CreatedAt,
	}
	if m.TurnID.Valid {
		v.TurnID = &m.TurnID.UUID
	}
	if m.OperatorID.Valid && operatorName != nil {
		v.Operator = &OperatorRef{ID: m.OperatorID.UUID, Name: *operatorName}
	}
	if len(m.Data) > 0 && m.Kind != dialogue.KindEvent {
		var d messageData
		if err := json.Unmarshal(m.Data, &d); err != nil {
			return MessageView{}, fmt.Errorf("read the data of message %s: %w", m.ID, err)
		}
		v.Attachments, v.Former = d.Attachments, d.Former
	}
	if len(m.Data) > 0 && m.Kind == dialogue.KindEvent {
		v.Data = new(TimelineEvent)
		if err := json.Unmarshal(m.Data, v.Data); err != nil {
			return MessageView{}, fmt.Errorf("read the data of message %s: %w", m.ID, err)
		}
	}
	return v, nil
}

// messageData is what the record keeps of a customer's message besides its text.
type messageData struct {
	Attachments []dialogue.Attachment `json:"attachments,omitempty"`
	Former      []string              `json:"former,omitempty"`
}

// encode returns nil when there is nothing to keep.
func (d messageData) encode() (json.RawMessage, error) {
	if len(d.Attachments)+len(d.Former) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode a message's data: %w", err)
	}
	return storableJSON(body), nil
}

// Source is a piece of knowledge that an answer rests on.
type Source struct {
	ItemID uuid.UUID `json:"item_id"`
	Title  string    `json:"title"`
	Text   string    `json:"text"`
	Score  float64   `json:"score"`
}

// Package dialogue holds the words and the rules of the domain: who answers a
// dialogue, what state it is in, and what each event does to it. It does no I/O
// and imports nothing of the project.
package dialogue

import "strings"

// Mode says who answers a dialogue.
type Mode string

// The two modes.
const (
	ModeBot      Mode = "bot"
	ModeOperator Mode = "operator"
)

// Valid reports whether m is one of the modes.
func (m Mode) Valid() bool { return m == ModeBot || m == ModeOperator }

// Status says where the work on a dialogue stands.
type Status string

// The statuses of a dialogue.
const (
	StatusNew     Status = "new"     // waiting, no human has looked
	StatusOpen    Status = "open"    // in work
	StatusSnoozed Status = "snoozed" // put off until a time or the next message
	StatusClosed  Status = "closed"
)

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool {
	switch s {
	case StatusNew, StatusOpen, StatusSnoozed, StatusClosed:
		return true
	}
	return false
}

// Author says who wrote a message.
type Author string

// The authors of messages.
const (
	AuthorCustomer Author = "customer"
	AuthorBot      Author = "bot"
	AuthorOperator Author = "operator"
	AuthorSystem   Author = "system" // notices that the product itself words
)

// Kind says what a message of the transcript is.
type Kind string

// The kinds of messages.
const (
	KindText   Kind = "text"
	KindNotice Kind = "notice" // what the product itself tells the customer
	KindNote   Kind = "note"   // what colleagues tell each other
	KindEvent  Kind = "event"  // a line of the timeline: what happened to the dialogue
)

// CustomerSees reports whether messages of this kind are shown to the customer.
func (k Kind) CustomerSees() bool { return k == KindText || k == KindNotice }

// Line is a line of the transcript as the customer saw or wrote it.
type Line struct {
	Seq    int64
	Author Author
	Text   string

	Attachments []Attachment
}

// DeliveryState says how far a message has come. It never goes backwards.
type DeliveryState string

// The delivery states; only Received is for what comes in.
const (
	StateReceived    DeliveryState = "received"
	StateQueued      DeliveryState = "queued"
	StateSending     DeliveryState = "sending"
	StateSent        DeliveryState = "sent"
	StateDelivered   DeliveryState = "delivered"
	StateRead        DeliveryState = "read"
	StateFailed      DeliveryState = "failed"
	StateUnconfirmed DeliveryState = "unconfirmed" // the provider may or may not have it
)

// HandoffReason says why a dialogue went from the bot to the operators.
type HandoffReason string

// The reasons of a handoff.
const (
	HandoffCustomerAsked HandoffReason = "customer_asked"
	HandoffNoAnswer      HandoffReason = "no_answer"
	HandoffBotError      HandoffReason = "bot_error"
	HandoffRule          HandoffReason = "rule"
	HandoffOperator      HandoffReason = "operator"
	HandoffPhoneReply    HandoffReason = "phone_reply"
)

// Language is a language that the product speaks, as an ISO 639-1 code.
type Language string

// The languages of the interface, of search and of the bot.
const (
	Russian Language = "ru"
	Kazakh  Language = "kk"
	English Language = "en"
)

// LanguageOfTag reads a language tag such as kk-KZ (RFC 5646); empty for a language
// that the product does not speak.
func LanguageOfTag(tag string) Language {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	switch l := Language(primary); l {
	case Russian, Kazakh, English:
		return l
	}
	return ""
}

package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"parley/dialogue"
)

// allowedUpdates are the updates that are asked for
// (https://core.telegram.org/bots/api#update).
func allowedUpdates() []string { return []string{"message", "edited_message", "my_chat_member"} }

// Event is what an update says about a dialogue. At most one of its parts is set.
type Event struct {
	UpdateID int64
	Thread   string // the chat; empty when nothing is set

	Message *Message
	Edit    *Message // a message that is known, with what it says now
	Blocked *bool    // the customer has blocked the bot, or let it in again
	Ignored string   // why the update holds nothing for a dialogue
}

// Message is what a customer sent.
type Message struct {
	ProviderMessageID string
	ThreadKey         string // the chat
	UserID            string
	Name              string
	Language          dialogue.Language // of the customer's app; empty when it is none of ours
	Text              string
	Attachments       []dialogue.Attachment
}

// update has the fields of an update that matter here. Parts that are not
// needed, or only to say what an attachment is, are left as they are: a wrong
// type there loses no message.
type update struct {
	UpdateID     *int64      `json:"update_id"`
	Message      *message    `json:"message"`
	Edited       *message    `json:"edited_message"`
	MyChatMember *membership `json:"my_chat_member"`
}

type user struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	// Language is the app's, as an IETF tag; it is not needed, so a wrong type loses no message.
	Language json.RawMessage `json:"language_code"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

type message struct {
	MessageID int64  `json:"message_id"`
	From      *user  `json:"from"`
	Chat      chat   `json:"chat"`
	Text      string `json:"text"`
	Caption   string `json:"caption"`
	media
}

type membership struct {
	From *user `json:"from"`
	Chat chat  `json:"chat"`
	New  struct {
		Status string `json:"status"`
	} `json:"new_chat_member"`
}

// ParseError says why an update cannot be read.
type ParseError struct{ reason string }

func (e *ParseError) Error() string { return e.reason }

// Parse reads an update. An error is a *ParseError.
func Parse(body []byte) (Event, error) {
	var u update
	if err := json.Unmarshal(body, &u); err != nil {
		return Event{}, &ParseError{fmt.Sprintf("the update is not understood: %v", err)}
	}
	if u.UpdateID == nil {
		return Event{}, &ParseError{"the update has no update_id"}
	}
	e := Event{UpdateID: *u.UpdateID}
	var err error
	switch {
	case u.Message != nil:
		e.Message, err = u.Message.read()
	case u.Edited != nil:
		e.Edit, err = u.Edited.read()
	case u.MyChatMember != nil && u.MyChatMember.Chat.Type == "private":
		blocked := u.MyChatMember.New.Status == "kicked"
		e.Blocked, e.Thread = &blocked, strconv.FormatInt(u.MyChatMember.Chat.ID, 10)
	default:
		err = errors.New("nothing of a dialogue")
	}
	if err != nil {
		e.Ignored = err.Error()
	}
	if m := e.Message; m != nil {
		e.Thread = m.ThreadKey
	} else if m := e.Edit; m != nil {
		e.Thread = m.ThreadKey
	}
	return e, nil
}

// UpdateID is the number of an update that cannot be read otherwise; 0 when even
// that is missing.
func UpdateID(body []byte) int64 {
	var u struct {
		UpdateID int64 `json:"update_id"`
	}
	if json.Unmarshal(body, &u) != nil {
		return 0
	}
	return u.UpdateID
}

// read makes of a message what the record keeps. The error says why it is passed over.
func (m *message) read() (*Message, error) {
	switch {
	case m.Chat.Type != "private":
		return nil, errors.New("not a private chat")
	case m.From == nil || m.From.IsBot:
		return nil, errors.New("not written by a person")
	}
	out := &Message{
		ProviderMessageID: fmt.Sprintf("%d/%d", m.Chat.ID, m.MessageID),
		ThreadKey:         strconv.FormatInt(m.Chat.ID, 10),
		UserID:            strconv.FormatInt(m.From.ID, 10),
		Name:              withoutNUL(strings.TrimSpace(m.From.FirstName + " " + m.From.LastName)),
		Language:          m.From.language(),
		Text:              withoutNUL(m.Text + m.Caption),
		Attachments:       m.attachments(),
	}
	if strings.TrimSpace(out.Text) == "" {
		out.Text = ""
	}
	if out.Text == "" && len(out.Attachments) == 0 {
		return nil, errors.New("a message without content")
	}
	return out, nil
}

func (u *user) language() dialogue.Language {
	var tag string
	if json.Unmarshal(u.Language, &tag) != nil {
		return ""
	}
	return dialogue.LanguageOfTag(tag)
}

// withoutNUL drops what the record cannot hold.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }

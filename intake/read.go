package intake

import (
	"parley/channel/telegram"
	"parley/dialogue"
)

// Read is what a webhook's body would store and do, for those who look into one.
type Read struct {
	Messages []ReadMessage `json:"messages"`
	Edits    []ReadMessage `json:"edits"`
	Blocked  *bool         `json:"blocked"` // the customer has blocked the account, or lets it in again
	Ignored  []string      `json:"ignored"` // parts that hold nothing for a dialogue, and why
}

// ReadMessage is a customer's message.
type ReadMessage struct {
	ProviderMessageID string                `json:"provider_message_id"`
	ThreadKey         string                `json:"thread_key"`
	Identity          string                `json:"identity"`
	Name              string                `json:"name"`
	Text              string                `json:"text"`
	Attachments       []dialogue.Attachment `json:"attachments"`
}

// ReadTelegram reads an update as Intake does, and stores nothing.
func ReadTelegram(body []byte) (Read, error) {
	e, err := telegram.Parse(body)
	if err != nil {
		return Read{}, err
	}
	out := Read{Messages: []ReadMessage{}, Edits: []ReadMessage{}, Ignored: []string{}, Blocked: e.Blocked}
	if e.Message != nil {
		out.Messages = append(out.Messages, readMessage(e.Message))
	}
	if e.Edit != nil {
		out.Edits = append(out.Edits, readMessage(e.Edit))
	}
	if e.Ignored != "" {
		out.Ignored = append(out.Ignored, e.Ignored)
	}
	return out, nil
}

func readMessage(m *telegram.Message) ReadMessage {
	attachments := m.Attachments
	if attachments == nil {
		attachments = []dialogue.Attachment{}
	}
	return ReadMessage{
		ProviderMessageID: m.ProviderMessageID, ThreadKey: m.ThreadKey, Identity: m.UserID, Name: m.Name, Text: m.Text, Attachments: attachments,
	}
}

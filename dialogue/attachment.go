package dialogue

import (
	"fmt"
	"strings"
)

// AttachmentKind says what an attachment is.
type AttachmentKind string

// The kinds of attachments.
const (
	AttachmentPhoto    AttachmentKind = "photo"
	AttachmentVoice    AttachmentKind = "voice"
	AttachmentAudio    AttachmentKind = "audio"
	AttachmentVideo    AttachmentKind = "video"
	AttachmentSticker  AttachmentKind = "sticker"
	AttachmentFile     AttachmentKind = "file"
	AttachmentLocation AttachmentKind = "location"
	AttachmentContact  AttachmentKind = "contact"
	AttachmentOther    AttachmentKind = "other"
)

// Attachment is something in a customer's message that is not text.
type Attachment struct {
	Kind      AttachmentKind `json:"kind"`
	Name      string         `json:"name,omitempty"`    // of a file, a place, a person; a sticker's emoji
	Size      int64          `json:"size,omitempty"`    // in bytes
	Seconds   int            `json:"seconds,omitempty"` // how long it plays
	Latitude  float64        `json:"latitude,omitempty"`
	Longitude float64        `json:"longitude,omitempty"`
}

// sign shows the kind in a list, in no language.
func (a Attachment) sign() string {
	switch a.Kind {
	case AttachmentPhoto:
		return "📷"
	case AttachmentVoice:
		return "🎤"
	case AttachmentAudio:
		return "🎵"
	case AttachmentVideo:
		return "🎬"
	case AttachmentSticker:
		if a.Name != "" {
			return a.Name
		}
		return "🏷️"
	case AttachmentLocation:
		return "📍"
	case AttachmentContact:
		return "👤"
	}
	return "📎"
}

// Shown is a message as one line of a list shows it: signs for what is no text.
func Shown(text string, attachments []Attachment) string {
	parts := make([]string, 0, len(attachments)+1)
	for _, a := range attachments {
		sign := a.sign()
		if a.Name != "" && a.Kind != AttachmentSticker {
			sign += " " + a.Name
		}
		parts = append(parts, sign)
	}
	if text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// Told is the line as the bot reads it: what it cannot see is named.
func (l Line) Told() string {
	lines := make([]string, 0, len(l.Attachments)+1)
	for _, a := range l.Attachments {
		what := map[AttachmentKind]string{
			AttachmentPhoto: "a photo", AttachmentVoice: "a voice message", AttachmentAudio: "an audio file", AttachmentVideo: "a video",
			AttachmentSticker: "a sticker", AttachmentFile: "a file", AttachmentLocation: "a location", AttachmentContact: "a contact",
		}[a.Kind]
		if what == "" {
			what = "something that cannot be shown here"
		}
		if a.Name != "" {
			what += fmt.Sprintf(" (%s)", a.Name)
		}
		lines = append(lines, "[the customer sent "+what+"]")
	}
	if l.Text != "" {
		lines = append(lines, l.Text)
	}
	return strings.Join(lines, "\n")
}

package telegram

import (
	"encoding/json"

	"parley/dialogue"
)

// media are the parts of a message that are not text
// (https://core.telegram.org/bots/api#message). They are kept raw until it is
// known which one it is: samples with wrong types in them are about.
type media struct {
	Photo     json.RawMessage `json:"photo"`
	Voice     json.RawMessage `json:"voice"`
	Audio     json.RawMessage `json:"audio"`
	Video     json.RawMessage `json:"video"`
	VideoNote json.RawMessage `json:"video_note"`
	Animation json.RawMessage `json:"animation"`
	Sticker   json.RawMessage `json:"sticker"`
	Document  json.RawMessage `json:"document"`
	Location  json.RawMessage `json:"location"`
	Venue     json.RawMessage `json:"venue"`
	Contact   json.RawMessage `json:"contact"`
	Poll      json.RawMessage `json:"poll"`
	Dice      json.RawMessage `json:"dice"`
	Story     json.RawMessage `json:"story"`
	Game      json.RawMessage `json:"game"`
	Invoice   json.RawMessage `json:"invoice"`
	PaidMedia json.RawMessage `json:"paid_media"`
}

// attachments names what the message carries. Those that come with a second
// description of the same thing (a venue with its location, an animation with
// its document) are named once.
func (m media) attachments() []dialogue.Attachment {
	for _, part := range []struct {
		raw  json.RawMessage
		kind dialogue.AttachmentKind
	}{
		{m.Photo, dialogue.AttachmentPhoto},
		{m.Voice, dialogue.AttachmentVoice},
		{m.Audio, dialogue.AttachmentAudio},
		{m.VideoNote, dialogue.AttachmentVideo},
		{m.Animation, dialogue.AttachmentVideo},
		{m.Video, dialogue.AttachmentVideo},
		{m.Sticker, dialogue.AttachmentSticker},
		{m.Document, dialogue.AttachmentFile},
		{m.Venue, dialogue.AttachmentLocation},
		{m.Location, dialogue.AttachmentLocation},
		{m.Contact, dialogue.AttachmentContact},
		{m.Poll, dialogue.AttachmentOther},
		{m.Dice, dialogue.AttachmentOther},
		{m.Story, dialogue.AttachmentOther},
		{m.Game, dialogue.AttachmentOther},
		{m.Invoice, dialogue.AttachmentOther},
		{m.PaidMedia, dialogue.AttachmentOther},
	} {
		if len(part.raw) > 0 && string(part.raw) != "null" {
			return []dialogue.Attachment{describe(part.kind, part.raw)}
		}
	}
	return nil
}

// describe takes over what can be read of an attachment, field by field.
func describe(kind dialogue.AttachmentKind, raw json.RawMessage) dialogue.Attachment {
	a := dialogue.Attachment{Kind: kind}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return a // a photo is a list of sizes; whatever else is no object says nothing
	}
	text := func(names ...string) string {
		for _, name := range names {
			var s string
			if json.Unmarshal(fields[name], &s) == nil && s != "" {
				return withoutNUL(s)
			}
		}
		return ""
	}
	number := func(name string) (n float64) {
		_ = json.Unmarshal(fields[name], &n) // what is no number stays 0
		return n
	}
	a.Seconds, a.Size = int(number("duration")), int64(number("file_size"))
	switch kind {
	case dialogue.AttachmentSticker:
		a.Name = text("emoji")
	case dialogue.AttachmentContact:
		a.Name = text("first_name") + phone(text("phone_number"))
	case dialogue.AttachmentLocation:
		a.Name = text("title", "address")
		a.Latitude, a.Longitude = number("latitude"), number("longitude")
	default:
		a.Name = text("file_name", "title")
	}
	return a
}

func phone(number string) string {
	if number == "" {
		return ""
	}
	return " " + number
}

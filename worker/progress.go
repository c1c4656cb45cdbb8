package worker

import (
	"parley/activities"
	"parley/dialogue"
	"parley/store"
	"parley/store/live"
)

// Progress shows replies while they are written, through the live signals.
type Progress struct {
	Live  *live.Publisher
	Chats *activities.Typing // messengers show it in the customer's chat
}

var _ activities.Progress = Progress{}

// Typing implements activities.Progress.
func (p Progress) Typing(t store.Turn) {
	p.Live.Publish(live.Item{Typing: &live.Typing{DialogueID: t.DialogueID, ThreadKey: t.ThreadKey, Author: dialogue.AuthorBot}})
	p.Chats.Show(t)
}

// Writing implements activities.Progress.
func (p Progress) Writing(t store.Turn, text string) {
	p.Live.Publish(live.Item{Turn: &live.Turn{DialogueID: t.DialogueID, TurnID: t.ID, Kind: live.Reply, State: live.Writing, Text: text}})
}

// Ended implements activities.Progress.
func (p Progress) Ended(t store.Turn) {
	p.Live.Publish(live.Item{Turn: &live.Turn{DialogueID: t.DialogueID, TurnID: t.ID, Kind: live.Reply, State: live.Ended}})
}

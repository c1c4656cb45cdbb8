// Package channel names the kinds of channels and what each can do. The
// adapters are its subpackages.
package channel

// The kinds of channels.
const (
	Widget   = "widget"
	Telegram = "telegram"
)

// CommitDelivers reports whether a message reaches the customer by being
// committed: the widget's streams follow the record, nothing has to be sent.
func CommitDelivers(kind string) bool { return kind == Widget }

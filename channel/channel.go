// Package channel names the kinds of channels, what each can do, and how
// messages leave through them. The adapters are its subpackages.
package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// The kinds of channels.
const (
	Widget   = "widget"
	Telegram = "telegram"
)

// CommitDelivers reports whether a message reaches the customer by being
// committed: the widget's streams follow the record, nothing has to be sent.
func CommitDelivers(kind string) bool { return kind == Widget }

// Account is a connected channel as its adapter needs it.
type Account struct {
	ID       string
	Kind     string
	Settings json.RawMessage
	Secrets  map[string]string
}

// Outgoing is one message to send.
type Outgoing struct {
	ThreadKey string
	Text      string
}

// Sender sends messages to a provider.
type Sender interface {
	// Send returns the provider's id of the message. Errors are of type *SendError.
	Send(ctx context.Context, account Account, out Outgoing) (providerMessageID string, err error)
}

// SendOutcome says what an error means for the message.
type SendOutcome string

// The outcomes of a send that did not succeed.
const (
	NotSent SendOutcome = "not_sent" // surely not sent; the same call may succeed later
	Refused SendOutcome = "refused"  // surely not sent, and will not be: the provider says why
	Unknown SendOutcome = "unknown"  // the request left; whether it was taken nobody can say
)

// SendError is a send that did not succeed.
type SendError struct {
	Outcome    SendOutcome
	RetryAfter time.Duration // of NotSent: how long the provider asked to wait
	Reason     string        // for operators; holds no secret
}

func (e *SendError) Error() string { return fmt.Sprintf("send: %s: %s", e.Outcome, e.Reason) }

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

// Sender sends messages to a provider.
type Sender interface {
	// Parts cuts a text into messages that the provider takes.
	Parts(text string) []string
	// Send sends one part, and returns the provider's id of it. Errors are of type *SendError.
	Send(ctx context.Context, account Account, threadKey, part string) (providerMessageID string, err error)
	// Pace is how fast the account may send.
	Pace(account Account) Pace
}

// Typer shows a customer that an answer is being written.
type Typer interface {
	// Typing shows it for some seconds, or until the next message.
	Typing(ctx context.Context, account Account, threadKey string) error
}

// Pace is how fast an account may send, all workers together: one message
// every so often, and as many at once as fall into the burst.
type Pace struct {
	Every time.Duration
	Burst time.Duration
}

// SendOutcome says what an error means for the message.
type SendOutcome string

// The outcomes of a send that did not succeed.
const (
	NotSent SendOutcome = "not_sent" // surely not sent; the same call may succeed later
	Paused  SendOutcome = "paused"   // surely not sent: the provider asks the whole account to wait
	Broken  SendOutcome = "broken"   // surely not sent: the account does not work until somebody mends it
	Refused SendOutcome = "refused"  // surely not sent, and will not be: the provider says why
	Unknown SendOutcome = "unknown"  // the request left; whether it was taken nobody can say
)

// SendError is a send that did not succeed.
type SendError struct {
	Outcome    SendOutcome
	RetryAfter time.Duration // of NotSent and Paused: how long to wait
	Reason     string        // for operators; holds no secret
}

func (e *SendError) Error() string { return fmt.Sprintf("send: %s: %s", e.Outcome, e.Reason) }

package stream

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/r3labs/sse/v2"

	"parley/store"
	"parley/store/eventlog"
)

// Viewer is who reads a stream: an OperatorViewer or a CustomerViewer.
type Viewer interface{ viewer() }

// OperatorViewer is an operator, or an admin, in one of their login sessions.
type OperatorViewer struct {
	ID    uuid.UUID
	Name  string
	Role  string
	Login []byte // the token hash of the session or API token
}

// login names the login that the viewer has come with.
func (v OperatorViewer) login() string { return store.LoginName(v.Login) }

// CustomerViewer is the visitor of a website in one of their widget sessions.
type CustomerViewer struct {
	Channel uuid.UUID
	Session uuid.UUID // the thread key of the dialogue, which may not exist yet
}

func (OperatorViewer) viewer() {}
func (CustomerViewer) viewer() {}

// Event is an event of the log made ready for the streams. It is immutable and
// shared by all of them.
type Event struct {
	eventlog.Event
	forOperators *sse.Event
	forCustomer  *sse.Event // nil: not for any customer
	channel      uuid.UUID  // of whose customers
	thread       string
}

// NewEvent prepares an event of the log. With an error the event is still good
// for operators, and for no customer.
func NewEvent(e eventlog.Event) (*Event, error) {
	event := &Event{Event: e, forOperators: frame(e.Position, e.Kind, e.Payload)}
	if e.Audience != eventlog.AudienceEveryone || e.Kind != eventlog.KindMessage {
		return event, nil
	}
	var payload store.MessageAndDialogue
	if err := json.Unmarshal(e.Payload, &payload); err != nil {
		return event, fmt.Errorf("read the payload of event %d: %w", e.Position, err)
	}
	if !payload.Message.Kind.CustomerSees() {
		return event, nil
	}
	data, err := json.Marshal(payload.Message.ForCustomer())
	if err != nil {
		return event, fmt.Errorf("encode event %d for its customer: %w", e.Position, err)
	}
	event.forCustomer = frame(e.Position, eventlog.KindMessage, data)
	event.channel, event.thread = payload.Dialogue.Channel.ID, payload.Dialogue.ChatID
	return event, nil
}

// Visible decides who may see an event, replayed or live: an operator sees every
// event, a customer the messages of their own thread that are meant for them.
func Visible(v Viewer, e *Event) bool {
	switch v := v.(type) {
	case OperatorViewer:
		return e.Audience == eventlog.AudienceOperators || e.Audience == eventlog.AudienceEveryone
	case CustomerViewer:
		return e.forCustomer != nil && e.channel == v.Channel && e.thread == v.Session.String()
	}
	return false
}

// render returns the event as this viewer sees it.
func (e *Event) render(v Viewer) *sse.Event {
	if _, ok := v.(OperatorViewer); ok {
		return e.forOperators
	}
	return e.forCustomer
}

// frame makes an event of a stream. Data is JSON, so it is never empty, which
// would end the stream, and has no line breaks; the id is never empty, which
// would make the browser forget its cursor.
func frame(id int64, name string, data json.RawMessage) *sse.Event {
	return &sse.Event{ID: strconv.AppendInt(nil, id, 10), Event: []byte(name), Data: data}
}

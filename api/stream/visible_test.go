package stream

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store/eventlog"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	mine, other := newThread(), newThread()
	elsewhere := thread{CustomerViewer{Channel: other.Channel, Session: mine.Session}, mine.dialogue}
	operator := OperatorViewer{ID: uuid.New()}

	for name, test := range map[string]struct {
		event    eventlog.Event
		operator bool
		customer bool
	}{
		"bot's message":       {event("message", "everyone", mine.payload("Да", dialogue.AuthorBot, dialogue.KindText)), true, true},
		"operator's message":  {event("message", "everyone", mine.payload("Да", dialogue.AuthorOperator, dialogue.KindText)), true, true},
		"own message":         {event("message", "everyone", mine.payload("Да?", dialogue.AuthorCustomer, dialogue.KindText)), true, true},
		"notice":              {event("message", "everyone", mine.payload("Оператор скоро ответит", dialogue.AuthorSystem, dialogue.KindNotice)), true, true},
		"later state":         {event("message", "operators", mine.payload("Да", dialogue.AuthorBot, dialogue.KindText)), true, false},
		"note":                {event("message", "operators", mine.payload("грубит", dialogue.AuthorOperator, dialogue.KindNote)), true, false},
		"note to everyone":    {event("message", "everyone", mine.payload("грубит", dialogue.AuthorOperator, dialogue.KindNote)), true, false},
		"timeline":            {event("message", "everyone", mine.payload("", dialogue.AuthorSystem, dialogue.KindEvent)), true, false},
		"unknown kind":        {event("message", "everyone", mine.payload("?", dialogue.AuthorBot, "draft")), true, false},
		"dialogue":            {event("dialogue", "operators", mine.payload("", dialogue.AuthorBot, dialogue.KindText)), true, false},
		"dialogue, everyone":  {event("dialogue", "everyone", mine.payload("", dialogue.AuthorBot, dialogue.KindText)), true, false},
		"another thread":      {event("message", "everyone", other.payload("Да", dialogue.AuthorBot, dialogue.KindText)), true, false},
		"another channel":     {event("message", "everyone", elsewhere.payload("Да", dialogue.AuthorBot, dialogue.KindText)), true, false},
		"without dialogue":    {event("message", "everyone", json.RawMessage(`{"message":{"kind":"text","text":"x"}}`)), true, false},
		"unreadable":          {event("message", "everyone", json.RawMessage(`{"message":7}`)), true, false},
		"unknown audience":    {event("message", "admins", mine.payload("Да", dialogue.AuthorBot, dialogue.KindText)), false, false},
		"nothing in the load": {event("message", "everyone", json.RawMessage(`{}`)), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := NewEvent(test.event)
			require.Equal(t, name == "unreadable", err != nil)
			require.Equal(t, test.operator, Visible(operator, e))
			require.Equal(t, test.customer, Visible(mine.CustomerViewer, e))
			require.False(t, Visible(nil, e))
			require.False(t, Visible(CustomerViewer{}, e), "a viewer without a session")
			if test.operator {
				require.JSONEq(t, string(test.event.Payload), string(e.render(operator).Data))
			}
		})
	}
}

func event(kind, audience string, payload json.RawMessage) eventlog.Event {
	return eventlog.Event{Position: 7, Kind: kind, Audience: audience, Payload: payload}
}

func TestCustomerIsToldNothingInternal(t *testing.T) {
	t.Parallel()
	th := newThread()
	for _, author := range []dialogue.Author{dialogue.AuthorCustomer, dialogue.AuthorBot, dialogue.AuthorOperator, dialogue.AuthorSystem} {
		t.Run(string(author), func(t *testing.T) {
			t.Parallel()
			e, err := NewEvent(event("message", "everyone", th.payload("Сәлем", author, dialogue.KindText)))
			require.NoError(t, err)
			rendered := e.render(th.CustomerViewer)
			require.Equal(t, "7", string(rendered.ID))
			require.Equal(t, "message", string(rendered.Event))

			var got map[string]any
			require.NoError(t, json.Unmarshal(rendered.Data, &got))
			var keys []string
			for key := range got {
				keys = append(keys, key)
			}
			require.ElementsMatch(t, []string{"id", "seq", "author", "text", "created_at", "client_id"}, keys)
			require.Equal(t, "Сәлем", got["text"])
			require.Equal(t, string(author), got["author"])
			if author == dialogue.AuthorCustomer {
				require.Equal(t, "secret-client", got["client_id"])
			} else {
				require.Nil(t, got["client_id"])
				require.NotContains(t, string(rendered.Data), "secret")
			}
			require.NotContains(t, string(rendered.Data), "Secret")
		})
	}
}

package stream

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store/eventlog"
)

// TestEventBetweenRegistrationAndReplay has an event for a customer arrive after
// the stream was registered and before its replay began.
func TestEventBetweenRegistrationAndReplay(t *testing.T) {
	t.Parallel()
	th := newThread()
	at := func(position int64) eventlog.Event {
		e := event("message", "everyone", th.payload("x", dialogue.AuthorBot, dialogue.KindText))
		e.Position = position
		return e
	}
	for name, viewer := range map[string]Viewer{"operator": OperatorViewer{ID: uuid.New()}, "customer": th.CustomerViewer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := New(Deps{Log: slog.New(slog.DiscardHandler)})
			h.Begin([]eventlog.Event{at(1), at(2), at(3), at(4)}, 4)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &conn{hub: h, id: "c", viewer: viewer, session: "s", ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), cursor: 1}
			require.True(t, h.add(c, true))

			h.Append([]eventlog.Event{at(5)})
			require.NoError(t, c.open())
			require.EqualValues(t, 4, c.published, "events 2 to 5")
			require.EqualValues(t, 5, c.last)

			h.Append([]eventlog.Event{at(6), at(7)})
			require.NoError(t, c.catchUp())
			require.EqualValues(t, 6, c.published)
			require.EqualValues(t, 7, c.last)
			require.NoError(t, c.catchUp())
			require.EqualValues(t, 6, c.published)
		})
	}
}

// TestCustomerLooksOnlyAtTheirOwn lets other people's events go by in numbers
// that drive the customer's cursor out of the hub's memory: their next event
// must come from memory all the same, not from the database (there is none here).
func TestCustomerLooksOnlyAtTheirOwn(t *testing.T) {
	t.Parallel()
	mine, others := newThread(), newThread()
	at := func(position int64, th thread) eventlog.Event {
		e := event("message", "everyone", th.payload("x", dialogue.AuthorBot, dialogue.KindText))
		e.Position = position
		return e
	}
	h := New(Deps{Log: slog.New(slog.DiscardHandler), Options: Options{Recent: 4}})
	h.Begin(nil, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &conn{hub: h, id: "c", viewer: mine.CustomerViewer, session: "s", ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1)}
	require.True(t, h.add(c, true))
	require.NoError(t, c.open())
	for p := range int64(100) {
		h.Append([]eventlog.Event{at(p+1, others)})
	}
	require.Empty(t, c.wake)
	h.Append([]eventlog.Event{at(101, mine), at(102, others)})
	require.Len(t, c.wake, 1)
	require.NoError(t, c.catchUp())
	require.EqualValues(t, 1, c.published)
	require.EqualValues(t, 101, c.last)
	require.EqualValues(t, 102, c.cursor)
}

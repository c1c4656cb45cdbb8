package stream

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
	"parley/store/live"
)

// desk is a dialogue that two operators have open, on different nodes, and its
// customer.
type desk struct {
	site             *site
	first, second    *node
	thread           thread
	anna, bolat      OperatorViewer
	annas, bolats    *client
	customer         *client
	idle             *client // an operator who has another dialogue on the screen
	position         string
	annaTab, idleTab string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{site: newSite(t), thread: newThread(), annaTab: "annas-tab-1", idleTab: "idle-tab-1"}
	d.site.store(t, d.thread)
	other := newThread()
	d.site.store(t, other)
	d.first, d.second = d.site.node(t, Options{}), d.site.node(t, Options{})
	d.anna = OperatorViewer{ID: d.site.operator(t, "Анна"), Name: "Анна"}
	d.bolat = OperatorViewer{ID: d.site.operator(t, "Болат"), Name: "Болат"}
	d.site.commit(t, d.thread, "hello")
	d.position = "1"

	d.annas = d.open(t, d.first, d.anna, d.annaTab)
	d.idle = d.open(t, d.second, OperatorViewer{ID: d.site.operator(t, "Вера")}, d.idleTab)
	d.bolats = d.open(t, d.second, d.bolat, "bolats-tab")
	d.customer = connect(t, d.second.url+d.thread.path(), d.position).opened()

	// The report of the one comes in at the node of the other.
	require.NoError(t, d.second.hub.SetPresence(t.Context(), d.anna, d.annaTab, &d.thread.dialogue, false))
	require.Equal(t, []string{"Анна"}, d.present(t, d.annas))
	require.NoError(t, d.first.hub.SetPresence(t.Context(), d.bolat, "bolats-tab", &d.thread.dialogue, false))
	require.Equal(t, []string{"Анна", "Болат"}, d.present(t, d.annas))
	require.Equal(t, []string{"Анна", "Болат"}, d.present(t, d.bolats))
	return d
}

func (d *desk) open(t *testing.T, n *node, v OperatorViewer, tab string) *client {
	t.Helper()
	return d.openIn(t, n, v, "first", tab)
}

func (d *desk) openIn(t *testing.T, n *node, v OperatorViewer, session, tab string) *client {
	t.Helper()
	return connect(t, n.url+operatorPath(v.ID, session)+"?client="+tab, d.position).opened()
}

// present reads who has the dialogue on the screen.
func (d *desk) present(t *testing.T, c *client) (names []string) {
	t.Helper()
	f := c.next()
	require.Equal(t, "presence", f.name)
	require.Equal(t, d.position, f.id, "an ephemeral event repeats the last durable id")
	var presence live.Presence
	require.NoError(t, json.Unmarshal([]byte(f.data), &presence))
	require.Equal(t, d.thread.dialogue, presence.DialogueID)
	for _, o := range presence.Operators {
		names = append(names, o.Name)
	}
	return names
}

// quiet checks that the stream gets nothing before the next durable event.
func (d *desk) quiet(t *testing.T, streams ...*client) {
	t.Helper()
	d.site.commit(t, d.thread, "marker")
	for _, c := range streams {
		require.Equal(t, "message", c.next().name)
	}
}

func TestPresenceAcrossNodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	// A repeated report is no news.
	require.NoError(t, d.first.hub.SetPresence(t.Context(), d.anna, d.annaTab, &d.thread.dialogue, false))
	require.NoError(t, d.second.hub.SetPresence(t.Context(), d.bolat, "bolats-tab", nil, false))
	require.Equal(t, []string{"Анна"}, d.present(t, d.annas))
	d.quiet(t, d.bolats, d.idle, d.customer)
}

func TestViewersThatVanishAreSwept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.site.pool.Exec(t.Context(), "UPDATE viewers SET expires_at = now() WHERE operator_id = $1", d.bolat.ID)
	require.NoError(t, err)
	require.NoError(t, d.first.hub.sweep(t.Context()))
	require.Equal(t, []string{"Анна"}, d.present(t, d.annas))
}

func TestWrongPresence(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hub := s.node(t, Options{}).hub
	nowhere := uuid.New()
	operator := OperatorViewer{ID: s.operator(t, "Анна")}
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(hub.SetPresence(t.Context(), operator, "some-tab", &nowhere, false)))
	require.Equal(t, dialogue.CodeInvalid, dialogue.ErrorCode(hub.SetPresence(t.Context(), operator, "tab", nil, false)))
	require.NoError(t, hub.SetPresence(t.Context(), operator, "some-tab", nil, false))
}

func TestTypingOfAnOperator(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NoError(t, d.second.hub.SetPresence(t.Context(), d.anna, d.annaTab, &d.thread.dialogue, true))
	f := d.bolats.next()
	require.Equal(t, "typing", f.name)
	require.JSONEq(t, `{"dialogue_id":"`+d.thread.dialogue.String()+`","author":"operator","name":"Анна"}`, f.data)
	f = d.customer.next()
	require.Equal(t, "typing", f.name)
	require.JSONEq(t, `{"author":"operator"}`, f.data, "the customer is not told who")
	d.quiet(t, d.annas, d.idle)
}

func TestTypingOfTheCustomer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.first.publisher.Publish(live.Item{Typing: &live.Typing{
		DialogueID: d.thread.dialogue, ThreadKey: d.thread.Session.String(), Author: dialogue.AuthorCustomer,
	}})
	for _, c := range []*client{d.annas, d.bolats} {
		f := c.next()
		require.Equal(t, "typing", f.name)
		require.JSONEq(t, `{"dialogue_id":"`+d.thread.dialogue.String()+`","author":"customer"}`, f.data)
	}
	d.quiet(t, d.customer, d.idle)
}

func TestTextOfATurn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	turn := live.Turn{
		DialogueID: d.thread.dialogue, ThreadKey: d.thread.Session.String(), TurnID: uuid.New(), Kind: live.Reply, State: live.Writing,
		Text: strings.Repeat("Қайырлы күн! ", 1000),
	}
	d.first.publisher.Publish(live.Item{Turn: &turn})
	for _, c := range []*client{d.annas, d.bolats} {
		f := c.next()
		require.Equal(t, "turn", f.name)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(f.data), &got))
		require.ElementsMatch(t, []string{"dialogue_id", "turn_id", "kind", "state", "offset", "text"}, keys(got))
		text, ok := got["text"].(string)
		require.True(t, ok)
		require.EqualValues(t, len([]rune(turn.Text))-len([]rune(text)), got["offset"])
		require.True(t, strings.HasSuffix(turn.Text, text))
	}
	f := d.customer.next()
	require.Equal(t, "typing", f.name, "the customer sees that the bot writes, not what")
	require.JSONEq(t, `{"author":"bot"}`, f.data)

	suggestion := live.Turn{DialogueID: d.thread.dialogue, TurnID: uuid.New(), Kind: live.Suggestion, State: live.Ended}
	d.second.publisher.Publish(live.Item{Turn: &suggestion})
	require.Contains(t, d.annas.next().data, `"state":"ended"`)
	d.quiet(t, d.customer, d.idle)
}

func keys(m map[string]any) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// TestScreenFollowsTheStream opens the stream anew on another node, which knows
// from the database what the client had on the screen.
func TestScreenFollowsTheStream(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.annas.close()
	moved := d.open(t, d.second, d.anna, d.annaTab)
	d.site.commit(t, d.thread, "after the replay the screen is known")
	require.Equal(t, "message", moved.next().name)
	turn := live.Turn{DialogueID: d.thread.dialogue, TurnID: uuid.New(), Kind: live.Reply, State: live.Writing, Text: "Да"}
	d.first.publisher.Publish(live.Item{Turn: &turn})
	require.Equal(t, "turn", moved.next().name)

	// Nobody can speak for the stream of another operator.
	require.NoError(t, d.second.hub.SetPresence(t.Context(), d.bolat, d.annaTab, nil, false))
	turn.Text = "Да, есть"
	d.first.publisher.Publish(live.Item{Turn: &turn})
	require.Equal(t, "turn", moved.next().name)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	other := d.openIn(t, d.second, d.anna, "second", "another-tab")

	d.second.publisher.Publish(live.Item{Revoked: &live.Revoked{OperatorID: d.anna.ID, Session: store.LoginName(login(d.anna.ID, "first"))}})
	require.Equal(t, "reset", d.annas.next().name)
	d.annas.ended()
	d.quiet(t, other)

	d.first.publisher.Publish(live.Item{Revoked: &live.Revoked{OperatorID: d.anna.ID}})
	require.Equal(t, "reset", other.next().name)
	other.ended()
	d.quiet(t, d.idle)
}

// What was revoked while a node did not listen is seen in the record once it listens again.
func TestRevokedWhileNobodyListened(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]string{
		"logged out":   "DELETE FROM operator_sessions WHERE operator_id = $1",
		"session over": "UPDATE operator_sessions SET expires_at = now() WHERE operator_id = $1",
		"disabled":     "UPDATE operators SET disabled_at = now() WHERE id = $1",
		"other rights": "UPDATE operators SET role = 'admin' WHERE id = $1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			_, err := d.site.pool.Exec(t.Context(), revoke, d.anna.ID)
			require.NoError(t, err)
			d.quiet(t, d.annas, d.idle, d.bolats) // nobody was told
			_, err = d.site.pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'parley follower' AND datname = current_database()`)
			require.NoError(t, err)
			require.Equal(t, "reset", d.annas.next().name)
			d.annas.ended()
			d.quiet(t, d.idle, d.bolats)
		})
	}
}

// A stream whose login ended between its request and its beginning was not there to be told.
func TestStreamOfALoginThatIsOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{})
	c := connect(t, n.url+operatorPath(s.operator(t, "Анна"), "gone"), "")
	require.Equal(t, "reset", c.next().name)
	c.ended()
}

package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestReplayThenLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	th := newThread()
	s.commit(t, th, "1", "2", "3")
	n := s.node(t, Options{})
	url := n.url + operatorPath(uuid.New(), "s")

	fromStart := connect(t, url+"?after=0", "")
	require.Equal(t, []string{"1", "2", "3"}, fromStart.texts(3))
	fromHeader := connect(t, url+"?after=0", "2") // what the browser has seen counts for more than what the page asked for
	require.Equal(t, []string{"3"}, fromHeader.texts(1))
	fromNow := connect(t, url, "")
	first, ok := fromNow.read()
	require.True(t, ok)
	require.Equal(t, frameOf{comment: "open", id: "3", retry: "2000"}, first)

	s.commit(t, th, "4", "5")
	for _, c := range []*client{fromStart, fromHeader, fromNow} {
		require.Equal(t, []string{"4", "5"}, c.texts(2))
	}
}

func TestReplayIsPaged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	th := newThread()
	s.store(t, th)
	const total = 4*replayPage + 7
	_, err := s.pool.Exec(t.Context(), `INSERT INTO events (kind, audience, dialogue_id, payload)
		SELECT 'message', 'everyone', $1, $2 FROM generate_series(1, $3::int)`, th.dialogue, th.payload("x", "bot", "text"), total)
	require.NoError(t, err)
	s.waker.Wake()
	require.Eventually(t, func() bool { return s.head(t) == total }, patience, 10*time.Millisecond)
	n := s.node(t, Options{Recent: 100})
	for _, path := range []string{operatorPath(uuid.New(), "s"), th.path()} {
		c := connect(t, n.url+path+"?after=0", "")
		for i := range total {
			require.EqualValues(t, i+1, c.next().position(t))
		}
	}
}

func TestCursorThatIsNoNumber(t *testing.T) {
	t.Parallel()
	n := newSite(t).node(t, Options{})
	operator := operatorPath(uuid.New(), "s")
	for name, test := range map[string]struct{ url, lastID string }{
		"query":           {operator + "?after=abc", ""},
		"header":          {operator + "?after=1", "01HXYZ"},
		"negative":        {operator + "?after=-1", ""},
		"too large":       {operator + "?after=99999999999999999999", ""},
		"customer":        {CustomerViewer{uuid.New(), uuid.New()}.path() + "?after=1.5", ""},
		"client short":    {operator + "?client=abc", ""},
		"client too long": {operator + "?client=" + strings.Repeat("x", 65), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, n.url+test.url, test.lastID)
			require.Equal(t, http.StatusBadRequest, c.response.StatusCode)
			require.Equal(t, "application/problem+json", c.response.Header.Get("Content-Type"))
			var problem map[string]any
			require.NoError(t, json.NewDecoder(c.reader).Decode(&problem))
			require.Equal(t, "invalid", problem["code"])
			require.NotEmpty(t, problem["detail"])
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	th := newThread()
	s.store(t, th)
	s.commit(t, th, "1", "2", "3", "4")
	_, err := s.pool.Exec(t.Context(), "WITH log AS (UPDATE event_log SET pruned = 2) DELETE FROM events WHERE position <= 2")
	require.NoError(t, err)
	n := s.node(t, Options{})
	for name, path := range map[string]string{"operator": operatorPath(uuid.New(), "s"), "customer": th.path()} {
		for why, after := range map[string]string{"too old": "1", "from before a restore": "5000"} {
			t.Run(name+" "+why, func(t *testing.T) {
				t.Parallel()
				c := connect(t, n.url+path, after)
				require.Equal(t, frameOf{name: "reset", data: "{}", id: after}, c.next())
				c.ended()
			})
		}
		t.Run(name+" at the edge", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{"3", "4"}, connect(t, n.url+path, "2").texts(2))
		})
	}
}

func TestResetOfOpenStreamsAfterRestore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{})
	th := newThread()
	s.commit(t, th, "1", "2", "3")
	url := n.url + operatorPath(uuid.New(), "s")
	c := connect(t, url+"?after=0", "")
	require.Len(t, c.texts(3), 3)

	_, err := s.pool.Exec(t.Context(), "WITH log AS (UPDATE event_log SET head = 1) DELETE FROM events WHERE position > 1")
	require.NoError(t, err)
	require.Equal(t, "reset", c.next().name)
	c.ended()

	again := connect(t, url+"?after=1", "").opened()
	s.commit(t, th, "two")
	f := again.next()
	require.Equal(t, "two", f.text(t))
	require.EqualValues(t, 2, f.position(t))
}

// TestCustomerBeforeTheFirstMessage opens the stream of a visitor who has not
// written yet, and of one whose dialogue is made while the stream opens.
func TestCustomerBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{})
	th, other := newThread(), newThread()
	s.commit(t, other, "not theirs")
	early := connect(t, n.url+th.path(), "").opened()
	s.commit(t, other, "not theirs")
	s.store(t, th)
	s.commit(t, th, "hello")
	s.commit(t, other, "not theirs")
	s.commit(t, th, "answer")
	require.Equal(t, []string{"hello", "answer"}, early.texts(2))
	require.Equal(t, []string{"hello", "answer"}, connect(t, n.url+th.path()+"?after=0", "").texts(2))

	// On a node that remembers nothing the database answers.
	forgetful := s.node(t, Options{Recent: 1})
	require.Equal(t, []string{"hello", "answer"}, connect(t, forgetful.url+th.path()+"?after=0", "").texts(2))
}

func TestHeartbeatKeepsTheCursor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{Heartbeat: 5 * time.Millisecond})
	c := connect(t, n.url+operatorPath(uuid.New(), "s"), "").opened()
	for range 3 {
		f, ok := c.read()
		require.True(t, ok)
		require.Equal(t, frameOf{comment: "hb"}, f)
	}
}

func TestLifetimeEndsStreams(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{MinLifetime: 20 * time.Millisecond})
	connect(t, n.url+operatorPath(uuid.New(), "s"), "").opened().ended()
}

func TestTheOldestStreamGivesWay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{PerOperator: 2, PerVisitor: 2})
	operator, th := uuid.New(), newThread()
	for _, url := range []string{n.url + operatorPath(operator, "s"), n.url + th.path()} {
		first := connect(t, url, "").opened()
		second := connect(t, url, "").opened()
		third := connect(t, url, "").opened()
		first.ended()
		s.commit(t, th, "still here")
		require.Equal(t, []string{"still here"}, second.texts(1))
		require.Equal(t, []string{"still here"}, third.texts(1))
	}
	// Another session of the same operator counts by itself, and a client that comes again replaces only itself.
	connect(t, n.url+operatorPath(operator, "t"), "").opened()
	client := n.url + operatorPath(operator, "u") + "?client=tab-number-1"
	first := connect(t, client, "").opened()
	second := connect(t, client, "").opened()
	first.ended()
	s.commit(t, th, "and here")
	require.Equal(t, []string{"and here"}, second.texts(1))
}

func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	n := newSite(t).node(t, Options{MaxStreams: 1})
	url := n.url + operatorPath(uuid.New(), "s")
	connect(t, url, "").opened()
	refused := dial(t, url, "")
	require.Equal(t, http.StatusServiceUnavailable, refused.response.StatusCode)
	seconds, err := strconv.Atoi(refused.response.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
}

func TestTooManyStreamsFromOneAddress(t *testing.T) {
	t.Parallel()
	n := newSite(t).node(t, Options{PerAddress: 2})
	url := n.url + operatorPath(uuid.New(), "s")
	first := connect(t, url, "").opened()
	connect(t, n.url+newThread().path(), "").opened()
	require.Equal(t, Stats{Operators: 1, Customers: 1}, n.hub.Stats())
	require.Equal(t, http.StatusServiceUnavailable, dial(t, n.url+newThread().path(), "").response.StatusCode)
	first.close()
	require.Eventually(t, func() bool { return n.hub.Stats().Operators == 0 }, patience, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		return dial(t, n.url+newThread().path(), "").response.StatusCode == http.StatusOK
	}, patience, 50*time.Millisecond, "what has ended makes room")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	n := newSite(t).node(t, Options{})
	c := connect(t, n.url+operatorPath(uuid.New(), "s"), "")
	require.Equal(t, "no-store, no-transform", c.response.Header.Get("Cache-Control"))
	require.Equal(t, "no", c.response.Header.Get("X-Accel-Buffering"))
}

// TestShutdown ends the streams of good clients and of one that does not read.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{WriteTimeout: patience})
	stalled := stall(t, n, n.url+operatorPath(uuid.New(), "stalled"))
	var clients []*client
	for range 3 {
		clients = append(clients, connect(t, n.url+operatorPath(uuid.New(), "s"), "").opened())
	}
	total := flood(t, s, n)
	for _, c := range clients {
		for range total {
			c.next()
		}
	}

	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, n.hub.Shutdown(ctx))
	require.NoError(t, n.server.Shutdown(ctx))
	require.Less(t, time.Since(began), 2*time.Second)
	for _, c := range clients {
		c.ended()
	}
	stalled.close()
}

func TestNoNewStreamsAfterShutdown(t *testing.T) {
	t.Parallel()
	n := newSite(t).node(t, Options{})
	require.NoError(t, n.hub.Shutdown(t.Context()))
	refused := dial(t, n.url+operatorPath(uuid.New(), "s"), "")
	require.Equal(t, http.StatusServiceUnavailable, refused.response.StatusCode)
	require.NotEmpty(t, refused.response.Header.Get("Retry-After"))
}

func TestSlowReaderDelaysNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.node(t, Options{WriteTimeout: 300 * time.Millisecond})
	slowURL := n.url + operatorPath(uuid.New(), "slow")
	slow := stall(t, n, slowURL)
	good := connect(t, n.url+operatorPath(uuid.New(), "good"), "").opened()
	total := flood(t, s, n)
	for i := range total {
		require.EqualValues(t, i+1, good.next().position(t))
	}
	// The slow one was cut, and comes again to read on from where it was.
	require.Eventually(t, func() bool {
		n.hub.mu.RLock()
		defer n.hub.mu.RUnlock()
		return len(n.hub.conns) == 1
	}, patience, 5*time.Millisecond)
	last := slow.next().position(t)
	require.EqualValues(t, 1, last)
	again := connect(t, slowURL, strconv.FormatInt(last, 10))
	for ; last < int64(total); last++ {
		require.Equal(t, last+1, again.next().position(t))
	}
}

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/testenv"
)

func TestThreeMessagesWithinASecondGetOneAnswerThatHasSeenAll(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_QUIET_PERIOD=1500ms")
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	for _, text := range []string{"first apple", "second banana", "third cherry"} {
		c.write(text)
	}
	require.Contains(t, c.awaitAnswers(1)[0], "Answer.")
	s.settled()
	require.Len(t, c.from("bot"), 1)
	calls := model.seen()
	require.Len(t, calls, 1)
	shown := calls[0].shown()
	first, second, third := strings.Index(shown, "apple"), strings.Index(shown, "banana"), strings.Index(shown, "cherry")
	require.True(t, 0 <= first && first < second && second < third, shown)
}

func TestMessageDuringTheModelCallIsAnsweredTogether(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "too early")
		}
		return modelReply{text: "both"}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("first apple")
	first := hold.await(t)
	c.write("second banana")
	select {
	case <-first.ctx.Done():
	case <-time.After(deadline):
		require.Fail(t, "the first model call goes on")
	}
	require.Contains(t, c.awaitAnswers(1)[0], "both")
	s.settled()
	require.Len(t, c.from("bot"), 1)
	shown := model.seen()[1].shown()
	require.Contains(t, shown, "apple")
	require.Contains(t, shown, "banana")
}

func TestSameDeliveryFiveTimesAtOnceIsOneMessageAndOneAnswer(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	clientID := uuid.NewString()
	var group sync.WaitGroup
	got := make([]said, 5)
	status := make([]int, 5)
	for i := range 5 {
		group.Go(func() { got[i], status[i] = c.deliver(clientID, "the same") })
	}
	group.Wait()
	for i := range 5 {
		require.Equal(t, http.StatusOK, status[i])
		require.Equal(t, got[0].ID, got[i].ID)
	}
	c.awaitAnswers(1)
	s.settled()
	require.Len(t, c.from("customer"), 1)
	require.Len(t, c.from("bot"), 1)
	require.Len(t, model.seen(), 1)
}

func TestTwoFirstMessagesAtOnceBeginOneDialogue(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	var group sync.WaitGroup
	customers := make([]*customer, 10)
	for i := range customers {
		customers[i] = s.newCustomer()
		for n := range 3 {
			group.Go(func() { customers[i].deliver(uuid.NewString(), fmt.Sprint("message ", n)) })
		}
	}
	group.Wait()
	for _, c := range customers {
		messages := c.sees()
		require.Len(t, messages, 3)
		require.Equal(t, []int64{1, 2, 3}, []int64{messages[0].Seq, messages[1].Seq, messages[2].Seq})
	}
	var dialogues, contacts int
	require.NoError(t, s.pool.QueryRow(context.Background(), "SELECT (SELECT count(*) FROM dialogues), (SELECT count(*) FROM contacts)").Scan(&dialogues, &contacts))
	require.Equal(t, []int{10, 10}, []int{dialogues, contacts})
}

// Two nodes of each role: every customer is answered once, from their own words only.
func TestHundredCustomersAtOnceAreNotMixedUp(t *testing.T) {
	t.Parallel()
	model := newModel(t, func(_ int, c modelCall) modelReply { return modelReply{text: "You said: " + c.lastUser()} })
	s := newSystem(t, testenv.Temporal(t), model)
	_, other := s.startAPI()
	s.startAPI()
	s.startWorker()
	s.startWorker()
	const n = 100
	customers := make([]*customer, n)
	var group sync.WaitGroup
	nodes := []string{s.base, other}
	for i := range customers {
		customers[i] = s.newCustomer()
	}
	for i, c := range customers {
		group.Go(func() {
			status := request(t, http.DefaultClient, http.MethodPost, nodes[i%2]+"/widget/v1/messages", c.token,
				map[string]string{"client_id": "only", "text": fmt.Sprintf("My secret is word%dword", i)}, nil)
			require.Equal(t, http.StatusOK, status)
		})
	}
	group.Wait()
	s.settled()
	for i, c := range customers {
		answers := c.from("bot")
		require.Len(t, answers, 1, "customer %d", i)
		require.Contains(t, answers[0], fmt.Sprintf("word%dword", i))
		require.Equal(t, 1, strings.Count(answers[0], "word")/2, answers[0])
	}
	require.Len(t, model.seen(), n)
	for _, call := range model.seen() {
		require.Equal(t, 1, strings.Count(call.shown(), "My secret is"))
	}
}

func TestModelErrorsEndInAnAnswerOrAHandoff(t *testing.T) {
	t.Parallel()
	fails := func(times int, reply modelReply) func(int, modelCall) modelReply {
		return func(n int, _ modelCall) modelReply {
			if n < times {
				return reply
			}
			return modelReply{text: "At last."}
		}
	}
	for name, test := range map[string]struct {
		answer func(int, modelCall) modelReply
		calls  int
		cause  string // of the handoff; empty: answered
	}{
		"rate limit, then an answer":     {fails(1, modelReply{status: 429, retryAfter: "1"}), 2, ""},
		"broken stream, then an answer":  {fails(1, modelReply{text: "half an answer that breaks off in the middle", cut: true}), 2, ""},
		"a server that is down":          {fails(100, modelReply{status: 500}), 4, "unavailable"},
		"a wrong key is not tried again": {fails(100, modelReply{status: 401}), 1, "bad_key"},
		"a bad request is final":         {fails(100, modelReply{status: 400}), 1, "bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t, test.answer)
			s := newSystem(t, testenv.Temporal(t), model)
			s.startAPI()
			s.startWorker()
			c := s.newCustomer()
			c.write("Hello there, a question")
			if test.cause == "" {
				require.Contains(t, c.awaitAnswers(1)[0], "At last.")
				require.NotContains(t, c.from("bot")[0], "half")
			} else {
				eventually(t, "the customer is told", func() bool { return len(c.from("system")) == 1 })
				d := s.login(adminEmail).dialogue(c.dialogueID())
				require.Equal(t, "operator", string(d.Mode))
				require.Equal(t, "bot_error", *d.HandoffReason)
				require.NotNil(t, d.WaitingSince)
				var state, cause string
				require.NoError(t, s.pool.QueryRow(context.Background(), "SELECT state, cause FROM turns").Scan(&state, &cause))
				require.Equal(t, []string{"failed", test.cause}, []string{state, cause})
				require.Empty(t, c.from("bot"))
			}
			require.Len(t, model.seen(), test.calls)
		})
	}
}

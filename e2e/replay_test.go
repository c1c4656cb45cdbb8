package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
	"parley/testenv"
)

// parley runs a command on the installation, which must succeed.
func (s *system) parley(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, parleyBinary(s.t), args...)
	cmd.Env = append([]string{"HOME=" + s.t.TempDir()}, s.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "parley %v: %s", args, out)
	return string(out)
}

type failedTurn struct {
	ID       uuid.UUID
	Cause    string
	Question string
	Open     bool
	Dialogue store.DialogueView
}

func (o *operator) failedTurns() []failedTurn {
	o.s.t.Helper()
	var page struct{ Turns []failedTurn }
	o.must(http.MethodGet, "/turns?state=failed&open=true&limit=100", nil, &page)
	return page.Turns
}

// The model's key expires in the middle of the day. Every customer is told, the failed answers are listed; when the key
// is renewed they are replayed, and everybody gets one answer to their own question.
func TestFailedAnswersAreReplayed(t *testing.T) {
	t.Parallel()
	var renewed atomic.Bool
	model := newModel(t, func(_ int, c modelCall) modelReply {
		if !renewed.Load() {
			return modelReply{status: http.StatusUnauthorized}
		}
		return modelReply{text: "You said: " + c.lastUser()}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startAPI()
	s.startWorker()
	s.startWorker()
	admin := s.login(adminEmail)
	customers := make([]*customer, 6)
	for i := range customers {
		customers[i] = s.newCustomer()
		customers[i].write(fmt.Sprintf("My secret is word%dword", i))
		eventually(t, "the customer is told", func() bool { return len(customers[i].from("system")) == 1 })
	}
	s.settled()
	failed := admin.failedTurns()
	require.Len(t, failed, len(customers))
	require.Equal(t, "bad_key", failed[0].Cause)
	require.Contains(t, failed[0].Question, "word5word")

	// Replayed too early it fails again, which is another failed answer; the customer is not told a second time.
	admin.must(http.MethodPost, "/turns/"+failed[0].ID.String()+"/replay", map[string]bool{}, nil)
	eventually(t, "it fails again", func() bool {
		list := admin.failedTurns()
		return len(list) == len(customers) && list[0].ID != failed[0].ID
	})
	require.Len(t, customers[5].from("system"), 1)
	status, _ := rawRequest(t, admin.client, http.MethodPost, s.base+"/api/v1/turns/"+failed[0].ID.String()+"/replay", "", map[string]bool{})
	require.Equal(t, http.StatusConflict, status, "each is replayed once")

	renewed.Store(true)
	taken := failed[3] // of customer 2: an operator has answered
	admin.reply(taken.Dialogue.ID, "A human has taken care.")
	require.Equal(t, len(customers)-1, strings.Count(s.parley("turns", "list"), "bad_key"))
	admin.must(http.MethodPost, "/turns/"+admin.failedTurns()[0].ID.String()+"/replay", map[string]bool{}, nil)
	require.Contains(t, customers[5].awaitAnswers(1)[0], "word5word")
	require.Contains(t, s.parley("turns", "replay", "--all", "--cause", "bad_key"), "Replayed: 4.")
	for i, c := range customers {
		if i == 2 {
			continue
		}
		answer := c.awaitAnswers(1)[0]
		require.Contains(t, answer, fmt.Sprintf("word%dword", i))
		require.Len(t, c.from("system"), 1, "told once")
	}
	s.settled()
	require.Empty(t, customers[2].from("bot"), "a human has answered: the bot says nothing")
	require.Empty(t, admin.failedTurns())
	require.Contains(t, s.parley("turns", "list"), "No failed answers.")
	require.Contains(t, s.parley("turns", "list", "--all"), "replayed: returned_to_bot")

	// An answer that a human has given needs no replay; asked for, it becomes a draft.
	var out struct {
		Outcome    string
		Suggestion struct{ Text string }
	}
	admin.must(http.MethodPost, "/turns/"+taken.ID.String()+"/replay", map[string]bool{}, &out)
	require.Equal(t, "suggested", out.Outcome)
	require.Contains(t, out.Suggestion.Text, "word2word")
	s.settled()
	require.Empty(t, customers[2].from("bot"))
}

// replay is how a replay of many stands, as an admin sees it.
func (o *operator) replay(id uuid.UUID) (b store.ReplayBatch) {
	o.s.t.Helper()
	o.must(http.MethodGet, "/turns/replays/"+id.String(), nil, &b)
	return b
}

// The model was away while thirty customers wrote. When it is back all are answered, each once, a few at a time; whoever
// writes meanwhile does not wait for them. The worker that replays dies on the way.
func TestAReplayOfManyAnswersEverybodyOnce(t *testing.T) {
	t.Parallel()
	const n = 30
	var back atomic.Bool
	h := newHeld()
	model := newModel(t, func(_ int, c modelCall) modelReply {
		switch {
		case !back.Load():
			return modelReply{status: http.StatusUnauthorized}
		case strings.Contains(c.lastUser(), "live"):
			return modelReply{text: "At once."}
		}
		return h.answer(c, "You said: "+c.lastUser())
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_REPLAY_RATE=10")
	s.startAPI()
	worker := s.startWorker()
	admin := s.login(adminEmail)
	customers := make([]*customer, n)
	for i := range customers {
		customers[i] = s.newCustomer()
		customers[i].write(fmt.Sprintf("My secret is word%dword", i))
	}
	eventually(t, "all have failed", func() bool { return len(admin.failedTurns()) == n })
	s.settled()

	back.Store(true)
	var batch store.ReplayBatch
	admin.must(http.MethodPost, "/turns/replay", map[string]any{"filter": map[string]string{}}, &batch)
	require.Equal(t, n, batch.Total)
	// The bot has as many on its hands as it may, and none is answered: the others wait.
	for range 20 {
		h.await(t)
	}
	require.Equal(t, 20, admin.replay(batch.ID).Replayed)

	live := s.newCustomer()
	live.write("I am live, and in a hurry")
	require.Contains(t, live.awaitAnswers(1)[0], "At once.")
	require.Equal(t, store.ReplayRunning, admin.replay(batch.ID).State)

	worker.kill()
	s.startWorker()
	close(h.release)
	eventually(t, "the replay ends", func() bool { return admin.replay(batch.ID).State == store.ReplayDone })
	for i, c := range customers {
		require.Contains(t, c.awaitAnswers(1)[0], fmt.Sprintf("word%dword", i))
	}
	s.settled()
	for _, c := range customers {
		require.Len(t, c.from("bot"), 1)
		require.Len(t, c.from("system"), 1, "told once")
	}
	batch = admin.replay(batch.ID)
	require.Equal(t, []int{n, 0}, []int{batch.Replayed, batch.Skipped})
	require.Empty(t, admin.failedTurns())
	var log struct{ Entries []store.AuditEntry }
	admin.must(http.MethodGet, "/audit?action=turn_replayed&limit=100", nil, &log)
	require.Len(t, log.Entries, n)
}

// A replay that is stopped half-way leaves the rest as it was: failed, and with the operators.
func TestAStoppedReplayLeavesTheRest(t *testing.T) {
	t.Parallel()
	const n = 25
	var back atomic.Bool
	h := newHeld()
	model := newModel(t, func(_ int, c modelCall) modelReply {
		if !back.Load() {
			return modelReply{status: http.StatusUnauthorized}
		}
		return h.answer(c, "Answer.")
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_REPLAY_RATE=10")
	s.startAPI()
	s.startWorker()
	admin := s.login(adminEmail)
	customers := make([]*customer, n)
	for i := range customers {
		customers[i] = s.newCustomer()
		customers[i].write("How long is the guarantee?")
	}
	eventually(t, "all have failed", func() bool { return len(admin.failedTurns()) == n })
	s.settled()

	back.Store(true)
	command := start(t, s.env, "turns", "replay", "--all", "--cause", "bad_key")
	for range 20 {
		h.await(t)
	}
	var list struct{ Replays []store.ReplayBatch }
	admin.must(http.MethodGet, "/turns/replays", nil, &list)
	batch := list.Replays[0]
	// Whoever looks on in a terminal may stop that: the replay goes on.
	code, _ := command.terminate()
	require.Zero(t, code)
	require.Contains(t, command.log.String(), fmt.Sprintf("Replay %s of %d failed answers.", batch.ID, n))
	require.Contains(t, command.log.String(), "The replay goes on. To stop it: parley turns stop "+batch.ID.String())
	require.Equal(t, store.ReplayRunning, admin.replay(batch.ID).State)
	require.Contains(t, s.parley("turns", "stop", batch.ID.String()), "Replayed: 20.")
	batch = admin.replay(batch.ID)
	require.Equal(t, store.ReplayStopped, batch.State)
	close(h.release)
	s.settled()
	require.Len(t, admin.failedTurns(), n-20)
	answered := 0
	for _, c := range customers {
		answered += len(c.from("bot"))
	}
	require.Equal(t, 20, answered)

	// The workflow has found it, and another replay takes the rest.
	require.Contains(t, s.parley("turns", "replay", "--all"), fmt.Sprintf("Replayed: %d.", n-20))
	s.settled()
	for _, c := range customers {
		require.Len(t, c.from("bot"), 1)
	}
}

// Without the engine a replay waits in the record, and begins when the engine is back.
func TestAReplayWaitsForTheEngine(t *testing.T) {
	t.Parallel()
	var back atomic.Bool
	model := newModel(t, func(_ int, c modelCall) modelReply {
		if !back.Load() {
			return modelReply{status: http.StatusUnauthorized}
		}
		return modelReply{text: "Answer."}
	})
	engine := testenv.OwnTemporal(t)
	s := newSystem(t, engine, model)
	s.startAPI()
	s.startWorker()
	admin := s.login(adminEmail)
	c := s.newCustomer()
	c.write("How long is the guarantee?")
	eventually(t, "it has failed", func() bool { return len(admin.failedTurns()) == 1 })
	s.settled()
	engine.Stop()
	back.Store(true)
	var batch store.ReplayBatch
	admin.must(http.MethodPost, "/turns/replay", map[string]any{"filter": map[string]string{}}, &batch)
	require.Equal(t, store.ReplayRunning, admin.replay(batch.ID).State)
	engine.Start()
	require.Contains(t, c.awaitAnswers(1)[0], "Answer.")
	eventually(t, "the replay ends", func() bool { return admin.replay(batch.ID).State == store.ReplayDone })
}

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/testenv"
)

func TestWorkerKilledInTheMiddleOfAModelCall(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "from a dead worker")
		}
		return modelReply{text: "Answer."}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	worker := s.startWorker()
	c := s.newCustomer()
	c.write("What is the price of apples?")
	hold.await(t)
	worker.kill()
	close(hold.release)
	s.startWorker()
	require.Contains(t, c.awaitAnswers(1)[0], "Answer.")
	s.settled()
	require.Len(t, c.from("bot"), 1)
}

// The killed process may be anywhere between the model's answer and the next turn.
func TestWorkersKilledAtAnyMomentAnswerEachMessageOnce(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1000)
	model := newModel(t, func(_ int, c modelCall) modelReply {
		arrived <- struct{}{}
		return modelReply{text: "You said: " + c.lastUser()}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_QUIET_PERIOD=0s")
	s.startAPI()
	c := s.newCustomer()
	const rounds = 4
	for i := range rounds {
		worker := s.startWorker()
		c.write(fmt.Sprintf("Tell me about number%dnumber", i))
		select {
		case <-arrived:
		case <-time.After(deadline):
			require.Fail(t, "the model is not asked")
		}
		worker.kill() // the answer is on its way to the worker, or there, or committed
		s.startWorker()
		answers := c.awaitAnswers(i + 1)
		require.Contains(t, answers[i], fmt.Sprintf("number%dnumber", i))
		s.settled()
	}
	require.Len(t, c.from("bot"), rounds)
}

func TestApiKilledAfterItAcknowledged(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"the api comes back": true, "only the worker is there": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := newModel(t, saying("Answer."))
			s := newSystem(t, testenv.Temporal(t), model)
			api, _ := s.startAPI()
			customers := make([]*customer, 20)
			for i := range customers {
				customers[i] = s.newCustomer()
			}
			for _, c := range customers {
				c.write("a question")
			}
			api.kill()
			s.startWorker()
			if restart {
				s.startAPI()
			}
			s.settled()
			if !restart {
				s.startAPI() // to look
			}
			for _, c := range customers {
				require.Len(t, c.from("customer"), 1)
				require.Len(t, c.from("bot"), 1)
			}
			require.Len(t, model.seen(), len(customers))
		})
	}
}

func TestRolesEndInOrder(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "interrupted")
		}
		return modelReply{text: "Answer."}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_STOP_TIMEOUT=4s")
	api, base := s.startAPI()
	worker := s.startWorker()
	c := s.newCustomer()
	c.write("What is the price of apples?")
	hold.await(t)
	stream := openStream(t, base+"/widget/v1/stream", c.token, nil, "")
	defer stream.close()
	code, took := api.terminate()
	require.Zero(t, code)
	require.Less(t, took, 12*time.Second)
	code, took = worker.terminate()
	require.Zero(t, code)
	require.Less(t, took, 12*time.Second)
	s.startAPI()
	s.startWorker()
	require.Contains(t, c.awaitAnswers(1)[0], "Answer.")
	s.settled()
	require.Len(t, c.from("bot"), 1)
}

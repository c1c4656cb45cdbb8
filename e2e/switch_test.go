package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
	"parley/testenv"
)

func TestNoBotMessageAfterATakeoverReturned(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			hold.arrived <- c
			<-hold.release // also after the caller hung up: the answer comes whatever happens
			return modelReply{text: "too late"}
		}
		return modelReply{text: "Answer to: " + c.lastUser()}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("What is the price of apples?")
	hold.await(t)
	o := s.login(adminEmail)
	id := c.dialogueID()
	require.Empty(t, o.setMode(id, "operator"))
	close(hold.release)

	o.reply(id, "A human here.")
	c.write("And of bananas?")
	require.Empty(t, c.from("bot"))
	o.reply(id, "Both cost the same.")
	o.setMode(id, "bot")
	c.write("And of cherries?")
	answer := c.awaitAnswers(1)[0]
	require.Contains(t, answer, "cherries")
	require.NotContains(t, answer, "apples")
	s.settled()
	authors := []string{}
	for _, m := range c.sees() {
		authors = append(authors, m.Author)
	}
	require.Equal(t, []string{"customer", "operator", "customer", "operator", "customer", "bot"}, authors)
	require.NotContains(t, model.seen()[1].lastUser(), "bananas", "what a human has answered is no question any more")
}

func TestHandedBackWithoutAHumanAnswerTheBotGoesOn(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "too late")
		}
		return modelReply{text: "Answer."}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("What is the price of apples?")
	hold.await(t)
	o := s.login(adminEmail)
	o.setMode(c.dialogueID(), "operator")
	o.setMode(c.dialogueID(), "bot")
	require.Contains(t, c.awaitAnswers(1)[0], "Answer.")
	require.Contains(t, model.seen()[1].lastUser(), "apples")
}

func TestWhoAsksForAHumanGetsOne(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	for text, language := range map[string]string{"Оператора": "ru", "операторға қосыңыз": "kk", "Can I talk to a person?": "en"} {
		c := s.newCustomer()
		c.write(text)
		eventually(t, "the customer is told", func() bool { return len(c.from("system")) == 1 })
		d := o.dialogue(c.dialogueID())
		require.Equal(t, []string{"operator", "customer_asked", "new", language}, []string{string(d.Mode), *d.HandoffReason, string(d.Status), *d.Language})
		require.NotNil(t, d.WaitingSince)
		// Handed back, the same message is not handed over again.
		o.setMode(c.dialogueID(), "bot")
		c.write("What is the price of apples?")
		c.awaitAnswers(1)
	}
	require.Len(t, model.seen(), 3, "the rule needs no model")
}

func TestWithTheEngineStoppedTakeoversHoldAndMessagesWait(t *testing.T) {
	t.Parallel()
	engine := testenv.OwnTemporal(t)
	model := newModel(t, saying("Answer."))
	s := newSystem(t, engine, model)
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	taken := s.newCustomer()
	taken.write("hello there")
	taken.awaitAnswers(1)
	s.settled()

	engine.Stop()
	began := time.Now()
	o.setMode(taken.dialogueID(), "operator")
	require.Less(t, time.Since(began), 3*time.Second)
	taken.write("are you still there?")
	customers := make([]*customer, 20)
	for i := range customers {
		customers[i] = s.newCustomer()
		customers[i].write("a question")
	}
	var list struct{ Dialogues []store.DialogueView }
	o.must(http.MethodGet, "/dialogues?limit=100", nil, &list)
	require.Len(t, list.Dialogues, 21)
	require.Equal(t, "a question", list.Dialogues[0].LastMessage.Preview)

	engine.Start()
	for _, c := range customers {
		c.awaitAnswers(1)
	}
	s.settled()
	for _, c := range customers {
		require.Len(t, c.from("bot"), 1)
	}
	require.Len(t, taken.from("bot"), 1, "taken over while the engine was away")
	require.Len(t, model.seen(), 21)
}

func TestOperatorsRepeatedSendIsOneMessage(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	c := s.newCustomer()
	c.write("hello there")
	o := s.login(adminEmail)
	body := map[string]string{"client_id": uuid.NewString(), "text": "Hi"}
	var first, second store.MessageAndDialogue
	o.must(http.MethodPost, "/dialogues/"+c.dialogueID().String()+"/messages", body, &first)
	o.must(http.MethodPost, "/dialogues/"+c.dialogueID().String()+"/messages", body, &second)
	require.Equal(t, first.Message.ID, second.Message.ID)
	require.Len(t, c.from("operator"), 1)
	require.Equal(t, "operator", string(second.Dialogue.Mode), "who writes takes over")
}

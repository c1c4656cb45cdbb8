package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
	"parley/testenv"
)

// What an operator puts off comes back at its time, also when the worker that had it
// in hand was killed meanwhile, and nobody writes.
func TestSnoozedDialogueComesBackByItself(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.startAPI()
	killed := s.startWorker()
	o := s.login(adminEmail)
	c := s.newCustomer()
	c.write("What is the price of apples?")
	c.awaitAnswers(1)
	id := c.dialogueID()
	o.setMode(id, "operator")
	var d store.DialogueView
	until := time.Now().Add(3 * time.Second)
	o.must(http.MethodPut, "/dialogues/"+id.String()+"/status", map[string]any{"status": "snoozed", "until": until}, &d)
	require.Equal(t, dialogue.StatusSnoozed, d.Status)
	require.WithinDuration(t, until, d.Due(), time.Millisecond)
	s.settled()
	killed.kill()
	s.startWorker()

	eventually(t, "it is before the operators again", func() bool {
		d = o.dialogue(id)
		return d.Status == dialogue.StatusOpen
	})
	require.NotNil(t, d.WaitingSince)
	require.Equal(t, dialogue.ModeOperator, d.Mode)
	require.False(t, time.Now().Before(until))
	require.Empty(t, d.Timers)
}

// A silent dialogue of the bot ends by its own timer, and the next message opens
// another episode, which the bot answers.
func TestSilentDialogueEndsByItsTimer(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	c := s.newCustomer()
	c.write("What is the price of apples?")
	c.awaitAnswers(1)
	id := c.dialogueID()
	d := o.dialogue(id)
	require.Equal(t, dialogue.TimerClose, d.Timers[0].Kind)
	require.Greater(t, time.Until(d.Due()), 23*time.Hour)

	// A day goes by in the record; the workflow is told as by a change of another node.
	_, err := s.pool.Exec(t.Context(), `UPDATE dialogues SET last_message_at = last_message_at - interval '25 hours', timer_at = timer_at - interval '25 hours', version = version + 1`)
	require.NoError(t, err)
	require.NoError(t, s.store.RingAgain(t.Context(), d.ID))
	eventually(t, "it is closed", func() bool { return o.dialogue(id).Status == dialogue.StatusClosed })
	c.write("And of bananas?")
	c.awaitAnswers(2)
	require.Equal(t, dialogue.StatusOpen, o.dialogue(id).Status)
}

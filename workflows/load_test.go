package workflows_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// A dialogue whose history may hardly grow continues as new again and again while the customer goes on writing and
// operators take it and give it back: no ring is lost on the way from run to run.
func TestContinuesAsNewUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, scenario{kind: channel.Widget, maxEvents: 30})
	r.write("the first")
	const senders, each = 4, 60
	var writing sync.WaitGroup
	for i := range senders {
		writing.Go(func() {
			for n := range each {
				_, err := r.TakeMessage(r.ctx, store.Inbound{
					ChannelID: r.channel.ID, ThreadKey: "77", IdentityKind: "test", Identity: "77",
					ProviderMessageID: fmt.Sprint(i, "/", n), Text: "one more",
				})
				if err != nil {
					t.Errorf("take a message: %v", err)
				}
				r.ring(dialogue.RingMessageReceived)
			}
		})
	}
	for range 5 {
		r.setMode(dialogue.ModeOperator, dialogue.RingOperatorTookOver)
		r.setMode(dialogue.ModeBot, dialogue.RingReturnedToBot)
	}
	writing.Wait()
	r.until("SELECT count(*) FROM messages WHERE author = 'customer'", senders*each+1)
	r.until("SELECT count(*) FROM dialogues WHERE answered_seq = customer_seq", 1)
	r.until("SELECT count(*) FROM turns WHERE state IN ('running', 'drafted')", 0)
	r.until(`SELECT count(*) FROM turns x JOIN turns y ON x.id <> y.id AND x.state = 'answered' AND y.state = 'answered'
		AND x.from_seq < y.to_seq AND y.from_seq < x.to_seq`, 0)

	require.NoError(t, r.temporal.GetWorkflow(r.ctx, workflows.DialogueID(r.dialogue), "").Get(r.ctx, nil), "the last run ends by itself")
	runs := 0
	for run := r.firstRun; run != ""; runs++ {
		events := r.temporal.GetWorkflowHistory(r.ctx, workflows.DialogueID(r.dialogue), run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		run = ""
		for events.HasNext() {
			e, err := events.Next()
			require.NoError(t, err)
			require.Nil(t, e.GetWorkflowExecutionFailedEventAttributes())
			if next := e.GetWorkflowExecutionContinuedAsNewEventAttributes(); next != nil {
				run = next.GetNewExecutionRunId()
			}
		}
	}
	require.Greater(t, runs, 3)
}

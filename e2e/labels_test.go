package e2e

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"parley/testenv"
	"parley/workflows"
)

// Developers find dialogues in the Temporal UI by who answers and what went wrong.
func TestDialoguesAreFoundByTheirLabels(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	model := newModel(t, func(_ int, c modelCall) modelReply {
		if strings.Contains(c.lastUser(), "broken") && !mended.Load() {
			return modelReply{status: 401}
		}
		return modelReply{text: "Answer."}
	})
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	temporal := s.temporal()
	find := func(query string) (found []string) {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		list, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.engine.Namespace, Query: query})
		if err != nil {
			return nil // the server does not know the label yet
		}
		for _, w := range list.GetExecutions() {
			found = append(found, w.GetExecution().GetWorkflowId())
		}
		return found
	}
	found := func(query string, want ...uuid.UUID) {
		t.Helper()
		ids := make([]string, len(want))
		for i, id := range want {
			ids[i] = workflows.DialogueID(id)
		}
		eventually(t, query, func() bool {
			got := find(query)
			if len(got) != len(ids) {
				return false
			}
			require.ElementsMatch(t, ids, got)
			return true
		})
	}
	// The server's parts hear of the labels one after another; dialogues that begin before have none.
	eventually(t, "labels are known", func() bool {
		s.newCustomer().write("hello there")
		s.settled()
		return len(find("ParleyChannel = 'demo'")) > 0
	})
	answered, failed := s.newCustomer(), s.newCustomer()
	answered.write("hello there")
	answered.awaitAnswers(1)
	failed.write("broken")
	eventually(t, "the customer is told", func() bool { return len(failed.from("system")) == 1 })
	since := " AND WorkflowId IN ('" + workflows.DialogueID(answered.dialogueID()) + "', '" + workflows.DialogueID(failed.dialogueID()) + "')"
	found("ParleyChannel = 'demo'"+since, answered.dialogueID(), failed.dialogueID())
	found("ParleyMode = 'bot'"+since, answered.dialogueID())
	found("ParleyMode = 'operator'"+since, failed.dialogueID())
	found("ParleyTrouble = 'bad_key'", failed.dialogueID())

	o := s.login(adminEmail)
	o.setMode(answered.dialogueID(), "operator")
	found("ParleyMode = 'operator'"+since, answered.dialogueID(), failed.dialogueID())
	mended.Store(true)
	o.setMode(failed.dialogueID(), "bot")
	failed.awaitAnswers(1)
	found("ParleyMode = 'bot'"+since, failed.dialogueID())
	found("ParleyTrouble = 'bad_key'")
}

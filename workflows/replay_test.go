package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"parley/workflows"
)

const histories = "testdata/histories"

// Dialogues that run while a new version is deployed go on under it: what it
// decides must be what their histories say. A new branch of the workflow needs a
// new history; record them with go test ./workflows -run Record -update.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	recorded := make(map[string]bool)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		recorded[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replayer().ReplayWorkflowHistoryFromJSONFile(quiet(), file))
		})
	}
	for _, s := range scenarios() {
		for _, name := range s.files() {
			require.True(t, recorded[name], "%s is not recorded", name)
		}
	}
}

// The suite above is worth something only if it notices.
func TestReplayNoticesAnotherDecision(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(histories, "plain.json"))
	require.NoError(t, err)
	other := strings.ReplaceAll(string(raw), `"name": "`+workflows.ReplyActivity+`"`, `"name": "`+workflows.SendActivity+`"`)
	require.NotEqual(t, string(raw), other)
	file := filepath.Join(t.TempDir(), "other.json")
	require.NoError(t, os.WriteFile(file, []byte(other), 0o600))
	require.ErrorContains(t, replayer().ReplayWorkflowHistoryFromJSONFile(quiet(), file), "TMPRL1100")
}

func replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(workflows.Dialogue, workflow.RegisterOptions{Name: "Dialogue"})
	r.RegisterWorkflowWithOptions(workflows.ReplayBatch, workflow.RegisterOptions{Name: "ReplayBatch"})
	return r
}

func quiet() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"parley/doctor"
	"parley/testenv"
	"parley/workflows"
)

// command runs a command of the product to its end.
func (s *system) command(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, parleyBinary(s.t), args...)
	cmd.Env = append([]string{"HOME=" + s.t.TempDir()}, s.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "%s", out)
	return string(out)
}

// buildOf is the version that the newest run of a dialogue's workflow is under, and how many runs there were.
func (s *system) buildOf(engine client.Client, c *customer) (build string, runs int64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	id := workflows.DialogueID(c.dialogueID())
	described, err := engine.DescribeWorkflowExecution(ctx, id, "")
	require.NoError(s.t, err)
	count, err := engine.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "WorkflowId = '" + id + "'"})
	require.NoError(s.t, err)
	return described.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId(), count.GetCount()
}

func TestDialoguesComeOverToANewVersionOfTheWorkers(t *testing.T) {
	t.Parallel()
	// An engine of its own: versions are known by its one name.
	engine := testenv.OwnTemporal(t)
	s := newSystem(t, engine, newModel(t, saying("Ответ.")), "PARLEY_IDLE_AFTER=1h")
	s.startAPI()
	temporal := s.temporal()
	withVersion := func(build string) *process {
		return start(t, append([]string{"PARLEY_BUILD_ID=" + build}, s.env...), "worker")
	}

	// An installation without versions, to begin with.
	require.Contains(t, s.command("versions", "list"), "No versions")
	unversioned := s.startWorker()
	old, busy, silent := s.newCustomer(), s.newCustomer(), s.newCustomer()
	old.write("Где заказ?")
	old.awaitAnswers(1)

	first := withVersion("first")
	require.Contains(t, s.command("versions", "promote", "first"), "Current: first")
	code, _ := unversioned.terminate()
	require.Zero(t, code)
	old.write("А сегодня?")
	old.awaitAnswers(2)
	busy.write("Есть доставка?")
	busy.awaitAnswers(1)
	silent.write("Вы работаете?")
	silent.awaitAnswers(1)
	build, runs := s.buildOf(temporal, busy)
	require.Equal(t, "first", build)
	require.Equal(t, int64(1), runs)

	// The next one runs beside it, and takes a dialogue over when that has something to do.
	withVersion("second")
	require.Contains(t, s.command("versions", "promote", "second"), "Current: second")
	require.Regexp(t, `(?m)^first +draining .* are needed$`, s.command("versions", "list"))
	eventually(t, "a dialogue in which nobody writes comes over too: it waits for its timers", func() bool {
		build, _ := s.buildOf(temporal, silent)
		return build == "second"
	})
	for _, c := range []*customer{busy, old} {
		answers := len(c.from("bot"))
		c.write("Сколько стоит?")
		c.awaitAnswers(answers + 1)
		eventually(t, "the dialogue goes on under the new version", func() bool {
			build, _ := s.buildOf(temporal, c)
			return build == "second"
		})
	}
	code, _ = first.terminate()
	require.Zero(t, code)
	for _, c := range []*customer{busy, old} {
		answers := len(c.from("bot"))
		c.write("И ещё вопрос")
		c.awaitAnswers(answers + 1)
	}
}

func TestDoctorMissesWorkers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.OwnTemporal(t), newModel(t, saying("Ответ.")))
	code, found := s.examined()
	require.Equal(t, 1, code)
	require.Equal(t, doctor.Fail, found["workers"].Status)
	require.Equal(t, "start one: parley worker", found["workers"].Mend)

	s.env = append(s.env, "PARLEY_BUILD_ID=first")
	s.startWorker()
	eventually(t, "the worker that nobody has promoted is found", func() bool {
		_, found := s.examined()
		return strings.Contains(found["workers"].Mend, "parley versions promote")
	})
	s.command("versions", "promote", "first")
	_, found = s.examined()
	require.Equal(t, doctor.OK, found["workers"].Status, found["workers"])
}

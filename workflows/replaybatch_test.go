package workflows

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// replayBench runs the workflow of a batch, whose pages the test decides.
type replayBench struct {
	*testsuite.TestWorkflowEnvironment
	input   ReplayInput
	page    func(n int) (ReplayPageResult, error) // n counts the pages, from 0
	asked   []time.Time                           // when each page was asked for
	stopped []uuid.UUID
}

func newReplayBench(t *testing.T) *replayBench {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &replayBench{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), input: ReplayInput{BatchID: uuid.New()}}
	b.SetTestTimeout(20 * time.Second)
	b.RegisterWorkflow(ReplayBatch)
	b.RegisterActivityWithOptions(func(in ReplayPageInput) (ReplayPageResult, error) {
		require.Equal(t, b.input.BatchID, in.BatchID)
		b.asked = append(b.asked, b.Now())
		return b.page(len(b.asked) - 1)
	}, activity.RegisterOptions{Name: ReplayPageActivity})
	b.RegisterActivityWithOptions(func(in ReplayPageInput) error {
		b.stopped = append(b.stopped, in.BatchID)
		return nil
	}, activity.RegisterOptions{Name: StopReplayActivity})
	return b
}

func (b *replayBench) run(t *testing.T) error {
	t.Helper()
	b.ExecuteWorkflow(ReplayBatch, b.input)
	require.True(t, b.IsWorkflowCompleted())
	return b.GetWorkflowError()
}

// between are the pauses between the pages.
func (b *replayBench) between() (pauses []time.Duration) {
	for i := 1; i < len(b.asked); i++ {
		pauses = append(pauses, b.asked[i].Sub(b.asked[i-1]).Round(time.Second))
	}
	return pauses
}

func TestPagesOfAReplayKeepTheirDistance(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(n int) (ReplayPageResult, error) {
		return ReplayPageResult{Over: n == 3, Wait: time.Second, Total: 20, Replayed: 5 * (n + 1)}, nil
	}
	require.NoError(t, b.run(t))
	require.Equal(t, []time.Duration{time.Second, time.Second, time.Second}, b.between())
	require.Empty(t, b.stopped)
}

func TestAReplayWaitsAsLongAsTheBotIsBehind(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(n int) (ReplayPageResult, error) {
		if n < 40 {
			return ReplayPageResult{Wait: 3 * time.Second, Why: "the bot is behind"}, nil
		}
		return ReplayPageResult{Over: true}, nil
	}
	require.NoError(t, b.run(t))
	for _, pause := range b.between() {
		require.Equal(t, 3*time.Second, pause)
	}
	require.Len(t, b.asked, 41)
}

func TestAReplayThatWasStoppedInTheRecordEnds(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(int) (ReplayPageResult, error) { return ReplayPageResult{Over: true, Total: 9, Replayed: 4}, nil }
	require.NoError(t, b.run(t))
	require.Len(t, b.asked, 1)
	require.Empty(t, b.stopped)
}

func TestCancellingAReplayStopsItInTheRecord(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(int) (ReplayPageResult, error) { return ReplayPageResult{Wait: time.Minute}, nil }
	b.RegisterDelayedCallback(b.CancelWorkflow, 90*time.Second)
	err := b.run(t)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Len(t, b.asked, 2, "nothing is asked for after that")
	require.Equal(t, []uuid.UUID{b.input.BatchID}, b.stopped)
}

func TestALongReplayContinuesAsNew(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.input.Pages = 3
	b.page = func(int) (ReplayPageResult, error) { return ReplayPageResult{Wait: time.Second}, nil }
	err := b.run(t)
	require.True(t, workflow.IsContinueAsNewError(err), "%v", err)
	require.Len(t, b.asked, 3)
	require.Empty(t, b.stopped, "it goes on")

	// The engine's word counts as well.
	b = newReplayBench(t)
	b.page = func(n int) (ReplayPageResult, error) {
		b.SetContinueAsNewSuggested(n == 4)
		return ReplayPageResult{Wait: time.Second}, nil
	}
	err = b.run(t)
	require.True(t, workflow.IsContinueAsNewError(err), "%v", err)
	require.Len(t, b.asked, 5)
}

func TestAReplayOutlivesADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(n int) (ReplayPageResult, error) {
		if n < 8 { // the test's engine gives up after ten attempts, unlike the real one
			return ReplayPageResult{}, temporal.NewApplicationError("connection refused", "")
		}
		return ReplayPageResult{Over: true}, nil
	}
	require.NoError(t, b.run(t))
	require.Len(t, b.asked, 9)
}

func TestAReplayThatIsNotInTheRecordEnds(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t)
	b.page = func(int) (ReplayPageResult, error) {
		return ReplayPageResult{}, temporal.NewNonRetryableApplicationError("there is no replay", ReplayGoneErrorType, nil)
	}
	require.ErrorContains(t, b.run(t), "there is no replay")
	require.Len(t, b.asked, 1)
}

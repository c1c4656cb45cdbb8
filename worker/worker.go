// Package worker runs the dialogues: it registers workflows and activities under
// their names, and sets how much of them one process takes on.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"parley/activities"
	"parley/workflows"
)

// Config is what a worker runs.
type Config struct {
	Client  client.Client
	Replies *activities.Replies
	Sends   *activities.Sends
	Timers  *activities.Timers
	Replays *activities.Replays
	Log     *slog.Logger

	BuildID     string             // the version of this worker; empty: workers have no versions
	StopTimeout time.Duration      // how long running activities may take to end when the worker stops
	Observer    Observer           // nil: nobody counts
	Running     func(running bool) // told when the worker begins to take work, and when it stops; may be nil
}

// Run works until ctx is done.
func Run(ctx context.Context, c Config) error {
	// A worker that dies keeps its dialogues waiting for this long before another takes them.
	options := sdkworker.Options{
		StickyScheduleToStartTimeout:           2 * time.Second,
		MaxConcurrentActivityExecutionSize:     2000, // a reply mostly waits: for the customer's pause, for the model
		MaxConcurrentWorkflowTaskExecutionSize: 200,
		MaxConcurrentActivityTaskPollers:       4,
		MaxConcurrentWorkflowTaskPollers:       4,
		MaxHeartbeatThrottleInterval:           2 * time.Second,
		WorkerStopTimeout:                      c.StopTimeout,
		DeploymentOptions:                      versioned(c.BuildID),
	}
	if c.Observer != nil {
		options.Interceptors = []interceptor.WorkerInterceptor{&observing{observer: c.Observer}}
	}
	running := c.Running
	if running == nil {
		running = func(bool) {}
	}
	dialogues := sdkworker.New(c.Client, workflows.TaskQueue, options)
	dialogues.RegisterWorkflowWithOptions(workflows.Dialogue, workflow.RegisterOptions{Name: "Dialogue"})
	dialogues.RegisterActivityWithOptions(c.Replies.Reply, activity.RegisterOptions{Name: workflows.ReplyActivity})
	dialogues.RegisterActivityWithOptions(c.Sends.Send, activity.RegisterOptions{Name: workflows.SendActivity})
	dialogues.RegisterActivityWithOptions(c.Timers.Fire, activity.RegisterOptions{Name: workflows.FireActivity})
	replays := newReplayWorker(c)
	if err := dialogues.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	if err := replays.Start(); err != nil {
		dialogues.Stop()
		return fmt.Errorf("start the worker of replays: %w", err)
	}
	running(true)
	c.Log.Info("worker runs", "task_queue", workflows.TaskQueue, "build_id", c.BuildID)
	<-ctx.Done()
	running(false)
	var stopping sync.WaitGroup
	stopping.Go(replays.Stop)
	stopping.Go(dialogues.Stop)
	stopping.Wait()
	return nil
}

// newReplayWorker makes the worker of replays of many. It takes on little: one
// page at a time is replayed anyway.
func newReplayWorker(c Config) sdkworker.Worker {
	w := sdkworker.New(c.Client, workflows.ReplayQueue, sdkworker.Options{
		StickyScheduleToStartTimeout:           2 * time.Second,
		MaxConcurrentActivityExecutionSize:     2,
		MaxConcurrentWorkflowTaskExecutionSize: 2,
		MaxConcurrentActivityTaskPollers:       1,
		MaxConcurrentWorkflowTaskPollers:       2,
		WorkerStopTimeout:                      c.StopTimeout,
		DeploymentOptions:                      versioned(c.BuildID),
	})
	w.RegisterWorkflowWithOptions(workflows.ReplayBatch, workflow.RegisterOptions{Name: "ReplayBatch"})
	w.RegisterActivityWithOptions(c.Replays.ReplayPage, activity.RegisterOptions{Name: workflows.ReplayPageActivity})
	w.RegisterActivityWithOptions(c.Replays.StopReplay, activity.RegisterOptions{Name: workflows.StopReplayActivity})
	return w
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"parley/dialogue"
	"parley/workflows"
)

// Deployment is the name under which the engine keeps the versions of workers
// (https://docs.temporal.io/production-deployment/worker-deployments/worker-versioning).
const Deployment = "parley"

// versioned makes a worker one of a version: a run of a dialogue stays with the
// version that it began under until it ends or continues as new.
func versioned(buildID string) sdkworker.DeploymentOptions {
	if buildID == "" {
		return sdkworker.DeploymentOptions{}
	}
	return sdkworker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   sdkworker.WorkerDeploymentVersion{DeploymentName: Deployment, BuildID: buildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}
}

// VersionState says what a version of the workers still does.
type VersionState string

// States of a version.
const (
	VersionCurrent  VersionState = "current"  // new runs begin under it
	VersionDraining VersionState = "draining" // runs that began under it go on: its workers are needed
	VersionDrained  VersionState = "drained"  // nothing is left: its workers may end
	VersionUnused   VersionState = "unused"   // nothing has begun under it yet
)

// Version is a version of the workers that the engine knows.
type Version struct {
	BuildID string
	Since   time.Time // when its first worker came
	State   VersionState
}

// Versions lists the versions that workers came with, the newest first; none when
// all workers run without a version.
func Versions(ctx context.Context, engine client.Client) ([]Version, error) {
	out, err := engine.WorkerDeploymentClient().GetHandle(Deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Temporal for the workers' versions: %w", err)
	}
	current := out.Info.RoutingConfig.CurrentVersion
	var versions []Version
	for _, s := range out.Info.VersionSummaries {
		v := Version{BuildID: s.Version.BuildID, Since: s.CreateTime, State: VersionUnused}
		switch {
		case current != nil && current.BuildID == s.Version.BuildID:
			v.State = VersionCurrent
		case s.DrainageStatus == client.WorkerDeploymentVersionDrainageStatus(client.WorkerDeploymentVersionDrainageStatusDraining):
			v.State = VersionDraining
		case s.DrainageStatus == client.WorkerDeploymentVersionDrainageStatus(client.WorkerDeploymentVersionDrainageStatusDrained):
			v.State = VersionDrained
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// promoteEvery is how often the engine is asked whether it has heard of a version's workers.
const promoteEvery = 500 * time.Millisecond

// Promote makes a version the current one: new runs begin under it, and running
// dialogues come over when they next have something to do. It waits for the
// version's first worker, until ctx ends. With an empty build id workers without
// a version are current.
func Promote(ctx context.Context, engine client.Client, buildID string) error {
	deployment := engine.WorkerDeploymentClient().GetHandle(Deployment)
	for {
		_, err := deployment.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: buildID})
		if err == nil {
			return nil
		}
		_, early := errors.AsType[*serviceerror.FailedPrecondition](err)
		_, unknown := errors.AsType[*serviceerror.NotFound](err)
		if !early && !unknown {
			return fmt.Errorf("promote version %q: %w", buildID, err)
		}
		timer := time.NewTimer(promoteEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("promote version %q: no worker with PARLEY_BUILD_ID=%s has come: start one, and look at its log: %w", buildID, buildID, err)
		}
	}
}

// ComeOver has every running dialogue look around, so that it goes on under the
// version that is current now instead of when it next has something to do. The
// engine does it by and by: it needs a server whose batch operations run
// (https://docs.temporal.io/cli/batch).
func ComeOver(ctx context.Context, engine client.Client, namespace string) error {
	bell, err := converter.GetDefaultDataConverter().ToPayloads(workflows.Doorbell{})
	if err != nil {
		return fmt.Errorf("encode a bell: %w", err)
	}
	_, err = engine.WorkflowService().StartBatchOperation(ctx, &workflowservice.StartBatchOperationRequest{
		Namespace: namespace, JobId: uuid.NewString(), Reason: "a version of the workers was promoted",
		VisibilityQuery: "WorkflowType = 'Dialogue' AND ExecutionStatus = 'Running'",
		Operation: &workflowservice.StartBatchOperationRequest_SignalOperation{SignalOperation: &batch.BatchOperationSignal{
			Signal: string(dialogue.RingTimerSet), Input: bell, Identity: "parley versions promote",
		}},
	})
	if err != nil {
		return fmt.Errorf("have the running dialogues come over: %w", err)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	retention = 30 * 24 * time.Hour
	probe     = "probe" // of a task queue and a workflow that are only asked about
)

// registerNamespace waits for the frontend, makes the namespace if it is not there, and waits until every service that
// a workflow needs has heard of it.
func registerNamespace(ctx context.Context, address, name string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to the Temporal frontend: %w", err)
	}
	defer func() { _ = conn.Close() }()
	frontend := workflowservice.NewWorkflowServiceClient(conn)

	err = poll(ctx, func() error {
		_, err := frontend.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
		if _, absent := errors.AsType[*serviceerror.NamespaceNotFound](serviceError(err)); !absent {
			return err
		}
		_, err = frontend.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace:                        name,
			Description:                      "Parley's dialogues",
			WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		})
		if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](serviceError(err)); exists {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("register namespace %s: %w", name, err)
	}

	err = poll(ctx, func() error {
		_, err := frontend.DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: name, TaskQueue: &taskqueue.TaskQueue{Name: probe}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW,
		})
		if err != nil {
			return err
		}
		_, err = frontend.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: name, Execution: &common.WorkflowExecution{WorkflowId: probe},
		})
		if _, absent := errors.AsType[*serviceerror.NotFound](serviceError(err)); absent {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for namespace %s: %w", name, err)
	}
	return nil
}

func serviceError(err error) error {
	if err == nil {
		return nil
	}
	return serviceerror.FromStatus(status.Convert(err))
}

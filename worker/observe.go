package worker

import (
	"context"
	"errors"
	"strings"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"parley/workflows"
)

// Observer counts what came of the work.
type Observer interface {
	// Turn is told of every attempt to answer. The cause is empty unless it failed, or is tried again.
	Turn(outcome, cause string)
	// Sent is told how many messages providers were given, by outcome.
	Sent(outcome string, n int)
}

// observing tells an Observer what the activities return.
type observing struct {
	interceptor.WorkerInterceptorBase
	observer Observer
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (o *observing) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &observingActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, observer: o.observer}
}

type observingActivity struct {
	interceptor.ActivityInboundInterceptorBase
	observer Observer
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (o *observingActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := o.Next.ExecuteActivity(ctx, in)
	switch res := out.(type) {
	case workflows.ReplyResult:
		o.turn(ctx, res, err)
	case workflows.SendResult:
		o.observer.Sent("sent", res.Sent)
		o.observer.Sent("failed", res.Failed)
		if err != nil {
			o.observer.Sent("retried", 1)
		}
	}
	return out, err
}

func (o *observingActivity) turn(ctx context.Context, res workflows.ReplyResult, err error) {
	switch {
	case err == nil && res.Outcome == workflows.ReplyFailed:
		cause, _, _ := strings.Cut(res.Error, ":")
		o.observer.Turn(string(res.Outcome), causeLabel(cause))
	case err == nil:
		o.observer.Turn(string(res.Outcome), "")
	case ctx.Err() != nil:
		o.observer.Turn("cancelled", "")
	default:
		cause := "internal"
		if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
			cause = app.Type()
		}
		o.observer.Turn("retried", causeLabel(cause))
	}
}

// causeLabel lets only the names of causes through, which are few.
func causeLabel(cause string) string {
	const longest = 24
	if cause == "" || len(cause) > longest || strings.Trim(cause, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "other"
	}
	return cause
}

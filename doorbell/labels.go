package doorbell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"parley/workflows"
)

// labelRest is how long the search attributes are left out after the engine
// refused them: each of its hosts hears of new ones when it refreshes what it
// knows of namespaces (system.namespaceCacheRefreshInterval, seconds by default).
const labelRest = 10 * time.Second

// RegisterLabels has the engine know the search attributes of dialogues. Several
// processes may call it at once, and again.
func RegisterLabels(ctx context.Context, engine operatorservice.OperatorServiceClient, namespace string) error {
	missing, err := missingLabels(ctx, engine, namespace)
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = engine.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if _, exists := errors.AsType[*serviceerror.AlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("register search attributes: %w", err)
	}
	// Another process may have been faster with some of them.
	if missing, err = missingLabels(ctx, engine, namespace); err == nil && len(missing) > 0 {
		return serviceerror.NewUnavailable("the search attributes are not there yet")
	}
	return err
}

func missingLabels(ctx context.Context, engine operatorservice.OperatorServiceClient, namespace string) (map[string]enums.IndexedValueType, error) {
	known, err := engine.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list search attributes: %w", err)
	}
	missing := make(map[string]enums.IndexedValueType)
	for name, kind := range workflows.Labels() {
		have, ok := known.GetCustomAttributes()[name]
		switch {
		case !ok:
			missing[name] = kind
		case have != kind:
			return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("the search attribute %s is a %s, not a %s", name, have, kind))
		}
	}
	return missing, nil
}

// labelling knows whether runs can be started with search attributes.
type labelling struct {
	on      atomic.Bool
	refused chan struct{}
}

// keepLabels registers the search attributes as soon as the engine answers. Where
// that is not allowed dialogues run without them.
func (d *Doorbell) keepLabels(ctx context.Context) {
	if d.Register == nil {
		return
	}
	told := false
	for {
		rest := relayRest
		err := d.Register(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			d.labels.on.Store(true)
			select {
			case <-d.labels.refused:
			case <-ctx.Done():
				return
			}
			rest = labelRest
		case away(err):
		default:
			if !told {
				names := slices.Sorted(maps.Keys(workflows.Labels()))
				d.Log.Info("dialogues run without search attributes: to find them in the Temporal UI by channel, mode and trouble, "+
					"register these keywords in the namespace", "search_attributes", strings.Join(names, ", "), "error", err)
			}
			told, rest = true, labelRest
		}
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// away reports whether the engine did not answer at all.
func away(err error) bool {
	_, unavailable := errors.AsType[*serviceerror.Unavailable](err)
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	return unavailable || late || errors.Is(err, context.DeadlineExceeded)
}

// withoutLabels turns the search attributes off for a while if err says that the
// engine does not take them.
func (d *Doorbell) withoutLabels(err error) bool {
	refused, ok := errors.AsType[*serviceerror.InvalidArgument](err)
	if !ok || !strings.Contains(strings.ToLower(refused.Error()), "search attribute") {
		return false
	}
	if d.labels.on.CompareAndSwap(true, false) {
		select {
		case d.labels.refused <- struct{}{}:
		default:
		}
	}
	return true
}

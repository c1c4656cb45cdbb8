// Package doorbell rings at the dialogues' workflows for what waits in the
// outbox: at once for what this process has just committed, and as a relay for
// everything that others left, lost or had no time for. While the engine is
// away the bells wait.
package doorbell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"parley/store"
	"parley/workflows"
)

const (
	ringers    = 16               // rings at the same time
	fastQueue  = 64               // fresh bells that may wait for the fast path; more are left to the relay
	relayPage  = 200              // bells that the relay leases at once
	relayLease = 15 * time.Second // after that another relay may take them
	relayEvery = 500 * time.Millisecond
	relayRest  = 3 * time.Second // pause after the engine refused
	ringWithin = 10 * time.Second
	forgetWait = 20 * time.Millisecond // how long rung bells are gathered before they are forgotten together
	lastRings  = 2 * time.Second       // how long what waits for the fast path may still ring when the process ends
)

// Outbox is where bells wait.
type Outbox interface {
	TakeBells(ctx context.Context, n int, lease time.Duration) ([]store.Bell, error)
	ForgetBells(ctx context.Context, bells []store.Bell) error
}

// Engine starts and signals workflows.
type Engine interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signalName string, signalArg any,
		options client.StartWorkflowOptions, workflow any, workflowArgs ...any) (client.WorkflowRun, error)
}

// Config is what a Doorbell works with.
type Config struct {
	Outbox    Outbox
	Engine    Engine
	IdleAfter time.Duration // how long a run waits for the next ring
	Log       *slog.Logger

	Register func(ctx context.Context) error // has the engine know the search attributes; nil: dialogues have none
	InboxURL string                          // where the inbox is; empty: dialogues have no link to it
}

// Doorbell rings at workflows.
type Doorbell struct {
	Config
	fast   chan store.Bell
	rung   chan store.Bell
	labels labelling
}

// New makes a Doorbell; Run serves it.
func New(c Config) *Doorbell {
	return &Doorbell{
		Config: c, fast: make(chan store.Bell, fastQueue), rung: make(chan store.Bell, relayPage),
		labels: labelling{refused: make(chan struct{}, 1)},
	}
}

// Rang takes a bell that was just committed. It never blocks: when too many wait
// already, the relay finds the bell in the outbox a second later.
func (d *Doorbell) Rang(b store.Bell) {
	select {
	case d.fast <- b:
	default:
	}
}

// Run rings until ctx is done. What waits for the fast path then is still rung:
// another process's relay would come to it a second later.
func (d *Doorbell) Run(ctx context.Context) error {
	ringing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(lastRings, stop) })
	var work, forgetting sync.WaitGroup
	for range ringers {
		work.Go(func() { d.serveFast(ctx, ringing) })
	}
	work.Go(func() { d.relay(ctx) })
	work.Go(func() { d.keepLabels(ctx) })
	rung, end := context.WithCancel(context.WithoutCancel(ctx))
	forgetting.Go(func() { d.forget(rung) })
	work.Wait()
	end()
	forgetting.Wait()
	return nil
}

// serveFast rings what comes until ctx is done, and then what is there.
func (d *Doorbell) serveFast(ctx, ringing context.Context) {
	for {
		select {
		case b := <-d.fast:
			d.ringFast(ringing, b)
		case <-ctx.Done():
			for {
				select {
				case b := <-d.fast:
					d.ringFast(ringing, b)
				default:
					return
				}
			}
		}
	}
}

func (d *Doorbell) ringFast(ctx context.Context, b store.Bell) {
	if err := d.ring(ctx, b); err != nil && ctx.Err() == nil {
		d.Log.Debug("cannot ring; the relay will", "dialogue_id", b.DialogueID, "error", err)
	}
}

// relay rings for bells that became due.
func (d *Doorbell) relay(ctx context.Context) {
	timer := time.NewTimer(relayEvery)
	defer timer.Stop()
	for {
		wait := relayEvery
		n, err := d.relayPage(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.Log.Warn("bells wait: the engine or the database does not answer", "error", err)
			wait = relayRest
		case n == relayPage:
			wait = 0 // there are more
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// relayPage leases a page of bells and rings them. It fails when a ring failed
// because the engine is away: the other bells would only fail too. A bell that
// the engine refuses holds up no other; it is due again when its lease ends.
func (d *Doorbell) relayPage(ctx context.Context) (int, error) {
	bells, err := d.Outbox.TakeBells(ctx, relayPage, relayLease)
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan store.Bell)
	var work sync.WaitGroup
	for range min(ringers, len(bells)) {
		work.Go(func() {
			for b := range queue {
				err := d.ring(ctx, b)
				switch {
				case err == nil || ctx.Err() != nil:
				case refused(err):
					d.Log.Warn("the engine refuses a bell; ringing again later", "dialogue_id", b.DialogueID, "error", err)
				default:
					stop(err)
				}
			}
		})
	}
feed:
	for _, b := range bells {
		select {
		case queue <- b:
		case <-ctx.Done():
			break feed
		}
	}
	close(queue)
	work.Wait()
	return len(bells), context.Cause(ctx)
}

// refused reports whether the engine answered that this one workflow takes no
// signal now: it is busy, or its run has had as many as a run may have
// (https://docs.temporal.io/self-hosted-guide/defaults).
func refused(err error) bool {
	if _, invalid := errors.AsType[*serviceerror.InvalidArgument](err); invalid {
		return true
	}
	exhausted, ok := errors.AsType[*serviceerror.ResourceExhausted](err)
	return ok && exhausted.Cause == enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW
}

// ring tells the workflow, starting it if it does not run, everything that rang.
func (d *Doorbell) ring(ctx context.Context, b store.Bell) error {
	ctx, cancel := context.WithTimeout(ctx, ringWithin)
	defer cancel()
	options := client.StartWorkflowOptions{
		ID:                    workflows.DialogueID(b.DialogueID),
		TaskQueue:             workflows.TaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         summary(b),
		StaticDetails:         d.details(b),
	}
	in := workflows.DialogueInput{DialogueID: b.DialogueID, IdleAfter: d.IdleAfter}
	if d.labels.on.Load() {
		in.Labelled, options.TypedSearchAttributes = true, workflows.StartLabels(b.ChannelSlug, b.Mode)
	}
	bell := workflows.Doorbell{Epoch: b.Epoch, Mode: b.Mode, CustomerSeq: b.CustomerSeq, AnsweredSeq: b.AnsweredSeq, ToSend: b.ToSend, Version: b.DialogueVersion, Due: b.Due}
	for _, ring := range b.Rings {
		signal := func() error {
			_, err := d.Engine.SignalWithStartWorkflow(ctx, options.ID, string(ring), bell, options, workflows.Dialogue, in)
			return err
		}
		err := signal()
		if in.Labelled && d.withoutLabels(err) {
			in.Labelled, options.TypedSearchAttributes = false, temporal.SearchAttributes{}
			err = signal()
		}
		if err != nil {
			return fmt.Errorf("ring %s at %s: %w", ring, options.ID, err)
		}
	}
	select {
	case d.rung <- b:
	case <-ctx.Done():
	}
	return nil
}

// maxSummary is the server's limit for a static summary, in bytes.
const maxSummary = 200

func summary(b store.Bell) string {
	s := b.ChannelSlug + " · " + b.Customer
	for len(s) > maxSummary {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// details leads developers from the workflow to the dialogue.
func (d *Doorbell) details(b store.Bell) string {
	details := "**Channel:** " + b.ChannelSlug + " (" + b.ChannelKind + ")"
	if d.InboxURL != "" {
		details += "\n\n[Open the dialogue in the inbox](" + d.InboxURL + "/d/" + b.DialogueID.String() + ")"
	}
	return details
}

// forget removes rung bells from the outbox, many at a time. A bell that is not
// forgotten before the process ends is rung again, which does no harm.
func (d *Doorbell) forget(ctx context.Context) {
	for {
		var done []store.Bell
		select {
		case b := <-d.rung:
			done = append(done, b)
		case <-ctx.Done():
			select {
			case b := <-d.rung:
				done = append(done, b)
			default:
				return
			}
		}
		gather := time.NewTimer(forgetWait)
	more:
		for len(done) < relayPage {
			select {
			case b := <-d.rung:
				done = append(done, b)
			case <-gather.C:
				break more
			}
		}
		gather.Stop()
		if err := d.Outbox.ForgetBells(context.WithoutCancel(ctx), done); err != nil {
			d.Log.Warn("cannot forget rung bells; they will be rung again", "bells", len(done), "error", err)
		}
	}
}

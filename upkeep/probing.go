package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"parley/bot"
)

// probeTime bounds one question to the model. It is shorter than the lease.
const probeTime = 30 * time.Second

// Alarms are those of answers that fail.
type Alarms interface {
	// HoldProbe says for which open alarms this process is to ask, of those of the causes.
	HoldProbe(ctx context.Context, holder string, term time.Duration, causes []string) ([]string, error)
	// ModelAnswered closes alarms, and says how many; took is how long ago the model was asked.
	ModelAnswered(ctx context.Context, causes []string, took time.Duration) (int, error)
}

// ProbingConfig is what a Probing works with.
type ProbingConfig struct {
	Alarms Alarms
	Ask    func(ctx context.Context) error // asks the model something small; nil when it answers
	Causes []string                        // that are over once the model answers
	Every  time.Duration
	Log    *slog.Logger
}

// Probing asks the model whether it answers again while an alarm is open: after the
// dialogues went to the operators perhaps no customer asks it. Of all processes
// that run one, one asks.
type Probing struct {
	ProbingConfig
	holder string
}

// NewProbing makes a Probing; Run serves it.
func NewProbing(c ProbingConfig) *Probing {
	return &Probing{ProbingConfig: c, holder: uuid.NewString()}
}

// Run asks until ctx is done.
func (p *Probing) Run(ctx context.Context) error {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := p.Round(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn("it is not known whether the model answers again; trying again", "error", err)
		}
	}
}

// Round asks once, if there is something to ask for. That the model does not answer
// is no error.
func (p *Probing) Round(ctx context.Context) error {
	open, err := p.Alarms.HoldProbe(ctx, p.holder, p.Every+probeTime, p.Causes)
	if err != nil || len(open) == 0 {
		return err
	}
	began := time.Now()
	asking, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if err := p.Ask(asking); err != nil {
		if _, failed := errors.AsType[*bot.Error](err); !failed && asking.Err() == nil {
			return err
		}
		p.Log.Info("the model does not answer yet", "causes", open, "error", bot.Public(err))
		return nil
	}
	closed, err := p.Alarms.ModelAnswered(ctx, open, time.Since(began))
	if err != nil {
		return err
	}
	if closed > 0 {
		p.Log.Info("the model answers again", "causes", open)
	}
	return nil
}

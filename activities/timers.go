package activities

import (
	"context"
	"log/slog"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// Timers is the activity that has a dialogue's timers come to something.
type Timers struct {
	Store *store.Store
	Log   *slog.Logger
}

// Fire does what is due in a dialogue: see dialogue.TimerKind. It can be run again
// at any point: what is done is not done twice.
func (t *Timers) Fire(ctx context.Context, in workflows.FireInput) (workflows.FireResult, error) {
	profile, err := Profile(ctx, t.Store)
	if err != nil {
		return workflows.FireResult{}, err
	}
	fired, err := t.Store.FireTimers(ctx, in.DialogueID, func(lang dialogue.Language) string { return bot.FollowUp(profile, lang) })
	if err != nil {
		return workflows.FireResult{}, edge(err)
	}
	for _, kind := range fired.Kinds {
		t.Log.Info("a timer has come to something", "dialogue_id", in.DialogueID, "timer", kind)
	}
	return workflows.FireResult{State: stateOf(fired.Dialogue), ToSend: fired.ToSend, Fired: fired.Kinds}, nil
}

// stateOf are a dialogue's counters for its workflow.
func stateOf(d store.DialogueView) workflows.Doorbell {
	return workflows.Doorbell{
		Epoch: d.Epoch, Mode: d.Mode, CustomerSeq: d.CustomerSeq, AnsweredSeq: d.AnsweredSeq, Version: d.Version, Due: d.Due(),
	}
}

// pendingState are the counters of what the bot finds.
func pendingState(p store.Pending) workflows.Doorbell {
	return workflows.Doorbell{
		Epoch: p.Epoch, Mode: p.Mode, CustomerSeq: p.CustomerSeq, AnsweredSeq: p.AnsweredSeq, Version: p.Version, Due: p.TimerAt,
	}
}

package workflows

import (
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"parley/dialogue"
)

// The search attributes by which developers find dialogues in the Temporal UI.
// They are stored unencrypted, and hold nothing about a customer.
const (
	LabelChannel = "ParleyChannel" // the channel's slug
	LabelMode    = "ParleyMode"    // who answers: bot or operator
	LabelTrouble = "ParleyTrouble" // what went wrong since the dialogue last changed hands; absent: nothing
)

// Labels are the search attributes and their types, as a server registers them.
func Labels() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		LabelChannel: enums.INDEXED_VALUE_TYPE_KEYWORD,
		LabelMode:    enums.INDEXED_VALUE_TYPE_KEYWORD,
		LabelTrouble: enums.INDEXED_VALUE_TYPE_KEYWORD,
	}
}

// StartLabels are the search attributes that a run starts with: given there, they
// cost no event.
func StartLabels(channel string, mode dialogue.Mode) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		temporal.NewSearchAttributeKeyKeyword(LabelChannel).ValueSet(channel),
		temporal.NewSearchAttributeKeyKeyword(LabelMode).ValueSet(string(mode)),
	)
}

// troubleUndelivered is the trouble of a message that did not reach the customer,
// or may not have. The others are the classes of errors of failed turns, and
// reply_failed and send_failed for activities that no retry mends.
const troubleUndelivered = "undelivered"

// labels are the search attributes that a run changes.
type labels struct {
	mode    dialogue.Mode
	trouble string
}

// labelsOf reads what the run started with.
func labelsOf(ctx workflow.Context) labels {
	have := workflow.GetTypedSearchAttributes(ctx)
	mode, _ := have.GetKeyword(temporal.NewSearchAttributeKeyKeyword(LabelMode))
	trouble, _ := have.GetKeyword(temporal.NewSearchAttributeKeyKeyword(LabelTrouble))
	return labels{mode: dialogue.Mode(mode), trouble: trouble}
}

// label tells the server what has changed of the search attributes: one event
// when the dialogue changes hands or something goes wrong, none for a plain turn.
func (d *dialogueRun) label(ctx workflow.Context) error {
	want := labels{mode: d.known.Mode, trouble: d.trouble}
	if !d.in.Labelled || want.mode == "" || want == d.labels {
		return nil
	}
	var changes []temporal.SearchAttributeUpdate
	if want.mode != d.labels.mode {
		changes = append(changes, temporal.NewSearchAttributeKeyKeyword(LabelMode).ValueSet(string(want.mode)))
	}
	switch trouble := temporal.NewSearchAttributeKeyKeyword(LabelTrouble); want.trouble {
	case d.labels.trouble:
	case "":
		changes = append(changes, trouble.ValueUnset())
	default:
		changes = append(changes, trouble.ValueSet(want.trouble))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, changes...); err != nil {
		return fmt.Errorf("label the dialogue: %w", err)
	}
	d.labels = want
	return nil
}

package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/temporal"

	"github.com/google/uuid"

	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/workflows"
)

// Accounts opens a channel's sealed secrets.
type Accounts interface {
	Account(c db.Channel) (channel.Account, error)
}

// Sends is the activity that sends what waits to leave a dialogue.
type Sends struct {
	Store    *store.Store
	Accounts Accounts
	Senders  map[string]channel.Sender // by kind of channel
	Log      *slog.Logger
}

// Send sends everything of a dialogue that waits to leave, in order: messages of
// operators and notices first, then the drafted answer of the turn if it still
// passes the fence. Run again after a crash, it takes a message that was on its
// way for one whose outcome nobody knows, and never sends it twice.
func (s *Sends) Send(ctx context.Context, in workflows.SendInput) (workflows.SendResult, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go beat(ctx)

	var res workflows.SendResult
	if err := s.sendQueued(ctx, in.DialogueID, &res); err != nil {
		return res, edge(err)
	}
	if in.TurnID != uuid.Nil {
		err := s.Store.SendDraft(ctx, in.TurnID)
		switch {
		case errors.Is(err, store.ErrSuperseded):
			if err := s.Store.SupersedeTurn(ctx, in.TurnID); err != nil {
				return res, err
			}
		case err != nil:
			return res, edge(err)
		default:
			if err := s.sendQueued(ctx, in.DialogueID, &res); err != nil {
				return res, edge(err)
			}
		}
	}
	p, err := s.Store.Pending(ctx, in.DialogueID)
	if err != nil {
		return res, edge(err)
	}
	res.State = workflows.Doorbell{Epoch: p.Epoch, Mode: p.Mode, CustomerSeq: p.CustomerSeq, AnsweredSeq: p.AnsweredSeq}
	return res, nil
}

func (s *Sends) sendQueued(ctx context.Context, id uuid.UUID, res *workflows.SendResult) error {
	for {
		out, err := s.Store.NextOutgoing(ctx, id)
		if err != nil || out == nil {
			return err
		}
		if err := s.sendOne(ctx, out, res); err != nil {
			return err
		}
	}
}

func (s *Sends) sendOne(ctx context.Context, out *db.NextOutgoingRow, res *workflows.SendResult) error {
	m := out.Message
	if m.State == dialogue.StateSending {
		res.Failed++
		res.Error = "a message was on its way when its process ended: whether it arrived is unknown"
		return s.Store.SetDelivery(ctx, m, dialogue.StateUnconfirmed, "", "")
	}
	sender, ok := s.Senders[out.Channel.Kind]
	if !ok {
		return fmt.Errorf("this worker cannot send to channels of kind %s", out.Channel.Kind)
	}
	account, err := s.Accounts.Account(out.Channel)
	if err != nil {
		return err
	}
	if err := s.Store.BeginSend(ctx, m); errors.Is(err, store.ErrSuperseded) {
		return s.Store.SetDelivery(ctx, m, dialogue.StateFailed, "", "taken over before it was sent")
	} else if err != nil {
		return err
	}
	// From here on the message is on its way, whatever becomes of this activity.
	providerID, err := sender.Send(context.WithoutCancel(ctx), account, channel.Outgoing{ThreadKey: out.ThreadKey, Text: m.Text})
	if err == nil {
		res.Sent++
		return s.Store.SetDelivery(context.WithoutCancel(ctx), m, dialogue.StateSent, providerID, "")
	}
	sendErr, ok := errors.AsType[*channel.SendError](err)
	if !ok {
		sendErr = &channel.SendError{Outcome: channel.Unknown, Reason: "internal error"}
		s.Log.Error("a channel adapter failed", "channel_id", out.Channel.ID, "error", err)
	}
	res.Error = sendErr.Reason
	switch sendErr.Outcome {
	case channel.NotSent:
		if err := s.Store.SetDelivery(context.WithoutCancel(ctx), m, dialogue.StateQueued, "", sendErr.Reason); err != nil {
			return err
		}
		return temporal.NewApplicationErrorWithOptions(sendErr.Error(), string(sendErr.Outcome), temporal.ApplicationErrorOptions{NextRetryDelay: sendErr.RetryAfter})
	case channel.Refused:
		res.Failed++
		return s.Store.SetDelivery(context.WithoutCancel(ctx), m, dialogue.StateFailed, "", sendErr.Reason)
	default:
		res.Failed++
		return s.Store.SetDelivery(context.WithoutCancel(ctx), m, dialogue.StateUnconfirmed, "", sendErr.Reason)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// NextOutgoing returns the oldest message of a dialogue that still has to leave,
// with its channel and thread; nil when there is none. One that is already
// `sending` was left by a process that died: its outcome is unknown.
func (s *Store) NextOutgoing(ctx context.Context, id uuid.UUID) (*db.NextOutgoingRow, error) {
	out, err := s.q.NextOutgoing(ctx, s.pool, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what waits to leave dialogue %s: %w", id, err)
	}
	return &out, nil
}

// ErrTaken says that another attempt has begun to send the message.
var ErrTaken = errors.New("another attempt is sending this message")

// BeginSend marks a queued message as being on its way. Of several attempts, of
// which some may have been taken for dead, one begins; the others fail with
// ErrTaken. A bot's message passes the fence here: it fails with ErrSuperseded
// when the dialogue is not the bot's any more, and will not be sent.
func (s *Store) BeginSend(ctx context.Context, m db.Message) error {
	_, err := s.change(ctx, m.DialogueID, func(c *change) error {
		c.quiet = true
		if m.Author == dialogue.AuthorBot {
			t, err := s.q.GetTurn(ctx, c.tx, m.TurnID.UUID)
			if err != nil {
				return notFound(err, "turn", m.TurnID.UUID)
			}
			if c.state.Mode != dialogue.ModeBot || c.state.Epoch != t.Epoch {
				return ErrSuperseded
			}
		}
		begun, err := s.q.BeginSending(ctx, c.tx, m.ID)
		if err != nil {
			return fmt.Errorf("begin to send message %s: %w", m.ID, err)
		}
		if begun == 0 {
			return ErrTaken
		}
		return nil
	})
	return err
}

// SendDraft passes the fence with a drafted answer: it counts as the answer from
// here on, and its message is on its way.
func (s *Store) SendDraft(ctx context.Context, turn uuid.UUID) error {
	t, err := s.Turn(ctx, turn)
	if err != nil {
		return err
	}
	switch {
	case t.State == TurnSuperseded:
		return ErrSuperseded
	case t.State != TurnDrafted || t.Answer == nil:
		return nil // an earlier attempt has passed, or nothing is left to say
	}
	_, err = s.change(ctx, t.DialogueID, func(c *change) error {
		if !c.state.BotMayAnswer(t.Epoch, t.FromSeq) {
			return ErrSuperseded
		}
		if err := s.q.SetTurnState(ctx, c.tx, db.SetTurnStateParams{ID: turn, State: TurnAnswered}); err != nil {
			return fmt.Errorf("record turn %s as answered: %w", turn, err)
		}
		return c.botSays(Turn{ID: turn, ToSeq: t.ToSeq}, *t.Answer, dialogue.StateQueued)
	})
	return err
}

// SetDelivery records how far a message has come, with the provider's id or the
// reason why not. A message whose outcome nobody knows puts the dialogue among
// those that wait for a human. One that the provider has taken stays sent.
func (s *Store) SetDelivery(ctx context.Context, m db.Message, state dialogue.DeliveryState, providerMessageID, reason string) error {
	_, err := s.change(ctx, m.DialogueID, func(c *change) error {
		changed, err := s.q.SetMessageState(ctx, c.tx, db.SetMessageStateParams{
			ID: m.ID, State: state, Error: ptr(storable(reason)), ProviderMessageID: ptr(providerMessageID),
		})
		if err != nil {
			return fmt.Errorf("set message %s to %s: %w", m.ID, state, err)
		}
		if changed == 0 {
			c.quiet = true
			return nil
		}
		if state == dialogue.StateUnconfirmed || state == dialogue.StateFailed {
			c.state.NeedsLook(c.now)
		}
		return c.update(m.ID)
	})
	return err
}

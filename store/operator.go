package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/channel"
	"parley/dialogue"
	"parley/store/db"
)

// OperatorMessage is what an operator writes to the customer.
type OperatorMessage struct {
	DialogueID   uuid.UUID
	Operator     OperatorRef
	ClientID     string // makes a repeated call harmless
	Text         string
	SuggestionID uuid.NullUUID // the turn whose draft this was
}

// PostOperatorMessage commits an operator's message. In bot mode that takes the
// dialogue over. A repeated client id returns the first message.
func (s *Store) PostOperatorMessage(ctx context.Context, in OperatorMessage) (MessageAndDialogue, error) {
	return s.post(ctx, in.DialogueID, in.ClientID, func(c *change) (MessageView, error) {
		c.ring = dialogue.RingOperatorWrote
		if c.state.Mode == dialogue.ModeBot {
			if err := c.takeOver(in.Operator); err != nil {
				return MessageView{}, err
			}
		}
		seq := c.state.OperatorWrote(in.Text, c.now, c.newEpisode)
		if !c.state.AssigneeID.Valid {
			c.assign(&in.Operator)
		}
		state := dialogue.StateQueued
		if channel.CommitDelivers(c.row.channelKind) {
			state = dialogue.StateSent
		}
		m, err := c.add(db.InsertMessageParams{
			Seq: seq, Author: dialogue.AuthorOperator, Kind: dialogue.KindText, Text: in.Text, State: state, ClientID: &in.ClientID,
			TurnID: in.SuggestionID,
		}, &in.Operator)
		if err != nil {
			return MessageView{}, err
		}
		return m, c.answeredBy(dialogue.AuthorOperator)
	}, in.Operator)
}

// PostNote commits a note that only operators see. A repeated client id returns the first note.
func (s *Store) PostNote(ctx context.Context, id uuid.UUID, operator OperatorRef, clientID, text string) (MessageAndDialogue, error) {
	return s.post(ctx, id, clientID, func(c *change) (MessageView, error) {
		return c.add(db.InsertMessageParams{
			Seq: c.state.AddLine(), Author: dialogue.AuthorOperator, Kind: dialogue.KindNote, Text: text,
			State: dialogue.StateSent, ClientID: &clientID,
		}, &operator)
	}, operator)
}

// post adds one message of an operator, once per client id.
func (s *Store) post(ctx context.Context, id uuid.UUID, clientID string, f func(c *change) (MessageView, error), operator OperatorRef) (MessageAndDialogue, error) {
	var out MessageAndDialogue
	var err error
	out.Dialogue, err = s.change(ctx, id, func(c *change) error {
		known, err := s.q.FindByClientID(ctx, c.tx, db.FindByClientIDParams{DialogueID: id, Author: dialogue.AuthorOperator, ClientID: &clientID})
		if err == nil {
			c.quiet = true
			out.Message, err = messageView(known, &operator.Name)
			return err
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("look for an earlier call: %w", err)
		}
		out.Message, err = f(c)
		return err
	})
	return out, err
}

// SetMode switches who answers. It holds from its commit on. Switching to the
// mode that it has changes nothing; a closed dialogue that is taken over is opened
// again, for the customer's next message would return it to the bot.
func (s *Store) SetMode(ctx context.Context, id uuid.UUID, mode dialogue.Mode, operator OperatorRef) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		if c.state.Mode == mode && !(mode == dialogue.ModeOperator && c.state.Status == dialogue.StatusClosed) {
			c.quiet = true
			return nil
		}
		if mode == dialogue.ModeBot {
			c.state.ReturnToBot()
			c.assign(nil)
			c.ring = dialogue.RingReturnedToBot
			if err := c.audit(operator.actor(), ActionReturnedToBot, nil); err != nil {
				return err
			}
			return c.timeline(TimelineEvent{Type: TimelineReturned, Operator: &operator})
		}
		return c.takeOver(operator)
	})
}

// takeOver gives the dialogue to an operator. Its line of the timeline comes
// before a message that caused it.
func (c *change) takeOver(operator OperatorRef) error {
	if err := c.recall(); err != nil {
		return err
	}
	c.state.TakeOver(operator.ID, c.now, c.newEpisode)
	c.assign(&operator)
	c.ring = dialogue.RingOperatorTookOver
	if err := c.audit(operator.actor(), ActionTakenOver, nil); err != nil {
		return err
	}
	return c.timeline(TimelineEvent{Type: TimelineTakenOver, Operator: &operator})
}

// Close closes a dialogue and its episode; Reopen takes both up again.
func (s *Store) Close(ctx context.Context, id uuid.UUID, operator OperatorRef) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		if c.state.Status == dialogue.StatusClosed {
			c.quiet = true
			return nil
		}
		return c.close(closedByOperator, TimelineEvent{Type: TimelineClosed, Operator: &operator})
	})
}

// Reopen puts a closed dialogue back into work; open ones stay as they are.
func (s *Store) Reopen(ctx context.Context, id uuid.UUID, operator OperatorRef) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		c.timed = true
		switch c.state.Status {
		case dialogue.StatusOpen:
			c.quiet = true
			return nil
		case dialogue.StatusClosed:
			c.state.Reopen(c.now)
			if err := s.q.ReopenEpisode(ctx, c.tx, c.state.EpisodeID); err != nil {
				return fmt.Errorf("reopen the episode of dialogue %s: %w", id, err)
			}
			return c.timeline(TimelineEvent{Type: TimelineReopened, Operator: &operator})
		case dialogue.StatusSnoozed:
			c.state.Reopen(c.now)
			return c.timeline(TimelineEvent{Type: TimelineWoken, Operator: &operator})
		default:
			c.state.Reopen(c.now)
			return nil
		}
	})
}

// Snooze puts a dialogue off until a time, or until its customer writes. What
// nobody has taken on becomes the operator's: somebody has to come back to it.
func (s *Store) Snooze(ctx context.Context, id uuid.UUID, until time.Time, operator OperatorRef) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		switch {
		case c.state.Mode == dialogue.ModeBot:
			return dialogue.Errorf(dialogue.CodeConflict, "the bot has this dialogue: take it over before you put it off")
		case c.state.Status == dialogue.StatusClosed:
			return dialogue.Errorf(dialogue.CodeConflict, "this dialogue is closed: open it again before you put it off")
		case !until.After(c.now) || until.After(c.now.AddDate(1, 0, 0)):
			return dialogue.Errorf(dialogue.CodeInvalid, "until is a time within a year from now, such as %s", c.now.Add(time.Hour).UTC().Format(time.RFC3339))
		}
		c.timed = true
		c.state.Snooze(until.UTC().Truncate(time.Microsecond), c.now)
		if !c.state.AssigneeID.Valid {
			c.assign(&operator)
		}
		return c.timeline(TimelineEvent{Type: TimelineSnoozed, Operator: &operator, Until: c.state.SnoozedUntil})
	})
}

// Assign gives a dialogue to an operator, or with nil to nobody.
func (s *Store) Assign(ctx context.Context, id uuid.UUID, assignee *OperatorRef) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		if assignee == nil && !c.state.AssigneeID.Valid || assignee != nil && c.state.AssigneeID.UUID == assignee.ID {
			c.quiet = true
			return nil
		}
		c.assign(assignee)
		if assignee != nil {
			c.timed = true
			c.state.Acted(c.now)
		}
		return c.timeline(TimelineEvent{Type: TimelineAssigned, Operator: assignee})
	})
}

// MarkRead records up to which message the operators have read a dialogue. What
// one of them has read stays read.
func (s *Store) MarkRead(ctx context.Context, id uuid.UUID, seq int64) (DialogueView, error) {
	return s.change(ctx, id, func(c *change) error {
		seq := max(seq, c.state.ReadSeq)
		unread, err := s.q.CountUnread(ctx, c.tx, db.CountUnreadParams{DialogueID: id, ReadSeq: seq})
		if err != nil {
			return fmt.Errorf("count what is unread in dialogue %s: %w", id, err)
		}
		before := c.state
		c.state.Read(seq, int(unread))
		c.quiet = c.state == before
		return nil
	})
}

// MarkReceived records receipts of the customer's screen for what was sent.
func (s *Store) MarkReceived(ctx context.Context, id uuid.UUID, delivered, read int64) error {
	_, err := s.change(ctx, id, func(c *change) error {
		changed, err := s.q.MarkReceived(ctx, c.tx, db.MarkReceivedParams{DialogueID: id, Delivered: delivered, Read: read})
		if err != nil {
			return fmt.Errorf("mark receipts in dialogue %s: %w", id, err)
		}
		c.quiet = len(changed) == 0
		for _, m := range changed {
			if err := c.update(m); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

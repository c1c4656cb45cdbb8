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

// unsettled is how long after its beginning a send of unknown outcome may still
// arrive: the longest that a request to a provider takes, and some more.
const unsettled = time.Minute

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

// BeginSend marks a queued message as being on its way, once the account's pace
// allows it: until then it returns the slot to wait for, and is called again with
// reserved. Of several attempts, of which some may have been taken for dead, one
// begins; the others fail with ErrTaken. A bot's message passes the fence here:
// it fails with ErrSuperseded when the dialogue is not the bot's any more, and
// will not be sent unless an operator has decided so. The message is told which
// attempt it is.
func (s *Store) BeginSend(ctx context.Context, m *db.Message, pace channel.Pace, reserved bool) (Slot, error) {
	var slot Slot
	_, err := s.change(ctx, m.DialogueID, func(c *change) error {
		c.quiet = true
		if m.Author == dialogue.AuthorBot && !m.OperatorID.Valid {
			t, err := s.q.GetTurn(ctx, c.tx, m.TurnID.UUID)
			if err != nil {
				return notFound(err, "turn", m.TurnID.UUID)
			}
			if !c.state.BotMaySend(t.Epoch) {
				return ErrSuperseded
			}
		}
		if isFollowUp(*m) && !c.state.BotMaySend(c.state.Epoch) {
			return ErrSuperseded
		}
		var err error
		if slot, err = s.pace(ctx, c.tx, c.row.ChannelID, pace, reserved); err != nil || slot.Wait > 0 {
			return err
		}
		m.SendAttempt, err = s.q.BeginSending(ctx, c.tx, m.ID)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrTaken
		}
		if err != nil {
			return fmt.Errorf("begin to send message %s: %w", m.ID, err)
		}
		return nil
	})
	return slot, err
}

// Draft returns the drafted answer of a turn with its channel and thread; nil
// when it has left already, or nothing is left to say.
func (s *Store) Draft(ctx context.Context, turn uuid.UUID) (*db.DraftRow, error) {
	d, err := s.q.Draft(ctx, s.pool, turn)
	if err != nil {
		return nil, notFound(err, "turn", turn)
	}
	if d.Turn.State != TurnDrafted || d.Turn.Answer == nil {
		return nil, nil
	}
	return &d, nil
}

// BeginDraft passes the fence with a drafted answer, once the account's pace
// allows it (see BeginSend): its message is on its way from here on, and counts
// as the answer.
func (s *Store) BeginDraft(ctx context.Context, t db.Turn, pace channel.Pace, reserved bool) (db.Message, Slot, error) {
	var slot Slot
	m, err := s.sayDraft(ctx, t, func(c *change) (dialogue.DeliveryState, error) {
		var err error
		slot, err = s.pace(ctx, c.tx, c.row.ChannelID, pace, reserved)
		if err != nil || slot.Wait > 0 {
			return "", err
		}
		return dialogue.StateSending, nil
	})
	return m, slot, err
}

// HoldDraft passes the fence with a drafted answer that cannot leave now because
// its channel does not work; operators see why.
func (s *Store) HoldDraft(ctx context.Context, t db.Turn, reason string) error {
	_, err := s.sayDraft(ctx, t, func(c *change) (dialogue.DeliveryState, error) {
		c.state.NeedsLook(c.now)
		return dialogue.StateQueued, nil
	})
	if err != nil {
		return err
	}
	out, err := s.NextOutgoing(ctx, t.DialogueID)
	if err != nil || out == nil {
		return err
	}
	return s.HoldSend(ctx, out.Message, reason)
}

func (s *Store) sayDraft(ctx context.Context, t db.Turn, f func(c *change) (dialogue.DeliveryState, error)) (db.Message, error) {
	var said db.Message
	_, err := s.change(ctx, t.DialogueID, func(c *change) error {
		if !c.state.BotMayAnswer(t.Epoch, t.FromSeq) {
			return ErrSuperseded
		}
		state, err := f(c)
		if err != nil || state == "" {
			c.quiet = true
			return err
		}
		if err := s.q.SetTurnState(ctx, c.tx, db.SetTurnStateParams{ID: t.ID, State: TurnAnswered}); err != nil {
			return fmt.Errorf("record turn %s as answered: %w", t.ID, err)
		}
		m, err := c.botSays(Turn{ID: t.ID, ToSeq: t.ToSeq}, *t.Answer, state)
		said = db.Message{
			ID: m.ID, DialogueID: t.DialogueID, ChannelID: c.row.ChannelID, Author: m.Author, Text: m.Text, State: m.State,
			TurnID: uuid.NullUUID{UUID: t.ID, Valid: true}, SendAttempt: 1, // as InsertMessage counts
		}
		return err
	})
	return said, err
}

// recall takes back what the bot had to say and was never handed to the
// provider, when the dialogue goes to the operators: it does not count as an
// answer any more.
func (c *change) recall() error {
	if channel.CommitDelivers(c.row.channelKind) || c.state.Mode != dialogue.ModeBot {
		return nil
	}
	queued, err := c.s.q.QueuedBotAnswers(c.ctx, c.tx, c.row.ID)
	if err != nil {
		return fmt.Errorf("look for unsent answers of the bot in dialogue %s: %w", c.row.ID, err)
	}
	for _, r := range queued {
		if _, err := c.takeBack(r.Message, r.Turn); err != nil {
			return err
		}
	}
	return c.recallFollowUps()
}

// isFollowUp says whether a message is what a silent customer is asked: the only
// notice that belongs to no turn. It is the bot's to say, behind the same fence as
// its answers, unless an operator has decided to send it.
func isFollowUp(m db.Message) bool {
	return m.Kind == dialogue.KindNotice && !m.TurnID.Valid && !m.OperatorID.Valid
}

// recallFollowUps takes back what a silent customer was to be asked and that never
// left: the dialogue is not the bot's any more.
func (c *change) recallFollowUps() error {
	ids, err := c.s.q.RecallFollowUps(c.ctx, c.tx, db.RecallFollowUpsParams{DialogueID: c.row.ID, Error: takenOver})
	if err != nil {
		return fmt.Errorf("take back the follow-up of dialogue %s: %w", c.row.ID, err)
	}
	for _, id := range ids {
		if err := c.update(id); err != nil {
			return err
		}
	}
	return nil
}

// takeBack records that an answer of the bot will not be sent because the
// dialogue goes on without it. It reports whether what it answered is unanswered
// again: nothing of it has left, and nobody has answered since.
func (c *change) takeBack(m db.Message, t db.Turn) (unanswered bool, err error) {
	changed, err := c.s.q.SetMessageState(c.ctx, c.tx, db.SetMessageStateParams{ID: m.ID, State: dialogue.StateFailed, Error: ptr(takenOver)})
	if err != nil {
		return false, fmt.Errorf("take back message %s: %w", m.ID, err)
	}
	if changed == 0 {
		return false, nil // the provider has it
	}
	if err := c.update(m.ID); err != nil {
		return false, err
	}
	if m.PartsSent > 0 {
		c.state.NeedsLook(c.now)
		return false, nil
	}
	if err := c.s.q.SetTurnState(c.ctx, c.tx, db.SetTurnStateParams{ID: t.ID, State: TurnSuperseded}); err != nil {
		return false, fmt.Errorf("take back turn %s: %w", t.ID, err)
	}
	byHuman, err := c.s.q.OperatorWroteAfter(c.ctx, c.tx, db.OperatorWroteAfterParams{DialogueID: c.row.ID, After: m.Seq})
	if err != nil {
		return false, fmt.Errorf("look who answered after message %s: %w", m.ID, err)
	}
	return !byHuman && c.state.Recalled(t.FromSeq, t.ToSeq), nil
}

// takeBackLate is takeBack for a message that was already on its way when the
// dialogue changed hands, and turns out not to have left.
func (c *change) takeBackLate(m db.Message, t db.Turn) error {
	unanswered, err := c.takeBack(m, t)
	if err != nil {
		return err
	}
	if c.quiet = len(c.updated) == 0; c.quiet {
		return nil
	}
	if !unanswered {
		c.state.NeedsLook(c.now)
		return nil
	}
	if c.state.AskAgain(c.now) {
		c.ring = dialogue.RingMessageReceived
	}
	return nil
}

// takenOver is why a bot's message that was queued will not be sent.
const takenOver = "taken over before it was sent"

// FailSuperseded records that a bot's message will not be sent because the
// dialogue went on without it.
func (s *Store) FailSuperseded(ctx context.Context, m db.Message) error {
	_, err := s.change(ctx, m.DialogueID, func(c *change) error {
		now, err := c.message(m.ID)
		if err != nil {
			return err
		}
		if c.quiet = now.State != dialogue.StateQueued; c.quiet {
			return nil // it was taken back, or is on its way, already
		}
		if isFollowUp(now) {
			return c.recallFollowUps()
		}
		turn, err := c.turnOf(now)
		if err != nil {
			return err
		}
		return c.takeBackLate(now, turn)
	})
	return err
}

// message loads a message of the dialogue as it is now.
func (c *change) message(id uuid.UUID) (db.Message, error) {
	m, err := c.s.q.GetMessage(c.ctx, c.tx, id)
	if err != nil {
		return db.Message{}, notFound(err, "message", id)
	}
	return m.Message, nil
}

// turnOf loads the turn whose answer a message is.
func (c *change) turnOf(m db.Message) (db.Turn, error) {
	t, err := c.s.q.GetTurn(c.ctx, c.tx, m.TurnID.UUID)
	if err != nil {
		return db.Turn{}, notFound(err, "turn", m.TurnID.UUID)
	}
	return t, nil
}

// SetDelivery records how far a message has come, with the provider's id or the
// reason why not. A message whose outcome nobody knows puts the dialogue among
// those that wait for a human. One that the provider has taken stays sent.
// Whatever else an attempt learns says nothing once another attempt has the
// message, or it is known what became of it. An answer of the bot that has not
// left goes back into the queue only while the dialogue is the bot's: otherwise
// it will not be sent.
func (s *Store) SetDelivery(ctx context.Context, m db.Message, state dialogue.DeliveryState, providerMessageID, reason string) (DialogueView, error) {
	return s.change(ctx, m.DialogueID, func(c *change) error {
		now, err := c.message(m.ID)
		if err != nil {
			return err
		}
		open := now.SendAttempt == m.SendAttempt && (now.State == dialogue.StateSending || now.State == dialogue.StateUnconfirmed)
		if c.quiet = !open && state != dialogue.StateSent; c.quiet {
			return nil
		}
		if state == dialogue.StateQueued && now.Author == dialogue.AuthorBot && !now.OperatorID.Valid {
			turn, err := c.turnOf(now)
			if err != nil {
				return err
			}
			if !c.state.BotMaySend(turn.Epoch) {
				return c.takeBackLate(now, turn)
			}
		}
		if state == dialogue.StateQueued && isFollowUp(now) && !c.state.BotMaySend(c.state.Epoch) {
			state, reason = dialogue.StateFailed, takenOver
		}
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
}

// HoldSend records why a queued message does not leave, and puts the dialogue
// among those that wait for a human.
func (s *Store) HoldSend(ctx context.Context, m db.Message, reason string) error {
	_, err := s.change(ctx, m.DialogueID, func(c *change) error {
		changed, err := s.q.HoldMessage(ctx, c.tx, db.HoldMessageParams{ID: m.ID, Error: ptr(storable(reason))})
		if err != nil {
			return fmt.Errorf("hold message %s: %w", m.ID, err)
		}
		if changed == 0 {
			c.quiet = true
			return nil
		}
		c.state.NeedsLook(c.now)
		return c.update(m.ID)
	})
	return err
}

// PartSent records how many parts of a long message the provider has taken. It
// fails with ErrTaken when the message is not this attempt's to send any more.
func (s *Store) PartSent(ctx context.Context, m db.Message, parts int) error {
	n, err := s.q.PartSent(ctx, s.pool, db.PartSentParams{ID: m.ID, PartsSent: int32(parts), SendAttempt: m.SendAttempt})
	if err != nil {
		return fmt.Errorf("record part %d of message %s: %w", parts, m.ID, err)
	}
	if n == 0 {
		return ErrTaken
	}
	return nil
}

// BeginPart lets the next part of a long message leave, once the account's pace
// allows it (see BeginSend), while the message is still on its way: a takeover
// finds it there and names it. Otherwise it fails with ErrTaken.
func (s *Store) BeginPart(ctx context.Context, m db.Message, pace channel.Pace, reserved bool) (Slot, error) {
	var slot Slot
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		begun, err := s.q.BeginPart(ctx, tx, db.BeginPartParams{ID: m.ID, SendAttempt: m.SendAttempt})
		if err != nil {
			return fmt.Errorf("begin the next part of message %s: %w", m.ID, err)
		}
		if begun == 0 {
			return ErrTaken
		}
		slot, err = s.pace(ctx, tx, m.ChannelID, pace, reserved)
		return err
	})
	return slot, err
}

// Resend queues a message again that has failed or whose outcome nobody knows:
// an operator has decided to send it, whoever wrote it and whoever holds the dialogue.
func (s *Store) Resend(ctx context.Context, dialogueID, messageID uuid.UUID, operator OperatorRef) (MessageAndDialogue, error) {
	var out MessageAndDialogue
	var err error
	out.Dialogue, err = s.change(ctx, dialogueID, func(c *change) error {
		m, err := s.q.GetMessage(ctx, c.tx, messageID)
		if err != nil || m.Message.DialogueID != dialogueID {
			return notFound(errors.Join(err, pgx.ErrNoRows), "message", messageID)
		}
		queued, err := s.q.QueueAgain(ctx, c.tx, db.QueueAgainParams{ID: messageID, OperatorID: uuid.NullUUID{UUID: operator.ID, Valid: true}})
		if err != nil {
			return fmt.Errorf("queue message %s again: %w", messageID, err)
		}
		if queued == 0 {
			return dialogue.Errorf(dialogue.CodeConflict, "the message is %s: only one that failed, or whose delivery is not confirmed, can be sent again", m.Message.State)
		}
		if m.Message.Author == dialogue.AuthorBot {
			t, err := s.q.GetTurn(ctx, c.tx, m.Message.TurnID.UUID)
			if err != nil {
				return notFound(err, "turn", m.Message.TurnID.UUID)
			}
			c.state.AnsweredSeq = max(c.state.AnsweredSeq, t.ToSeq)
		}
		if !c.state.Unanswered() {
			c.state.WaitingSince = nil
		}
		c.ring = dialogue.RingOperatorWrote
		if err := c.update(messageID); err != nil {
			return err
		}
		out.Message = c.updated[len(c.updated)-1]
		return nil
	})
	return out, err
}

// WaitForBotSends waits until none of the bot's messages is being given to a
// provider, at most for d. It returns those that still are, and those that were a
// moment ago and whose outcome nobody knows.
func (s *Store) WaitForBotSends(ctx context.Context, id uuid.UUID, d time.Duration) ([]uuid.UUID, error) {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		rows, err := s.q.BotSendsUnderWay(ctx, s.pool, db.BotSendsUnderWayParams{DialogueID: id, Unsettled: unsettled})
		if err != nil {
			return nil, fmt.Errorf("look for the bot's sends under way in dialogue %s: %w", id, err)
		}
		ids, sending := make([]uuid.UUID, len(rows)), false
		for i, r := range rows {
			ids[i], sending = r.ID, sending || r.State == dialogue.StateSending
		}
		if !sending {
			return ids, nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return ids, nil
		case <-ctx.Done():
			return ids, ctx.Err()
		}
	}
}

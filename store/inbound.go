package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// Inbound is a customer's message as a channel adapter understood it.
type Inbound struct {
	ChannelID         uuid.UUID
	ThreadKey         string // the external thread: a chat id, a widget session
	IdentityKind      string
	Identity          string            // who wrote, as the channel knows them
	ContactName       string            // empty: unknown
	Language          dialogue.Language // of the customer's app; empty: unknown
	ProviderMessageID string            // empty for channels whose clients make ids
	ClientID          string            // empty for providers
	Text              string
	Attachments       []dialogue.Attachment
	Raw               []byte // the provider's payload as it came; nil for our own clients
}

// TakeMessage stores a customer's message: contact, dialogue and episode if they
// are new, the message, its event and the ring, in one transaction. A message
// that is stored already (the same provider or client id) is returned as it is.
func (s *Store) TakeMessage(ctx context.Context, in Inbound) (MessageAndDialogue, error) {
	var t taken
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		t, err = s.take(ctx, tx, in)
		return err
	})
	if err != nil {
		return MessageAndDialogue{}, fmt.Errorf("take a message of channel %s: %w", in.ChannelID, err)
	}
	s.hooks.Took(t.kind, t.outcome)
	s.committed(t.bell)
	return t.MessageAndDialogue, nil
}

// CanTake fails when no message of a channel can be stored now, not even a plain
// one: it takes one and undoes it. What still cannot be stored then is to blame itself.
func (s *Store) CanTake(ctx context.Context, channelID uuid.UUID) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("try to take a message: %w", err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	probe := newID().String()
	in := Inbound{ChannelID: channelID, ThreadKey: probe, IdentityKind: "probe", Identity: probe, ProviderMessageID: probe, Text: "probe"}
	if _, err := s.take(ctx, tx, in); err != nil {
		return fmt.Errorf("try to take a message: %w", err)
	}
	return nil
}

// taken is what became of an inbound message.
type taken struct {
	MessageAndDialogue
	kind, outcome string // for Hooks.Took
	bell          *Bell  // nil: nothing to ring for
}

func (s *Store) take(ctx context.Context, tx pgx.Tx, in Inbound) (taken, error) {
	id, err := s.threadDialogue(ctx, tx, in)
	if err != nil {
		return taken{}, err
	}
	c, err := s.lock(ctx, tx, id)
	if err != nil {
		return taken{}, err
	}
	out := taken{kind: c.row.channelKind, outcome: "stored"}
	known, err := s.knownInbound(ctx, tx, id, in)
	if err != nil {
		return taken{}, err
	}
	if known != nil {
		out.outcome = "duplicate"
		out.Dialogue = c.row.view()
		out.Message, err = messageView(*known, nil)
		return out, err
	}
	data, err := messageData{Attachments: in.Attachments}.encode()
	if err != nil {
		return taken{}, err
	}
	if c.state.Status == dialogue.StatusClosed && c.state.Mode == dialogue.ModeOperator {
		if err := c.returnedByCustomer(); err != nil {
			return taken{}, err
		}
	}
	seq := c.state.CustomerWrote(dialogue.Shown(in.Text, in.Attachments), c.now, c.newEpisode)
	if !c.state.AssigneeID.Valid {
		c.row.assigneeName = nil
	}
	out.Message, err = c.add(db.InsertMessageParams{
		Seq: seq, Author: dialogue.AuthorCustomer, Kind: dialogue.KindText, Text: in.Text, Data: data, State: dialogue.StateReceived,
		ClientID: ptr(in.ClientID), ProviderMessageID: ptr(in.ProviderMessageID), Raw: in.Raw,
	}, nil)
	if err != nil {
		return taken{}, err
	}
	c.ring = dialogue.RingMessageReceived
	out.Dialogue, out.bell, err = c.save()
	return out, err
}

// returnedByMessage is why a dialogue went back to the bot without anybody's doing: its customer wrote after it was closed.
const returnedByMessage = "message"

// returnedByCustomer tells of a change of hands that a customer's message brings
// about. Its line comes before the message.
func (c *change) returnedByCustomer() error {
	customer := Actor{Kind: ActorCustomer, ID: c.row.ContactID, Name: customerLabel(c.row.contactName, c.row.contactNumber)}
	if err := c.audit(customer, ActionReturnedToBot, nil); err != nil {
		return err
	}
	return c.timeline(TimelineEvent{Type: TimelineReturned, Detail: returnedByMessage})
}

// threadDialogue finds the dialogue of the message's thread, or begins it.
func (s *Store) threadDialogue(ctx context.Context, tx pgx.Tx, in Inbound) (uuid.UUID, error) {
	thread := db.FindDialogueParams{ChannelID: in.ChannelID, ThreadKey: in.ThreadKey}
	id, err := s.q.FindDialogue(ctx, tx, thread)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	// Two first messages at the same instant: one begins the dialogue, the other waits here and finds it.
	if err := s.q.LockThread(ctx, tx, db.LockThreadParams(thread)); err != nil {
		return uuid.Nil, fmt.Errorf("lock the thread: %w", err)
	}
	id, err = s.q.FindDialogue(ctx, tx, thread)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	contact, err := s.identityContact(ctx, tx, in)
	if err != nil {
		return uuid.Nil, err
	}
	id, episode := newID(), newID()
	err = s.q.InsertDialogue(ctx, tx, db.InsertDialogueParams{
		ID: id, ChannelID: in.ChannelID, ContactID: contact, ThreadKey: in.ThreadKey, EpisodeID: episode, Language: ptr(string(in.Language)),
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("begin a dialogue: %w", err)
	}
	if err := s.q.OpenFirstEpisode(ctx, tx, db.OpenFirstEpisodeParams{ID: episode, DialogueID: id}); err != nil {
		return uuid.Nil, fmt.Errorf("open the first episode: %w", err)
	}
	return id, nil
}

// identityContact finds whom the message's identity belongs to, or adds a contact.
func (s *Store) identityContact(ctx context.Context, tx pgx.Tx, in Inbound) (uuid.UUID, error) {
	id, err := s.q.FindContact(ctx, tx, db.FindContactParams{ChannelID: in.ChannelID, Kind: in.IdentityKind, Value: in.Identity})
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	id = newID()
	if err := s.q.InsertContact(ctx, tx, db.InsertContactParams{ID: id, Name: ptr(in.ContactName)}); err != nil {
		return uuid.Nil, fmt.Errorf("add a contact: %w", err)
	}
	err = s.q.InsertIdentity(ctx, tx, db.InsertIdentityParams{ChannelID: in.ChannelID, Kind: in.IdentityKind, Value: in.Identity, ContactID: id})
	if err != nil {
		return uuid.Nil, fmt.Errorf("add an identity: %w", err)
	}
	return id, nil
}

// knownInbound finds the message that an earlier delivery of in has made, or nil.
// The dialogue's row lock makes the answer hold until the commit.
func (s *Store) knownInbound(ctx context.Context, tx pgx.Tx, id uuid.UUID, in Inbound) (*db.Message, error) {
	var m db.Message
	var err error
	if in.ClientID != "" {
		m, err = s.q.FindByClientID(ctx, tx, db.FindByClientIDParams{DialogueID: id, Author: dialogue.AuthorCustomer, ClientID: &in.ClientID})
	} else {
		m, err = s.q.FindInbound(ctx, tx, db.FindInboundParams{ChannelID: in.ChannelID, ProviderMessageID: &in.ProviderMessageID})
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for an earlier delivery: %w", err)
	}
	return &m, nil
}

// EditMessage takes a customer's change of an earlier message: the inbox shows
// what it says now, and what it said. A bot that has not answered it yet reads
// the new text. It reports false when no such message is known.
func (s *Store) EditMessage(ctx context.Context, in Inbound) (bool, error) {
	d, err := s.q.FindDialogue(ctx, s.pool, db.FindDialogueParams{ChannelID: in.ChannelID, ThreadKey: in.ThreadKey})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the dialogue of an edited message: %w", err)
	}
	found := false
	_, err = s.change(ctx, d, func(c *change) error {
		c.quiet = true
		m, err := s.q.FindInbound(ctx, c.tx, db.FindInboundParams{ChannelID: in.ChannelID, ProviderMessageID: &in.ProviderMessageID})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for an edited message: %w", err)
		}
		found = true
		if m.Text == in.Text || m.Author != dialogue.AuthorCustomer {
			return nil
		}
		var data messageData
		if len(m.Data) > 0 {
			if err := json.Unmarshal(m.Data, &data); err != nil {
				return fmt.Errorf("read the data of message %s: %w", m.ID, err)
			}
		}
		data.Attachments = in.Attachments
		data.Former = append(data.Former, m.Text)
		if len(data.Former) > formerTexts {
			data.Former = data.Former[len(data.Former)-formerTexts:]
		}
		encoded, err := data.encode()
		if err != nil {
			return err
		}
		if err := s.q.EditMessage(ctx, c.tx, db.EditMessageParams{ID: m.ID, Text: in.Text, Data: encoded}); err != nil {
			return fmt.Errorf("edit message %s: %w", m.ID, err)
		}
		c.quiet = false
		if m.Seq == c.state.CustomerSeq && c.state.LastAuthor == dialogue.AuthorCustomer {
			c.state.LastPreview = dialogue.Preview(dialogue.Shown(in.Text, in.Attachments))
		}
		return c.update(m.ID)
	})
	return found, err
}

// formerTexts is how many earlier texts of an edited message are kept.
const formerTexts = 10

// SetBlocked records that the customer has blocked the channel's account, or lets
// it in again. Where there is no dialogue there is nobody to tell.
func (s *Store) SetBlocked(ctx context.Context, channelID uuid.UUID, threadKey string, blocked bool) error {
	d, err := s.q.FindDialogue(ctx, s.pool, db.FindDialogueParams{ChannelID: channelID, ThreadKey: threadKey})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the dialogue of a customer who blocks: %w", err)
	}
	_, err = s.change(ctx, d, func(c *change) error {
		e := TimelineEvent{Type: TimelineUnblocked}
		if blocked {
			e.Type = TimelineBlocked
		}
		last, err := s.q.LastBlocking(ctx, c.tx, d)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("look whether dialogue %s is blocked: %w", d, err)
		}
		if last == string(e.Type) || last == "" && !blocked {
			c.quiet = true // an update that came twice, or the first /start
			return nil
		}
		return c.timeline(e)
	})
	return err
}

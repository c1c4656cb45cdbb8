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

// Inbound is a customer's message as a channel adapter understood it.
type Inbound struct {
	ChannelID         uuid.UUID
	ThreadKey         string // the external thread: a chat id, a widget session
	IdentityKind      string
	Identity          string // who wrote, as the channel knows them
	ContactName       string // empty: unknown
	ProviderMessageID string // empty for channels whose clients make ids
	ClientID          string // empty for providers
	Text              string
	Raw               []byte // the provider's payload as it came; nil for our own clients
}

// TakeMessage stores a customer's message: contact, dialogue and episode if they
// are new, the message, its event and the ring, in one transaction. A message
// that is stored already (the same provider or client id) is returned as it is.
func (s *Store) TakeMessage(ctx context.Context, in Inbound) (MessageAndDialogue, error) {
	var out MessageAndDialogue
	var bell *Bell
	kind, outcome := "", "stored"
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := s.threadDialogue(ctx, tx, in)
		if err != nil {
			return err
		}
		c, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		kind = c.row.channelKind
		known, err := s.knownInbound(ctx, tx, id, in)
		if err != nil {
			return err
		}
		if known != nil {
			outcome = "duplicate"
			out.Dialogue = c.row.view()
			out.Message, err = messageView(*known, nil)
			return err
		}
		seq := c.state.CustomerWrote(in.Text, c.now, c.newEpisode)
		if !c.state.AssigneeID.Valid {
			c.row.assigneeName = nil
		}
		out.Message, err = c.add(db.InsertMessageParams{
			Seq: seq, Author: dialogue.AuthorCustomer, Kind: dialogue.KindText, Text: in.Text, State: dialogue.StateReceived,
			ClientID: ptr(in.ClientID), ProviderMessageID: ptr(in.ProviderMessageID), Raw: in.Raw,
		}, nil)
		if err != nil {
			return err
		}
		c.ring = dialogue.RingMessageReceived
		out.Dialogue, bell, err = c.save()
		return err
	})
	if err != nil {
		return MessageAndDialogue{}, fmt.Errorf("take a message of channel %s: %w", in.ChannelID, err)
	}
	s.hooks.Took(kind, outcome)
	s.committed(bell)
	return out, nil
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
		ID: id, ChannelID: in.ChannelID, ContactID: contact, ThreadKey: in.ThreadKey, EpisodeID: episode,
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

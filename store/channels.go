package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// How long a visitor is remembered after their last visit.
const (
	visitorLife    = 365 * 24 * time.Hour // who has written something
	strangerLife   = 30 * 24 * time.Hour  // who has not: there is nothing that they would miss
	prolongVisitor = 24 * time.Hour       // it is written down once in so long
)

// Channel finds a channel by its id or slug.
func (s *Store) Channel(ctx context.Context, idOrSlug string) (db.Channel, error) {
	var c db.Channel
	id, err := uuid.Parse(idOrSlug)
	if err == nil {
		c, err = s.q.GetChannel(ctx, s.pool, id)
	} else {
		c, err = s.q.GetChannelBySlug(ctx, s.pool, idOrSlug)
	}
	if err != nil {
		return db.Channel{}, notFound(err, "channel", idOrSlug)
	}
	return c, nil
}

// Channels lists all channels.
func (s *Store) Channels(ctx context.Context) ([]db.Channel, error) {
	list, err := s.q.ListChannels(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	return list, nil
}

// NewChannel is a channel to add; Secrets are sealed already.
type NewChannel struct {
	ID uuid.UUID // zero: a new one

	Kind, Slug, Name string
	Settings         json.RawMessage
	Secrets          []byte
	SecretKeyID      string
}

// AddChannel adds a channel.
func (s *Store) AddChannel(ctx context.Context, in NewChannel) (db.Channel, error) {
	if len(in.Settings) == 0 {
		in.Settings = json.RawMessage("{}")
	}
	if in.ID == uuid.Nil {
		in.ID = newID()
	}
	var c db.Channel
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		c, err = s.q.InsertChannel(ctx, tx, db.InsertChannelParams{
			ID: in.ID, Kind: in.Kind, Slug: in.Slug, Name: in.Name, Settings: in.Settings, Secrets: in.Secrets, SecretKeyID: ptr(in.SecretKeyID),
		})
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, actorOf(ctx), ActionChannelAdded, channelObject(c), map[string]any{"kind": c.Kind})
	})
	if isUniqueViolation(err) {
		return db.Channel{}, dialogue.Errorf(dialogue.CodeConflict, "there is already a channel with the slug %s", in.Slug)
	}
	if err != nil {
		return db.Channel{}, fmt.Errorf("add the channel %s: %w", in.Slug, err)
	}
	return c, nil
}

// SaveChannel is what an admin changes of a channel; Secrets are sealed already.
type SaveChannel struct {
	Name        string
	Settings    json.RawMessage
	Secrets     []byte
	SecretKeyID *string
	NewSecrets  bool // others than before: sealed anew, the same look different
	Enabled     bool
}

// SaveChannel changes a channel. What was wrong with it counts as mended.
func (s *Store) SaveChannel(ctx context.Context, id uuid.UUID, in SaveChannel) (db.Channel, error) {
	var c db.Channel
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		before, err := s.q.GetChannel(ctx, tx, id)
		if err != nil {
			return notFound(err, "channel", id)
		}
		c, err = s.q.UpdateChannel(ctx, tx, db.UpdateChannelParams{
			ID: id, Name: in.Name, Settings: in.Settings, Secrets: in.Secrets, SecretKeyID: in.SecretKeyID, Enabled: in.Enabled,
		})
		if err != nil {
			return notFound(err, "channel", id)
		}
		return s.audit(ctx, tx, actorOf(ctx), ActionChannelChanged, channelObject(c), changes{}.
			note("renamed", before.Name != c.Name, true).
			note("enabled", (before.DisabledAt == nil) != in.Enabled, in.Enabled).
			note("secrets_changed", in.NewSecrets, true).
			note("settings_changed", !bytes.Equal(before.Settings, c.Settings), true))
	})
	return c, err
}

func channelObject(c db.Channel) object {
	return object{kind: "channel", id: c.ID.String(), name: c.Name}
}

// SetChannelProblem records why a channel does not work; an empty text, that it does.
func (s *Store) SetChannelProblem(ctx context.Context, id uuid.UUID, problem string) error {
	if err := s.q.SetChannelProblem(ctx, s.pool, db.SetChannelProblemParams{ID: id, Problem: ptr(storable(problem))}); err != nil {
		return fmt.Errorf("record the problem of channel %s: %w", id, err)
	}
	return nil
}

// EnsureChannel adds a channel unless its slug is taken.
func (s *Store) EnsureChannel(ctx context.Context, kind, slug, name string) error {
	if err := s.q.EnsureChannel(ctx, s.pool, db.EnsureChannelParams{ID: newID(), Kind: kind, Slug: slug, Name: name}); err != nil {
		return fmt.Errorf("add the channel %s: %w", slug, err)
	}
	return nil
}

// EnsureBotProfile stores the bot's settings unless there are some.
func (s *Store) EnsureBotProfile(ctx context.Context, profile any) error {
	raw, err := json.Marshal(profile)
	if err != nil {
		return fmt.Errorf("encode the bot's profile: %w", err)
	}
	if err := s.q.EnsureBotProfile(ctx, s.pool, raw); err != nil {
		return fmt.Errorf("store the bot's profile: %w", err)
	}
	return nil
}

// KeepDeadLetter keeps a provider's delivery that no message comes of; the same
// one once, however often it is delivered.
func (s *Store) KeepDeadLetter(ctx context.Context, channelID uuid.UUID, reason string, body []byte) error {
	err := s.q.InsertDeadLetter(ctx, s.pool, db.InsertDeadLetterParams{ID: newID(), ChannelID: channelID, Reason: storable(reason), Body: body})
	if err != nil {
		return fmt.Errorf("keep a dead letter: %w", err)
	}
	return nil
}

// shownOfDeadLetter is how much of a dead letter's body is listed, in bytes.
const shownOfDeadLetter = 64 << 10

// DeadLetters lists dead letters with the beginnings of their bodies, newest
// first, after the given place.
func (s *Store) DeadLetters(ctx context.Context, after *Place, page int) ([]db.ListDeadLettersRow, error) {
	params := db.ListDeadLettersParams{Page: int32(page), ShownBytes: shownOfDeadLetter}
	if after != nil {
		params.BeforeAt, params.BeforeID = &after.At, uuid.NullUUID{UUID: after.ID, Valid: true}
	}
	list, err := s.q.ListDeadLetters(ctx, s.pool, params)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return list, nil
}

// DeadLetter is a provider's delivery that no message came of, whole.
type DeadLetter struct {
	db.DeadLetter
	Channel db.Channel
}

// DeadLetter finds a dead letter.
func (s *Store) DeadLetter(ctx context.Context, id uuid.UUID) (DeadLetter, error) {
	r, err := s.q.GetDeadLetter(ctx, s.pool, id)
	if err != nil {
		return DeadLetter{}, notFound(err, "dead letter", id)
	}
	return DeadLetter{DeadLetter: r.DeadLetter, Channel: r.Channel}, nil
}

// SetDeadLetterReason records why nothing comes of a dead letter now.
func (s *Store) SetDeadLetterReason(ctx context.Context, id uuid.UUID, reason string) error {
	n, err := s.q.SetDeadLetterReason(ctx, s.pool, db.SetDeadLetterReasonParams{ID: id, Reason: storable(reason)})
	if err != nil {
		return fmt.Errorf("record the reason of dead letter %s: %w", id, err)
	}
	if n == 0 {
		return notFound(pgx.ErrNoRows, "dead letter", id)
	}
	return nil
}

// DeadLetterTaken removes a dead letter that was retried and is taken. It is logged
// also when somebody else has removed it meanwhile: what was taken, was.
func (s *Store) DeadLetterTaken(ctx context.Context, x DeadLetter, outcome string) error {
	return s.removeDeadLetter(ctx, x, ActionDeadLetterRetried, map[string]any{"dead_letter": x.ID, "outcome": outcome}, false)
}

// DiscardDeadLetter removes a dead letter that nobody needs. Discarding one that is gone fails.
func (s *Store) DiscardDeadLetter(ctx context.Context, x DeadLetter) error {
	return s.removeDeadLetter(ctx, x, ActionDeadLetterDiscarded, map[string]any{"dead_letter": x.ID, "reason": x.Reason}, true)
}

func (s *Store) removeDeadLetter(ctx context.Context, x DeadLetter, action Action, detail map[string]any, must bool) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		n, err := s.q.DeleteDeadLetter(ctx, tx, x.ID)
		if err != nil {
			return fmt.Errorf("remove dead letter %s: %w", x.ID, err)
		}
		if n == 0 && must {
			return notFound(pgx.ErrNoRows, "dead letter", x.ID)
		}
		return s.audit(ctx, tx, actorOf(ctx), action, channelObject(x.Channel), detail)
	})
}

// Visitor is a session of the website widget.
type Visitor struct {
	SessionID  uuid.UUID // the thread key of the dialogue
	Channel    db.Channel
	DialogueID uuid.NullUUID // not valid before the first message
}

// AddVisitor opens a widget session.
func (s *Store) AddVisitor(ctx context.Context, tokenHash []byte, channelID uuid.UUID) error {
	err := s.q.InsertWidgetSession(ctx, s.pool, db.InsertWidgetSessionParams{
		TokenHash: tokenHash, ID: uuid.New(), ChannelID: channelID, ExpiresAt: time.Now().Add(strangerLife),
	})
	if err != nil {
		return fmt.Errorf("open a widget session: %w", err)
	}
	return nil
}

// Visitor finds the widget session of a token.
func (s *Store) Visitor(ctx context.Context, tokenHash []byte) (Visitor, error) {
	r, err := s.q.GetWidgetSession(ctx, s.pool, tokenHash)
	if err != nil {
		return Visitor{}, unauthorized(err, "this visitor's session is unknown or over: open a new one")
	}
	life := strangerLife
	if r.DialogueID.Valid {
		life = visitorLife
	}
	if expires := time.Now().Add(life); expires.Sub(r.WidgetSession.ExpiresAt) > prolongVisitor {
		if err := s.q.TouchWidgetSession(ctx, s.pool, db.TouchWidgetSessionParams{TokenHash: tokenHash, ExpiresAt: expires}); err != nil {
			return Visitor{}, fmt.Errorf("prolong a widget session: %w", err)
		}
	}
	return Visitor{SessionID: r.WidgetSession.ID, Channel: r.Channel, DialogueID: r.DialogueID}, nil
}

// ForgetVisitors removes up to n sessions of visitors who have stayed away for
// too long. Their dialogues stay.
func (s *Store) ForgetVisitors(ctx context.Context, before time.Time, n int) (int, error) {
	gone, err := s.q.DeleteExpiredWidgetSessions(ctx, s.pool, db.DeleteExpiredWidgetSessionsParams{Before: before, Page: int32(n)})
	if err != nil {
		return 0, fmt.Errorf("forget visitors who stay away: %w", err)
	}
	return int(gone), nil
}

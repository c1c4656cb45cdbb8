package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// ProfileVersion says which form of the bot's settings it is. Version 0 is that of
// a shop that has set nothing.
type ProfileVersion struct {
	Version   int64
	UpdatedAt *time.Time
}

// LoadBotProfile loads the bot's settings into profile, and leaves alone what they
// do not say.
func (s *Store) LoadBotProfile(ctx context.Context, profile any) (ProfileVersion, error) {
	row, err := s.q.LoadBotProfile(ctx, s.pool)
	if errors.Is(err, pgx.ErrNoRows) {
		return ProfileVersion{}, nil
	}
	if err != nil {
		return ProfileVersion{}, fmt.Errorf("load the bot's profile: %w", err)
	}
	if err := json.Unmarshal(row.Profile, profile); err != nil {
		return ProfileVersion{}, fmt.Errorf("read the bot's profile: %w", err)
	}
	return ProfileVersion{Version: row.Version, UpdatedAt: &row.UpdatedAt}, nil
}

// SaveBotProfile stores the bot's settings over the version that their editor has
// read. When another has been stored since, it fails with a conflict.
func (s *Store) SaveBotProfile(ctx context.Context, profile any, over int64) (ProfileVersion, error) {
	raw, err := json.Marshal(profile)
	if err != nil {
		return ProfileVersion{}, fmt.Errorf("encode the bot's profile: %w", err)
	}
	var row db.SaveBotProfileRow
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = s.q.SaveBotProfile(ctx, tx, db.SaveBotProfileParams{Profile: storableJSON(raw), Version: over}); err != nil {
			return err
		}
		return s.audit(ctx, tx, actorOf(ctx), ActionBotChanged, object{kind: "bot", id: "bot", name: "bot"}, map[string]any{"version": row.Version})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return ProfileVersion{}, dialogue.Errorf(dialogue.CodeConflict, "the bot's settings have been changed since: load them again")
	}
	if err != nil {
		return ProfileVersion{}, fmt.Errorf("store the bot's profile: %w", err)
	}
	return ProfileVersion{Version: row.Version, UpdatedAt: &row.UpdatedAt}, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/channel"
	"parley/store/db"
)

// Slot says when an account's pace lets a message leave.
type Slot struct {
	Wait   time.Duration // zero: now
	Paused bool          // the provider asked for a pause: nothing is reserved, ask again after Wait
}

// pace reserves the account's next slot; with reserved, the caller has waited
// for its own already, and only a pause can be in the way. It comes last in a
// transaction, for all messages of an account pass through one row.
func (s *Store) pace(ctx context.Context, conn db.DBTX, channelID uuid.UUID, p channel.Pace, reserved bool) (Slot, error) {
	if !reserved {
		wait, err := s.q.ReserveSlot(ctx, conn, db.ReserveSlotParams{ChannelID: channelID, Every: p.Every, Burst: p.Burst})
		if err == nil {
			return Slot{Wait: wait}, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return Slot{}, fmt.Errorf("reserve a slot of channel %s: %w", channelID, err)
		}
	}
	left, err := s.q.PauseLeft(ctx, conn, channelID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Slot{}, fmt.Errorf("look whether channel %s pauses: %w", channelID, err)
	}
	if left == 0 && !reserved {
		left = time.Millisecond // it ended this instant
	}
	return Slot{Wait: left, Paused: left > 0}, nil
}

// SpareSlot takes a slot when the account has some to spare right now.
func (s *Store) SpareSlot(ctx context.Context, channelID uuid.UUID, p channel.Pace) (bool, error) {
	n, err := s.q.TakeSpareSlot(ctx, s.pool, db.TakeSpareSlotParams{ChannelID: channelID, Every: p.Every, Burst: p.Burst})
	if err != nil {
		return false, fmt.Errorf("take a spare slot of channel %s: %w", channelID, err)
	}
	return n > 0, nil
}

// PauseChannel keeps the whole account from sending for d.
func (s *Store) PauseChannel(ctx context.Context, channelID uuid.UUID, d time.Duration) error {
	if err := s.q.PauseChannel(ctx, s.pool, db.PauseChannelParams{ChannelID: channelID, Pause: d}); err != nil {
		return fmt.Errorf("pause channel %s: %w", channelID, err)
	}
	return nil
}

// HoldLease takes or renews the lease on polling for a channel. It reports false
// while another process holds it.
func (s *Store) HoldLease(ctx context.Context, channelID uuid.UUID, holder string, term time.Duration) (bool, error) {
	n, err := s.q.HoldLease(ctx, s.pool, db.HoldLeaseParams{ChannelID: channelID, Holder: holder, Term: term})
	if err != nil {
		return false, fmt.Errorf("hold the lease of channel %s: %w", channelID, err)
	}
	return n > 0, nil
}

// DropLease gives a lease back, so that another process may begin at once.
func (s *Store) DropLease(ctx context.Context, channelID uuid.UUID, holder string) error {
	if err := s.q.DropLease(ctx, s.pool, db.DropLeaseParams{ChannelID: channelID, Holder: holder}); err != nil {
		return fmt.Errorf("drop the lease of channel %s: %w", channelID, err)
	}
	return nil
}

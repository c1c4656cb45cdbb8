package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// Outcomes of episodes.
const (
	closedByOperator = "closed_by_operator"
	closedBySilence  = "closed_by_silence" // nobody closed it
)

// DetailSilence is the detail of a closing that nobody asked for.
const DetailSilence = "silence"

// close closes the dialogue and its episode. What the bot has said and still
// waits to leave is not said any more.
func (c *change) close(outcome string, line TimelineEvent) error {
	if err := c.recall(); err != nil {
		return err
	}
	c.state.Close()
	err := c.s.q.CloseEpisode(c.ctx, c.tx, db.CloseEpisodeParams{ID: c.state.EpisodeID, ClosedAt: &c.now, Outcome: &outcome})
	if err != nil {
		return fmt.Errorf("close the episode of dialogue %s: %w", c.row.ID, err)
	}
	return c.timeline(line)
}

// ShowStuck returns up to n dialogues whose messages have waited to leave since a
// time although their channel works, and puts those among the ones that wait for
// a human of which nobody is told yet; shown is their number.
func (s *Store) ShowStuck(ctx context.Context, since time.Time, n int) (stuck []uuid.UUID, shown int, err error) {
	rows, err := s.q.StuckSends(ctx, s.pool, db.StuckSendsParams{Since: since, Page: int32(n)})
	if err != nil {
		return nil, 0, fmt.Errorf("look for messages that do not leave: %w", err)
	}
	for _, r := range rows {
		stuck = append(stuck, r.DialogueID)
		if r.Waiting {
			continue
		}
		shown++
		_, err := s.change(ctx, r.DialogueID, func(c *change) error {
			before := c.state.WaitingSince
			c.state.NeedsLook(c.now)
			c.quiet = before != nil
			return nil
		})
		if err != nil {
			return nil, 0, fmt.Errorf("show that messages do not leave: %w", err)
		}
	}
	return stuck, shown, nil
}

// StuckReplies returns up to n dialogues that the bot holds and has not answered
// since a time.
func (s *Store) StuckReplies(ctx context.Context, since time.Time, n int) ([]uuid.UUID, error) {
	ids, err := s.q.StuckReplies(ctx, s.pool, db.StuckRepliesParams{Since: since, Page: int32(n)})
	if err != nil {
		return nil, fmt.Errorf("look for messages that nobody answers: %w", err)
	}
	return ids, nil
}

// RingAgain leaves word for the workflow of a dialogue as if the customer had
// just written, for one whose run was lost.
func (s *Store) RingAgain(ctx context.Context, id uuid.UUID) error {
	var bell *Bell
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		c, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		bell, err = s.ring(ctx, tx, c.row, dialogue.RingMessageReceived)
		return err
	})
	if err != nil {
		return fmt.Errorf("ring again at dialogue %s: %w", id, err)
	}
	s.committed(bell)
	return nil
}

// LateTimers returns up to n dialogues whose next timer should have come to
// something since a time.
func (s *Store) LateTimers(ctx context.Context, since time.Time, n int) ([]uuid.UUID, error) {
	ids, err := s.q.LateTimers(ctx, s.pool, db.LateTimersParams{Since: since, Page: int32(n)})
	if err != nil {
		return nil, fmt.Errorf("look for timers that are late: %w", err)
	}
	return ids, nil
}

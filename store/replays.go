package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// ReplayFilter chooses the failed turns of a batch. What is nil chooses all.
type ReplayFilter struct {
	Cause   *string    `json:"cause"`
	Channel *uuid.UUID `json:"channel"`
}

func (f ReplayFilter) channel() uuid.NullUUID {
	if f.Channel == nil {
		return uuid.NullUUID{}
	}
	return uuid.NullUUID{UUID: *f.Channel, Valid: true}
}

// ReplayState says how a batch stands.
type ReplayState string

// States of a batch.
const (
	ReplayRunning ReplayState = "running"
	ReplayDone    ReplayState = "done"
	ReplayStopped ReplayState = "stopped" // by somebody
	ReplayFailed  ReplayState = "failed"  // it could not go on
)

// ReplayBatch is a replay of all failed turns of a filter.
type ReplayBatch struct {
	ID         uuid.UUID    `json:"id"`
	Filter     ReplayFilter `json:"filter"`
	By         *string      `json:"by"` // the operator who began it; nil: a command
	State      ReplayState  `json:"state"`
	Total      int          `json:"total"` // open failed turns when it began
	Replayed   int          `json:"replayed"`
	Skipped    int          `json:"skipped"` // humans have taken them on, or somebody else was faster
	StartedAt  time.Time    `json:"started_at"`
	FinishedAt *time.Time   `json:"finished_at"`
	Error      *string      `json:"error"` // of a failed one

	actor Actor
	after *Place // the turn that it has come to
}

// Place is where the batch stands in a list.
func (b ReplayBatch) Place() Place { return Place{At: b.StartedAt, ID: b.ID} }

// operator is who began it, for what is done in their name; nil: a command.
func (b ReplayBatch) operator() *OperatorRef {
	if b.actor.Kind != ActorOperator {
		return nil
	}
	return &OperatorRef{ID: b.actor.ID, Name: b.actor.Name}
}

func replayBatch(r db.ReplayBatch) (ReplayBatch, error) {
	b := ReplayBatch{
		ID: r.ID, State: ReplayState(r.State), Total: int(r.Total), Replayed: int(r.Replayed), Skipped: int(r.Skipped),
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Error: r.Error,
		actor: Actor{Kind: r.ActorKind, ID: r.ActorID.UUID, Name: r.ActorName},
	}
	if r.ActorKind == ActorOperator {
		b.By = &r.ActorName
	}
	if r.AfterAt != nil {
		b.after = &Place{At: *r.AfterAt, ID: r.AfterID.UUID}
	}
	if err := json.Unmarshal(r.Filter, &b.Filter); err != nil {
		return ReplayBatch{}, fmt.Errorf("read the filter of replay %s: %w", r.ID, err)
	}
	return b, nil
}

// StartReplay begins a batch that replays the failed turns of a filter whose
// customers wait now. When one of the same filter runs already it returns that
// one. A worker takes it from there.
func (s *Store) StartReplay(ctx context.Context, f ReplayFilter) (ReplayBatch, error) {
	filter, err := json.Marshal(f)
	if err != nil {
		return ReplayBatch{}, fmt.Errorf("encode the filter of a replay: %w", err)
	}
	actor := actorOf(ctx)
	for {
		var row db.ReplayBatch
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			total, err := s.q.CountToReplay(ctx, tx, db.CountToReplayParams{Cause: f.Cause, ChannelID: f.channel()})
			if err != nil {
				return fmt.Errorf("count what there is to replay: %w", err)
			}
			row, err = s.q.StartReplay(ctx, tx, db.StartReplayParams{
				ID: newID(), Filter: filter, ActorKind: actor.Kind, ActorID: uuid.NullUUID{UUID: actor.ID, Valid: actor.ID != uuid.Nil},
				ActorName: actor.Name, Total: int32(total),
			})
			if err != nil {
				return err
			}
			return s.auditReplay(ctx, tx, actor, ActionReplayStarted, row)
		})
		if errors.Is(err, pgx.ErrNoRows) {
			row, err = s.q.RunningReplayOf(ctx, s.pool, filter)
			if errors.Is(err, pgx.ErrNoRows) {
				continue // it has just ended
			}
		}
		if err != nil {
			return ReplayBatch{}, fmt.Errorf("start a replay: %w", err)
		}
		return replayBatch(row)
	}
}

// Replay loads a batch.
func (s *Store) Replay(ctx context.Context, id uuid.UUID) (ReplayBatch, error) {
	row, err := s.q.GetReplay(ctx, s.pool, id)
	if err != nil {
		return ReplayBatch{}, notFound(err, "replay", id)
	}
	return replayBatch(row)
}

// Replays lists batches, newest first, after the given place.
func (s *Store) Replays(ctx context.Context, after *Place, page int) ([]ReplayBatch, error) {
	params := db.ListReplaysParams{Page: int32(page)}
	if after != nil {
		params.BeforeAt, params.BeforeID = &after.At, uuid.NullUUID{UUID: after.ID, Valid: true}
	}
	rows, err := s.q.ListReplays(ctx, s.pool, params)
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	list := make([]ReplayBatch, len(rows))
	for i, r := range rows {
		if list[i], err = replayBatch(r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// RunningReplays lists the batches that have not ended, in the order of their
// beginning. Only the first of them replays anything: the rate is that of all.
func (s *Store) RunningReplays(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := s.q.RunningReplays(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("list running replays: %w", err)
	}
	return ids, nil
}

// ReplaysUnanswered counts turns replayed within a while that the bot still has
// to answer.
func (s *Store) ReplaysUnanswered(ctx context.Context, within time.Duration) (int, error) {
	n, err := s.q.ReplaysUnanswered(ctx, s.pool, within)
	if err != nil {
		return 0, fmt.Errorf("count what is replayed and not answered: %w", err)
	}
	return int(n), nil
}

// NextToReplay lists up to n failed turns that a batch comes to next, by their
// place: the longest waiting first.
func (s *Store) NextToReplay(ctx context.Context, b ReplayBatch, n int) ([]Place, error) {
	params := db.NextToReplayParams{Cause: b.Filter.Cause, ChannelID: b.Filter.channel(), Until: b.StartedAt, Page: int32(n)}
	if b.after != nil {
		params.AfterAt, params.AfterID = &b.after.At, uuid.NullUUID{UUID: b.after.ID, Valid: true}
	}
	rows, err := s.q.NextToReplay(ctx, customPlans{s.pool}, params)
	if err != nil {
		return nil, fmt.Errorf("list what replay %s comes to: %w", b.ID, err)
	}
	places := make([]Place, len(rows))
	for i, r := range rows {
		places[i] = Place{At: r.StartedAt, ID: r.ID}
	}
	return places, nil
}

// ErrReplayMoved says that a batch has ended, or has passed this turn.
var ErrReplayMoved = errors.New("the replay has ended, or has passed this turn")

// ReplayInBatch replays one turn of a batch as ReplayTurn does, and counts it in
// the same transaction. A turn that cannot be replayed, or not without a human,
// is counted as skipped. Run twice it does and counts nothing twice: it fails
// with ErrReplayMoved.
func (s *Store) ReplayInBatch(ctx context.Context, b ReplayBatch, turn Place) error {
	operator := b.operator()
	_, err := s.replay(ctx, turn.ID, operator, ReplayReturned, func(c *change, t db.Turn) error {
		if err := s.returnForReplay(c, t, operator); err != nil {
			return err
		}
		return s.advanceReplay(ctx, c.tx, db.AdvanceReplayParams{ID: b.ID, Replayed: 1, AfterAt: turn.At, AfterID: turn.ID})
	})
	code := dialogue.ErrorCode(err)
	if errors.Is(err, ErrHumansSince) || code == dialogue.CodeConflict || code == dialogue.CodeNotFound {
		return s.advanceReplay(ctx, s.pool, db.AdvanceReplayParams{ID: b.ID, Skipped: 1, AfterAt: turn.At, AfterID: turn.ID})
	}
	return err
}

func (s *Store) advanceReplay(ctx context.Context, conn db.DBTX, step db.AdvanceReplayParams) error {
	counted, err := s.q.AdvanceReplay(ctx, conn, step)
	if err != nil {
		return fmt.Errorf("count turn %s in replay %s: %w", step.AfterID, step.ID, err)
	}
	if counted == 0 {
		return ErrReplayMoved
	}
	return nil
}

// StopReplay stops a batch: from its commit on it replays nothing more. One that
// has ended stays as it is.
func (s *Store) StopReplay(ctx context.Context, id uuid.UUID) (ReplayBatch, error) {
	actor := actorOf(ctx)
	return s.endReplay(ctx, id, ReplayStopped, nil, func(db.ReplayBatch) (Actor, Action) { return actor, ActionReplayStopped })
}

// EndReplay records that a batch has come to its end, or with an error that it
// cannot go on. One that has ended stays as it is.
func (s *Store) EndReplay(ctx context.Context, id uuid.UUID, problem error) (ReplayBatch, error) {
	state, text := ReplayDone, (*string)(nil)
	if problem != nil {
		state, text = ReplayFailed, ptr(storable(problem.Error()))
	}
	return s.endReplay(ctx, id, state, text, func(r db.ReplayBatch) (Actor, Action) {
		return Actor{Kind: r.ActorKind, ID: r.ActorID.UUID, Name: r.ActorName}, ActionReplayEnded
	})
}

func (s *Store) endReplay(ctx context.Context, id uuid.UUID, state ReplayState, problem *string, deed func(db.ReplayBatch) (Actor, Action)) (ReplayBatch, error) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.q.EndReplay(ctx, tx, db.EndReplayParams{ID: id, State: string(state), Error: problem})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("end replay %s: %w", id, err)
		}
		actor, action := deed(row)
		return s.auditReplay(ctx, tx, actor, action, row)
	})
	if err != nil {
		return ReplayBatch{}, err
	}
	return s.Replay(ctx, id)
}

// auditReplay logs what somebody does to a batch, with how it stands.
func (s *Store) auditReplay(ctx context.Context, tx pgx.Tx, by Actor, action Action, r db.ReplayBatch) error {
	b, err := replayBatch(r)
	if err != nil {
		return err
	}
	detail := map[string]any{"total": b.Total}
	if action != ActionReplayStarted {
		detail = map[string]any{"state": b.State, "replayed": b.Replayed, "skipped": b.Skipped, "total": b.Total}
	}
	if b.Filter.Cause != nil {
		detail["cause"] = *b.Filter.Cause
	}
	if b.Filter.Channel != nil {
		c, err := s.q.GetChannel(ctx, tx, *b.Filter.Channel)
		if err != nil {
			return notFound(err, "channel", *b.Filter.Channel)
		}
		detail["channel"] = c.Name
	}
	return s.audit(ctx, tx, by, action, object{kind: "replay", id: b.ID.String(), name: "replay"}, detail)
}

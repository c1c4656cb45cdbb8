package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"parley/dialogue"
	"parley/store/db"
)

// ListedTurn is a turn of a list, with what became of its customer.
type ListedTurn struct {
	Turn     db.Turn
	Dialogue DialogueView
	Question string // the newest message that it answered, or should have
	Open     bool   // it failed, and nobody has answered the customer since, nor replayed it
	Replay   *Replay
}

// Place is where the turn stands in a list.
func (l ListedTurn) Place() Place { return Place{At: l.Turn.StartedAt, ID: l.Turn.ID} }

// Replay is how a failed turn was replayed.
type Replay struct {
	At      time.Time     `json:"at"`
	By      *string       `json:"by"`
	Outcome ReplayOutcome `json:"outcome"`
}

// ReplayOutcome says what a replay made of a failed turn.
type ReplayOutcome string

// The outcomes of a replay.
const (
	ReplayReturned  ReplayOutcome = "returned_to_bot" // the dialogue is the bot's again, which answers
	ReplaySuggested ReplayOutcome = "suggested"       // humans are at it: the bot wrote a draft for them
)

// Kinds of turns.
const (
	TurnReply      = "reply"      // an answer to the customer
	TurnSuggestion = "suggestion" // a draft for an operator
)

// TurnFilter chooses turns. What is empty chooses all.
type TurnFilter struct {
	Kind          string
	State         string
	Cause         string // why it failed
	PromptVersion string
	Model         string
	Channel       uuid.NullUUID
	Dialogue      uuid.NullUUID
	Since, Until  *time.Time // when it began
	Open          bool       // failed, and the customer still waits
}

// Turns lists turns, newest first, after the given place.
func (s *Store) Turns(ctx context.Context, f TurnFilter, after *Place, page int) ([]ListedTurn, error) {
	if f.Open {
		f.Kind, f.State = TurnReply, TurnFailed
	}
	params := db.ListTurnsParams{
		Kind: ptr(f.Kind), State: ptr(f.State), Cause: ptr(f.Cause), PromptVersion: ptr(f.PromptVersion), Model: ptr(f.Model),
		ChannelID: f.Channel, DialogueID: f.Dialogue, Since: f.Since, Until: f.Until, Open: f.Open, Page: int32(page),
	}
	if after != nil {
		params.BeforeAt, params.BeforeID = &after.At, uuid.NullUUID{UUID: after.ID, Valid: true}
	}
	rows, err := s.q.ListTurns(ctx, customPlans{s.pool}, params)
	if err != nil {
		return nil, fmt.Errorf("list turns: %w", err)
	}
	out := make([]ListedTurn, len(rows))
	for i, r := range rows {
		d := row{r.Dialogue, r.ChannelKind, r.ChannelSlug, r.ChannelName, r.ContactName, r.ContactNumber, nil, nil}
		out[i] = ListedTurn{
			Turn: r.Turn, Dialogue: d.view(), Question: r.Question, Replay: replayOf(r.Turn, r.ReplayedByName),
			Open: r.Turn.Kind == TurnReply && r.Turn.State == TurnFailed && r.Turn.ReplayedAt == nil && r.Dialogue.AnsweredSeq < r.Turn.ToSeq,
		}
	}
	return out, nil
}

func replayOf(t db.Turn, by *string) *Replay {
	if t.ReplayedAt == nil || t.ReplayOutcome == nil {
		return nil
	}
	return &Replay{At: *t.ReplayedAt, By: by, Outcome: ReplayOutcome(*t.ReplayOutcome)}
}

// ReplayOf returns how a turn was replayed, or nil.
func (s *Store) ReplayOf(ctx context.Context, turn uuid.UUID) (*Replay, error) {
	return s.replayOf(ctx, s.pool, turn)
}

func (s *Store) replayOf(ctx context.Context, conn db.DBTX, turn uuid.UUID) (*Replay, error) {
	r, err := s.q.ReplayOf(ctx, conn, turn)
	if err != nil {
		return nil, notFound(err, "turn", turn)
	}
	return replayOf(db.Turn{ReplayedAt: r.ReplayedAt, ReplayOutcome: r.ReplayOutcome}, r.ReplayedByName), nil
}

// FailureCount is how many turns failed of one cause since a time, and of how
// many, ever, the customer still waits.
type FailureCount struct {
	Cause  string `json:"cause"`
	Failed int64  `json:"failed"`
	Open   int64  `json:"open"`
}

// CountFailures counts failed turns, by cause.
func (s *Store) CountFailures(ctx context.Context, since time.Time) ([]FailureCount, error) {
	rows, err := s.q.CountFailedTurns(ctx, s.pool, &since)
	if err != nil {
		return nil, fmt.Errorf("count failed turns: %w", err)
	}
	counts := make([]FailureCount, len(rows))
	for i, r := range rows {
		counts[i] = FailureCount(r)
	}
	return counts, nil
}

// ErrHumansSince says that humans have taken care of the dialogue since the turn
// failed: it does not return to the bot by a replay.
var ErrHumansSince = errors.New("humans have taken care of the dialogue since")

// ReplayTurn gives the dialogue of a failed turn back to the bot, which answers
// what is unanswered, when operators hold it only because of that failure. When
// they have done anything since, it fails with ErrHumansSince: a replay is a
// draft for them then, and NoteSuggested records it. A turn is replayed once; one
// that fails again is another. Without an operator a command does it.
func (s *Store) ReplayTurn(ctx context.Context, id uuid.UUID, operator *OperatorRef) (DialogueView, error) {
	return s.replay(ctx, id, operator, ReplayReturned, func(c *change, t db.Turn) error { return s.returnForReplay(c, t, operator) })
}

// returnForReplay gives the dialogue of a failed turn back to the bot, unless
// humans have taken care of it.
func (s *Store) returnForReplay(c *change, t db.Turn, operator *OperatorRef) error {
	human, err := s.humanSince(c, t)
	if err != nil {
		return err
	}
	if human {
		return ErrHumansSince
	}
	c.state.ReturnToBot()
	c.assign(nil)
	c.ring = dialogue.RingTurnReplayed
	return c.timeline(TimelineEvent{Type: TimelineReplayed, Operator: operator})
}

// NoteSuggested records that a failed turn was replayed as a draft for the
// operators.
func (s *Store) NoteSuggested(ctx context.Context, id uuid.UUID, operator OperatorRef) error {
	_, err := s.replay(ctx, id, &operator, ReplaySuggested, func(c *change, _ db.Turn) error {
		c.quiet = true
		return nil
	})
	return err
}

// replay marks a failed turn as replayed, does what that means, and logs it.
func (s *Store) replay(ctx context.Context, id uuid.UUID, operator *OperatorRef, outcome ReplayOutcome, do func(c *change, t db.Turn) error) (DialogueView, error) {
	t, err := s.Turn(ctx, id)
	if err != nil {
		return DialogueView{}, err
	}
	return s.change(ctx, t.DialogueID, func(c *change) error {
		mark := db.MarkReplayedParams{ID: id, Outcome: string(outcome)}
		by := actorOf(ctx)
		if operator != nil {
			mark.ReplayedBy = uuid.NullUUID{UUID: operator.ID, Valid: true}
			by = operator.actor()
		}
		marked, err := s.q.MarkReplayed(ctx, c.tx, mark)
		if err != nil {
			return fmt.Errorf("mark turn %s as replayed: %w", id, err)
		}
		if marked == 0 {
			return s.notReplayable(c, t)
		}
		if err := do(c, t); err != nil {
			return err
		}
		return c.audit(by, ActionReplayed, map[string]any{"turn_id": id, "outcome": outcome, "cause": t.Cause})
	})
}

// humanSince reports whether operators hold the dialogue for more than the
// failure of the turn.
func (s *Store) humanSince(c *change, t db.Turn) (bool, error) {
	if !c.state.HeldByFailure(t.Epoch, t.FromSeq) {
		return true, nil
	}
	wrote, err := s.q.HumanSince(c.ctx, c.tx, db.HumanSinceParams{DialogueID: t.DialogueID, Seq: t.ToSeq})
	if err != nil {
		return false, fmt.Errorf("look what humans did in dialogue %s: %w", t.DialogueID, err)
	}
	return wrote, nil
}

// notReplayable says why a turn cannot be replayed.
func (s *Store) notReplayable(c *change, t db.Turn) error {
	if t.State != TurnFailed || t.Kind != TurnReply {
		return dialogue.Errorf(dialogue.CodeConflict, "the turn is %s: only failed answers can be replayed", t.State)
	}
	replay, err := s.replayOf(c.ctx, c.tx, t.ID)
	if err != nil {
		return err
	}
	if replay != nil && replay.By != nil {
		return dialogue.Errorf(dialogue.CodeConflict, "%s has replayed it already", *replay.By)
	}
	return dialogue.Errorf(dialogue.CodeConflict, "it has been replayed already")
}

// TryTurn loads what the bot would read if it answered a turn's questions today,
// and begins nothing.
func (s *Store) TryTurn(ctx context.Context, id uuid.UUID) (Turn, error) {
	record, err := s.Turn(ctx, id)
	if err != nil {
		return Turn{}, err
	}
	t, err := s.readTurn(ctx, record)
	if err != nil {
		return Turn{}, err
	}
	before := func(lines []dialogue.Line) []dialogue.Line {
		kept := lines[:0]
		for _, l := range lines {
			if l.Seq <= record.ToSeq {
				kept = append(kept, l)
			}
		}
		return kept
	}
	t.History, t.Questions = before(t.History), before(t.Questions)
	if len(t.Questions) == 0 {
		return Turn{}, dialogue.Errorf(dialogue.CodeConflict, "the questions of this turn are too far back in the dialogue to try it again")
	}
	return t, nil
}

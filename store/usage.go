package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"parley/dialogue"
	"parley/store/db"
)

// usageShards is over how many rows a day's usage is spread.
const usageShards = 32

// longestTurn is how long a turn that has not ended counts as being worded.
const longestTurn = 15 * time.Minute

// Spent is what calls of a model took.
type Spent struct {
	Calls            int
	PromptTokens     int
	CompletionTokens int
	Estimated        bool   // the model's server did not count, at least not all of them
	CostMicros       *int64 // in millionths of the currency; nil: the prices are not known
	Currency         string
}

// rules are what the record itself goes by in the bot's settings.
type rules struct {
	TimeZone string         `json:"time_zone"`
	Caps     dialogue.Caps  `json:"caps"`
	Loops    dialogue.Loops `json:"loops"`
}

// rulesOf reads them. What the settings do not say is as it is without any.
func rulesOf(profile json.RawMessage) (rules, error) {
	r := rules{Caps: dialogue.DefaultCaps(), Loops: dialogue.DefaultLoops()}
	if err := json.Unmarshal(profile, &r); err != nil {
		return rules{}, fmt.Errorf("read the bot's profile: %w", err)
	}
	return r, nil
}

func (r rules) location() *time.Location {
	if loc, err := time.LoadLocation(r.TimeZone); err == nil {
		return loc
	}
	return time.UTC
}

// day is the date of a moment in the shop's time zone.
func (t Turn) day(now time.Time) pgtype.Date {
	if t.location != nil {
		now = now.In(t.location)
	}
	return pgtype.Date{Time: time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC), Valid: true}
}

// shard is the row of a day that a dialogue's usage goes to.
func (t Turn) shard() int16 { return int16(t.DialogueID[15] % usageShards) }

// capReached says which of the shop's limits keeps the bot from answering. The
// whole shop's usage is only looked up where it is limited.
func (s *Store) capReached(ctx context.Context, tx pgx.Tx, t Turn, caps dialogue.Caps, turns int64, now time.Time) (dialogue.Cap, error) {
	used := dialogue.Used{DialogueTurns: turns}
	if !caps.Daily() {
		return caps.Reached(used), nil
	}
	if err := s.dayUsage(ctx, tx, t, now, &used); err != nil {
		return "", err
	}
	if !caps.Near(used, turnsAtOnce) {
		return caps.Reached(used), nil
	}
	// Turns that begin at the same instant do not see each other: here one waits until the other can be seen.
	if err := s.q.LockDayUsage(ctx, tx); err != nil {
		return "", fmt.Errorf("wait for turns that begin: %w", err)
	}
	err := s.dayUsage(ctx, tx, t, now, &used)
	return caps.Reached(used), err
}

// turnsAtOnce is how many calls of the model may be about to be made by turns that
// are not in the record yet.
const turnsAtOnce = 200

func (s *Store) dayUsage(ctx context.Context, tx pgx.Tx, t Turn, now time.Time, used *dialogue.Used) error {
	day, err := s.q.DayUsage(ctx, tx, db.DayUsageParams{Day: t.day(now), TurnID: t.ID, Longest: longestTurn})
	if err != nil {
		return fmt.Errorf("add up what the bot used today: %w", err)
	}
	used.DayCalls, used.DayTokens, used.DayCostMicros = day.Calls, day.Tokens, day.CostMicros
	used.CallTokens, used.CallCostMicros = day.CallTokens, day.CallCostMicros
	return nil
}

// Spend records what calls took that led to no answer: a failed attempt of the
// turn, or, with ofDialogue, work for the dialogue that belongs to no turn.
func (s *Store) Spend(ctx context.Context, t Turn, spent Spent, ofDialogue bool) error {
	if spent.Calls == 0 {
		return nil
	}
	err := s.q.Spend(ctx, s.pool, db.SpendParams{
		TurnID: uuid.NullUUID{UUID: t.ID, Valid: !ofDialogue}, Day: t.day(time.Now()), Shard: t.shard(), Calls: int64(spent.Calls),
		PromptTokens: int32(spent.PromptTokens), CompletionTokens: int32(spent.CompletionTokens), TokensEstimated: spent.Estimated,
		CostMicros: spent.CostMicros, Currency: ptr(spent.Currency),
	})
	if err != nil {
		return fmt.Errorf("record what turn %s spent: %w", t.ID, err)
	}
	return nil
}

// SpendBeside records what calls took that belong to no dialogue.
func (s *Store) SpendBeside(ctx context.Context, spent Spent) error {
	var r rules
	if _, err := s.LoadBotProfile(ctx, &r); err != nil {
		return err
	}
	return s.Spend(ctx, Turn{location: r.location()}, spent, true)
}

// Summary is what the older part of a dialogue came to.
type Summary struct {
	UpToSeq int64
	Text    string
	Model   string
	Tokens  int
}

// SaveSummary keeps a summary. It reports false when a newer one is there.
func (s *Store) SaveSummary(ctx context.Context, dialogueID uuid.UUID, sum Summary) (bool, error) {
	n, err := s.q.SaveSummary(ctx, s.pool, db.SaveSummaryParams{
		DialogueID: dialogueID, UpToSeq: sum.UpToSeq, Text: storable(sum.Text), Model: storable(sum.Model), Tokens: int32(sum.Tokens),
	})
	if err != nil {
		return false, fmt.Errorf("keep the summary of dialogue %s: %w", dialogueID, err)
	}
	return n > 0, nil
}

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

const eventAlarm = "alarm"

const (
	// alarmAfter is how many answers fail for one cause before there is an alarm.
	alarmAfter = 3
	// alarmWithin is within what time.
	alarmWithin = 10 * time.Minute
	// alarmShown is how long a closed alarm is still listed.
	alarmShown = 24 * time.Hour
)

// causeBadKey needs no second failure: nobody's next question will be answered.
const causeBadKey = "bad_key"

// AlarmView is an alarm as the API and the event log show it: the bot's answers
// fail for one cause, in however many dialogues.
type AlarmView struct {
	ID        uuid.UUID    `json:"id"`
	Kind      string       `json:"kind"`
	Cause     string       `json:"cause"`
	OpenedAt  time.Time    `json:"opened_at"` // when the first answer failed
	LastAt    time.Time    `json:"last_at"`   // when the last did
	Count     int64        `json:"count"`     // answers that failed
	Dialogues int64        `json:"dialogues"` // of how many dialogues
	Waiting   int64        `json:"waiting"`   // dialogues whose customers nobody has answered since, whenever it failed for this cause
	ClosedAt  *time.Time   `json:"closed_at"`
	ClosedBy  *string      `json:"closed_by"` // ClosedRecovered or ClosedOperator
	Operator  *OperatorRef `json:"operator"`  // who closed it
}

// What closes alarms.
const (
	ClosedRecovered = "recovered" // the model has answered
	ClosedOperator  = "operator"
)

// Alarms lists of each cause the alarm that is open, or else the last one of the
// last 24 hours; those that are open come first.
func (s *Store) Alarms(ctx context.Context) ([]AlarmView, error) {
	ids, err := s.q.RecentAlarms(ctx, s.pool, alarmShown)
	if err != nil {
		return nil, fmt.Errorf("look for alarms: %w", err)
	}
	if len(ids) == 0 {
		return []AlarmView{}, nil
	}
	return s.loadAlarms(ctx, s.pool, ids)
}

func (s *Store) loadAlarms(ctx context.Context, conn db.DBTX, ids []uuid.UUID) ([]AlarmView, error) {
	rows, err := s.q.LoadAlarms(ctx, conn, ids)
	if err != nil {
		return nil, fmt.Errorf("load alarms: %w", err)
	}
	views := make([]AlarmView, len(rows))
	for i, r := range rows {
		views[i] = AlarmView{
			ID: r.ID, Kind: r.Kind, Cause: r.Cause, OpenedAt: r.OpenedAt, LastAt: r.LastAt, Count: r.Turns, Dialogues: r.Dialogues,
			Waiting: r.Waiting, ClosedAt: r.ClosedAt, ClosedBy: r.ClosedBy,
		}
		if r.OperatorID.Valid && r.OperatorName != nil {
			views[i].Operator = &OperatorRef{ID: r.OperatorID.UUID, Name: *r.OperatorName}
		}
	}
	return views, nil
}

// raiseAlarm opens an alarm when so many answers have failed for a cause, that of
// this transaction included. It comes last in a transaction.
func (s *Store) raiseAlarm(ctx context.Context, tx pgx.Tx, cause string) error {
	open, err := s.q.AlarmIsOpen(ctx, tx, cause)
	if err != nil {
		return fmt.Errorf("look for an alarm: %w", err)
	}
	if open {
		return nil
	}
	// Failures of one instant do not see each other: here one waits until the other can be seen.
	if err := s.q.LockAlarm(ctx, tx, cause); err != nil {
		return fmt.Errorf("wait for answers that fail: %w", err)
	}
	least := int64(alarmAfter)
	if cause == causeBadKey {
		least = 1
	}
	id, err := s.q.OpenAlarm(ctx, tx, db.OpenAlarmParams{ID: newID(), Cause: cause, Least: least, Within: alarmWithin})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open an alarm: %w", err)
	}
	return s.logAlarms(ctx, tx, []uuid.UUID{id})
}

// closeAlarms closes the alarms of these causes of which no answer has failed
// since the model was asked, and returns which they were.
func (s *Store) closeAlarms(ctx context.Context, tx pgx.Tx, causes []string, took time.Duration) ([]uuid.UUID, error) {
	ids, err := s.q.CloseAlarms(ctx, tx, db.CloseAlarmsParams{Causes: causes, Took: took})
	if err != nil {
		return nil, fmt.Errorf("close alarms: %w", err)
	}
	return ids, s.logAlarms(ctx, tx, ids)
}

// ModelAnswered closes the open alarms of these causes of which no answer has
// failed since the model was asked, and returns how many; took is how long ago
// that was.
func (s *Store) ModelAnswered(ctx context.Context, causes []string, took time.Duration) (int, error) {
	var closed []uuid.UUID
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		closed, err = s.closeAlarms(ctx, tx, causes, took)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("note that the model answers: %w", err)
	}
	if len(closed) > 0 {
		s.committed(nil)
	}
	return len(closed), nil
}

// CloseAlarm closes an alarm on an operator's word, who knows better than the
// bot's next answer. When answers go on failing another one opens.
func (s *Store) CloseAlarm(ctx context.Context, id uuid.UUID, by OperatorRef) (AlarmView, error) {
	var view AlarmView
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		closed, err := s.q.CloseAlarm(ctx, tx, db.CloseAlarmParams{ID: id, OperatorID: by.ID})
		if err != nil {
			return err
		}
		views, err := s.loadAlarms(ctx, tx, []uuid.UUID{id})
		switch {
		case err != nil:
			return err
		case len(views) == 0:
			return dialogue.Errorf(dialogue.CodeNotFound, "there is no alarm %s", id)
		}
		if view = views[0]; closed == 0 {
			return nil // it is closed already
		}
		on := object{kind: "alarm", id: id.String(), name: view.Cause}
		if err := s.audit(ctx, tx, by.actor(), ActionAlarmClosed, on, map[string]any{"cause": view.Cause}); err != nil {
			return err
		}
		return s.logAlarm(ctx, tx, view)
	})
	if err != nil {
		return AlarmView{}, fmt.Errorf("close alarm %s: %w", id, err)
	}
	s.committed(nil)
	return view, nil
}

// HoldProbe takes or renews the lease on asking the model whether it answers
// again, and returns for which open alarms of these causes. It returns none while
// there is nothing to ask for, or another process does it.
func (s *Store) HoldProbe(ctx context.Context, holder string, term time.Duration, causes []string) ([]string, error) {
	open, err := s.q.HoldProbe(ctx, s.pool, db.HoldProbeParams{Causes: causes, Holder: holder, Term: term})
	if err != nil {
		return nil, fmt.Errorf("hold the lease on probing the model: %w", err)
	}
	return open, nil
}

// logAlarms writes the events of alarms that have changed.
func (s *Store) logAlarms(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	views, err := s.loadAlarms(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, v := range views {
		if err := s.logAlarm(ctx, tx, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) logAlarm(ctx context.Context, tx pgx.Tx, v AlarmView) error {
	body, err := json.Marshal(struct {
		Alarm AlarmView `json:"alarm"`
	}{v})
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	if err := s.q.InsertEvent(ctx, tx, db.InsertEventParams{Kind: eventAlarm, Audience: audienceOperators, Payload: body}); err != nil {
		return fmt.Errorf("log an event of alarm %s: %w", v.ID, err)
	}
	return nil
}

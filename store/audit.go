package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"parley/store/db"
)

// Action is what an entry of the audit log tells.
type Action string

// The actions that are logged.
const (
	ActionHandedOff       Action = "handed_off" // by the bot
	ActionTakenOver       Action = "taken_over"
	ActionReturnedToBot   Action = "returned_to_bot"
	ActionReplayed        Action = "turn_replayed"
	ActionReplayStarted   Action = "replay_started" // of all failed turns of a filter
	ActionReplayStopped   Action = "replay_stopped"
	ActionReplayEnded     Action = "replay_ended" // by itself, at its end or because it could not go on
	ActionChannelAdded    Action = "channel_added"
	ActionChannelChanged  Action = "channel_changed"
	ActionOperatorAdded   Action = "operator_added"
	ActionOperatorChanged Action = "operator_changed"
	ActionTokenMade       Action = "api_token_made"
	ActionTokenRevoked    Action = "api_token_revoked"
	ActionBotChanged      Action = "bot_changed"
	ActionAlarmClosed     Action = "alarm_closed"

	ActionDeadLetterRetried   Action = "dead_letter_retried"
	ActionDeadLetterDiscarded Action = "dead_letter_discarded"
)

// Actor is who acts, for the audit log.
type Actor struct {
	Kind string // ActorOperator, …
	ID   uuid.UUID
	Name string
}

// The kinds of actors.
const (
	ActorOperator = "operator"
	ActorCommand  = "command" // the command line of the installation
	ActorBot      = "bot"
	ActorCustomer = "customer"
)

type actorKey struct{}

// ActingAs returns a context in which everything is done by the actor.
func ActingAs(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// actorOf is who acts. Whoever changes settings without a login has the
// installation in their hands: it was a command.
func actorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorCommand, Name: "parley"}
}

// object is what was acted on.
type object struct{ kind, id, name string }

// changes are the details of a change: what is not in them stayed as it was.
type changes map[string]any

func (c changes) note(what string, changed bool, value any) changes {
	if changed {
		c[what] = value
	}
	return c
}

// audit logs an action, in the transaction that does it.
func (s *Store) audit(ctx context.Context, tx db.DBTX, a Actor, action Action, on object, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("encode an entry of the audit log: %w", err)
	}
	err = s.q.InsertAudit(ctx, tx, db.InsertAuditParams{
		ID: newID(), ActorKind: a.Kind, ActorID: uuid.NullUUID{UUID: a.ID, Valid: a.ID != uuid.Nil}, ActorName: a.Name,
		Action: string(action), ObjectKind: on.kind, ObjectID: on.id, ObjectName: on.name, Detail: storableJSON(raw),
	})
	if err != nil {
		return fmt.Errorf("log the action %s: %w", action, err)
	}
	return nil
}

// actor is the operator as one who acts.
func (o OperatorRef) actor() Actor { return Actor{Kind: ActorOperator, ID: o.ID, Name: o.Name} }

// audit logs what somebody does to the dialogue.
func (c *change) audit(by Actor, action Action, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["channel"] = c.row.channelName
	on := object{kind: "dialogue", id: c.row.ID.String(), name: customerLabel(c.row.contactName, c.row.contactNumber)}
	return c.s.audit(c.ctx, c.tx, by, action, on, detail)
}

// AuditEntry is one entry of the audit log.
type AuditEntry struct {
	ID     uuid.UUID       `json:"id"`
	At     time.Time       `json:"at"`
	Actor  AuditActor      `json:"actor"`
	Action string          `json:"action"`
	Object AuditObject     `json:"object"`
	Detail json.RawMessage `json:"detail"`
}

// AuditActor is who did it.
type AuditActor struct {
	Kind string     `json:"kind"`
	ID   *uuid.UUID `json:"id"`
	Name string     `json:"name"`
}

// AuditObject is what it was done to.
type AuditObject struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AuditFilter chooses entries; what is nil or empty does not.
type AuditFilter struct {
	Actor        uuid.NullUUID
	Action       string
	Object       string
	Since, Until *time.Time
}

// Audit lists the audit log, newest first, after the given place.
func (s *Store) Audit(ctx context.Context, f AuditFilter, after *Place, page int) ([]AuditEntry, error) {
	params := db.ListAuditParams{
		ActorID: f.Actor, Action: ptr(f.Action), ObjectID: ptr(f.Object), Since: f.Since, Until: f.Until, Page: int32(page),
	}
	if after != nil {
		params.BeforeAt, params.BeforeID = &after.At, uuid.NullUUID{UUID: after.ID, Valid: true}
	}
	rows, err := s.q.ListAudit(ctx, customPlans{s.pool}, params)
	if err != nil {
		return nil, fmt.Errorf("list the audit log: %w", err)
	}
	entries := make([]AuditEntry, len(rows))
	for i, r := range rows {
		entries[i] = AuditEntry{
			ID: r.ID, At: r.At, Action: r.Action, Detail: r.Detail,
			Actor:  AuditActor{Kind: r.ActorKind, Name: r.ActorName},
			Object: AuditObject{Kind: r.ObjectKind, ID: r.ObjectID, Name: r.ObjectName},
		}
		if r.ActorID.Valid {
			entries[i].Actor.ID = &r.ActorID.UUID
		}
	}
	return entries, nil
}

package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// NewOperator is an operator or admin to add. PasswordHash is never the password itself.
type NewOperator struct {
	Email, Name, Role, PasswordHash string
}

// AddOperator adds an operator or admin.
func (s *Store) AddOperator(ctx context.Context, in NewOperator) (db.Operator, error) {
	var o db.Operator
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		o, err = s.q.InsertOperator(ctx, tx, db.InsertOperatorParams{
			ID: newID(), Email: in.Email, Name: in.Name, Role: in.Role, PasswordHash: in.PasswordHash,
		})
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, actorOf(ctx), ActionOperatorAdded, operatorObject(o), map[string]any{"role": o.Role})
	})
	if isUniqueViolation(err) {
		return db.Operator{}, dialogue.Errorf(dialogue.CodeConflict, "there is already a user with the address %s", in.Email)
	}
	if err != nil {
		return db.Operator{}, fmt.Errorf("add the operator %s: %w", in.Email, err)
	}
	return o, nil
}

// Operators lists everybody who may log in.
func (s *Store) Operators(ctx context.Context) ([]db.Operator, error) {
	list, err := s.q.ListOperators(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	return list, nil
}

// Operator loads one operator.
func (s *Store) Operator(ctx context.Context, id uuid.UUID) (db.Operator, error) {
	o, err := s.q.GetOperator(ctx, s.pool, id)
	if err != nil {
		return db.Operator{}, notFound(err, "operator", id)
	}
	return o, nil
}

// OperatorByEmail finds an operator; the error of an unknown address has the code not_found.
func (s *Store) OperatorByEmail(ctx context.Context, email string) (db.Operator, error) {
	o, err := s.q.GetOperatorByEmail(ctx, s.pool, email)
	if err != nil {
		return db.Operator{}, notFound(err, "user", email)
	}
	return o, nil
}

// HasAdmin reports whether there is an admin who may log in.
func (s *Store) HasAdmin(ctx context.Context) (bool, error) {
	n, err := s.q.CountAdmins(ctx, s.pool)
	if err != nil {
		return false, fmt.Errorf("count admins: %w", err)
	}
	return n > 0, nil
}

// AllOperators lists everybody, those who may not log in any more last.
func (s *Store) AllOperators(ctx context.Context) ([]db.Operator, error) {
	list, err := s.q.ListAllOperators(ctx, s.pool)
	if err != nil {
		return nil, fmt.Errorf("list all operators: %w", err)
	}
	return list, nil
}

// OperatorChange is what becomes different about an operator; what is nil or
// empty stays.
type OperatorChange struct {
	Name, Role   *string
	Disabled     *bool
	PasswordHash string
	KeepLogin    []byte // the token hash of the one session or API token that a new password does not end
}

// ChangeOperator changes an operator. Whoever may not log in any more, or has
// another password or role, loses their sessions and open streams in the same
// transaction; with another password also their API tokens: who has got in under
// the old one stays nowhere. The last admin can neither be disabled nor become
// an operator.
func (s *Store) ChangeOperator(ctx context.Context, id uuid.UUID, change OperatorChange) (db.Operator, error) {
	var changed db.Operator
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		admins, err := s.q.LockAdmins(ctx, tx)
		if err != nil {
			return fmt.Errorf("hold the admins: %w", err)
		}
		o, err := s.q.LockOperator(ctx, tx, id)
		if err != nil {
			return notFound(err, "operator", id)
		}
		next := db.UpdateOperatorParams{ID: id, Name: o.Name, Role: o.Role, Disabled: o.DisabledAt != nil}
		if change.Name != nil {
			next.Name = *change.Name
		}
		if change.Role != nil {
			next.Role = *change.Role
		}
		if change.Disabled != nil {
			next.Disabled = *change.Disabled
		}
		if len(admins) == 1 && admins[0] == id && (next.Disabled || next.Role != o.Role) {
			return dialogue.Errorf(dialogue.CodeConflict, "%s is the only admin: make somebody else an admin first", o.Name)
		}
		if changed, err = s.q.UpdateOperator(ctx, tx, next); err != nil {
			return fmt.Errorf("change operator %s: %w", id, err)
		}
		if change.PasswordHash != "" {
			if err := s.q.SetPassword(ctx, tx, db.SetPasswordParams{ID: id, PasswordHash: change.PasswordHash}); err != nil {
				return fmt.Errorf("set the password of operator %s: %w", id, err)
			}
		}
		err = s.audit(ctx, tx, actorOf(ctx), ActionOperatorChanged, operatorObject(changed), changes{}.
			note("renamed", next.Name != o.Name, true).
			note("role", next.Role != o.Role, next.Role).
			note("disabled", next.Disabled != (o.DisabledAt != nil), next.Disabled).
			note("password_changed", change.PasswordHash != "", true))
		if err != nil {
			return err
		}
		if change.PasswordHash != "" {
			ended, err := s.q.DeleteOtherAPITokens(ctx, tx, db.DeleteOtherAPITokensParams{OperatorID: id, Kept: change.KeepLogin})
			if err != nil {
				return fmt.Errorf("end the API tokens of operator %s: %w", id, err)
			}
			if err := s.auditRevoked(ctx, tx, changed, ended); err != nil {
				return err
			}
		}
		if change.PasswordHash == "" && next.Role == o.Role && next.Disabled == (o.DisabledAt != nil) {
			return nil
		}
		return s.logOut(ctx, tx, id, change.KeepLogin)
	})
	return changed, err
}

func operatorObject(o db.Operator) object {
	return object{kind: "operator", id: o.ID.String(), name: o.Name}
}

// logOut ends an operator's sessions but one, and tells all nodes to end their
// streams: a stream whose session goes on is opened again by its client.
func (s *Store) logOut(ctx context.Context, tx pgx.Tx, id uuid.UUID, kept []byte) error {
	if err := s.q.DeleteOtherSessions(ctx, tx, db.DeleteOtherSessionsParams{OperatorID: id, Kept: kept}); err != nil {
		return fmt.Errorf("end the sessions of operator %s: %w", id, err)
	}
	return s.endStreams(ctx, tx, id, "")
}

// endStreams tells all nodes, with the commit, to end the streams of an operator:
// those of one login, or with an empty name all.
func (s *Store) endStreams(ctx context.Context, tx pgx.Tx, id uuid.UUID, login string) error {
	// A live item of the package live, which cannot be imported here: the tests of the streams rest on this package.
	revoked := fmt.Sprintf(`[{"revoked":{"operator_id":%q,"session":%q}}]`, id, login)
	if err := s.q.NotifyLive(ctx, tx, []string{revoked}); err != nil {
		return fmt.Errorf("end the streams of operator %s: %w", id, err)
	}
	return nil
}

// LoginName names a session or an API token, of whose token it is the hash,
// without giving it away.
func LoginName(tokenHash []byte) string { return base64.RawURLEncoding.EncodeToString(tokenHash) }

// SetPassword gives an operator another password and ends their sessions,
// streams and API tokens.
func (s *Store) SetPassword(ctx context.Context, email, hash string) error {
	o, err := s.OperatorByEmail(ctx, email)
	if err != nil {
		return err
	}
	_, err = s.ChangeOperator(ctx, o.ID, OperatorChange{PasswordHash: hash})
	return err
}

// AddSession opens a session; tokenHash is the SHA-256 of its token. Sessions
// that are over are removed on the way.
func (s *Store) AddSession(ctx context.Context, tokenHash []byte, operator uuid.UUID, expires time.Time) error {
	if err := s.q.DeleteExpiredSessions(ctx, s.pool); err != nil {
		return fmt.Errorf("remove sessions that are over: %w", err)
	}
	err := s.q.InsertOperatorSession(ctx, s.pool, db.InsertOperatorSessionParams{TokenHash: tokenHash, OperatorID: operator, ExpiresAt: expires})
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	return nil
}

// EndSession ends a session with its streams; one that is over already does no harm.
func (s *Store) EndSession(ctx context.Context, tokenHash []byte) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		operator, err := s.q.DeleteOperatorSession(ctx, tx, tokenHash)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.endStreams(ctx, tx, operator, LoginName(tokenHash))
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// OperatorBySession finds whose session a token is.
func (s *Store) OperatorBySession(ctx context.Context, tokenHash []byte) (db.Operator, error) {
	o, err := s.q.GetOperatorBySession(ctx, s.pool, tokenHash)
	return o, unauthorized(err, "you are not logged in, or the session is over: log in again")
}

func unauthorized(err error, message string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return dialogue.Errorf(dialogue.CodeUnauthorized, "%s", message)
	}
	if err != nil {
		return fmt.Errorf("look for a session: %w", err)
	}
	return nil
}

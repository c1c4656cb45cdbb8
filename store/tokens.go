package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// NewAPIToken is a token for a program, which acts as its operator.
type NewAPIToken struct {
	Operator uuid.UUID
	Hash     []byte // SHA-256 of the token
	Prefix   string // how the token begins, to tell it from others
	Name     string // what it is for
}

// APIToken is what is known of a token.
type APIToken struct {
	ID      uuid.UUID
	Prefix  string // empty: not known
	Name    string
	Created time.Time
	Used    *time.Time // last, to the minute; nil: never, as far as is known
}

// AddAPIToken adds a token.
func (s *Store) AddAPIToken(ctx context.Context, in NewAPIToken) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		o, err := s.q.GetOperator(ctx, tx, in.Operator)
		if err != nil {
			return notFound(err, "operator", in.Operator)
		}
		err = s.q.InsertAPIToken(ctx, tx, db.InsertAPITokenParams{ID: newID(), TokenHash: in.Hash, OperatorID: in.Operator, Name: in.Name, Prefix: in.Prefix})
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, actorOf(ctx), ActionTokenMade, operatorObject(o), map[string]any{"name": in.Name})
	})
	if err != nil {
		return fmt.Errorf("add an API token: %w", err)
	}
	return nil
}

// APITokens lists the tokens of an operator, oldest first.
func (s *Store) APITokens(ctx context.Context, operator uuid.UUID) ([]APIToken, error) {
	rows, err := s.q.ListAPITokens(ctx, s.pool, operator)
	if err != nil {
		return nil, fmt.Errorf("list the API tokens of operator %s: %w", operator, err)
	}
	tokens := make([]APIToken, len(rows))
	for i, r := range rows {
		tokens[i] = APIToken{ID: r.ID, Prefix: r.Prefix, Name: r.Name, Created: r.CreatedAt, Used: r.UsedAt}
	}
	return tokens, nil
}

// RevokeAPIToken ends one token of an operator, named by its id or by how it
// begins, and the streams that were opened with it.
func (s *Store) RevokeAPIToken(ctx context.Context, operator uuid.UUID, name string) (APIToken, error) {
	tokens, err := s.APITokens(ctx, operator)
	if err != nil {
		return APIToken{}, err
	}
	var found []APIToken
	for _, t := range tokens {
		if t.ID.String() == name || t.Prefix != "" && strings.HasPrefix(name, t.Prefix) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return APIToken{}, dialogue.Errorf(dialogue.CodeNotFound, "there is no such API token")
	}
	if len(found) > 1 {
		return APIToken{}, dialogue.Errorf(dialogue.CodeConflict, "several API tokens begin like that: name the one by its id")
	}
	err = s.revoke(ctx, operator, func(tx pgx.Tx) ([]db.ApiToken, error) {
		ended, err := s.q.DeleteAPIToken(ctx, tx, db.DeleteAPITokenParams{ID: found[0].ID, OperatorID: operator})
		if err != nil {
			return nil, notFound(err, "API token", found[0].ID)
		}
		return []db.ApiToken{ended}, nil
	})
	return found[0], err
}

// RevokeAPITokens ends all tokens of an operator, and returns how many there were.
func (s *Store) RevokeAPITokens(ctx context.Context, operator uuid.UUID) (n int, err error) {
	err = s.revoke(ctx, operator, func(tx pgx.Tx) ([]db.ApiToken, error) {
		ended, err := s.q.DeleteOtherAPITokens(ctx, tx, db.DeleteOtherAPITokensParams{OperatorID: operator})
		n = len(ended)
		return ended, err
	})
	return n, err
}

func (s *Store) revoke(ctx context.Context, operator uuid.UUID, end func(tx pgx.Tx) ([]db.ApiToken, error)) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		o, err := s.q.GetOperator(ctx, tx, operator)
		if err != nil {
			return notFound(err, "operator", operator)
		}
		ended, err := end(tx)
		if err != nil {
			return err
		}
		for _, t := range ended {
			if err := s.endStreams(ctx, tx, operator, LoginName(t.TokenHash)); err != nil {
				return err
			}
		}
		return s.auditRevoked(ctx, tx, o, ended)
	})
	if err != nil {
		return fmt.Errorf("revoke API tokens: %w", err)
	}
	return nil
}

func (s *Store) auditRevoked(ctx context.Context, tx pgx.Tx, o db.Operator, ended []db.ApiToken) error {
	for _, t := range ended {
		if err := s.audit(ctx, tx, actorOf(ctx), ActionTokenRevoked, operatorObject(o), map[string]any{"name": t.Name}); err != nil {
			return err
		}
	}
	return nil
}

// tokenUseEvery is how exactly the last use of a token is known: a program that
// calls without a pause must not cost a write each time.
const tokenUseEvery = time.Minute

// OperatorByAPIToken finds whose API token it is.
func (s *Store) OperatorByAPIToken(ctx context.Context, tokenHash []byte) (db.Operator, error) {
	r, err := s.q.GetOperatorByAPIToken(ctx, s.pool, tokenHash)
	if err != nil {
		return db.Operator{}, unauthorized(err, "this API token is unknown")
	}
	if r.UsedAt == nil || time.Since(*r.UsedAt) > tokenUseEvery {
		if err := s.q.TouchAPIToken(ctx, s.pool, tokenHash); err != nil {
			return db.Operator{}, fmt.Errorf("note the use of an API token: %w", err)
		}
	}
	return r.Operator, nil
}

package api

import (
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/dialogue"
	"parley/store"
)

func (s *Server) listAudit(c *gin.Context) (any, error) {
	filter := store.AuditFilter{Action: c.Query("action"), Object: c.Query("object")}
	if actor := c.Query("actor"); actor != "" {
		id, err := uuid.Parse(actor)
		if err != nil {
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "actor is the id of an operator, not %q", actor)
		}
		filter.Actor = uuid.NullUUID{UUID: id, Valid: true}
	}
	for name, at := range map[string]**time.Time{"from": &filter.Since, "to": &filter.Until} {
		value := c.Query(name)
		if value == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "%s is a time like 2026-11-23T00:00:00Z, not %q", name, value)
		}
		*at = &t
	}
	after, err := cursorPlace(c)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	entries, err := s.Store.Audit(c, filter, after, limit+1)
	if err != nil {
		return nil, err
	}
	var next *string
	if len(entries) > limit {
		entries = entries[:limit]
		last := entries[limit-1]
		next = placeCursor(store.Place{At: last.At, ID: last.ID})
	}
	return gin.H{"entries": entries, "next_cursor": next}, nil
}

package api

import (
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
	var err error
	if filter.Since, err = queryTime(c, "from"); err != nil {
		return nil, err
	}
	if filter.Until, err = queryTime(c, "to"); err != nil {
		return nil, err
	}
	entries, next, err := page(c, func(after *store.Place, limit int) ([]store.AuditEntry, error) {
		return s.Store.Audit(c, filter, after, limit)
	}, func(e store.AuditEntry) store.Place { return store.Place{At: e.At, ID: e.ID} })
	if err != nil {
		return nil, err
	}
	return gin.H{"entries": entries, "next_cursor": next}, nil
}

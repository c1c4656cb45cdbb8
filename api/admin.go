package api

import (
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/stream"
	"parley/store"
	"parley/store/db"
)

func (s *Server) operatorStream(c *gin.Context) {
	o := operatorOf(c)
	s.Hub.ServeOperator(c, stream.OperatorViewer{ID: o.ID, Name: o.Name, Role: o.Role, Login: loginOf(c)})
}

func (s *Server) putPresence(c *gin.Context) (any, error) {
	var in struct {
		Client     string     `json:"client"`
		DialogueID *uuid.UUID `json:"dialogue_id"`
		Typing     bool       `json:"typing"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	o := operatorOf(c)
	viewer := stream.OperatorViewer{ID: o.ID, Name: o.Name, Role: o.Role, Login: loginOf(c)}
	if err := s.Hub.SetPresence(c, viewer, in.Client, in.DialogueID, in.Typing); err != nil {
		return nil, err
	}
	return nil, nil
}

type deadLetterView struct {
	ID         uuid.UUID         `json:"id"`
	Channel    store.ChannelView `json:"channel"`
	Reason     string            `json:"reason"`
	Body       string            `json:"body"`
	ReceivedAt time.Time         `json:"received_at"`
}

func (s *Server) listDeadLetters(c *gin.Context) (any, error) {
	list, next, err := page(c, func(after *store.Place, limit int) ([]db.ListDeadLettersRow, error) {
		return s.Store.DeadLetters(c, after, limit)
	}, func(r db.ListDeadLettersRow) store.Place { return store.Place{At: r.ReceivedAt, ID: r.ID} })
	if err != nil {
		return nil, err
	}
	views := make([]deadLetterView, len(list))
	for i, r := range list {
		body := strings.ToValidUTF8(string(r.Body), "\uFFFD")
		views[i] = deadLetterView{ID: r.ID, Channel: store.ViewChannel(r.Channel), Reason: r.Reason, Body: body, ReceivedAt: r.ReceivedAt}
	}
	return gin.H{"dead_letters": views, "next_cursor": next}, nil
}

// retryDeadLetter takes a delivery as if it came now.
func (s *Server) retryDeadLetter(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	outcome, err := s.intake().Retry(c, id)
	if err != nil {
		return nil, err
	}
	s.Log.Info("dead letter retried", "dead_letter_id", id, "outcome", outcome, "operator_id", operatorOf(c).ID)
	return gin.H{"outcome": outcome}, nil
}

func (s *Server) discardDeadLetter(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	letter, err := s.Store.DeadLetter(c, id)
	if err != nil {
		return nil, err
	}
	if err := s.Store.DiscardDeadLetter(c, letter); err != nil {
		return nil, err
	}
	s.Log.Info("dead letter discarded", "dead_letter_id", id, "operator_id", operatorOf(c).ID)
	return nil, nil
}

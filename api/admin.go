package api

import (
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/stream"
	"parley/store"
)

func (s *Server) operatorStream(c *gin.Context) {
	o := operatorOf(c)
	s.Hub.ServeOperator(c, stream.OperatorViewer{ID: o.ID, Name: o.Name, Session: sessionName(c)})
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
	viewer := stream.OperatorViewer{ID: o.ID, Name: o.Name, Session: sessionName(c)}
	if err := s.Hub.SetPresence(c, viewer, in.Client, in.DialogueID, in.Typing); err != nil {
		return nil, err
	}
	return nil, nil
}

// shownBody is how much of a dead letter is shown, in bytes.
const shownBody = 64 << 10

type deadLetterView struct {
	ID         uuid.UUID         `json:"id"`
	Channel    store.ChannelView `json:"channel"`
	Reason     string            `json:"reason"`
	Body       string            `json:"body"`
	ReceivedAt time.Time         `json:"received_at"`
}

func (s *Server) listDeadLetters(c *gin.Context) (any, error) {
	after, err := cursorPlace(c)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.DeadLetters(c, after, limit+1)
	if err != nil {
		return nil, err
	}
	var next *string
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1].DeadLetter
		next = placeCursor(store.Place{At: last.ReceivedAt, ID: last.ID})
	}
	views := make([]deadLetterView, len(list))
	for i, r := range list {
		x := r.DeadLetter
		body := strings.ToValidUTF8(string(x.Body[:min(len(x.Body), shownBody)]), "\uFFFD")
		views[i] = deadLetterView{ID: x.ID, Channel: store.ViewChannel(r.Channel), Reason: x.Reason, Body: body, ReceivedAt: x.ReceivedAt}
	}
	return gin.H{"dead_letters": views, "next_cursor": next}, nil
}

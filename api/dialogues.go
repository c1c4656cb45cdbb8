package api

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

const (
	maxText     = 10_000 // characters of an operator's message or note
	maxClientID = 64
	maxSearch   = 200
	pageDefault = 50
	pageMax     = 100
)

// modeWait is how long PUT mode waits for the bot's messages that are on their way.
const modeWait = 5 * time.Second

func (s *Server) routeAPI(r *gin.RouterGroup) {
	r.POST("/session", s.json(s.login))
	in := r.Group("", s.authenticate)
	in.GET("/session", s.json(s.getSession))
	in.DELETE("/session", s.json(s.logout))

	in.GET("/dialogues", s.json(s.listDialogues))
	d := in.Group("/dialogues/:id")
	d.GET("", s.json(s.getDialogue))
	d.GET("/messages", s.json(s.listMessages))
	d.POST("/messages", s.json(s.postMessage))
	d.POST("/messages/:message/resend", s.json(s.postResend))
	d.POST("/notes", s.json(s.postNote))
	d.PUT("/mode", s.json(s.putMode))
	d.PUT("/status", s.json(s.putStatus))
	d.PUT("/assignee", s.json(s.putAssignee))
	d.PUT("/read", s.json(s.putRead))
	d.POST("/suggestion", s.json(s.postSuggestion))
	s.routeTurns(in)
	s.routeAlarms(in)

	in.GET("/stream", s.operatorStream)
	in.PUT("/presence", s.json(s.putPresence))

	in.GET("/channels", s.json(s.listChannels))
	in.POST("/channels", s.requireAdmin, s.jsonCreated(s.createChannel))
	in.PATCH("/channels/:id", s.requireAdmin, s.json(s.patchChannel))
	in.GET("/bot", s.requireAdmin, s.json(s.getBot))
	in.PUT("/bot", s.requireAdmin, s.json(s.putBot))
	s.routeOperators(in)
	in.GET("/audit", s.requireAdmin, s.json(s.listAudit))
	in.GET("/dead-letters", s.requireAdmin, s.json(s.listDeadLetters))
	in.DELETE("/dead-letters/:id", s.requireAdmin, s.json(s.discardDeadLetter))
	in.POST("/dead-letters/:id/retry", s.requireAdmin, s.json(s.retryDeadLetter))
}

func (s *Server) listDialogues(c *gin.Context) (any, error) {
	filter, err := s.dialogueFilter(c)
	if err != nil {
		return nil, err
	}
	// The position is read before the list: what happens in between comes on the stream too, and does no harm twice.
	position, err := s.Store.EventHead(c)
	if err != nil {
		return nil, err
	}
	list, next, err := page(c, func(after *store.Place, limit int) ([]store.DialogueView, error) {
		return s.Store.ListDialogues(c, filter, after, limit)
	}, func(d store.DialogueView) store.Place { return store.Place{At: d.LastMessage.CreatedAt, ID: d.ID} })
	if err != nil {
		return nil, err
	}
	return gin.H{"dialogues": list, "next_cursor": next, "position": position}, nil
}

func (s *Server) dialogueFilter(c *gin.Context) (store.DialogueFilter, error) {
	var f store.DialogueFilter
	for _, word := range split(c.Query("status")) {
		status := dialogue.Status(word)
		if !status.Valid() {
			return f, dialogue.Errorf(dialogue.CodeInvalid, "status %q is none of new, open, snoozed, closed", word)
		}
		f.Statuses = append(f.Statuses, status)
	}
	if mode := c.Query("mode"); mode != "" {
		if f.Mode = dialogue.Mode(mode); !f.Mode.Valid() {
			return f, dialogue.Errorf(dialogue.CodeInvalid, "mode %q is neither bot nor operator", mode)
		}
	}
	var err error
	if f.Channel, err = s.channelFilter(c, c.Query("channel")); err != nil {
		return f, err
	}
	switch assignee := c.Query("assignee"); assignee {
	case "":
	case "none":
		f.Unassigned = true
	case "me":
		f.Assignee = uuid.NullUUID{UUID: operatorOf(c).ID, Valid: true}
	default:
		id, err := uuid.Parse(assignee)
		if err != nil {
			return f, dialogue.Errorf(dialogue.CodeInvalid, "assignee %q is no id of an operator, nor me or none", assignee)
		}
		f.Assignee = uuid.NullUUID{UUID: id, Valid: true}
	}
	for name, field := range map[string]*bool{"unread": &f.Unread, "waiting": &f.Waiting} {
		if value := c.Query(name); value != "" {
			yes, err := strconv.ParseBool(value)
			if err != nil {
				return f, dialogue.Errorf(dialogue.CodeInvalid, "%s is true or false, not %q", name, value)
			}
			*field = yes
		}
	}
	if sort := c.Query("sort"); sort != "" && sort != "recent" {
		return f, dialogue.Errorf(dialogue.CodeInvalid, "sort %q is not known: use recent", sort)
	}
	f.Search = strings.TrimSpace(c.Query("q"))
	if len([]rune(f.Search)) > maxSearch || strings.ContainsRune(f.Search, 0) {
		return f, dialogue.Errorf(dialogue.CodeInvalid, "q has at most %d characters", maxSearch)
	}
	return f, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

type dialogueDetail struct {
	store.DialogueView
	WorkflowID  string              `json:"workflow_id"`
	WorkflowURL *string             `json:"workflow_url"`
	Viewers     []store.OperatorRef `json:"viewers"`
}

func (s *Server) getDialogue(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	view, err := s.Store.Dialogue(c, id)
	if err != nil {
		return nil, err
	}
	detail := dialogueDetail{DialogueView: view, WorkflowID: workflows.DialogueID(id)}
	if detail.Viewers, err = s.Store.Viewers(c, id); err != nil {
		return nil, err
	}
	if s.WorkflowURL != nil {
		link := s.WorkflowURL(detail.WorkflowID)
		detail.WorkflowURL = &link
	}
	return detail, nil
}

func (s *Server) listMessages(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	before, err := seqParam(c, "before", math.MaxInt64)
	if err != nil {
		return nil, err
	}
	after, err := seqParam(c, "after", -1)
	if err != nil {
		return nil, err
	}
	if _, err := s.Store.Dialogue(c, id); err != nil {
		return nil, err
	}
	var list []store.MessageView
	var more bool
	if after >= 0 {
		list, more, err = s.Store.MessagesAfter(c, id, after, limit)
	} else {
		list, more, err = s.Store.MessagesBefore(c, id, before, limit)
	}
	if err != nil {
		return nil, err
	}
	return gin.H{"messages": list, "more": more}, nil
}

func seqParam(c *gin.Context, name string, def int64) (int64, error) {
	value := c.Query(name)
	if value == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return 0, dialogue.Errorf(dialogue.CodeInvalid, "%s is a number of a message, not %q", name, value)
	}
	return n, nil
}

type writing struct {
	ClientID     string        `json:"client_id"`
	Text         string        `json:"text"`
	SuggestionID uuid.NullUUID `json:"suggestion_id"`
}

func readWriting(c *gin.Context, most int) (writing, error) {
	var in writing
	if err := readJSON(c, &in); err != nil {
		return in, err
	}
	if err := checkText("client_id", in.ClientID, maxClientID); err != nil {
		return in, err
	}
	return in, checkText("text", in.Text, most)
}

func (s *Server) postMessage(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	in, err := readWriting(c, maxText)
	if err != nil {
		return nil, err
	}
	if in.SuggestionID.Valid {
		turn, err := s.Store.Turn(c, in.SuggestionID.UUID)
		if err != nil || turn.DialogueID != id {
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "suggestion_id names no suggestion of this dialogue")
		}
	}
	out, err := s.Store.PostOperatorMessage(c, store.OperatorMessage{
		DialogueID: id, Operator: operatorRef(c), ClientID: in.ClientID, Text: in.Text, SuggestionID: in.SuggestionID,
	})
	return out, err
}

// postResend sends a message again that failed, or that nobody knows to have arrived.
func (s *Server) postResend(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	message, err := uuid.Parse(c.Param("message"))
	if err != nil {
		return nil, dialogue.Errorf(dialogue.CodeNotFound, "there is no message %s", c.Param("message"))
	}
	return s.Store.Resend(c, id, message, operatorRef(c))
}

func (s *Server) postNote(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	in, err := readWriting(c, maxText)
	if err != nil {
		return nil, err
	}
	out, err := s.Store.PostNote(c, id, operatorRef(c), in.ClientID, in.Text)
	return out, err
}

func (s *Server) putMode(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct{ Mode dialogue.Mode }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if !in.Mode.Valid() {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "mode %q is neither bot nor operator", in.Mode)
	}
	view, err := s.Store.SetMode(c, id, in.Mode, operatorRef(c))
	if err != nil {
		return nil, err
	}
	// The switch holds already. Whoever waits no longer still learns nothing wrong: the fence lets no other message out.
	inFlight, err := s.Store.WaitForBotSends(c, id, modeWait)
	if err != nil {
		return nil, err
	}
	return gin.H{"dialogue": view, "in_flight": inFlight}, nil
}

func (s *Server) putStatus(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Status dialogue.Status
		Until  *time.Time
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	var view store.DialogueView
	switch in.Status {
	case dialogue.StatusClosed:
		view, err = s.Store.Close(c, id, operatorRef(c))
	case dialogue.StatusOpen:
		view, err = s.Store.Reopen(c, id, operatorRef(c))
	case dialogue.StatusSnoozed:
		if in.Until == nil {
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "until says when a snoozed dialogue comes back, such as 2026-11-23T09:00:00Z")
		}
		view, err = s.Store.Snooze(c, id, *in.Until, operatorRef(c))
	default:
		err = dialogue.Errorf(dialogue.CodeInvalid, "status can be set to open, snoozed or closed, not to %q", in.Status)
	}
	return view, err
}

func (s *Server) putAssignee(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		OperatorID uuid.NullUUID `json:"operator_id"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	var assignee *store.OperatorRef
	if in.OperatorID.Valid {
		o, err := s.Store.Operator(c, in.OperatorID.UUID)
		if err != nil {
			return nil, err
		}
		assignee = &store.OperatorRef{ID: o.ID, Name: o.Name}
	}
	view, err := s.Store.Assign(c, id, assignee)
	return view, err
}

func (s *Server) putRead(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct{ Seq *int64 }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if in.Seq == nil || *in.Seq < 0 {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "seq is the number of the last message that was read")
	}
	view, err := s.Store.MarkRead(c, id, *in.Seq)
	return view, err
}

// suggestTimeout bounds how long an operator waits for a draft.
const suggestTimeout = 2 * time.Minute

func (s *Server) postSuggestion(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	if err := s.limits.suggest.take(operatorOf(c).ID.String()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c, suggestTimeout)
	defer cancel()
	out, err := s.suggest(ctx, id, operatorOf(c).ID)
	return out, err
}

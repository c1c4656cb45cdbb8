package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"parley/activities"
	"parley/api/stream"
	"parley/channel"
	"parley/channel/widget"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/store/live"
)

const (
	maxWidgetText = 4000 // characters of a visitor's message
	widgetHistory = 200  // messages of a transcript's newest page
	visitorKey    = "visitor"
)

func (s *Server) routeWidget(r *gin.RouterGroup) {
	r.Use(s.widgetOrigins, s.limitVisits)
	r.GET("/config", s.json(s.widgetConfig))
	r.POST("/sessions", s.jsonCreated(s.createVisitor))
	in := r.Group("", s.authenticateVisitor)
	in.POST("/messages", s.json(s.postVisitorMessage))
	in.POST("/typing", s.json(s.visitorTyping))
	in.Use(s.limitReading)
	in.GET("/messages", s.json(s.listVisitorMessages))
	in.GET("/stream", s.visitorStream)
	in.POST("/receipts", s.json(s.visitorReceipts))
}

// limitVisits holds an address off before anything is looked up for it.
func (s *Server) limitVisits(c *gin.Context) {
	if err := s.limits.visits.take(c.ClientIP()); err != nil {
		s.fail(c, err)
	}
}

func (s *Server) limitReading(c *gin.Context) {
	if err := s.limits.reading.take(visitorOf(c).SessionID.String()); err != nil {
		s.fail(c, err)
	}
}

// widgetOrigins lets the loader on a shop's page read the configuration. All
// else is asked by the widget's own frame, from our origin.
func (s *Server) widgetOrigins(c *gin.Context) {
	if c.FullPath() == "/widget/v1/config" {
		c.Header("Access-Control-Allow-Origin", "*")
	}
}

// widgetChannel finds a widget channel by id or slug.
func (s *Server) widgetChannel(ctx context.Context, name string) (db.Channel, error) {
	if name == "" {
		return db.Channel{}, dialogue.Errorf(dialogue.CodeInvalid, "channel is missing: give the id or slug of a widget channel")
	}
	ch, err := s.Store.Channel(ctx, name)
	if err == nil && ch.Kind != channel.Widget {
		return db.Channel{}, dialogue.Errorf(dialogue.CodeNotFound, "there is no widget channel %s", name)
	}
	if err == nil && ch.DisabledAt != nil {
		return db.Channel{}, errSwitchedOff()
	}
	return ch, err
}

// errSwitchedOff is what visitors of a channel are told that takes nothing. Their browsers keep what they have written.
func errSwitchedOff() error {
	return dialogue.Errorf(dialogue.CodeUnavailable, "the chat is switched off")
}

func (s *Server) widgetConfig(c *gin.Context) (any, error) {
	ch, err := s.widgetChannel(c, c.Query("channel"))
	if err != nil {
		return nil, err
	}
	profile, err := activities.Profile(c, s.Store)
	if err != nil {
		return nil, err
	}
	return gin.H{"channel": ch.ID, "name": ch.Name, "bot_name": profile.Name, "disclose_bot": profile.Disclose}, nil
}

func (s *Server) createVisitor(c *gin.Context) (any, error) {
	var in struct{ Channel string }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	ch, err := s.widgetChannel(c, in.Channel)
	if err != nil {
		return nil, err
	}
	if err := s.limits.session.take(c.ClientIP()); err != nil {
		return nil, err
	}
	token, hash := NewToken()
	if err := s.Store.AddVisitor(c, hash, ch.ID); err != nil {
		return nil, err
	}
	return gin.H{"token": token}, nil
}

func (s *Server) authenticateVisitor(c *gin.Context) {
	token := bearer(c)
	if token == "" {
		s.fail(c, dialogue.Errorf(dialogue.CodeUnauthorized, "the visitor's token is missing: open a session first"))
		return
	}
	visitor, err := s.Store.Visitor(c, TokenHash(token))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(visitorKey, visitor)
}

func visitorOf(c *gin.Context) store.Visitor { return c.MustGet(visitorKey).(store.Visitor) }

func (s *Server) postVisitorMessage(c *gin.Context) (any, error) {
	v := visitorOf(c)
	in, err := s.readVisitorMessage(c, v)
	if err != nil {
		s.Observer.Inbound(channel.Widget, "refused")
		return nil, err
	}
	thread := v.SessionID.String()
	out, err := s.Store.TakeMessage(c, store.Inbound{
		ChannelID: v.Channel.ID, ThreadKey: thread, IdentityKind: widget.IdentityKind, Identity: thread, ClientID: in.ClientID, Text: in.Text,
		Language: preferredLanguage(c.GetHeader("Accept-Language")),
	})
	if err != nil {
		return nil, err
	}
	return out.Message.ForCustomer(), nil
}

// preferredLanguage is the first language of a browser that the product speaks too
// (https://www.rfc-editor.org/rfc/rfc9110#field.accept-language); empty when there is none.
func preferredLanguage(header string) dialogue.Language {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return ""
	}
	for _, tag := range tags {
		if l := dialogue.LanguageOfTag(tag.String()); l != "" {
			return l
		}
	}
	return ""
}

func (s *Server) readVisitorMessage(c *gin.Context, v store.Visitor) (writing, error) {
	if v.Channel.DisabledAt != nil {
		return writing{}, errSwitchedOff()
	}
	if err := s.limits.message.take(v.SessionID.String()); err != nil {
		return writing{}, err
	}
	if err := s.limits.address.take(c.ClientIP()); err != nil {
		return writing{}, err
	}
	return readWriting(c, maxWidgetText)
}

func (s *Server) listVisitorMessages(c *gin.Context) (any, error) {
	v := visitorOf(c)
	after, err := seqParam(c, "after", -1)
	if err != nil {
		return nil, err
	}
	position, err := s.Store.EventHead(c)
	if err != nil {
		return nil, err
	}
	views := []store.CustomerMessage{}
	if v.DialogueID.Valid {
		list, err := s.Store.CustomerMessages(c, v.DialogueID.UUID, after, widgetHistory)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			views = append(views, m.ForCustomer())
		}
	}
	return gin.H{"messages": views, "position": position}, nil
}

func (s *Server) visitorStream(c *gin.Context) {
	v := visitorOf(c)
	s.Hub.ServeCustomer(c, stream.CustomerViewer{Channel: v.Channel.ID, Session: v.SessionID})
}

func (s *Server) visitorTyping(c *gin.Context) (any, error) {
	v := visitorOf(c)
	// A sign too many is no error: the next one is soon enough.
	if s.limits.typing.take(v.SessionID.String()) == nil && v.DialogueID.Valid {
		s.Live.Publish(live.Item{Typing: &live.Typing{
			DialogueID: v.DialogueID.UUID, ThreadKey: v.SessionID.String(), Author: dialogue.AuthorCustomer,
		}})
	}
	return nil, nil
}

func (s *Server) visitorReceipts(c *gin.Context) (any, error) {
	v := visitorOf(c)
	var in struct{ Delivered, Read int64 }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if v.DialogueID.Valid && (in.Delivered > 0 || in.Read > 0) {
		if err := s.Store.MarkReceived(c, v.DialogueID.UUID, in.Delivered, in.Read); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// allowedOrigins says which sites may show a widget channel; none: every site.
func (s *Server) allowedOrigins(ctx context.Context, name string) ([]string, error) {
	ch, err := s.widgetChannel(ctx, name)
	if err != nil {
		return nil, err
	}
	var settings widget.Settings
	if err := json.Unmarshal(ch.Settings, &settings); err != nil {
		return nil, fmt.Errorf("read the settings of channel %s: %w", ch.Slug, err)
	}
	return settings.AllowedOrigins, nil
}

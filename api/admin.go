package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/stream"
	"parley/channel"
	"parley/channel/telegram"
	"parley/channel/widget"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
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

func viewChannel(c db.Channel) store.ChannelView {
	return store.ChannelView{ID: c.ID, Kind: c.Kind, Slug: c.Slug, Name: c.Name}
}

func (s *Server) listChannels(c *gin.Context) (any, error) {
	list, err := s.Store.Channels(c)
	if err != nil {
		return nil, err
	}
	views := make([]store.ChannelView, len(list))
	for i, ch := range list {
		views[i] = viewChannel(ch)
	}
	return gin.H{"channels": views}, nil
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

type channelInput struct {
	Kind     string            `json:"kind"`
	Slug     string            `json:"slug"`
	Name     string            `json:"name"`
	Settings json.RawMessage   `json:"settings"`
	Secrets  map[string]string `json:"secrets"`
}

func (in *channelInput) check() error {
	if !slugForm.MatchString(in.Slug) {
		return dialogue.Errorf(dialogue.CodeInvalid, "slug has 1 to 63 characters of a-z, 0-9 and -, and begins with a letter or digit")
	}
	if _, err := uuid.Parse(in.Slug); err == nil {
		return dialogue.Errorf(dialogue.CodeInvalid, "slug looks like an id: choose a word")
	}
	if err := checkText("name", in.Name, 100); err != nil {
		return err
	}
	if len(in.Settings) == 0 || string(in.Settings) == "null" {
		in.Settings = json.RawMessage("{}")
	}
	switch in.Kind {
	case channel.Widget:
		var settings widget.Settings
		if err := json.Unmarshal(in.Settings, &settings); err != nil {
			return dialogue.Errorf(dialogue.CodeInvalid, "settings of a widget are {\"allowed_origins\": [...]}")
		}
		return settings.Check()
	case channel.Telegram:
		var settings telegram.Settings
		if err := json.Unmarshal(in.Settings, &settings); err != nil {
			return dialogue.Errorf(dialogue.CodeInvalid, "settings of a Telegram channel are {\"api_base_url\": \"…\"}")
		}
		return telegram.Check(settings, in.Secrets)
	}
	return dialogue.Errorf(dialogue.CodeInvalid, "kind %q is neither widget nor telegram", in.Kind)
}

func (s *Server) createChannel(c *gin.Context) (any, error) {
	var in channelInput
	err := readJSON(c, &in)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return nil, err
	}
	add := store.NewChannel{Kind: in.Kind, Slug: in.Slug, Name: in.Name, Settings: in.Settings}
	if len(in.Secrets) > 0 {
		if add.Secrets, add.SecretKeyID, err = s.Vault.Seal(in.Secrets); err != nil {
			return nil, err
		}
	}
	added, err := s.Store.AddChannel(c, add)
	if err != nil {
		return nil, err
	}
	s.Log.Info("channel added", "channel_id", added.ID, "kind", added.Kind, "operator_id", operatorOf(c).ID)
	return viewChannel(added), nil
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
		views[i] = deadLetterView{ID: x.ID, Channel: viewChannel(r.Channel), Reason: x.Reason, Body: body, ReceivedAt: x.ReceivedAt}
	}
	return gin.H{"dead_letters": views, "next_cursor": next}, nil
}

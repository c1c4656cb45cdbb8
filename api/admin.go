package api

import (
	"encoding/json"
	"net/http"
	"net/mail"
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

func (s *Server) putPresence(c *gin.Context) {
	var in struct {
		Client     string     `json:"client"`
		DialogueID *uuid.UUID `json:"dialogue_id"`
		Typing     bool       `json:"typing"`
	}
	if err := readJSON(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	o := operatorOf(c)
	viewer := stream.OperatorViewer{ID: o.ID, Name: o.Name, Session: sessionName(c)}
	if err := s.Hub.SetPresence(c, viewer, in.Client, in.DialogueID, in.Typing); err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func viewChannel(c db.Channel) store.ChannelView {
	return store.ChannelView{ID: c.ID, Kind: c.Kind, Slug: c.Slug, Name: c.Name}
}

func (s *Server) listChannels(c *gin.Context) {
	list, err := s.Store.Channels(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	views := make([]store.ChannelView, len(list))
	for i, ch := range list {
		views[i] = viewChannel(ch)
	}
	c.JSON(http.StatusOK, gin.H{"channels": views})
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

func (s *Server) createChannel(c *gin.Context) {
	var in channelInput
	err := readJSON(c, &in)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	add := store.NewChannel{Kind: in.Kind, Slug: in.Slug, Name: in.Name, Settings: in.Settings}
	if len(in.Secrets) > 0 {
		if add.Secrets, add.SecretKeyID, err = s.Vault.Seal(in.Secrets); err != nil {
			s.fail(c, err)
			return
		}
	}
	added, err := s.Store.AddChannel(c, add)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.Log.Info("channel added", "channel_id", added.ID, "kind", added.Kind, "operator_id", operatorOf(c).ID)
	c.JSON(http.StatusCreated, viewChannel(added))
}

func (s *Server) listOperators(c *gin.Context) {
	list, err := s.Store.Operators(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	views := make([]operatorView, len(list))
	for i, o := range list {
		views[i] = viewOperator(o)
	}
	c.JSON(http.StatusOK, gin.H{"operators": views})
}

// NewOperator is an operator or admin to add, with the password in the clear.
type NewOperator struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`
}

// Prepare checks the input, and makes of it what is stored.
func (in NewOperator) Prepare() (store.NewOperator, error) {
	address, err := mail.ParseAddress(in.Email)
	if err != nil || address.Address != strings.TrimSpace(in.Email) {
		return store.NewOperator{}, dialogue.Errorf(dialogue.CodeInvalid, "%q is no e-mail address", in.Email)
	}
	if err := checkText("name", in.Name, 100); err != nil {
		return store.NewOperator{}, err
	}
	if in.Role != roleAdmin && in.Role != "operator" {
		return store.NewOperator{}, dialogue.Errorf(dialogue.CodeInvalid, "role %q is neither admin nor operator", in.Role)
	}
	hash, err := HashPassword(in.Password)
	if err != nil {
		return store.NewOperator{}, err
	}
	return store.NewOperator{Email: strings.ToLower(address.Address), Name: strings.TrimSpace(in.Name), Role: in.Role, PasswordHash: hash}, nil
}

func (s *Server) createOperator(c *gin.Context) {
	var in NewOperator
	if err := readJSON(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	prepared, err := in.Prepare()
	if err != nil {
		s.fail(c, err)
		return
	}
	added, err := s.Store.AddOperator(c, prepared)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.Log.Info("operator added", "added_id", added.ID, "role", added.Role, "operator_id", operatorOf(c).ID)
	c.JSON(http.StatusCreated, viewOperator(added))
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

func (s *Server) listDeadLetters(c *gin.Context) {
	after, err := cursorPlace(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	limit, err := pageSize(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	list, err := s.Store.DeadLetters(c, after, limit+1)
	if err != nil {
		s.fail(c, err)
		return
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
	c.JSON(http.StatusOK, gin.H{"dead_letters": views, "next_cursor": next})
}

package api

import (
	"encoding/json"
	"time"

	"github.com/gin-gonic/gin"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
)

// botSettings are the bot's profile as the API shows and takes it.
type botSettings struct {
	bot.Profile
	Version   int64      `json:"version"` // of what is stored: a change says which one it changes
	UpdatedAt *time.Time `json:"updated_at"`
}

func viewBot(p bot.Profile, v store.ProfileVersion) botSettings {
	if p.Hours == nil {
		p.Hours = dialogue.Hours{}
	}
	if p.FollowUps == nil {
		p.FollowUps = map[dialogue.Language]string{}
	}
	if p.Notices == nil {
		p.Notices = bot.Notices{}
	}
	return botSettings{Profile: p, Version: v.Version, UpdatedAt: v.UpdatedAt}
}

func (s *Server) getBot(c *gin.Context) (any, error) {
	profile := bot.DefaultProfile()
	version, err := s.Store.LoadBotProfile(c, &profile)
	if err != nil {
		return nil, err
	}
	return viewBot(profile, version), nil
}

// putBot replaces the profile. What the body does not name is as in a shop that
// has set nothing.
func (s *Server) putBot(c *gin.Context) (any, error) {
	in := struct {
		bot.Profile
		Version   *int64          `json:"version"`
		UpdatedAt json.RawMessage `json:"updated_at"` // as GET returned it: says nothing here
	}{Profile: bot.DefaultProfile()}
	if err := readWholeJSON(c, &in); err != nil {
		return nil, err
	}
	if in.Version == nil {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "version says which settings are changed: it is what GET returned")
	}
	if err := in.Profile.Check(); err != nil {
		return nil, err
	}
	version, err := s.Store.SaveBotProfile(c, in.Profile, *in.Version)
	if err != nil {
		return nil, err
	}
	s.Log.Info("the bot's settings changed", "operator_id", operatorOf(c).ID, "version", version.Version)
	return viewBot(in.Profile, version), nil
}

package api

import (
	"encoding/json"
	"time"

	"github.com/gin-gonic/gin"

	"parley/intake"
	"parley/store"
	"parley/store/db"
)

// channelDetails is a channel as those see it who look after it.
type channelDetails struct {
	store.ChannelView
	Enabled   bool            `json:"enabled"`
	Problem   *string         `json:"problem"` // why it does not work now
	ProblemAt *time.Time      `json:"problem_at"`
	Settings  json.RawMessage `json:"settings"`
}

func viewChannel(c db.Channel) channelDetails {
	return channelDetails{
		ChannelView: store.ViewChannel(c), Enabled: c.DisabledAt == nil, Problem: c.Problem, ProblemAt: c.ProblemAt, Settings: c.Settings,
	}
}

func (s *Server) listChannels(c *gin.Context) (any, error) {
	list, err := s.Store.Channels(c)
	if err != nil {
		return nil, err
	}
	views := make([]channelDetails, len(list))
	for i, ch := range list {
		views[i] = viewChannel(ch)
	}
	return gin.H{"channels": views}, nil
}

func (s *Server) createChannel(c *gin.Context) (any, error) {
	var in intake.NewChannel
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	added, err := s.Channels.Add(c, in)
	if err != nil {
		return nil, err
	}
	s.Log.Info("channel added", "channel_id", added.ID, "kind", added.Kind, "operator_id", operatorOf(c).ID)
	return viewChannel(added), nil
}

// patchChannel changes what the call names; everything else stays.
func (s *Server) patchChannel(c *gin.Context) (any, error) {
	var in intake.Change
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	saved, err := s.Channels.Change(c, c.Param("id"), in)
	if err != nil {
		return nil, err
	}
	s.Log.Info("channel changed", "channel_id", saved.ID, "operator_id", operatorOf(c).ID)
	return viewChannel(saved), nil
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

// failuresFor is how far back failed turns are counted.
const failuresFor = 7 * 24 * time.Hour

func (s *Server) routeTurns(in *gin.RouterGroup) {
	in.GET("/turns/:id", s.json(s.getTurn))
	admin := in.Group("/turns", s.requireAdmin)
	admin.GET("", s.json(s.listTurns))
	admin.POST("/replay", s.jsonAccepted(s.startReplay))
	admin.GET("/replays", s.json(s.listReplays))
	admin.GET("/replays/:id", s.json(s.getReplay))
	admin.POST("/replays/:id/stop", s.json(s.stopReplay))
	admin.POST("/:id/replay", s.json(s.replayTurn))
	in.GET("/failures", s.requireAdmin, s.json(s.countFailures))
}

type turnView struct {
	ID               uuid.UUID       `json:"id"`
	DialogueID       uuid.UUID       `json:"dialogue_id"`
	Kind             string          `json:"kind"`
	State            string          `json:"state"`
	FromSeq          int64           `json:"from_seq"`
	ToSeq            int64           `json:"to_seq"`
	Attempts         int32           `json:"attempts"`
	Restarts         int32           `json:"restarts"`
	Answer           *string         `json:"answer"`
	HandoffReason    *string         `json:"handoff_reason"`
	Cause            *string         `json:"cause"`
	Error            *string         `json:"error"`
	Model            *string         `json:"model"`
	PromptVersion    *string         `json:"prompt_version"`
	PromptTokens     *int32          `json:"prompt_tokens"`
	CompletionTokens *int32          `json:"completion_tokens"`
	TokensEstimated  bool            `json:"tokens_estimated"`
	CostMicros       *int64          `json:"cost_micros"`
	Currency         *string         `json:"currency"`
	FirstWordMS      *int32          `json:"first_word_ms"`
	ModelMS          *int32          `json:"model_ms"`
	Sources          json.RawMessage `json:"sources"`
	StartedAt        time.Time       `json:"started_at"`
	FinishedAt       *time.Time      `json:"finished_at"`
}

func viewTurn(t db.Turn) turnView {
	v := turnView{
		ID: t.ID, DialogueID: t.DialogueID, Kind: t.Kind, State: t.State, FromSeq: t.FromSeq, ToSeq: t.ToSeq,
		Attempts: t.Attempts, Restarts: t.Restarts, Answer: t.Answer, HandoffReason: t.HandoffReason, Cause: t.Cause, Error: t.Error,
		Model: t.Model, PromptVersion: t.PromptVersion, PromptTokens: t.PromptTokens, CompletionTokens: t.CompletionTokens,
		TokensEstimated: t.TokensEstimated, CostMicros: t.CostMicros, Currency: t.Currency, FirstWordMS: t.FirstWordMs, ModelMS: t.ModelMs,
		Sources: t.Sources, StartedAt: t.StartedAt, FinishedAt: t.FinishedAt,
	}
	if len(v.Sources) == 0 {
		v.Sources = json.RawMessage("[]")
	}
	return v
}

// turnDetail is a turn with what developers need to see of it. The request and
// the response are for admins: the whole prompt stands in them.
type turnDetail struct {
	turnView
	ToolCalls json.RawMessage `json:"tool_calls"`
	Request   json.RawMessage `json:"request"`
	Response  json.RawMessage `json:"response"`
	Replay    *store.Replay   `json:"replay"`
}

func (s *Server) getTurn(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	t, err := s.Store.Turn(c, id)
	if err != nil {
		return nil, err
	}
	out := turnDetail{turnView: viewTurn(t), ToolCalls: t.ToolCalls}
	if operatorOf(c).Role == roleAdmin {
		out.Request, out.Response = t.Request, t.Response
	}
	if len(out.ToolCalls) == 0 {
		out.ToolCalls = json.RawMessage("[]")
	}
	if t.ReplayedAt != nil {
		out.Replay, err = s.Store.ReplayOf(c, id)
	}
	return out, err
}

// listedTurn is a turn as the list shows it.
type listedTurn struct {
	turnView
	Dialogue store.DialogueView `json:"dialogue"`
	Question string             `json:"question"`
	Open     bool               `json:"open"`
	Replay   *store.Replay      `json:"replay"`
}

func (s *Server) listTurns(c *gin.Context) (any, error) {
	filter, err := s.turnFilter(c)
	if err != nil {
		return nil, err
	}
	list, next, err := page(c, func(after *store.Place, limit int) ([]store.ListedTurn, error) {
		return s.Store.Turns(c, filter, after, limit)
	}, store.ListedTurn.Place)
	if err != nil {
		return nil, err
	}
	views := make([]listedTurn, len(list))
	for i, l := range list {
		views[i] = listedTurn{turnView: viewTurn(l.Turn), Dialogue: l.Dialogue, Question: l.Question, Open: l.Open, Replay: l.Replay}
	}
	return gin.H{"turns": views, "next_cursor": next}, nil
}

// turnFilter reads which turns are asked for.
func (s *Server) turnFilter(c *gin.Context) (store.TurnFilter, error) {
	f := store.TurnFilter{
		Kind: c.Query("kind"), State: c.Query("state"), Cause: c.Query("cause"), PromptVersion: c.Query("prompt_version"), Model: c.Query("model"),
		Open: c.Query("open") == "true",
	}
	for name, known := range map[string][]string{
		"kind":  {store.TurnReply, store.TurnSuggestion},
		"state": {store.TurnRunning, store.TurnDrafted, store.TurnAnswered, store.TurnHandedOff, store.TurnFailed, store.TurnSuperseded},
	} {
		if value := c.Query(name); value != "" && !slices.Contains(known, value) {
			return f, dialogue.Errorf(dialogue.CodeInvalid, "%s is one of %s, not %q", name, strings.Join(known, ", "), value)
		}
	}
	if value := c.Query("dialogue"); value != "" {
		id, err := uuid.Parse(value)
		if err != nil {
			return f, dialogue.Errorf(dialogue.CodeInvalid, "dialogue is the id of a dialogue, not %q", value)
		}
		f.Dialogue = uuid.NullUUID{UUID: id, Valid: true}
	}
	var err error
	if f.Since, err = queryTime(c, "from"); err != nil {
		return f, err
	}
	if f.Until, err = queryTime(c, "to"); err != nil {
		return f, err
	}
	f.Channel, err = s.channelFilter(c, c.Query("channel"))
	return f, err
}

// channelFilter finds the channel that a list is narrowed to; empty: none.
func (s *Server) channelFilter(ctx context.Context, channel string) (uuid.NullUUID, error) {
	if channel == "" {
		return uuid.NullUUID{}, nil
	}
	ch, err := s.Store.Channel(ctx, channel)
	return uuid.NullUUID{UUID: ch.ID, Valid: err == nil}, err
}

func (s *Server) countFailures(c *gin.Context) (any, error) {
	counts, err := s.Store.CountFailures(c, time.Now().Add(-failuresFor))
	if err != nil {
		return nil, err
	}
	var open int64
	for _, n := range counts {
		open += n.Open
	}
	return gin.H{"causes": counts, "open": open}, nil
}

// replayed is what came of a replay.
type replayed struct {
	Outcome    store.ReplayOutcome `json:"outcome"`
	Dialogue   *store.DialogueView `json:"dialogue"`   // of returned_to_bot
	Suggestion *suggestion         `json:"suggestion"` // of suggested
}

// tried is what the bot would say today.
type tried struct {
	Text    string                  `json:"text"`
	Handoff *dialogue.HandoffReason `json:"handoff"` // it would hand over instead
	Limit   *dialogue.Cap           `json:"limit"`   // because this one is reached
	Error   *string                 `json:"error"`   // it would fail again
	Sources json.RawMessage         `json:"sources"`
}

func (s *Server) replayTurn(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		DryRun bool `json:"dry_run"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if in.DryRun {
		return s.tryTurn(c, id)
	}
	operator := operatorRef(c)
	d, err := s.Store.ReplayTurn(c, id, &operator)
	switch {
	case err == nil:
		s.Log.Info("turn replayed", "turn_id", id, "dialogue_id", d.ID, "outcome", store.ReplayReturned, "operator_id", operator.ID)
		return replayed{Outcome: store.ReplayReturned, Dialogue: &d}, nil
	case !errors.Is(err, store.ErrHumansSince):
		return nil, err
	}
	t, err := s.Store.Turn(c, id)
	if err != nil {
		return nil, err
	}
	draft, err := s.suggest(c, t.DialogueID, operator.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Store.NoteSuggested(c, id, operator); err != nil {
		return nil, err
	}
	s.Log.Info("turn replayed", "turn_id", id, "dialogue_id", t.DialogueID, "outcome", store.ReplaySuggested, "operator_id", operator.ID)
	return replayed{Outcome: store.ReplaySuggested, Suggestion: &draft}, nil
}

// tryTurn has the bot answer the questions of a turn with today's knowledge,
// settings and model, and sends nothing.
func (s *Server) tryTurn(ctx context.Context, id uuid.UUID) (any, error) {
	t, err := s.Store.TryTurn(ctx, id)
	if err != nil {
		return nil, err
	}
	profile, err := activities.ProfileOf(t)
	if err != nil {
		return nil, err
	}
	out := tried{Sources: json.RawMessage("[]")}
	if t.Cap != "" {
		reason := dialogue.HandoffRule
		out.Handoff, out.Limit = &reason, &t.Cap
		return out, nil
	}
	answer, err := s.Bot.Answer(ctx, activities.TurnInput(t, profile), func(string) {})
	if dbErr := s.Store.Spend(context.WithoutCancel(ctx), t, activities.Spent(answer.Usage, profile), true); dbErr != nil {
		return nil, errors.Join(err, dbErr)
	}
	if modelErr, ok := errors.AsType[*bot.Error](err); ok {
		cause := string(modelErr.Class)
		out.Error = &cause
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	res, err := activities.TurnResult(answer, profile)
	if err != nil {
		return nil, err
	}
	out.Text, out.Sources = answer.Text, res.Sources
	if answer.Handoff != "" {
		out.Handoff = &answer.Handoff
	}
	return out, nil
}

// startReplay begins to replay the failed turns of a filter whose customers still
// wait and whom no human has taken on, oldest first. A worker goes on with it,
// whether or not the engine runs now.
func (s *Server) startReplay(c *gin.Context) (any, error) {
	var in struct {
		Filter struct {
			Cause   string `json:"cause"`
			Channel string `json:"channel"`
		} `json:"filter"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	var filter store.ReplayFilter
	if in.Filter.Cause != "" {
		filter.Cause = &in.Filter.Cause
	}
	channel, err := s.channelFilter(c, in.Filter.Channel)
	if err != nil {
		return nil, err
	}
	if channel.Valid {
		filter.Channel = &channel.UUID
	}
	b, err := s.Store.StartReplay(c, filter)
	if err != nil {
		return nil, err
	}
	s.Log.Info("replay of many asked for", "replay_id", b.ID, "turns", b.Total, "operator_id", operatorOf(c).ID)
	return b, nil
}

func (s *Server) listReplays(c *gin.Context) (any, error) {
	list, next, err := page(c, func(after *store.Place, limit int) ([]store.ReplayBatch, error) {
		return s.Store.Replays(c, after, limit)
	}, store.ReplayBatch.Place)
	if err != nil {
		return nil, err
	}
	return gin.H{"replays": list, "next_cursor": next}, nil
}

func (s *Server) getReplay(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	return s.Store.Replay(c, id)
}

// stopReplay stops a batch; one that has ended stays as it is.
func (s *Server) stopReplay(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	b, err := s.Store.StopReplay(c, id)
	if err != nil {
		return nil, err
	}
	s.Log.Info("replay of many stopped", "replay_id", b.ID, "state", b.State, "operator_id", operatorOf(c).ID)
	return b, nil
}

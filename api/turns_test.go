package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
)

// failedTurn has a new visitor write, and the bot fail at it.
func (b *bundle) failedTurn(question string) (visitor string, turn uuid.UUID) {
	b.t.Helper()
	visitor = b.addVisitor()
	b.ok(http.MethodPost, "/widget/v1/messages", visitor, fmt.Sprintf(`{"client_id":"1","text":%q}`, question))
	var list struct{ Dialogues []store.DialogueView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues?sort=recent&limit=1", b.operator, ""), &list)
	t, err := b.store.OpenTurn(b.t.Context(), list.Dialogues[0].ID)
	require.NoError(b.t, err)
	_, err = b.store.FailTurn(b.t.Context(), t, store.Failure{Cause: string(bot.ErrorUnavailable), Reason: errors.New("502 bad gateway"), Model: "test-model"}, "One moment, a colleague will help you.")
	require.NoError(b.t, err)
	return visitor, t.ID
}

type failedTurn struct {
	ID       uuid.UUID
	Cause    string
	Question string
	Open     bool
	Dialogue store.DialogueView
	Replay   *store.Replay
}

func (b *bundle) failedTurns(query string) (list []failedTurn, next *string) {
	b.t.Helper()
	var page struct {
		Turns []failedTurn
		Next  *string `json:"next_cursor"`
	}
	b.decode(b.ok(http.MethodGet, "/api/v1/turns?state=failed"+query, b.admin, ""), &page)
	return page.Turns, page.Next
}

func TestFailedTurnsComeInPagesAndAreReplayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 5
	for i := range n {
		b.failedTurn(fmt.Sprint("question ", i))
	}
	var seen []string
	cursor := ""
	for {
		page, next := b.failedTurns("&limit=2" + cursor)
		for _, turn := range page {
			require.True(t, turn.Open)
			require.Equal(t, "unavailable", turn.Cause)
			require.Equal(t, dialogue.ModeOperator, turn.Dialogue.Mode)
			seen = append(seen, turn.Question)
		}
		if next == nil {
			break
		}
		cursor = "&cursor=" + *next
	}
	require.Equal(t, []string{"question 4", "question 3", "question 2", "question 1", "question 0"}, seen)

	one, _ := b.failedTurns("&limit=1")
	var out struct {
		Outcome  string
		Dialogue store.DialogueView
	}
	b.decode(b.ok(http.MethodPost, "/api/v1/turns/"+one[0].ID.String()+"/replay", b.admin, `{}`), &out)
	require.Equal(t, "returned_to_bot", out.Outcome)
	require.Equal(t, dialogue.ModeBot, out.Dialogue.Mode)
	again := b.call(http.MethodPost, "/api/v1/turns/"+one[0].ID.String()+"/replay", b.admin, `{}`, nil)
	require.Equal(t, http.StatusConflict, again.Code)
	require.Contains(t, again.Body.String(), "Anna admin has replayed it already")

	// An operator takes one on: the rest is replayed together.
	open, _ := b.failedTurns("&open=true")
	require.Len(t, open, n-1)
	b.ok(http.MethodPut, "/api/v1/dialogues/"+open[0].Dialogue.ID.String()+"/assignee", b.operator, `{"operator_id":"`+b.operatorID("operator").String()+`"}`)
	none := b.startReplay(`{"filter":{"cause":"bad_key"}}`)
	require.Zero(t, none.Total)
	all := b.startReplay(`{"filter":{"cause":"unavailable","channel":"demo"}}`)
	require.Equal(t, n-1, all.Total)
	all = b.workOff(all.ID)
	require.Equal(t, []int{n - 2, 1}, []int{all.Replayed, all.Skipped})
	left, _ := b.failedTurns("&open=true")
	require.Len(t, left, 1)
	require.Equal(t, open[0].ID, left[0].ID)

	// The one that a human has taken on gets a draft.
	var suggested struct {
		Outcome    string
		Suggestion struct{ Text string }
	}
	b.decode(b.ok(http.MethodPost, "/api/v1/turns/"+left[0].ID.String()+"/replay", b.admin, `{}`), &suggested)
	require.Equal(t, "suggested", suggested.Outcome)
	require.Equal(t, "draft for: "+left[0].Question, suggested.Suggestion.Text)
	var counts struct {
		Open   int
		Causes []store.FailureCount
	}
	b.decode(b.ok(http.MethodGet, "/api/v1/failures", b.admin, ""), &counts)
	require.Equal(t, []store.FailureCount{{Cause: "unavailable", Failed: n}}, counts.Causes)
	require.Zero(t, counts.Open)
}

// startReplay begins a replay of many.
func (b *bundle) startReplay(body string) (batch store.ReplayBatch) {
	b.t.Helper()
	w := b.call(http.MethodPost, "/api/v1/turns/replay", b.admin, body, nil)
	require.Equal(b.t, http.StatusAccepted, w.Code, w.Body)
	b.conforms(http.MethodPost, "/api/v1/turns/replay", w)
	b.decode(w.Body.Bytes(), &batch)
	return batch
}

// workOff does what a worker does for a batch until nothing is left, and returns what the API says of it.
func (b *bundle) workOff(id uuid.UUID) (batch store.ReplayBatch) {
	b.t.Helper()
	recorded, err := b.store.Replay(b.t.Context(), id)
	require.NoError(b.t, err)
	turns, err := b.store.NextToReplay(b.t.Context(), recorded, 100)
	require.NoError(b.t, err)
	for _, turn := range turns {
		require.NoError(b.t, b.store.ReplayInBatch(b.t.Context(), recorded, turn))
	}
	_, err = b.store.EndReplay(b.t.Context(), id, nil)
	require.NoError(b.t, err)
	b.decode(b.ok(http.MethodGet, "/api/v1/turns/replays/"+id.String(), b.admin, ""), &batch)
	return batch
}

func TestReplaysOfManyAreStartedListedAndStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 3 {
		b.failedTurn(fmt.Sprint("question ", i))
	}
	first := b.startReplay(`{"filter":{"channel":"demo"}}`)
	require.Equal(t, store.ReplayRunning, first.State)
	require.Equal(t, 3, first.Total)
	require.Equal(t, "Anna admin", *first.By)
	require.Nil(t, first.Filter.Cause)
	require.NotNil(t, first.Filter.Channel)
	require.Equal(t, first.ID, b.startReplay(`{"filter":{"channel":"demo"}}`).ID, "one of a filter at a time")
	second := b.startReplay(`{}`)
	require.NotEqual(t, first.ID, second.ID)

	var page struct {
		Replays []store.ReplayBatch
		Next    *string `json:"next_cursor"`
	}
	b.decode(b.ok(http.MethodGet, "/api/v1/turns/replays?limit=1", b.admin, ""), &page)
	require.Equal(t, second.ID, page.Replays[0].ID, "newest first")
	require.NotNil(t, page.Next)
	b.decode(b.ok(http.MethodGet, "/api/v1/turns/replays?limit=1&cursor="+*page.Next, b.admin, ""), &page)
	require.Equal(t, first.ID, page.Replays[0].ID)
	require.Nil(t, page.Next)

	var stopped store.ReplayBatch
	stop := "/api/v1/turns/replays/" + first.ID.String() + "/stop"
	b.decode(b.ok(http.MethodPost, stop, b.admin, ""), &stopped)
	require.Equal(t, store.ReplayStopped, stopped.State)
	require.NotNil(t, stopped.FinishedAt)
	b.ok(http.MethodPost, stop, b.admin, "")
	require.Equal(t, 3, b.workOff(second.ID).Replayed)

	var log struct{ Entries []store.AuditEntry }
	b.decode(b.ok(http.MethodGet, "/api/v1/audit?object="+first.ID.String(), b.admin, ""), &log)
	require.Len(t, log.Entries, 2)
	require.Equal(t, "Anna admin replay_stopped", log.Entries[0].Actor.Name+" "+log.Entries[0].Action)
	require.Equal(t, "Anna admin replay_started", log.Entries[1].Actor.Name+" "+log.Entries[1].Action)

	// No other site can have an admin's browser do it.
	foreign := b.login("admin")
	foreign.Set("Origin", "https://evil.example")
	foreign.Set("Sec-Fetch-Site", "cross-site")
	for _, path := range []string{"/api/v1/turns/replay", stop} {
		require.Equal(t, http.StatusForbidden, b.call(http.MethodPost, path, "", `{}`, foreign).Code, path)
	}
}

func TestTryingAFailedTurnSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	visitor, turn := b.failedTurn("is it there?")
	before := b.ok(http.MethodGet, "/widget/v1/messages", visitor, "")
	tried := func() (out struct {
		Text           string
		Handoff, Error *string
	}) {
		b.decode(b.ok(http.MethodPost, "/api/v1/turns/"+turn.String()+"/replay", b.admin, `{"dry_run":true}`), &out)
		return out
	}
	require.Equal(t, "draft for: is it there?", tried().Text)
	b.bot.err = &bot.Error{Class: bot.ErrorBadKey, Err: errors.New("401")}
	out := tried()
	require.Equal(t, "bad_key", *out.Error)
	require.Empty(t, out.Text)
	require.Equal(t, string(before), string(b.ok(http.MethodGet, "/widget/v1/messages", visitor, "")))
	list, _ := b.failedTurns("&open=true")
	require.Len(t, list, 1)
	require.Nil(t, list[0].Replay)
}

// A draft that cannot be made leaves the failed answer as it was: it can be replayed when the model is back.
func TestReplayWhoseDraftFailsCanBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, turn := b.failedTurn("is it there?")
	list, _ := b.failedTurns("")
	b.ok(http.MethodPut, "/api/v1/dialogues/"+list[0].Dialogue.ID.String()+"/assignee", b.operator, `{"operator_id":"`+b.operatorID("operator").String()+`"}`)
	b.bot.err = &bot.Error{Class: bot.ErrorUnavailable, Err: errors.New("502")}
	path := "/api/v1/turns/" + turn.String() + "/replay"
	w := b.call(http.MethodPost, path, b.admin, `{}`, nil)
	require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
	b.conforms(http.MethodPost, path, w)
	b.bot.err = nil
	b.ok(http.MethodPost, path, b.admin, `{}`)
}

func TestAuditLogTellsWhatOperatorsDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, turn := b.failedTurn("is it there?")
	d := "/api/v1/dialogues/" + b.dialogue.String()
	b.ok(http.MethodPut, d+"/mode", b.operator, `{"mode":"operator"}`)
	b.ok(http.MethodPut, d+"/mode", b.operator, `{"mode":"operator"}`) // changes nothing
	b.ok(http.MethodPost, d+"/messages", b.operator, `{"client_id":"1","text":"hello"}`)
	b.ok(http.MethodPut, d+"/mode", b.operator, `{"mode":"bot"}`)
	b.ok(http.MethodPost, d+"/messages", b.operator, `{"client_id":"2","text":"who writes takes over"}`)
	b.ok(http.MethodPost, "/api/v1/turns/"+turn.String()+"/replay", b.admin, `{}`)
	b.ok(http.MethodPut, "/api/v1/bot", b.admin, `{"version":0,"shop":"Tumar"}`)
	b.ok(http.MethodPatch, "/api/v1/channels/demo", b.admin, `{"name":"Another name"}`)
	var page struct {
		Entries []store.AuditEntry
		Next    *string `json:"next_cursor"`
	}
	var told []string
	cursor := ""
	for {
		b.decode(b.ok(http.MethodGet, "/api/v1/audit?from=2026-01-01T00:00:00Z&limit=3"+cursor, b.admin, ""), &page)
		for _, e := range page.Entries {
			told = append(told, e.Actor.Name+": "+e.Action)
			require.NotContains(t, string(e.Detail), "who writes", "it is no second transcript")
		}
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
	}
	require.Equal(t, []string{
		"Anna admin: channel_changed", "Anna admin: bot_changed", "Anna admin: turn_replayed",
		"Anna operator: taken_over", "Anna operator: returned_to_bot", "Anna operator: taken_over",
	}, told[:6])
	b.decode(b.ok(http.MethodGet, "/api/v1/audit?actor="+b.operatorID("operator").String(), b.admin, ""), &page)
	require.Len(t, page.Entries, 3)
}

// The whole prompt is in a turn's request: the shop's instructions, and what the bot found.
func TestOnlyAdminsSeeWhatTheModelWasSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.store.Pool().Exec(t.Context(), `UPDATE turns SET request = '{"prompt": "secret instructions"}', response = '{"text": "raw"}', answer = 'The answer.',
		sources = '[{"item_id": "0198c0de-0000-7000-8000-000000000001", "title": "Delivery", "text": "In two days.", "score": 0.5}]' WHERE id = $1`, b.turn)
	require.NoError(t, err)
	path := "/api/v1/turns/" + b.turn.String()
	var seen struct {
		Answer            string
		Sources           []any
		Request, Response json.RawMessage
	}
	b.decode(b.ok("GET", path, b.operator, ""), &seen)
	require.Equal(t, "The answer.", seen.Answer)
	require.Len(t, seen.Sources, 1)
	require.JSONEq(t, "null", string(seen.Request))
	require.JSONEq(t, "null", string(seen.Response))
	b.decode(b.ok("GET", path, b.admin, ""), &seen)
	require.JSONEq(t, `{"prompt": "secret instructions"}`, string(seen.Request))
	require.JSONEq(t, `{"text": "raw"}`, string(seen.Response))
}

func TestTurnsAreListedByWhatCameOfThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, failed := b.failedTurn("what failed")
	list := func(query string) (questions []string) {
		var page struct {
			Turns []struct {
				ID       uuid.UUID
				Question string
			}
		}
		b.decode(b.ok(http.MethodGet, "/api/v1/turns?"+query, b.admin, ""), &page)
		for _, turn := range page.Turns {
			questions = append(questions, turn.Question)
		}
		return questions
	}
	all := list("")
	require.Equal(t, "what failed", all[0], "the newest first")
	require.Greater(t, len(all), 1)
	require.Equal(t, []string{"what failed"}, list("state=failed"))
	require.Equal(t, []string{"what failed"}, list("kind=reply&state=failed&channel=demo&cause=unavailable&from=2026-01-01T00:00:00Z"))
	require.Empty(t, list("to=2026-01-01T00:00:00Z"))
	require.Empty(t, list("state=failed&cause=bad_key"))
	require.Empty(t, list("model=another"))
	require.Empty(t, list("prompt_version=another"))
	record, err := b.store.Turn(t.Context(), failed)
	require.NoError(t, err)
	require.Equal(t, []string{"what failed"}, list("dialogue="+record.DialogueID.String()))
	for _, query := range []string{"state=gone", "kind=other", "dialogue=1", "from=yesterday", "channel=nowhere"} {
		status := b.call(http.MethodGet, "/api/v1/turns?"+query, b.admin, "", nil).Code
		require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity}, status, query)
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
	"parley/testenv"
)

// A server written by others plays the model, and fails in every way that servers do. Each customer meets one way;
// each ends in an answer or in a handoff that the customer and the operators see.
func TestWhateverTheModelDoesTheCustomerHears(t *testing.T) {
	t.Parallel()
	model := &fakeModel{url: testenv.Peer(t, "aimock.mjs")}
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_MODEL_TIMEOUT=2s")
	s.startAPI()
	s.startAPI()
	s.startWorker()
	s.startWorker()
	for _, c := range []struct {
		word     string
		handoff  dialogue.HandoffReason // empty: it is answered
		cause    string                 // of a failed turn
		attempts int32
	}{
		{"plain", "", "", 1},
		{"searching", "", "", 1},
		{"limited", "", "", 2},
		{"broken-server", "", "", 2},
		{"unavailable", "", "", 2},
		{"malformed", "", "", 2},
		{"empty", "", "", 2},
		{"disconnected", "", "", 2},
		{"cut", "", "", 2},
		{"hanging", "", "", 2},
		{"handing-over", dialogue.HandoffRule, "", 1},
		{"bad-key", dialogue.HandoffBotError, string(bot.ErrorBadKey), 1},
		{"filtered", dialogue.HandoffBotError, string(bot.ErrorContentFilter), 1},
		{"always-broken", dialogue.HandoffBotError, string(bot.ErrorUnavailable), 4},
		{"never-ending", dialogue.HandoffBotError, string(bot.ErrorTimeout), 4},
	} {
		t.Run(c.word, func(t *testing.T) {
			t.Parallel()
			visitor := s.newCustomer()
			visitor.write("Сколько длится гарантия? " + c.word)
			turn := s.endedTurn(t, visitor.dialogueID())
			require.Equal(t, c.attempts, turn.attempts, turn)
			if c.handoff == "" {
				require.Equal(t, "answered", turn.state, turn)
				answers := visitor.from("bot")
				require.Len(t, answers, 1)
				require.True(t, strings.HasSuffix(answers[0], "Ответ на "+c.word+"."), answers[0])
				require.Positive(t, turn.promptTokens)
				return
			}
			require.Equal(t, []any{string(c.handoff), c.cause}, []any{turn.reason, turn.cause}, turn)
			require.Empty(t, visitor.from("bot"))
			require.Len(t, visitor.from("system"), 1, "the customer is told once")
			require.Contains(t, visitor.from("system")[0], bot.Notice(c.handoff, dialogue.Russian)[:40])
		})
	}
}

// endedTurn is the record of a dialogue's only turn.
type endedTurn struct {
	state, reason, cause string
	attempts, rounds     int32
	promptTokens         int32
	tools                []bot.ToolCall
}

// endedTurn waits until the dialogue's turn has come to its end.
func (s *system) endedTurn(t *testing.T, id uuid.UUID) (out endedTurn) {
	t.Helper()
	eventually(t, "the turn ends", func() bool {
		var tools []byte
		err := s.pool.QueryRow(context.Background(), `SELECT state, coalesce(handoff_reason, (SELECT handoff_reason FROM dialogues WHERE id = $1), ''),
				coalesce(CASE state WHEN 'failed' THEN cause END, ''), attempts, coalesce(rounds, 0), coalesce(prompt_tokens, 0), coalesce(tool_calls, '[]')
			FROM turns WHERE dialogue_id = $1 AND state NOT IN ('running', 'drafted')`, id).
			Scan(&out.state, &out.reason, &out.cause, &out.attempts, &out.rounds, &out.promptTokens, &tools)
		return err == nil && json.Unmarshal(tools, &out.tools) == nil
	})
	return out
}

// The model searches the shop's knowledge; the turn's record says what it looked for and what it found.
func TestWhatTheModelLookedUpIsOnRecord(t *testing.T) {
	t.Parallel()
	model := &fakeModel{url: testenv.Peer(t, "aimock.mjs")}
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("searching")
	c.awaitAnswers(1)
	turn := s.endedTurn(t, c.dialogueID())
	require.EqualValues(t, 2, turn.rounds)
	require.Len(t, turn.tools, 1)
	require.Equal(t, "search_knowledge", turn.tools[0].Name)
	require.JSONEq(t, `{"query":"гарантия"}`, turn.tools[0].Arguments)
	require.NotEmpty(t, turn.tools[0].Found)
}

// A long dialogue goes on knowing what was said at its beginning.
func TestLongDialogueIsSummarized(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var summaries []string
	model := newModel(t, func(_ int, c modelCall) modelReply {
		shown := c.shown()
		if strings.Contains(shown, "You keep the notes") {
			mu.Lock()
			defer mu.Unlock()
			summaries = append(summaries, shown)
			return modelReply{text: "Клиента зовут Ерлан, заказ 7788."}
		}
		return modelReply{text: "Понял. " + strings.Repeat("Подробности ответа. ", 20)}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_MODEL_CONTEXT=3000")
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("Меня зовут Ерлан, мой заказ 7788.")
	c.awaitAnswers(1)
	saved := func() (upTo int64) {
		_ = s.pool.QueryRow(context.Background(), "SELECT up_to_seq FROM dialogue_summaries").Scan(&upTo)
		return upTo
	}
	n := 1
	for ; n < 12 && saved() < 2; n++ {
		c.write("Ещё вопрос. " + strings.Repeat("Расскажите подробнее. ", 10))
		c.awaitAnswers(n + 1)
	}
	eventually(t, "the summary is kept", func() bool { return saved() >= 2 })
	mu.Lock()
	require.Contains(t, summaries[0], "Ерлан")
	mu.Unlock()
	c.write("Как меня зовут?")
	c.awaitAnswers(n + 1)
	calls := model.seen()
	for i := len(calls) - 1; ; i-- {
		if shown := calls[i].shown(); strings.Contains(shown, "Как меня зовут?") && !strings.Contains(shown, "You keep the notes") {
			require.Contains(t, shown, "Клиента зовут Ерлан, заказ 7788.")
			break
		}
	}
}

// When the shop's limit is reached no model is asked, and the customer and the operators are told.
func TestReachedLimitGoesToHumans(t *testing.T) {
	t.Parallel()
	model := newModel(t, saying("Answer."))
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	admin := s.login(adminEmail)
	var settings map[string]any
	admin.must("GET", "/bot", nil, &settings)
	settings["caps"] = map[string]any{"dialogue_turns": 1}
	settings["prices"] = map[string]any{"input": 0.15, "output": 0.6, "currency": "USD"}
	admin.must("PUT", "/bot", settings, nil)

	c := s.newCustomer()
	c.write("Есть доставка?")
	c.awaitAnswers(1)
	c.write("А гарантия?")
	eventually(t, "the customer is told", func() bool { return len(c.from("system")) == 1 })
	s.settled()
	require.Len(t, model.seen(), 1)
	require.Contains(t, c.from("system")[0], "Дальше вам поможет сотрудник")
	var detail string
	for _, m := range admin.transcript(c.dialogueID()) {
		if m.Data != nil {
			detail = m.Data.Detail
		}
	}
	require.Equal(t, string(dialogue.CapDialogueTurns), detail)
	var calls, cost int64
	var currency string
	require.NoError(t, s.pool.QueryRow(context.Background(), `SELECT (SELECT sum(calls) FROM bot_usage)::bigint, cost_micros, currency
		FROM turns WHERE state = 'answered'`).Scan(&calls, &cost, &currency))
	require.EqualValues(t, 1, calls)
	require.Positive(t, cost)
	require.Equal(t, "USD", currency)
}

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/protobuf/proto"

	"parley/dialogue"
	"parley/store"
	"parley/testenv"
	"parley/workflows"
)

// largestEvent is more than an event of a dialogue's history ever needs: ids, counters, short previews and an activity's
// options. The engine refuses payloads of 2 MiB.
const largestEvent = 4 << 10

// engineRun is one run of a dialogue's workflow.
type engineRun struct {
	events, signals, updates int
	largest                  int // event, in bytes
	raw                      []byte
}

// runs are those of a dialogue's workflow, oldest first.
func (s *system) runs(dialogue uuid.UUID) (list []engineRun) {
	s.t.Helper()
	temporal := s.temporal()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for id := ""; ; { // back from the newest run to those before it
		var run engineRun
		events := temporal.GetWorkflowHistory(ctx, workflows.DialogueID(dialogue), id, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		id = ""
		for events.HasNext() {
			e, err := events.Next()
			require.NoError(s.t, err)
			switch e.GetEventType() {
			case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
				id = e.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
			case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
				run.signals++
			case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
				run.updates++
			}
			raw, err := proto.Marshal(e)
			require.NoError(s.t, err)
			run.events++
			run.largest = max(run.largest, len(raw))
			run.raw = append(run.raw, raw...)
		}
		list = append([]engineRun{run}, list...)
		if id == "" {
			return list
		}
	}
}

// longText is so many bytes of words, with its own words at its beginning, in its middle and at its end.
func longText(bytes int, word string) string {
	half := strings.Repeat("filler ", (bytes-len(word)*3-40)/14)
	text := word + "begins " + half + word + "middle " + half + word + "ends"
	return text + strings.Repeat("s", bytes-len(text))
}

// A message of 1 MB, the longest answer, the longest messages of an operator and of a visitor: all arrive whole, and the
// engine sees none of them beyond a preview.
func TestLargestMessagesStayOutOfTheEngine(t *testing.T) {
	t.Parallel()
	const mb, longestAnswer, longestReply, longestVisit = 1 << 20, 16_000, 10_000, 4_000
	server := newTelegram(t, nil)
	model := newModel(t, func(int, modelCall) modelReply { return modelReply{text: longText(longestAnswer, "answer")} })
	s, o := telegramSystem(t, model, server)

	for i, word := range []string{"first", "second"} {
		status, _ := s.update(telegramSecret, textUpdate(i+1, longText(mb, word)))
		require.Equal(t, http.StatusOK, status)
		s.settled()
	}
	d := o.onlyDialogue()
	require.Contains(t, model.seen()[0].lastUser(), "firstends")
	answers := longText(longestAnswer, "answer") + " " + longText(longestAnswer, "answer")
	require.True(t, strings.HasSuffix(strings.Join(server.received(), " "), answers), "in parts, which lose nothing but blanks")
	o.reply(d.ID, longText(longestReply, "operator"))
	s.settled()
	whole := map[string]string{}
	for _, m := range o.transcript(d.ID) {
		if m.Kind == dialogue.KindText {
			whole[string(m.Author)] = m.Text
		}
	}
	for author, text := range map[string]string{
		"customer": longText(mb, "second"), "bot": longText(longestAnswer, "answer"), "operator": longText(longestReply, "operator"),
	} {
		require.True(t, whole[author] == text, "the %s's message has %d bytes, not %d", author, len(whole[author]), len(text))
	}

	c := s.newCustomer()
	c.write(longText(longestVisit, "visitor"))
	require.True(t, strings.HasSuffix(c.awaitAnswers(1)[0], longText(longestAnswer, "answer")))
	s.settled()

	seen := ""
	for _, id := range []uuid.UUID{d.ID, c.dialogueID()} {
		for _, run := range s.runs(id) {
			require.Less(t, run.largest, largestEvent)
			seen += string(run.raw)
		}
	}
	for _, word := range []string{"first", "second", "answer", "visitor"} {
		require.Contains(t, seen, word+"begins", "what is looked at is what the engine keeps")
	}
	for _, word := range []string{"first", "second", "answer", "operator", "visitor"} {
		require.NotContains(t, seen, word+"middle")
		require.NotContains(t, seen, word+"ends")
	}
}

// full reports whether the tests go all the way to the engine's limits, which takes minutes: make slow. Otherwise they go
// as far as it takes to continue as new, and send a quarter of the updates.
func full() bool { return os.Getenv("PARLEY_TEST_LIMITS") == "full" }

// The engine takes so many signals for one run (https://docs.temporal.io/self-hosted-guide/defaults), and suggests from
// so many events on that it continue as new.
const (
	signalsOfARun  = 10_000
	suggestedAfter = 4_096
)

// A run that gets more signals than it should, because its reply goes on and on, continues as new as soon as that is over.
// When it has had as many as the engine takes, what is written then is stored and waits, and the next run answers it.
func TestDialogueOfTenThousandDoorbells(t *testing.T) {
	t.Parallel()
	hold := newHeld()
	model := newModel(t, func(n int, c modelCall) modelReply {
		if n == 0 {
			return hold.answer(c, "Too late.")
		}
		return modelReply{text: "Answer to " + c.lastUser()}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_MODEL_TIMEOUT=5m")
	s.startAPI()
	s.startWorker()
	c := s.newCustomer()
	c.write("the first question")
	hold.await(t)
	id := c.dialogueID()

	temporal := s.temporal()
	bell := workflows.Doorbell{Mode: dialogue.ModeBot, CustomerSeq: 1}
	rings := int64(suggestedAfter)
	if full() {
		rings = signalsOfARun + 100
	}
	began := time.Now()
	var rung, refused atomic.Int64
	var ringing sync.WaitGroup
	for range 32 {
		ringing.Go(func() {
			for rung.Add(1) <= rings {
				ctx, cancel := context.WithTimeout(context.Background(), deadline)
				err := temporal.SignalWorkflow(ctx, workflows.DialogueID(id), "", string(dialogue.RingMessageReceived), bell)
				cancel()
				if _, full := errors.AsType[*serviceerror.InvalidArgument](err); full {
					refused.Add(1)
				} else if err != nil {
					t.Errorf("ring: %v", err)
				}
			}
		})
	}
	ringing.Wait()
	t.Logf("rang %d times in %s", rings, time.Since(began))
	require.Equal(t, full(), refused.Load() > 0, "the run is full")

	c.write("the second question")
	close(hold.release)
	began = time.Now()
	s.settled()
	t.Logf("settled after %s", time.Since(began))
	answers := c.from("bot")
	require.Contains(t, answers[len(answers)-1], "the second question")
	c.write("the third question")
	s.settled()
	answers = c.from("bot")
	require.Contains(t, answers[len(answers)-1], "the third question")

	runs := s.runs(id)
	require.Greater(t, len(runs), 1, "it has continued as new")
	require.GreaterOrEqual(t, runs[0].signals, int(rings-refused.Load()))
	for _, run := range runs {
		require.Zero(t, run.updates)
		t.Logf("run of %d events, %d signals, %d bytes", run.events, run.signals, len(run.raw))
	}
}

// A customer who goes on writing and editing while one run is busy: 2 000 updates of the messenger, and the run takes no
// update of the engine's, of which it might have 2 000.
func TestTwoThousandUpdatesWithinOneRun(t *testing.T) {
	t.Parallel()
	const senders = 8
	updates := 500
	if full() {
		updates = 2000
	}
	hold := newHeld()
	hold.arrived = make(chan modelCall, updates)
	var last atomic.Int64 // the highest number that the model was shown
	model := newModel(t, func(_ int, c modelCall) modelReply {
		for _, word := range strings.Fields(c.lastUser()) {
			var n int64
			if _, err := fmt.Sscanf(word, "number%d", &n); err == nil {
				last.Store(max(last.Load(), n))
			}
		}
		return hold.answer(c, "Answer.")
	})
	server := newTelegram(t, nil)
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_MODEL_TIMEOUT=5m")
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	s.connectTelegram(o, server)
	write := func(id, message int, kind, text string) {
		body := strings.Replace(string(textUpdate(message, text)), fmt.Sprintf(`"update_id":%d`, message), fmt.Sprintf(`"update_id":%d`, id), 1)
		status, _ := s.update(telegramSecret, []byte(strings.Replace(body, `"message":`, kind+":", 1)))
		require.Equal(t, http.StatusOK, status)
	}
	write(1, 1, `"message"`, "number1")
	hold.await(t)
	id := o.onlyDialogue().ID

	began := time.Now()
	var next atomic.Int64
	next.Store(1)
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			// Every message is edited once: half of the updates are edits.
			for n := int(next.Add(1)); n <= updates/2; n = int(next.Add(1)) {
				write(2*n, n, `"message"`, "before")
				write(2*n+1, n, `"edited_message"`, fmt.Sprintf("number%d", n))
			}
		})
	}
	sending.Wait()
	t.Logf("%d updates in %s", updates, time.Since(began))
	require.Len(t, s.runs(id), 1, "all within one run")
	close(hold.release)
	began = time.Now()
	s.settled()
	t.Logf("settled after %s", time.Since(began))

	var stored, distinct int
	require.NoError(t, s.pool.QueryRow(context.Background(),
		"SELECT count(*), count(DISTINCT text) FROM messages WHERE author = 'customer' AND text LIKE 'number%'").Scan(&stored, &distinct))
	require.Equal(t, []int{updates / 2, updates / 2}, []int{stored, distinct})
	write(updates+2, updates+2, `"message"`, fmt.Sprintf("number%d", updates+2))
	s.settled()
	require.EqualValues(t, updates+2, last.Load())
	d := o.dialogue(id)
	require.Equal(t, d.CustomerSeq, d.AnsweredSeq)
	for _, run := range s.runs(id) {
		t.Logf("run of %d events, %d signals, %d bytes", run.events, run.signals, len(run.raw))
		require.Zero(t, run.updates)
		require.Less(t, run.events, 8_000)
	}
}

// queries remembers what a store asks the record, for EXPLAIN.
type queries struct {
	mu   sync.Mutex
	list []pgx.TraceQueryStartData
}

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, data)
	return ctx
}

func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (q *queries) take() []pgx.TraceQueryStartData {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.list
	q.list = nil
	return taken
}

// tracedStore is the record once more, and what it is asked.
func (s *system) tracedStore() (*store.Store, *queries) {
	s.t.Helper()
	config, err := pgxpool.ParseConfig(s.pool.Config().ConnString())
	require.NoError(s.t, err)
	asked := &queries{}
	config.ConnConfig.Tracer = asked
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(s.t, err)
	s.t.Cleanup(pool.Close)
	return store.New(pool, store.Hooks{}), asked
}

// readsOf are the plan of a query that only reads, and how many rows of messages it has looked at; of others nothing.
func (s *system) readsOf(query pgx.TraceQueryStartData) (plan string, looked int) {
	s.t.Helper()
	sql := strings.TrimSpace(query.SQL)
	for strings.HasPrefix(sql, "--") {
		_, rest, _ := strings.Cut(sql, "\n")
		sql = strings.TrimSpace(rest)
	}
	if sql = strings.TrimPrefix(sql, "("); !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH") || strings.Contains(sql, "INSERT INTO") || strings.Contains(sql, "UPDATE ") {
		return "", 0
	}
	rows, err := s.pool.Query(context.Background(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+query.SQL, query.Args...)
	require.NoError(s.t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	for _, line := range lines {
		var n float64
		if _, after, ok := strings.Cut(line, "actual rows="); ok && strings.Contains(line, "messages") {
			_, err := fmt.Sscanf(after, "%f", &n)
			require.NoError(s.t, err)
		} else if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Rows Removed by Filter: "); ok {
			_, err := fmt.Sscanf(rest, "%f", &n)
			require.NoError(s.t, err)
		}
		looked += int(n)
	}
	return strings.Join(lines, "\n"), looked
}

// longDialogue gives a dialogue so many more messages of its past.
const longDialogue = `
INSERT INTO messages (id, dialogue_id, channel_id, episode_id, seq, author, kind, text, state, created_at)
	SELECT gen_random_uuid(), d.id, d.channel_id, d.episode_id, d.last_seq + n, CASE WHEN n % 2 = 1 THEN 'customer' ELSE 'bot' END, 'text',
		'Сколько стоит доставка заказа' || n || ' и когда привезут ' || (ARRAY['чайник','телефон','ноутбук'])[n % 3 + 1],
		CASE WHEN n % 2 = 1 THEN 'received' ELSE 'delivered' END, now() - ($2 - n) * interval '1 second'
	FROM dialogues d, generate_series(1, $2::int) n WHERE d.id = $1`

// A dialogue of 20 000 messages, which are there already: its newest page, a search, what the bot reads and the next answer
// take as little as in a short one.
func TestDialogueOfTwentyThousandMessages(t *testing.T) {
	t.Parallel()
	const messages, everyMatch = 20_000, "search for words that all have"
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	c := s.newCustomer()
	c.write("the first question")
	c.awaitAnswers(1)
	s.settled()
	id := c.dialogueID()
	ctx := context.Background()
	_, err := s.pool.Exec(ctx, longDialogue, id, messages)
	require.NoError(t, err)
	_, err = s.pool.Exec(ctx, `UPDATE dialogues SET last_seq = last_seq + $2, customer_seq = last_seq + $2 - 1, answered_seq = last_seq + $2 - 1 WHERE id = $1`, id, messages)
	require.NoError(t, err)
	_, err = s.pool.Exec(ctx, "ANALYZE")
	require.NoError(t, err)

	traced, asked := s.tracedStore()
	admin, err := s.store.OperatorByEmail(ctx, adminEmail)
	require.NoError(t, err)
	view := o.dialogue(id)
	search := func(words string) func() (int, error) {
		return func() (int, error) {
			found, err := traced.ListDialogues(ctx, store.DialogueFilter{Search: words}, nil, 50)
			return len(found), err
		}
	}
	for _, test := range []struct {
		what string
		do   func() (int, error)
		rows int
	}{
		{everyMatch, search("когда привезут"), 1},
		{"the newest page", func() (int, error) {
			page, _, err := traced.MessagesBefore(ctx, id, math.MaxInt64, 100)
			return len(page), err
		}, 100},
		{"a page in the middle", func() (int, error) {
			page, _, err := traced.MessagesBefore(ctx, id, messages/2, 100)
			return len(page), err
		}, 100},
		{"what came since", func() (int, error) {
			page, _, err := traced.MessagesAfter(ctx, id, view.LastSeq-10, 100)
			return len(page), err
		}, 10},
		{"what the customer sees", func() (int, error) {
			page, err := traced.CustomerMessages(ctx, id, -1, 100)
			return len(page), err
		}, 100},
		{"search for a word that one message has", search("заказа12345"), 1},
		{"search for words that none has", search("заказа12345 утюг"), 0},
		{"what is pending", func() (int, error) { _, err := traced.Pending(ctx, id); return 0, err }, 0},
		{"what waits to leave", func() (int, error) { _, err := traced.NextOutgoing(ctx, id); return 0, err }, 0},
		{"what the bot reads for a turn", func() (int, error) {
			turn, err := traced.OpenSuggestion(ctx, id, admin.ID)
			if err != nil {
				return 0, err
			}
			return 0, traced.FailSuggestion(ctx, turn.ID, store.Failure{Cause: "test", Reason: errors.New("test")})
		}, 0},
	} {
		_, err := test.do() // warm
		require.NoError(t, err, test.what)
		asked.take()
		began := time.Now()
		rows, err := test.do()
		took := time.Since(began)
		require.NoError(t, err, test.what)
		require.Equal(t, test.rows, rows, test.what)
		looked := 0
		for _, query := range asked.take() {
			plan, n := s.readsOf(query)
			looked += n
			if test.what == everyMatch {
				continue // no index spares it the look at each of them
			}
			require.NotContains(t, plan, "Seq Scan on messages", test.what)
			require.Less(t, n, 1000, "%s looks at too many messages:\n%s", test.what, plan)
		}
		require.Less(t, took, 2*time.Second, test.what)
		t.Logf("%-40s %6.1f ms, %d messages", test.what, float64(took.Microseconds())/1000, looked)
	}

	page := o.transcript(id)
	require.Len(t, page, 100)
	require.Equal(t, view.LastSeq, page[99].Seq)
	began := time.Now()
	c.write("the next question")
	s.settled()
	t.Logf("the next message is answered after %s", time.Since(began))
	require.Less(t, time.Since(began), 10*time.Second)
	page = o.transcript(id)
	require.Equal(t, []string{"the next question", "Answer."}, []string{page[98].Text, page[99].Text})
}

package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// bundle is a record with one channel and one operator.
type bundle struct {
	*store.Store
	t       *testing.T
	channel db.Channel
	anna    store.OperatorRef
	mu      sync.Mutex
	bells   []store.Bell
}

func setup(t *testing.T, kind string) *bundle {
	t.Helper()
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b := &bundle{t: t}
	b.Store = store.New(pool, store.Hooks{Rang: func(bell store.Bell) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.bells = append(b.bells, bell)
	}})
	b.channel, err = b.AddChannel(ctx, store.NewChannel{Kind: kind, Slug: "shop", Name: "Shop"})
	require.NoError(t, err)
	o, err := b.AddOperator(ctx, store.NewOperator{Email: "anna@shop.example", Name: "Anna", Role: "operator", PasswordHash: "x"})
	require.NoError(t, err)
	b.anna = store.OperatorRef{ID: o.ID, Name: o.Name}
	return b
}

// write takes a message of the customer of a thread.
func (b *bundle) write(thread, id, text string) store.MessageAndDialogue {
	b.t.Helper()
	out, err := b.TakeMessage(context.Background(), store.Inbound{
		ChannelID: b.channel.ID, ThreadKey: thread, IdentityKind: "test", Identity: thread, ClientID: id, Text: text,
	})
	require.NoError(b.t, err)
	return out
}

func (b *bundle) count(query string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.Pool().QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

func TestTakingTheSameMessageAgainChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	first := b.write("a", "1", "hello")
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() { b.write("a", "1", "hello") })
	}
	group.Wait()
	again := b.write("a", "1", "another text under the same id")
	require.Equal(t, first.Message, again.Message)
	require.Equal(t, first.Dialogue, again.Dialogue)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM events"))
	require.Len(t, b.bells, 1)
}

// Of a dialogue's language the customer's app tells first, and then what was said there.
func TestLanguageOfADialogue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	in := store.Inbound{ChannelID: b.channel.ID, ThreadKey: "a", IdentityKind: "test", Identity: "a", ClientID: "1", Text: "iPhone", Language: dialogue.Kazakh}
	m, err := b.TakeMessage(ctx, in)
	require.NoError(t, err)
	turn, err := b.OpenTurn(ctx, m.Dialogue.ID)
	require.NoError(t, err)
	require.Equal(t, dialogue.Kazakh, turn.Language)
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "1 000 ₸", Language: dialogue.English}, false)
	require.NoError(t, err)
	in.ClientID = "2"
	_, err = b.TakeMessage(ctx, in)
	require.NoError(t, err)
	turn, err = b.OpenTurn(ctx, m.Dialogue.ID)
	require.NoError(t, err)
	require.Equal(t, dialogue.English, turn.Language)

	turn, err = b.OpenTurn(ctx, b.write("b", "1", "iPhone").Dialogue.ID)
	require.NoError(t, err)
	require.Empty(t, turn.Language)
}

// Whether messages can be stored is tried without a trace.
func TestTryingToTakeLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "telegram")
	everything := "SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM dialogues) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM events) + (SELECT count(*) FROM outbox)"
	require.NoError(t, b.CanTake(context.Background(), b.channel.ID))
	require.Zero(t, b.count(everything))
	require.Empty(t, b.bells)
	require.Error(t, b.CanTake(context.Background(), store.NewID()), "of a channel that is not there nothing can be taken")
}

// What a provider delivers again is kept once, for each channel.
func TestDeadLettersAreKeptOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	other, err := b.AddChannel(ctx, store.NewChannel{Kind: "telegram", Slug: "other", Name: "Other"})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, b.KeepDeadLetter(ctx, b.channel.ID, "broken", []byte("{")))
		require.NoError(t, b.KeepDeadLetter(ctx, other.ID, "broken", []byte("{")))
		require.NoError(t, b.KeepDeadLetter(ctx, b.channel.ID, "a reason with \x00", []byte("[")))
	}
	require.Equal(t, 3, b.count("SELECT count(*) FROM dead_letters"))
}

// A megabyte of words that are all different is more than search can hold.
func TestLongestMessageIsStoredWhole(t *testing.T) {
	t.Parallel()
	b := setup(t, "telegram")
	var text strings.Builder
	for i := 0; text.Len() < 1<<20; i++ {
		fmt.Fprintf(&text, "w%07d ", i)
	}
	b.write("a", "1", text.String())
	require.Equal(t, text.Len(), b.count("SELECT length(text) FROM messages WHERE author = 'customer'"))
	for word, found := range map[string]int{"w0000000": 1, "w0010000": 1, "w0100000": 0} {
		list, err := b.ListDialogues(context.Background(), store.DialogueFilter{Search: word}, nil, 50)
		require.NoError(t, err)
		require.Len(t, list, found, "%s: search knows the beginning", word)
	}
}

func TestFirstMessagesAtOnceBeginOneDialogue(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { b.write("a", fmt.Sprint(i), "hello") })
	}
	group.Wait()
	require.Equal(t, 1, b.count("SELECT count(*) FROM dialogues"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM contacts"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes"))
	require.Equal(t, 20, b.count("SELECT count(DISTINCT seq) FROM messages"))
	require.Equal(t, 20, b.count("SELECT max(seq) FROM messages"))
}

func TestBellsOfADialogueAreOneRowThatForgetsOnlyWhatWasHeard(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	heard := b.bells[0]
	_, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	b.write("a", "2", "hello again")
	require.Equal(t, 1, b.count("SELECT count(*) FROM outbox"))

	require.NoError(t, b.ForgetBells(ctx, []store.Bell{heard}))
	require.Equal(t, 1, b.count("SELECT count(*) FROM outbox"), "something has rung since")
	newest := b.bells[len(b.bells)-1]
	require.Equal(t, []dialogue.Ring{dialogue.RingMessageReceived, dialogue.RingOperatorTookOver}, newest.Rings)
	require.Equal(t, dialogue.ModeOperator, newest.Mode)
	require.Equal(t, int64(2), newest.Epoch)

	due, err := b.TakeBells(ctx, 10, time.Minute)
	require.NoError(t, err)
	require.Empty(t, due, "the fast path has a moment")
	_, err = b.Pool().Exec(ctx, "UPDATE outbox SET due_at = now() - interval '1 s'")
	require.NoError(t, err)
	due, err = b.TakeBells(ctx, 10, time.Minute)
	require.NoError(t, err)
	require.Equal(t, []store.Bell{newest}, due)
	again, err := b.TakeBells(ctx, 10, time.Minute)
	require.NoError(t, err)
	require.Empty(t, again, "leased")
	require.NoError(t, b.ForgetBells(ctx, due))
	require.Zero(t, b.count("SELECT count(*) FROM outbox"))
}

func TestTurnIsFoundAgainAndFinishedOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "first question").Dialogue.ID
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	b.write("a", "2", "second question")
	again, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	require.Equal(t, turn.ID, again.ID)
	require.Len(t, again.Questions, 2)

	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "too early"}, false)
	require.ErrorIs(t, err, store.ErrNewerMessage)
	done, err := b.FinishTurn(ctx, again, store.TurnResult{Text: "answer", Language: dialogue.English}, false)
	require.NoError(t, err)
	require.Equal(t, done.Dialogue.CustomerSeq, done.Dialogue.AnsweredSeq)
	require.Equal(t, "en", *done.Dialogue.Language)
	_, err = b.FinishTurn(ctx, again, store.TurnResult{Text: "answer"}, false)
	require.ErrorIs(t, err, store.ErrSuperseded)
	_, err = b.OpenTurn(ctx, id)
	require.ErrorIs(t, err, store.ErrSuperseded, "nothing is unanswered")
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE state = 'answered' AND restarts = 1"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes WHERE first_answered_by = 'bot'"))
}

func TestHandoffTellsTheCustomerAndIsNoAnswer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "a human please").Dialogue.ID
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	done, err := b.FinishTurn(ctx, turn, store.TurnResult{Handoff: dialogue.HandoffCustomerAsked, Notice: "one moment"}, false)
	require.NoError(t, err)
	d := done.Dialogue
	require.Equal(t, dialogue.ModeOperator, d.Mode)
	require.Equal(t, dialogue.StatusNew, d.Status)
	require.NotNil(t, d.WaitingSince)
	require.Zero(t, d.AnsweredSeq)
	list, _, err := b.MessagesAfter(ctx, id, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []dialogue.Kind{dialogue.KindText, dialogue.KindEvent, dialogue.KindNotice}, []dialogue.Kind{list[0].Kind, list[1].Kind, list[2].Kind})
	customer, err := b.CustomerMessages(ctx, id, -1, 10)
	require.NoError(t, err)
	require.Len(t, customer, 2, "the customer does not see the timeline")
	require.Equal(t, 1, b.count("SELECT count(*) FROM events WHERE audience = 'operators'"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE actor_kind = 'bot' AND action = 'handed_off' AND object_id = $1 AND detail->>'reason' = 'customer_asked'", id))

	_, err = b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	_, err = b.OpenTurn(ctx, id)
	require.ErrorIs(t, err, store.ErrSuperseded, "it does not hand the same message over again")
}

func TestMessageIntoAClosedDialogueOpensAnEpisodeOfTheBot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "hello").Dialogue.ID
	_, err := b.PostOperatorMessage(ctx, store.OperatorMessage{DialogueID: id, Operator: b.anna, ClientID: "1", Text: "hi"})
	require.NoError(t, err)
	closed, err := b.Close(ctx, id, b.anna)
	require.NoError(t, err)
	require.Equal(t, dialogue.StatusClosed, closed.Status)
	d := b.write("a", "2", "one more thing").Dialogue
	require.Equal(t, dialogue.ModeBot, d.Mode)
	require.Equal(t, dialogue.StatusOpen, d.Status)
	require.Nil(t, d.Assignee)
	require.Equal(t, 1, b.count("SELECT count(*) FROM audit WHERE actor_kind = 'customer' AND action = 'returned_to_bot' AND object_id = $1", id))
	list, _, err := b.MessagesAfter(ctx, id, closed.LastSeq, 10)
	require.NoError(t, err)
	require.Equal(t, []any{store.TimelineReturned, "message", dialogue.AuthorCustomer}, []any{list[0].Data.Type, list[0].Data.Detail, list[1].Author})
	require.Equal(t, 2, b.count("SELECT count(*) FROM episodes"))
	require.Equal(t, 1, b.count("SELECT count(*) FROM episodes WHERE closed_at IS NOT NULL AND first_answered_by = 'operator'"))
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	require.Len(t, turn.Questions, 1)
}

func TestReadingAndReceipts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "1", "one").Dialogue.ID
	b.write("a", "2", "two")
	d, err := b.MarkRead(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, int32(1), d.Unread)
	_, err = b.MarkRead(ctx, id, 2)
	require.NoError(t, err)
	late, err := b.MarkRead(ctx, id, 1)
	require.NoError(t, err)
	require.Zero(t, late.Unread, "what one has read is read, although another's screen tells of less later")
	require.Equal(t, int64(2), late.ReadSeq)
	sent, err := b.PostOperatorMessage(ctx, store.OperatorMessage{DialogueID: id, Operator: b.anna, ClientID: "1", Text: "hi"})
	require.NoError(t, err)
	require.Zero(t, sent.Dialogue.Unread)
	state := func() string {
		var s string
		require.NoError(t, b.Pool().QueryRow(ctx, "SELECT state FROM messages WHERE id = $1", sent.Message.ID).Scan(&s))
		return s
	}
	require.NoError(t, b.MarkReceived(ctx, id, sent.Message.Seq, 0))
	require.Equal(t, "delivered", state())
	require.NoError(t, b.MarkReceived(ctx, id, 0, sent.Message.Seq))
	require.Equal(t, "read", state())
	events := b.count("SELECT count(*) FROM events")
	require.NoError(t, b.MarkReceived(ctx, id, sent.Message.Seq, 0))
	require.Equal(t, "read", state(), "never backwards")
	require.Equal(t, events, b.count("SELECT count(*) FROM events"))
	require.Equal(t, 3, b.count("SELECT count(*) FROM events WHERE audience = 'everyone'"), "receipts are nothing new to the customer")
}

// The promise of the switch, under everything at once.
func TestNoBotMessageAfterTheSwitchReturned(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	id := b.write("a", "0", "hello").Dialogue.ID

	const rounds = 60
	var group sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 { // what workers do
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				turn, err := b.OpenTurn(ctx, id)
				if err != nil {
					continue
				}
				_, _ = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, random.IntN(2) == 0)
			}
		})
	}
	group.Go(func() { // what the customer does
		for i := range rounds * 4 {
			_, err := b.TakeMessage(ctx, store.Inbound{
				ChannelID: b.channel.ID, ThreadKey: "a", IdentityKind: "test", Identity: "a", ClientID: fmt.Sprint("c", i), Text: "question",
			})
			if err != nil {
				t.Errorf("take a message: %v", err)
			}
		}
	})
	lastSeq := func(author string) (seq int64) {
		err := b.Pool().QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM messages WHERE author = $1", author).Scan(&seq)
		require.NoError(t, err)
		return seq
	}
	for range rounds { // what the operator does
		_, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
		require.NoError(t, err)
		before := lastSeq("bot")
		_, err = b.PostNote(ctx, id, b.anna, uuid.NewString(), "the bot is silent now")
		require.NoError(t, err)
		require.Equal(t, before, lastSeq("bot"))
		_, err = b.SetMode(ctx, id, dialogue.ModeBot, b.anna)
		require.NoError(t, err)
	}
	close(stop)
	group.Wait()
	require.Equal(t, b.count("SELECT count(*) FROM messages"), b.count("SELECT max(seq) FROM messages"), "no gap in seq")
	// Each answer covers messages that no other covers.
	require.Zero(t, b.count(`SELECT count(*) FROM turns x JOIN turns y ON x.id <> y.id AND x.dialogue_id = y.dialogue_id
		AND x.state = 'answered' AND y.state = 'answered' AND x.from_seq < y.to_seq AND y.from_seq < x.to_seq`))
}

func TestOneOfSeveralAttemptsSends(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	done, err := b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
	require.NoError(t, err)
	require.True(t, done.ToSend)
	require.Zero(t, done.Dialogue.AnsweredSeq, "a draft is no answer")
	m, err := b.beginDraft(turn.ID)
	require.NoError(t, err)
	require.Equal(t, "answer", m.Text)
	_, err = b.beginDraft(turn.ID)
	require.ErrorIs(t, err, store.ErrSuperseded, "it counts as the answer already")
	b.deliver(m, dialogue.StateQueued, "", "retry after 7")
	require.NoError(t, b.begin(&m))
	require.ErrorIs(t, b.begin(&m), store.ErrTaken)
	b.deliver(m, dialogue.StateSent, "a/1", "")
	require.ErrorIs(t, b.begin(&m), store.ErrTaken, "one that was stopped before it began")
	next, err := b.NextOutgoing(ctx, id)
	require.NoError(t, err)
	require.Nil(t, next)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))
}

func TestTakenOverBeforeItIsSent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	id := b.write("a", "1", "hello").Dialogue.ID
	turn, err := b.OpenTurn(ctx, id)
	require.NoError(t, err)
	_, err = b.FinishTurn(ctx, turn, store.TurnResult{Text: "answer"}, false)
	require.NoError(t, err)
	m, err := b.beginDraft(turn.ID)
	require.NoError(t, err)
	b.deliver(m, dialogue.StateQueued, "", "retry after 7")
	d, err := b.SetMode(ctx, id, dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	require.Equal(t, "failed", b.state(m.ID))
	require.Zero(t, d.AnsweredSeq, "it was no answer")
	require.ErrorIs(t, b.begin(&m), store.ErrSuperseded)
}

func TestListAndSearch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "telegram")
	names := []string{"Ерлан Сейітов", "Анна Петрова", "John O'Hara"}
	texts := []string{"Кепілдік қанша ай беріледі?", "Сколько стоит доставка?", "50% off: is it_true? \\ 'quoted'"}
	ids := make([]uuid.UUID, 3)
	for i := range names {
		out, err := b.TakeMessage(ctx, store.Inbound{
			ChannelID: b.channel.ID, ThreadKey: fmt.Sprint("77010000", i), IdentityKind: "test", Identity: names[i], ContactName: names[i],
			ProviderMessageID: fmt.Sprint(i), Text: texts[i],
		})
		require.NoError(t, err)
		ids[i] = out.Dialogue.ID
	}
	for search, want := range map[string][]int{
		"сейіт": {0}, "петров": {1}, "o'hara": {2}, "770100001": {1}, "кепілд": {0}, "доставка стоит": {1}, "quoted": {2},
		"%": {}, "_": {}, `\`: {}, "':*": {}, "& | !": {}, ids[2].String(): {2}, "nothing like it": {},
	} {
		list, err := b.ListDialogues(ctx, store.DialogueFilter{Search: search}, nil, 10)
		require.NoError(t, err, search)
		found := []uuid.UUID{}
		for _, d := range list {
			found = append(found, d.ID)
		}
		wanted := []uuid.UUID{}
		for _, i := range want {
			wanted = append(wanted, ids[i])
		}
		require.ElementsMatch(t, wanted, found, search)
	}

	_, err := b.SetMode(ctx, ids[0], dialogue.ModeOperator, b.anna)
	require.NoError(t, err)
	for name, filter := range map[string]store.DialogueFilter{
		"mode": {Mode: dialogue.ModeOperator}, "waiting": {Waiting: true}, "assignee": {Assignee: uuid.NullUUID{UUID: b.anna.ID, Valid: true}},
		"all at once": {Mode: dialogue.ModeOperator, Statuses: []dialogue.Status{dialogue.StatusOpen}, Channel: uuid.NullUUID{UUID: b.channel.ID, Valid: true}, Unread: true},
	} {
		list, err := b.ListDialogues(ctx, filter, nil, 10)
		require.NoError(t, err, name)
		require.Len(t, list, 1, name)
		require.Equal(t, ids[0], list[0].ID, name)
	}

	// Pages have neither gaps nor repetitions.
	var all []uuid.UUID
	var place *store.Place
	for {
		list, err := b.ListDialogues(ctx, store.DialogueFilter{}, place, 1)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		all = append(all, list[0].ID)
		place = &store.Place{At: list[0].LastMessage.CreatedAt, ID: list[0].ID}
	}
	require.Equal(t, []uuid.UUID{ids[2], ids[1], ids[0]}, all)
}

// A ring that was heard twice is forgotten twice. The second time there may be a newer bell.
func TestForgettingLateForgetsNoNewerBell(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t, "widget")
	b.write("a", "1", "hello")
	heard := b.bells[:1]
	require.NoError(t, b.ForgetBells(ctx, heard))
	b.write("a", "2", "hello again")
	require.NoError(t, b.ForgetBells(ctx, heard))
	require.Equal(t, 1, b.count("SELECT count(*) FROM outbox"))
}

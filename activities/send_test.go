package activities_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/bot"
	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/workflows"
)

type fakeAccounts struct{ err error }

func (f fakeAccounts) Account(c db.Channel) (channel.Account, error) {
	return channel.Account{ID: c.ID.String(), Kind: c.Kind}, f.err
}

// fakeSender is a provider. before, when set, is asked first what becomes of a
// message; calls count from 1.
type fakeSender struct {
	before func(call int, out channel.Outgoing) error

	mu    sync.Mutex
	calls int
	sent  []channel.Outgoing
}

func (f *fakeSender) Send(_ context.Context, _ channel.Account, out channel.Outgoing) (string, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if f.before != nil {
		if err := f.before(call, out); err != nil {
			return "", err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, out)
	return fmt.Sprint(out.ThreadKey, "/sent/", call), nil
}

func (f *fakeSender) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	texts := []string{}
	for _, out := range f.sent {
		texts = append(texts, out.Text)
	}
	return texts
}

type sendBundle struct {
	*bundle
	sender *fakeSender
	sends  *activities.Sends
}

func setupSend(t *testing.T) *sendBundle {
	t.Helper()
	b := &sendBundle{bundle: setup(t, channel.Telegram), sender: &fakeSender{}}
	b.sends = &activities.Sends{
		Store: b.Store, Accounts: fakeAccounts{}, Senders: map[string]channel.Sender{channel.Telegram: b.sender}, Log: slog.New(slog.DiscardHandler),
	}
	return b
}

func (b *sendBundle) send(id, turn uuid.UUID) (workflows.SendResult, error) {
	return execute[workflows.SendResult](b.sends.Send, workflows.SendInput{DialogueID: id, TurnID: turn})
}

func (b *sendBundle) operatorWrites(id uuid.UUID, text string) uuid.UUID {
	b.t.Helper()
	out, err := b.PostOperatorMessage(b.ctx, store.OperatorMessage{DialogueID: id, Operator: b.anna, ClientID: text, Text: text})
	require.NoError(b.t, err)
	return out.Message.ID
}

// draft has the bot write an answer that waits to be sent.
func (b *sendBundle) draft(id uuid.UUID, text string) (turn uuid.UUID) {
	b.t.Helper()
	b.bot.says(text)
	res := b.answered(id)
	require.True(b.t, res.ToSend)
	return res.TurnID
}

// states lists the states of what goes to the customer, in order, with the reason why not.
func (b *sendBundle) states(id uuid.UUID) []string {
	b.t.Helper()
	list, _, err := b.MessagesAfter(b.ctx, id, 0, 100)
	require.NoError(b.t, err)
	states := []string{}
	for _, m := range list {
		if m.Author == dialogue.AuthorCustomer || !m.Kind.CustomerSees() {
			continue
		}
		state := string(m.State)
		if m.Error != nil {
			state += ": " + *m.Error
		}
		states = append(states, state)
	}
	return states
}

func (b *sendBundle) waiting(id uuid.UUID) bool {
	b.t.Helper()
	d, err := b.Dialogue(b.ctx, id)
	require.NoError(b.t, err)
	return d.WaitingSince != nil
}

func TestDraftIsSentOnce(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "an answer")
	for range 2 {
		res, err := b.send(id, turn)
		require.NoError(t, err)
		require.Equal(t, workflows.Doorbell{Epoch: 1, Mode: dialogue.ModeBot, CustomerSeq: 1, AnsweredSeq: 1}, res.State)
	}
	require.Equal(t, []channel.Outgoing{{ThreadKey: "77", Text: "an answer"}}, b.sender.sent)
	require.Equal(t, []string{"sent"}, b.states(id))
	require.Equal(t, store.TurnAnswered, b.turn(turn).State)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE provider_message_id = '77/sent/1' AND state = 'sent'"))
}

func TestOperatorsMessagesGoFirstAndInOrder(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	for _, text := range []string{"first", "second", "third"} {
		b.operatorWrites(id, text)
	}
	_, err := b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	b.write("two")
	turn := b.draft(id, "the bot's")
	res, err := b.send(id, turn)
	require.NoError(t, err)
	require.Equal(t, 4, res.Sent)
	require.Equal(t, []string{"first", "second", "third", "the bot's"}, b.sender.texts())
}

func TestTakeoverKeepsADraftIn(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "too late")
	b.takeOver(id)
	b.operatorWrites(id, "I am here")
	res, err := b.send(id, turn)
	require.NoError(t, err)
	require.Equal(t, []string{"I am here"}, b.sender.texts())
	require.Equal(t, dialogue.ModeOperator, res.State.Mode)
	require.Equal(t, store.TurnSuperseded, b.turn(turn).State)
}

func TestTakeoverStopsTheBotsMessageThatIsStillQueued(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "too late")
	require.NoError(t, b.SendDraft(b.ctx, turn))
	b.takeOver(id)
	_, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, b.sender.texts())
	require.Equal(t, []string{"failed: taken over before it was sent"}, b.states(id))
	require.True(t, b.waiting(id), "nobody has answered the customer")
}

func TestTakeoverWaitsForTheMessageThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "on its way")
	var inFlight []uuid.UUID
	b.sender.before = func(int, channel.Outgoing) error {
		b.takeOver(id)
		var err error
		inFlight, err = b.WaitForBotSends(b.ctx, id, 100*time.Millisecond)
		return err
	}
	_, err := b.send(id, turn)
	require.NoError(t, err)
	require.Len(t, inFlight, 1, "the takeover names the message that it cannot call back")
	require.Equal(t, []string{"on its way"}, b.sender.texts())
	settled, err := b.WaitForBotSends(b.ctx, id, time.Minute)
	require.NoError(t, err)
	require.Empty(t, settled)
}

// The process died between the call to the provider and its record.
func TestMessageLeftOnItsWayIsNotSentTwice(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "perhaps")
	b.operatorWrites(id, "surely")
	left, err := b.NextOutgoing(b.ctx, id)
	require.NoError(t, err)
	require.NoError(t, b.BeginSend(b.ctx, left.Message))

	res, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"surely"}, b.sender.texts())
	require.Equal(t, []string{"unconfirmed", "sent"}, b.states(id))
	require.Equal(t, []int{1, 1}, []int{res.Sent, res.Failed})
	require.True(t, b.waiting(id), "somebody has to look")
}

func TestOutcomesOfASend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err    error
		states []string
	}{
		"refused":           {&channel.SendError{Outcome: channel.Refused, Reason: "blocked by the user"}, []string{"failed: blocked by the user", "sent"}},
		"unknown":           {&channel.SendError{Outcome: channel.Unknown, Reason: "no answer in time"}, []string{"unconfirmed: no answer in time", "sent"}},
		"an adapter's slip": {errors.New("index out of range"), []string{"unconfirmed: internal error", "sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSend(t)
			id := b.write("one")
			b.operatorWrites(id, "first")
			b.operatorWrites(id, "second")
			b.sender.before = func(_ int, out channel.Outgoing) error {
				if out.Text == "first" {
					return test.err
				}
				return nil
			}
			res, err := b.send(id, uuid.Nil)
			require.NoError(t, err)
			require.Equal(t, test.states, b.states(id), "the rest goes on")
			require.Equal(t, []int{1, 1}, []int{res.Sent, res.Failed})
			require.NotEmpty(t, res.Error)
			require.True(t, b.waiting(id))
		})
	}
}

func TestRateLimitedMessageKeepsItsPlace(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "first")
	b.operatorWrites(id, "second")
	b.sender.before = func(call int, _ channel.Outgoing) error {
		if call == 1 {
			return &channel.SendError{Outcome: channel.NotSent, Reason: "retry after 7", RetryAfter: 7 * time.Second}
		}
		return nil
	}
	_, err := b.send(id, uuid.Nil)
	limited := applicationError(t, err)
	require.False(t, limited.NonRetryable())
	require.Equal(t, 7*time.Second, limited.NextRetryDelay())
	require.Equal(t, []string{"queued: retry after 7", "queued"}, b.states(id))

	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, b.sender.texts())
	require.Equal(t, []string{"sent", "sent"}, b.states(id))
	require.False(t, b.waiting(id))
}

func TestWhatThisWorkerCannotSendWaits(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "hello")
	whole := *b.sends
	b.sends.Accounts = fakeAccounts{errors.New("sealed under another key")}
	_, err := b.send(id, uuid.Nil)
	require.ErrorContains(t, err, "another key")
	b.sends.Accounts, b.sends.Senders = whole.Accounts, nil
	_, err = b.send(id, uuid.Nil)
	require.ErrorContains(t, err, channel.Telegram)
	require.Equal(t, []string{"queued"}, b.states(id))
	*b.sends = whole
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"hello"}, b.sender.texts())
}

func TestNoticeOfAHandoffIsSentAlthoughTheBotIsOut(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		return bot.Answer{Handoff: dialogue.HandoffNoAnswer, Language: dialogue.English}, nil
	}
	id := b.write("one")
	require.Equal(t, workflows.ReplyHandedOff, b.answered(id).Outcome)
	_, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{bot.Notice(dialogue.HandoffNoAnswer, dialogue.English)}, b.sender.texts())
}

func TestSendInADialogueThatIsGoneIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	_, err := b.send(uuid.New(), uuid.Nil)
	gone := applicationError(t, err)
	require.True(t, gone.NonRetryable())
	require.Equal(t, workflows.GoneErrorType, gone.Type())
}

// Two attempts at once, of which the engine took one for dead: the customer gets
// every message once.
func TestTwoAttemptsAtOnceSendOnce(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "an answer")
	var attempts sync.WaitGroup
	for range 4 {
		attempts.Go(func() { _, _ = b.send(id, turn) })
	}
	attempts.Wait()
	require.Equal(t, []string{"an answer"}, b.sender.texts())
	require.Equal(t, store.TurnAnswered, b.turn(turn).State)
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot' AND state = 'sent'"))
}

func TestProvidersWordsThatTheRecordCannotHold(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "hello")
	b.sender.before = func(int, channel.Outgoing) error {
		return &channel.SendError{Outcome: channel.Refused, Reason: "blocked\x00 \xff"}
	}
	_, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"failed: blocked \uFFFD"}, b.states(id))
}

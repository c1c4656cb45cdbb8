package activities_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	before func(call int, text string) error
	pace   channel.Pace

	mu    sync.Mutex
	calls int
	sent  []sentPart
}

type sentPart struct{ thread, text string }

// Parts cuts at line ends.
func (f *fakeSender) Parts(text string) []string { return strings.Split(text, "\n") }

func (f *fakeSender) Pace(channel.Account) channel.Pace { return f.pace }

func (f *fakeSender) Send(_ context.Context, _ channel.Account, thread, text string) (string, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if f.before != nil {
		if err := f.before(call, text); err != nil {
			return "", err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, sentPart{thread, text})
	return fmt.Sprint(thread, "/sent/", call), nil
}

func (f *fakeSender) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	texts := []string{}
	for _, out := range f.sent {
		texts = append(texts, out.text)
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
	b := &sendBundle{bundle: setup(t, channel.Telegram), sender: &fakeSender{pace: channel.Pace{Every: time.Millisecond, Burst: time.Second}}}
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
		require.Equal(t, b.state(id), res.State)
	}
	require.Equal(t, []sentPart{{"77", "an answer"}}, b.sender.sent)
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

// The answer met the provider's rate limit, and somebody took over meanwhile: it
// was no answer, also not after the dialogue is handed back.
func TestTakeoverTakesBackTheBotsMessageThatIsStillQueued(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "too late")
	b.sender.before = func(int, string) error {
		return &channel.SendError{Outcome: channel.Paused, Reason: "retry after 7", RetryAfter: 7 * time.Second}
	}
	_, err := b.send(id, turn)
	require.Error(t, err)
	require.Equal(t, []string{"queued: retry after 7"}, b.states(id))
	b.takeOver(id)
	require.Equal(t, []string{"failed: taken over before it was sent"}, b.states(id))
	require.True(t, b.waiting(id), "nobody has answered the customer")
	require.Equal(t, store.TurnSuperseded, b.turn(turn).State)

	res, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, b.sender.texts())
	require.Equal(t, int64(0), res.State.AnsweredSeq)

	_, err = b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	again := b.draft(id, "in time")
	require.NotEqual(t, turn, again)
	b.sender.before = nil
	require.NoError(t, b.endPause())
	_, err = b.send(id, again)
	require.NoError(t, err)
	require.Equal(t, []string{"in time"}, b.sender.texts())
}

// The provider took nothing, which shows only after somebody took over: the
// question is unanswered again, whoever holds the dialogue by then.
func TestAnswerThatTurnsOutNotToHaveLeftAfterATakeover(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		b := setupSend(t)
		id := b.write("one")
		turn := b.draft(id, "too late")
		b.sender.before = func(call int, _ string) error {
			if call > 1 {
				return nil
			}
			b.takeOver(id)
			if back {
				_, err := b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
				require.NoError(t, err)
			}
			return &channel.SendError{Outcome: channel.NotSent, Reason: "no connection"}
		}
		_, err := b.send(id, turn)
		require.Error(t, err)
		require.Equal(t, []string{"failed: taken over before it was sent"}, b.states(id))
		d, err := b.Dialogue(b.ctx, id)
		require.NoError(t, err)
		require.Equal(t, int64(0), d.AnsweredSeq)
		require.Equal(t, !back, b.waiting(id), "operators see that the customer waits")
		_, err = b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
		require.NoError(t, err)
		_, err = b.send(id, b.draft(id, "in time"))
		require.NoError(t, err)
		require.Equal(t, []string{"in time"}, b.sender.texts())
	}
}

// A person answered meanwhile: the bot does not answer again.
func TestAnswerThatDidNotLeaveAndThatAHumanGaveInstead(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "too late")
	b.sender.before = func(call int, _ string) error {
		if call > 1 {
			return nil
		}
		b.operatorWrites(id, "a human's")
		return &channel.SendError{Outcome: channel.NotSent, Reason: "no connection"}
	}
	_, err := b.send(id, turn)
	require.Error(t, err)
	_, err = b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	p, err := b.Pending(b.ctx, id)
	require.NoError(t, err)
	require.False(t, p.Due())
}

// What an operator has decided to send is not taken back by a takeover.
func TestTakeoverLeavesWhatAnOperatorSendsAgain(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.sender.before = func(call int, _ string) error {
		if call == 1 {
			return &channel.SendError{Outcome: channel.Unknown, Reason: "no answer in time"}
		}
		return nil
	}
	_, err := b.send(id, b.draft(id, "the bot's"))
	require.NoError(t, err)
	unsure, err := b.WaitForBotSends(b.ctx, id, time.Minute)
	require.NoError(t, err)
	_, err = b.Resend(b.ctx, id, unsure[0], b.anna)
	require.NoError(t, err)
	b.takeOver(id)
	require.Equal(t, []string{"queued"}, b.states(id))
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"the bot's"}, b.sender.texts())
	d, err := b.Dialogue(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, d.CustomerSeq, d.AnsweredSeq)
}

// A dialogue is closed while the bot's answer still waits: it is not sent any more.
func TestClosingTakesBackWhatWaitsToLeave(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "too late")
	b.sender.before = func(int, string) error {
		return &channel.SendError{Outcome: channel.NotSent, Reason: "no connection"}
	}
	_, err := b.send(id, turn)
	require.Error(t, err)
	_, err = b.Close(b.ctx, id, b.anna)
	require.NoError(t, err)
	b.sender.before = nil
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, b.sender.texts())
	p, err := b.Pending(b.ctx, id)
	require.NoError(t, err)
	require.False(t, p.Due())
}

// A closed dialogue is taken over: the customer's next message is the operator's.
func TestTakeoverOfAClosedDialogueOpensIt(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.takeOver(id)
	_, err := b.Close(b.ctx, id, b.anna)
	require.NoError(t, err)
	b.takeOver(id)
	b.write("two")
	d, err := b.Dialogue(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, dialogue.ModeOperator, d.Mode)
	require.Equal(t, dialogue.StatusOpen, d.Status)
}

// Between two parts of a long message its process was taken for dead: the rest does not leave.
func TestRestOfALongMessageStaysInWhenItIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "part one\npart two")
	b.sender.before = func(int, string) error {
		_, err := b.Pool().Exec(b.ctx, "UPDATE messages SET state = 'unconfirmed' WHERE dialogue_id = $1 AND state = 'sending'", id)
		return err
	}
	_, err := b.send(id, uuid.Nil)
	require.Error(t, err)
	require.Equal(t, []string{"part one"}, b.sender.texts())
	require.Equal(t, []string{"unconfirmed"}, b.states(id))
}

// endPause ends what the provider asked for.
func (b *sendBundle) endPause() error {
	_, err := b.Pool().Exec(b.ctx, "UPDATE channel_pace SET blocked_until = NULL")
	return err
}

func TestTakeoverWaitsForTheMessageThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "on its way")
	var inFlight []uuid.UUID
	b.sender.before = func(int, string) error {
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
	_, err = b.BeginSend(b.ctx, &left.Message, b.sender.pace, false)
	require.NoError(t, err)

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
			b.sender.before = func(_ int, text string) error {
				if text == "first" {
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

func TestRateLimitedMessageKeepsItsPlaceAndStopsItsAccountOnly(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "first")
	b.operatorWrites(id, "second")
	b.sender.before = func(call int, _ string) error {
		if call == 1 {
			return &channel.SendError{Outcome: channel.Paused, Reason: "retry after 70", RetryAfter: 70 * time.Second}
		}
		return nil
	}
	_, err := b.send(id, uuid.Nil)
	limited := applicationError(t, err)
	require.False(t, limited.NonRetryable())
	require.Equal(t, 70*time.Second, limited.NextRetryDelay())
	require.Equal(t, []string{"queued: retry after 70", "queued"}, b.states(id))

	_, err = b.send(id, uuid.Nil)
	require.Greater(t, applicationError(t, err).NextRetryDelay(), 60*time.Second, "the whole account waits")
	require.Empty(t, b.sender.texts())

	other, err := b.AddChannel(b.ctx, store.NewChannel{Kind: channel.Telegram, Slug: "other", Name: "Other"})
	require.NoError(t, err)
	theirs, err := b.TakeMessage(b.ctx, store.Inbound{ChannelID: other.ID, ThreadKey: "88", IdentityKind: "test", Identity: "88", ProviderMessageID: "88/1", Text: "one"})
	require.NoError(t, err)
	b.operatorWrites(theirs.Dialogue.ID, "of another account")
	_, err = b.send(theirs.Dialogue.ID, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"of another account"}, b.sender.texts(), "other accounts go on")
	require.Equal(t, []string{"queued: retry after 70", "queued"}, b.states(id))

	require.NoError(t, b.endPause())
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"of another account", "first", "second"}, b.sender.texts())
	require.Equal(t, []string{"sent", "sent"}, b.states(id))
	require.False(t, b.waiting(id))
}

// Half of a long message is out: the rest follows, and nothing comes twice.
func TestLongMessageGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	b.operatorWrites(id, "part one\npart two\npart three")
	b.sender.before = func(call int, _ string) error {
		if call == 2 {
			return &channel.SendError{Outcome: channel.NotSent, Reason: "no connection"}
		}
		return nil
	}
	_, err := b.send(id, uuid.Nil)
	require.Error(t, err)
	require.Equal(t, []string{"queued: no connection"}, b.states(id))
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"part one", "part two", "part three"}, b.sender.texts())
	require.Equal(t, []string{"sent"}, b.states(id))
}

// A channel that does not work keeps its messages: operators see why at the
// message, admins at the channel. Mended, it sends them.
func TestWhatCannotLeaveWaitsWithItsReason(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(b *sendBundle) (reason string){
		"another key": func(b *sendBundle) string {
			b.sends.Accounts = fakeAccounts{errors.New("sealed under another key")}
			return "sealed under another key"
		},
		"no adapter": func(b *sendBundle) string {
			b.sends.Senders = nil
			return "this worker cannot send to channels of kind telegram"
		},
		"the token is revoked": func(b *sendBundle) string {
			b.sender.before = func(call int, _ string) error {
				if call == 1 {
					return &channel.SendError{Outcome: channel.Broken, Reason: "the token is not accepted"}
				}
				return nil
			}
			return "the token is not accepted"
		},
	} {
		for _, author := range []string{"operator", "bot"} {
			t.Run(name+"/"+author, func(t *testing.T) {
				t.Parallel()
				b := setupSend(t)
				id := b.write("one")
				turn := uuid.Nil
				if author == "bot" {
					turn = b.draft(id, "hello")
				} else {
					b.operatorWrites(id, "hello")
				}
				whole := *b.sends
				reason := breaks(b)
				_, err := b.send(id, turn)
				require.ErrorContains(t, err, reason)
				require.Equal(t, []string{"queued: " + reason}, b.states(id))
				require.True(t, b.waiting(id))
				ch, err := b.Channel(b.ctx, "shop")
				require.NoError(t, err)
				require.Equal(t, &reason, ch.Problem)

				*b.sends = whole
				_, err = b.send(id, turn)
				require.NoError(t, err)
				require.Equal(t, []string{"hello"}, b.sender.texts())
				require.Equal(t, []string{"sent"}, b.states(id))
				ch, err = b.Channel(b.ctx, "shop")
				require.NoError(t, err)
				require.Nil(t, ch.Problem)
			})
		}
	}
}

// An operator may send again what failed or was never confirmed, and nothing else.
func TestResend(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	id := b.write("one")
	turn := b.draft(id, "the bot's")
	b.sender.before = func(call int, _ string) error {
		if call == 1 {
			return &channel.SendError{Outcome: channel.Unknown, Reason: "no answer in time"}
		}
		return nil
	}
	_, err := b.send(id, turn)
	require.NoError(t, err)
	b.takeOver(id)
	unsure, err := b.WaitForBotSends(b.ctx, id, time.Minute)
	require.NoError(t, err)
	require.Len(t, unsure, 1, "it may still arrive, and nobody waits for it")

	out, err := b.Resend(b.ctx, id, unsure[0], b.anna)
	require.NoError(t, err)
	require.Equal(t, dialogue.StateQueued, out.Message.State)
	_, err = b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"the bot's"}, b.sender.texts(), "although operators hold the dialogue")
	_, err = b.Resend(b.ctx, id, unsure[0], b.anna)
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	_, err = b.Resend(b.ctx, id, uuid.New(), b.anna)
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err))
}

// Several workers share one account's pace.
func TestWorkersShareAnAccountsPace(t *testing.T) {
	t.Parallel()
	b := setupSend(t)
	pace := channel.Pace{Every: time.Second, Burst: 3 * time.Second}
	id := b.write("one")
	b.operatorWrites(id, "in many parts")
	out, err := b.NextOutgoing(b.ctx, id)
	require.NoError(t, err)
	_, err = b.BeginSend(b.ctx, &out.Message, channel.Pace{Every: time.Microsecond, Burst: time.Hour}, false)
	require.NoError(t, err)
	var workers sync.WaitGroup
	waits := make(chan time.Duration, 12)
	for range 4 {
		workers.Go(func() {
			for range 3 {
				slot, err := b.BeginPart(b.ctx, out.Message, pace, false)
				if err != nil {
					t.Error(err)
				}
				waits <- slot.Wait
			}
		})
	}
	workers.Wait()
	close(waits)
	free, longest := 0, time.Duration(0)
	for w := range waits {
		if w == 0 {
			free++
		}
		longest = max(longest, w)
	}
	require.InDelta(t, 4, free, 1, "the burst")
	require.InDelta(t, 8, longest.Seconds(), 1, "each of the rest waits a second longer")
	spare, err := b.SpareSlot(b.ctx, b.channel.ID, pace)
	require.NoError(t, err)
	require.False(t, spare, "signs of typing give way")
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
	b.sender.before = func(int, string) error {
		return &channel.SendError{Outcome: channel.Refused, Reason: "blocked\x00 \xff"}
	}
	_, err := b.send(id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, []string{"failed: blocked \uFFFD"}, b.states(id))
}

package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

func TestReplyAnswersAndReportsTheCounters(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("four hours")
	id := b.write("how long?")
	res := b.answered(id)
	require.Equal(t, workflows.ReplyAnswered, res.Outcome)
	require.Equal(t, b.state(id), res.State)
	require.Equal(t, "how long?", res.Question)
	require.Equal(t, "four hours", res.Answer)
	require.False(t, res.ToSend, "the widget needs no send")
	require.Equal(t, []string{"customer: how long?", "bot: four hours"}, b.said(id))
	typing, ended, _ := b.progress.shown()
	require.Equal(t, []int{1, 1}, []int{typing, ended})

	res = b.answered(id)
	require.Equal(t, workflows.ReplyNothing, res.Outcome, "run again, it finds what is committed")
	require.Len(t, b.bot.calls(), 1)

	b.write("and where?")
	b.answered(id)
	again := b.bot.calls()[1]
	require.Equal(t, []string{"and where?"}, questions(again))
	require.Len(t, again.History, 2)
}

func TestReplyWaitsForThePauseAndAnswersAllAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.says("all three")
	b.replies.Quiet, b.replies.QuietMax = 500*time.Millisecond, time.Minute
	id := b.write("one")
	var writing sync.WaitGroup
	writing.Go(func() {
		b.write("two")
		b.write("three")
	})
	b.answered(id)
	writing.Wait()
	require.Len(t, b.bot.calls(), 1)
	require.Equal(t, []string{"one", "two", "three"}, questions(b.bot.calls()[0]))
	require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))
	var waited time.Duration
	require.NoError(t, b.Pool().QueryRow(b.ctx, `SELECT t.started_at - max(m.created_at) FROM turns t, messages m
		WHERE m.author = 'customer' GROUP BY t.started_at`).Scan(&waited))
	require.GreaterOrEqual(t, waited, 500*time.Millisecond)
}

func TestReplyToOneWhoNeverPausesBeginsAfterTheMaximum(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	asked := make(chan struct{})
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		select {
		case <-asked:
		default:
			close(asked)
		}
		return bot.Answer{Text: "at last"}, nil
	}
	b.replies.Quiet, b.replies.QuietMax = time.Minute, 300*time.Millisecond
	id := b.write("one")
	var writing sync.WaitGroup
	writing.Go(func() {
		tick := time.NewTicker(30 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-asked:
				return
			case <-tick.C:
				b.write(fmt.Sprint("more ", i))
			}
		}
	})
	res := b.answered(id)
	writing.Wait()
	require.Equal(t, workflows.ReplyAnswered, res.Outcome)
}

func TestNewerMessageMakesTheReplyBeginAgain(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]bool{"a model that can be stopped": true, "a model that answers all the same": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			b.bot.answer = func(ctx context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
				if call > 1 {
					return bot.Answer{Text: "to both"}, nil
				}
				b.write("two")
				if stops {
					<-ctx.Done()
					return bot.Answer{}, ctx.Err()
				}
				return bot.Answer{Text: "only to the first"}, nil
			}
			id := b.write("one")
			res := b.answered(id)
			require.Equal(t, []string{"customer: one", "customer: two", "bot: to both"}, b.said(id))
			require.Equal(t, []string{"one", "two"}, questions(b.bot.calls()[1]))
			turn := b.turn(res.TurnID)
			require.Equal(t, store.TurnAnswered, turn.State)
			require.Equal(t, int32(1), turn.Restarts)
			require.Equal(t, 1, b.count("SELECT count(*) FROM turns"))
		})
	}
}

func TestCustomerWhoNeverStopsIsAnsweredToo(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.bot.answer = func(ctx context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		b.write("and one more")
		if call%2 == 0 {
			return bot.Answer{Text: "an answer"}, nil
		}
		select { // every other call is stopped, until none is any more
		case <-ctx.Done():
			return bot.Answer{}, ctx.Err()
		case <-time.After(5 * time.Second):
			return bot.Answer{Text: "an answer"}, nil
		}
	}
	id := b.write("one")
	res := b.answered(id)
	require.Equal(t, workflows.ReplyAnswered, res.Outcome)
	require.Len(t, b.bot.calls(), 6)
	require.Equal(t, int64(6), res.State.AnsweredSeq, "what the last call has seen")
	require.Equal(t, int64(7), res.State.CustomerSeq, "the newest waits for the next reply")
}

func TestTakeoverSilencesTheBot(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bundle, id uuid.UUID){
		"taken over": func(b *bundle, id uuid.UUID) { b.takeOver(id) },
		"closed": func(b *bundle, id uuid.UUID) {
			_, err := b.Close(b.ctx, id, b.anna)
			require.NoError(b.t, err)
		},
		"an operator wrote": func(b *bundle, id uuid.UUID) {
			_, err := b.PostOperatorMessage(b.ctx, store.OperatorMessage{DialogueID: id, Operator: b.anna, ClientID: "1", Text: "I am here"})
			require.NoError(b.t, err)
		},
	} {
		for _, stops := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the model stops: %t", name, stops), func(t *testing.T) {
				t.Parallel()
				b := setup(t, "widget")
				id := b.write("one")
				b.bot.answer = func(ctx context.Context, _ int, _ bot.Input, _ func(string)) (bot.Answer, error) {
					change(b, id)
					if stops {
						<-ctx.Done()
						return bot.Answer{}, ctx.Err()
					}
					return bot.Answer{Text: "too late"}, nil
				}
				res := b.answered(id)
				require.Equal(t, workflows.ReplyNothing, res.Outcome)
				require.Zero(t, b.count("SELECT count(*) FROM messages WHERE author = 'bot'"))
				require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE state = 'superseded'"))
			})
		}
	}
}

func TestTakeoverWhileTheCustomerStillWrites(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.replies.Quiet, b.replies.QuietMax = time.Hour, time.Hour
	id := b.write("one")
	var operator sync.WaitGroup
	operator.Go(func() { b.takeOver(id) })
	res := b.answered(id)
	operator.Wait()
	require.Equal(t, workflows.ReplyNothing, res.Outcome)
	require.Equal(t, dialogue.ModeOperator, res.State.Mode)
	require.Empty(t, b.bot.calls())
}

func TestHandoffIsToldAndSentOnProviders(t *testing.T) {
	t.Parallel()
	for kind, send := range map[string]bool{"widget": false, "telegram": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, kind)
			b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
				return bot.Answer{Handoff: dialogue.HandoffCustomerAsked, Language: dialogue.Kazakh}, nil
			}
			id := b.write("операторға қосыңыз")
			res := b.answered(id)
			notice := bot.Notice(dialogue.HandoffCustomerAsked, dialogue.Kazakh)
			require.Equal(t, workflows.ReplyHandedOff, res.Outcome)
			require.Equal(t, send, res.ToSend)
			require.Equal(t, dialogue.ModeOperator, res.State.Mode)
			require.Equal(t, []string{"customer: операторға қосыңыз", "system: " + notice}, b.said(id))

			// The process dies before the engine hears of it: the next attempt still has the notice sent.
			res = b.answered(id)
			require.Equal(t, workflows.ReplyNothing, res.Outcome)
			require.Equal(t, send, res.ToSend)
			require.Equal(t, 1, b.count("SELECT count(*) FROM messages WHERE kind = 'notice'"))
		})
	}
}

func TestDraftedAnswerIsFoundAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, "telegram")
	b.bot.says("an answer")
	id := b.write("one")
	first := b.answered(id)
	require.True(t, first.ToSend)
	require.Zero(t, first.State.AnsweredSeq, "a draft is no answer")
	again := b.answered(id)
	require.Equal(t, first.TurnID, again.TurnID)
	require.True(t, again.ToSend)
	require.Len(t, b.bot.calls(), 1)
	require.Equal(t, []string{"customer: one"}, b.said(id))
}

func TestReplyInADialogueThatIsGoneIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	_, err := b.reply(uuid.New())
	gone := applicationError(t, err)
	require.True(t, gone.NonRetryable())
	require.Equal(t, workflows.GoneErrorType, gone.Type())
}

func TestTextGrowsOnlyForThoseWhoWatch(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("one")
	b.bot.answer = func(ctx context.Context, _ int, _ bot.Input, onText func(string)) (bot.Answer, error) {
		onText("nobody watches")
		_, err := b.Pool().Exec(ctx, "INSERT INTO viewers (stream_id, operator_id, dialogue_id, expires_at) VALUES ('s', $1, $2, now() + interval '1 h')",
			b.anna.ID, id)
		if err != nil {
			return bot.Answer{}, err
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			onText("Anna watches")
			if _, _, written := b.progress.shown(); len(written) > 0 {
				return bot.Answer{Text: "Anna watches"}, nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return bot.Answer{}, ctx.Err()
			}
		}
	}
	b.answered(id)
	_, _, written := b.progress.shown()
	require.Equal(t, []string{"Anna watches"}, written)
}

// What the watcher looked up before the turn began says nothing about the turn.
func TestCountersFromBeforeTheTurnDoNotStopIt(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("one")
	b.takeOver(id)
	_, err := b.SetMode(b.ctx, id, dialogue.ModeBot, b.anna)
	require.NoError(t, err)
	late := &fakeCounters{is: store.Counters{Mode: dialogue.ModeOperator, Epoch: 2, CustomerSeq: 1}}
	b.replies.Watcher = startWatcher(t, late)
	b.bot.answer = func(ctx context.Context, _ int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		require.Eventually(t, func() bool { asked, _ := late.seen(); return asked >= 4 }, deadline, moment)
		return bot.Answer{Text: "an answer"}, ctx.Err()
	}
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
}

// A worker that was taken for dead goes on beside the one that replaced it. One
// of them answers, and the record says so.
func TestTwoAttemptsAtOnceAnswerOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("one")
	var both sync.WaitGroup
	both.Add(2)
	b.bot.answer = func(context.Context, int, bot.Input, func(string)) (bot.Answer, error) {
		both.Done()
		both.Wait()
		return bot.Answer{Text: "an answer"}, nil
	}
	var attempts sync.WaitGroup
	for range 2 {
		attempts.Go(func() {
			if _, err := b.reply(id); err != nil {
				t.Errorf("reply: %v", err)
			}
		})
	}
	attempts.Wait()
	require.Equal(t, []string{"customer: one", "bot: an answer"}, b.said(id))
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE state = 'answered'"), "the one that came too late does not change the record")
}

// The engine stops an attempt before the watcher has noticed why: the record says
// all the same that the turn came to nothing.
func TestStoppedAttemptOfALostTurnLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	b.replies.Watcher = activities.NewWatcher(b.Store, slog.New(slog.DiscardHandler)) // nobody serves it
	id := b.write("one")
	stop := make(chan struct{})
	b.bot.answer = func(ctx context.Context, _ int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		b.takeOver(id)
		close(stop)
		<-ctx.Done()
		return bot.Answer{}, ctx.Err()
	}
	_, err := b.stopped(id, stop)
	require.Error(t, err)
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE state = 'superseded' AND finished_at IS NOT NULL"))
}

// A worker that stops leaves its turn to the next one.
func TestStoppedAttemptOfATurnThatStillCountsIsTakenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	id := b.write("one")
	stop := make(chan struct{})
	b.bot.answer = func(ctx context.Context, call int, _ bot.Input, _ func(string)) (bot.Answer, error) {
		if call > 1 {
			return bot.Answer{Text: "an answer"}, nil
		}
		close(stop)
		<-ctx.Done()
		return bot.Answer{}, ctx.Err()
	}
	_, err := b.stopped(id, stop)
	require.Error(t, err)
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns WHERE state = 'running'"))
	require.Equal(t, workflows.ReplyAnswered, b.answered(id).Outcome)
	require.Equal(t, 1, b.count("SELECT count(*) FROM turns"))
}

package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"

	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/store/db"
	"parley/workflows"
)

const (
	// longestHold is how long an activity waits by itself for its account's pace. Longer pauses end it: the engine
	// calls it again then, on whichever worker is there.
	longestHold = 10 * time.Second
	// staleAfter is how long after a send was begun its request may leave. A process that stood still for longer has
	// been taken for dead, and its message for one of unknown outcome.
	staleAfter = 5 * time.Second
	// requestWithin is how long after a send was begun its request may last: less than a takeover goes on naming a
	// message of unknown outcome (store.WaitForBotSends).
	requestWithin = 45 * time.Second
	// brokenRetry is how long a message waits before a channel that does not work is tried again.
	brokenRetry = 15 * time.Second
	// One chat takes a few messages at once, then about one a second
	// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
	chatBurst = 3
	chatEvery = time.Second
)

// Accounts opens a channel's sealed secrets.
type Accounts interface {
	Account(c db.Channel) (channel.Account, error)
}

// Sends is the activity that sends what waits to leave a dialogue.
type Sends struct {
	Store    *store.Store
	Accounts Accounts
	Senders  map[string]channel.Sender // by kind of channel
	Log      *slog.Logger

	Now func() time.Time // nil: the clock
}

// Send sends everything of a dialogue that waits to leave, in order: messages of
// operators and notices first, then the drafted answer of the turn if it still
// passes the fence. Run again after a crash, it takes a message that was on its
// way for one whose outcome nobody knows, and never sends it twice.
func (s *Sends) Send(ctx context.Context, in workflows.SendInput) (workflows.SendResult, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go beat(ctx)

	run := sendRun{Sends: s, id: in.DialogueID}
	err := run.queued(ctx)
	if err == nil && in.TurnID != uuid.Nil {
		err = run.draft(ctx, in.TurnID)
	}
	if err != nil {
		return run.res, edge(err)
	}
	if run.res.State.Epoch == 0 {
		p, err := s.Store.Pending(ctx, in.DialogueID)
		if err != nil {
			return run.res, edge(err)
		}
		run.res.State = pendingState(p)
	}
	return run.res, nil
}

func (s *Sends) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// sendRun is one run of the activity.
type sendRun struct {
	*Sends
	id    uuid.UUID
	sent  int       // parts that left, for the pace of the chat
	asked time.Time // when the last message asked to begin
	res   workflows.SendResult
}

// queued sends the messages that wait, oldest first.
func (s *sendRun) queued(ctx context.Context) error {
	for {
		out, err := s.Store.NextOutgoing(ctx, s.id)
		if err != nil || out == nil {
			return err
		}
		m := out.Message
		if m.State == dialogue.StateSending {
			s.res.Failed++
			s.res.Error = "a message was on its way when its process ended: whether it arrived is unknown"
			if err := s.settled(s.Store.SetDelivery(ctx, m, dialogue.StateUnconfirmed, "", "")); err != nil {
				return err
			}
			continue
		}
		line, err := s.line(out.Channel, out.ThreadKey)
		if err != nil {
			return s.hold(ctx, line, err, func(reason string) error { return s.Store.HoldSend(ctx, m, reason) })
		}
		err = s.begin(ctx, func(reserved bool) (store.Slot, error) { return s.Store.BeginSend(ctx, &m, line.pace(), reserved) })
		if errors.Is(err, store.ErrSuperseded) {
			if err := s.Store.FailSuperseded(ctx, m); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			err = s.deliver(ctx, line, m)
		}
		if err != nil {
			return err
		}
	}
}

// draft sends the answer of a turn.
func (s *sendRun) draft(ctx context.Context, turn uuid.UUID) error {
	d, err := s.Store.Draft(ctx, turn)
	if err != nil || d == nil {
		return err
	}
	line, err := s.line(d.Channel, d.ThreadKey)
	if err == nil {
		var m db.Message
		err = s.begin(ctx, func(reserved bool) (slot store.Slot, err error) {
			m, slot, err = s.Store.BeginDraft(ctx, d.Turn, line.pace(), reserved)
			return slot, err
		})
		if err == nil {
			return s.deliver(ctx, line, m)
		}
	} else {
		err = s.hold(ctx, line, err, func(reason string) error { return s.Store.HoldDraft(ctx, d.Turn, reason) })
	}
	if errors.Is(err, store.ErrSuperseded) {
		return s.Store.SupersedeTurn(ctx, turn)
	}
	return err
}

// line is the way out of a dialogue.
type line struct {
	channel db.Channel
	thread  string
	account channel.Account
	sender  channel.Sender
}

func (l line) pace() channel.Pace { return l.sender.Pace(l.account) }

func (s *sendRun) line(c db.Channel, thread string) (line, error) {
	l := line{channel: c, thread: thread}
	var ok bool
	if l.sender, ok = s.Senders[c.Kind]; !ok {
		return l, fmt.Errorf("this worker cannot send to channels of kind %s", c.Kind)
	}
	if c.DisabledAt != nil {
		return l, errors.New("the channel is switched off")
	}
	var err error
	l.account, err = s.Accounts.Account(c)
	return l, err
}

// begin waits for the account's pace.
func (s *sendRun) begin(ctx context.Context, begin func(reserved bool) (store.Slot, error)) error {
	if s.sent >= chatBurst {
		if err := pause(ctx, chatEvery); err != nil {
			return err
		}
	}
	for reserved := false; ; {
		s.asked = s.now()
		slot, err := begin(reserved)
		if err != nil || slot.Wait == 0 {
			return err
		}
		wait := slot.Wait
		if slot.Paused {
			wait += time.Duration(rand.Int64N(int64(500 * time.Millisecond))) // not all at once when it ends
		}
		if wait > longestHold {
			return retryIn(wait, errors.New("the account pauses"), channel.Paused)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		reserved = !slot.Paused
	}
}

// deliver hands a message to the provider that is marked as being on its way.
// From here on it is, whatever becomes of this activity.
func (s *sendRun) deliver(ctx context.Context, l line, m db.Message) error {
	ctx = context.WithoutCancel(ctx)
	var providerID string
	parts := l.sender.Parts(m.Text)
	for i := int(m.PartsSent); i < len(parts); i++ {
		if s.now().Sub(s.asked) > staleAfter {
			// The process stood still: meanwhile the message may have been given up, and the dialogue taken over.
			return errors.New("the process stood still before the message left")
		}
		id, err := s.request(ctx, l, parts[i])
		if err != nil {
			return s.undelivered(ctx, l, m, err)
		}
		providerID = id
		s.sent++
		if i+1 == len(parts) {
			break
		}
		if err := s.Store.PartSent(ctx, m, i+1); err != nil {
			return err
		}
		if err := s.begin(ctx, func(reserved bool) (store.Slot, error) {
			return s.Store.BeginPart(ctx, m, l.pace(), reserved)
		}); errors.Is(err, store.ErrTaken) {
			return err
		} else if err != nil {
			return s.undelivered(ctx, l, m, &channel.SendError{Outcome: channel.NotSent, Reason: "the account pauses"})
		}
	}
	s.res.Sent++
	if err := s.settled(s.Store.SetDelivery(ctx, m, dialogue.StateSent, providerID, "")); err != nil || l.channel.Problem == nil {
		return err
	}
	return s.Store.SetChannelProblem(ctx, l.channel.ID, "")
}

func (s *sendRun) request(ctx context.Context, l line, text string) (string, error) {
	ctx, cancel := context.WithDeadline(ctx, s.asked.Add(requestWithin))
	defer cancel()
	return l.sender.Send(ctx, l.account, l.thread, text)
}

// undelivered records what an error means for a message that was on its way.
func (s *sendRun) undelivered(ctx context.Context, l line, m db.Message, err error) error {
	sendErr, ok := errors.AsType[*channel.SendError](err)
	if !ok {
		sendErr = &channel.SendError{Outcome: channel.Unknown, Reason: "internal error"}
		s.Log.Error("a channel adapter failed", "channel_id", l.channel.ID, "error", err)
	}
	s.res.Error = sendErr.Reason
	state, reason := dialogue.StateUnconfirmed, sendErr.Reason
	switch sendErr.Outcome {
	case channel.NotSent, channel.Paused:
		state = dialogue.StateQueued
	case channel.Broken:
		state, reason = dialogue.StateQueued, "" // hold says it
	case channel.Refused:
		state = dialogue.StateFailed
	}
	view, err := s.Store.SetDelivery(ctx, m, state, "", reason)
	if err := s.settled(view, err); err != nil {
		return err
	}
	switch sendErr.Outcome {
	case channel.NotSent:
		return retryIn(sendErr.RetryAfter, sendErr, sendErr.Outcome)
	case channel.Paused:
		if err := s.Store.PauseChannel(ctx, l.channel.ID, sendErr.RetryAfter); err != nil {
			return err
		}
		s.Log.Warn("the provider asks to pause", "channel_id", l.channel.ID, "seconds", sendErr.RetryAfter.Seconds())
		return retryIn(sendErr.RetryAfter, sendErr, sendErr.Outcome)
	case channel.Broken:
		return s.hold(ctx, l, sendErr, func(reason string) error { return s.Store.HoldSend(ctx, m, reason) })
	}
	s.res.Failed++
	return nil
}

// hold leaves a message in the queue because its channel does not work: admins
// see the problem at the channel, operators at the message. It goes out when the
// channel works again.
func (s *sendRun) hold(ctx context.Context, l line, problem error, record func(reason string) error) error {
	reason := problem.Error()
	if sendErr, ok := errors.AsType[*channel.SendError](problem); ok {
		reason = sendErr.Reason
	}
	s.Log.Error("a channel does not work; its messages wait", "channel_id", l.channel.ID, "problem", reason)
	if err := s.Store.SetChannelProblem(ctx, l.channel.ID, reason); err != nil {
		return err
	}
	if err := record(reason); err != nil {
		return err
	}
	return retryIn(brokenRetry, problem, channel.Broken)
}

// settled takes in the dialogue's counters after a change.
func (s *sendRun) settled(d store.DialogueView, err error) error {
	if err == nil {
		s.res.State = stateOf(d)
	}
	return err
}

// retryIn has the engine call the activity again after a while; zero leaves the
// while to its policy.
func retryIn(wait time.Duration, err error, outcome channel.SendOutcome) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(outcome), temporal.ApplicationErrorOptions{NextRetryDelay: wait})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

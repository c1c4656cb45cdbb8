package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/channel"
	"parley/dialogue"
	"parley/store/db"
)

// States of turns.
const (
	TurnRunning    = "running"
	TurnDrafted    = "drafted" // the answer is written and still has to leave
	TurnAnswered   = "answered"
	TurnHandedOff  = "handed_off"
	TurnSuperseded = "superseded" // the dialogue went on without it
	TurnFailed     = "failed"
)

// botContextLines is how many lines after the summary the bot is given at most.
// It folds them into the summary long before there are so many.
const botContextLines = 300

// ErrSuperseded says that the fence did not hold: the dialogue went to the
// operators, was closed, or was answered since the turn began.
var ErrSuperseded = errors.New("the dialogue went on without this turn")

// Pending is what the bot finds when it comes to a dialogue.
type Pending struct {
	Mode        dialogue.Mode
	Status      dialogue.Status
	Epoch       int64
	CustomerSeq int64
	AnsweredSeq int64
	First, Last time.Time // when the oldest and the newest unanswered message came
	Now         time.Time // the database's clock at that time
	Version     int64     // of the dialogue's row
	TimerAt     time.Time // when its next timer is due; zero when none runs
}

// Due reports whether there is something for the bot to answer.
func (p Pending) Due() bool {
	return p.Mode == dialogue.ModeBot && p.Status != dialogue.StatusClosed && p.CustomerSeq > p.AnsweredSeq
}

// Pending loads what is unanswered in a dialogue.
func (s *Store) Pending(ctx context.Context, id uuid.UUID) (Pending, error) {
	p, err := s.q.GetPending(ctx, s.pool, id)
	if err != nil {
		return Pending{}, notFound(err, "dialogue", id)
	}
	return Pending{
		Mode: p.Mode, Status: p.Status, Epoch: p.Epoch, CustomerSeq: p.CustomerSeq, AnsweredSeq: p.AnsweredSeq,
		First: p.First, Last: p.Last, Now: p.Now, Version: p.Version, TimerAt: dueOf(p.TimerAt),
	}, nil
}

// Turn is a turn that has begun, with what the bot is given to read.
type Turn struct {
	ID         uuid.UUID
	DialogueID uuid.UUID
	ChannelID  uuid.UUID
	Kind       string // of the channel
	ThreadKey  string
	Epoch      int64
	FromSeq    int64 // what was answered when it began
	ToSeq      int64 // the newest customer message that it has seen
	HandoffSeq int64
	Attempts   int32
	Age        time.Duration // since it began, when it was opened or taken up
	State      string
	Language   dialogue.Language // that the dialogue was last in, or the customer's app is in; may be empty
	Summary    string            // what the older part of the dialogue came to
	SummarySeq int64             // up to which message
	History    []dialogue.Line   // what came after the summary, oldest first, without the questions
	Questions  []dialogue.Line   // the customer's unanswered messages, oldest first
	Profile    json.RawMessage   // the bot's settings; {} when there are none
	Cap        dialogue.Cap      // the limit of the shop that is reached: no model may be asked

	location *time.Location
}

// OpenTurn begins the turn for what is unanswered, or takes up the one that an
// earlier attempt began and left. It fails with ErrSuperseded when there is
// nothing for the bot to do.
func (s *Store) OpenTurn(ctx context.Context, id uuid.UUID) (Turn, error) {
	return s.openTurn(ctx, id, true, func(tx pgx.Tx, d db.Dialogue) (db.Turn, error) {
		if st := stateOf(d); !st.BotMayAnswer(d.Epoch, d.AnsweredSeq) || !st.Unanswered() {
			return db.Turn{}, ErrSuperseded
		}
		return s.q.OpenReplyTurn(ctx, tx, db.OpenReplyTurnParams{ID: newID(), DialogueID: id, Epoch: d.Epoch, FromSeq: d.AnsweredSeq, ToSeq: d.CustomerSeq})
	})
}

// OpenSuggestion begins a turn whose answer only operators see. When nothing is
// unanswered, its question is the customer's last message.
func (s *Store) OpenSuggestion(ctx context.Context, id, operator uuid.UUID) (Turn, error) {
	return s.openTurn(ctx, id, false, func(tx pgx.Tx, d db.Dialogue) (db.Turn, error) {
		if d.CustomerSeq == 0 {
			return db.Turn{}, dialogue.Errorf(dialogue.CodeConflict, "the customer has not written yet: there is nothing to answer")
		}
		from := d.AnsweredSeq
		if from >= d.CustomerSeq {
			from = d.CustomerSeq - 1
		}
		return s.q.OpenSuggestionTurn(ctx, tx, db.OpenSuggestionTurnParams{
			ID: newID(), DialogueID: id, Epoch: d.Epoch, FromSeq: from, ToSeq: d.CustomerSeq, OperatorID: uuid.NullUUID{UUID: operator, Valid: true},
		})
	})
}

// readTurn loads what the bot would read for a turn, and begins nothing.
func (s *Store) readTurn(ctx context.Context, record db.Turn) (Turn, error) {
	return s.openTurn(ctx, record.DialogueID, false, func(pgx.Tx, db.Dialogue) (db.Turn, error) { return record, nil })
}

// openTurn begins a turn. The limit of turns within a dialogue is for those that
// no human asked for.
func (s *Store) openTurn(ctx context.Context, id uuid.UUID, limited bool, open func(tx pgx.Tx, d db.Dialogue) (db.Turn, error)) (Turn, error) {
	var t Turn
	// Under the dialogue's lock: the turn sees exactly the messages up to the counters that it records, and whatever
	// takes the dialogue from it finds it.
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		r, err := s.q.LockDialogue(ctx, tx, id)
		if err != nil {
			return notFound(err, "dialogue", id)
		}
		begun, err := open(tx, r.Dialogue)
		if err != nil {
			return err
		}
		state, err := s.q.BotState(ctx, tx, db.BotStateParams{
			DialogueID: id, TurnID: begun.ID, Epoch: begun.Epoch, FromSeq: begun.FromSeq, ToSeq: begun.ToSeq, LeastRunes: dialogue.LoopRunes,
		})
		if err != nil {
			return fmt.Errorf("load what the bot goes by: %w", err)
		}
		rules, err := rulesOf(state.Profile)
		if err != nil {
			return err
		}
		lines, err := s.q.BotContext(ctx, tx, db.BotContextParams{DialogueID: id, After: min(state.UpToSeq, begun.FromSeq), Page: botContextLines})
		if err != nil {
			return err
		}
		t = Turn{
			ID: begun.ID, DialogueID: id, ChannelID: r.Dialogue.ChannelID, Kind: r.ChannelKind, ThreadKey: r.Dialogue.ThreadKey, Epoch: begun.Epoch, FromSeq: begun.FromSeq, ToSeq: begun.ToSeq,
			HandoffSeq: r.Dialogue.HandoffSeq, Attempts: begun.Attempts, Age: r.Now.Sub(begun.StartedAt), State: begun.State,
			Language: languageOf(r.Dialogue), Summary: state.Summary, SummarySeq: state.UpToSeq, Profile: state.Profile, location: rules.location(),
		}
		if !limited {
			rules.Caps.DialogueTurns, rules.Loops = 0, dialogue.Loops{}
		}
		t.Cap = rules.Loops.Reached(dialogue.Said{SameText: state.SameText, Per10Minutes: state.Answers})
		if t.Cap == "" {
			t.Cap, err = s.capReached(ctx, tx, t, rules.Caps, state.Turns, r.Now)
		}
		if err != nil {
			return err
		}
		slices.Reverse(lines)
		for _, l := range lines {
			line, err := readLine(l)
			if err != nil {
				return err
			}
			switch {
			case l.Author == dialogue.AuthorCustomer && l.Seq > t.FromSeq:
				t.Questions = append(t.Questions, line)
			case l.Seq > state.UpToSeq:
				t.History = append(t.History, line)
			}
		}
		return nil
	})
	if err != nil {
		return Turn{}, fmt.Errorf("open a turn in dialogue %s: %w", id, err)
	}
	return t, nil
}

// readLine is a message as the bot reads it.
func readLine(l db.BotContextRow) (dialogue.Line, error) {
	line := dialogue.Line{Seq: l.Seq, Author: l.Author, Text: l.Text}
	if len(l.Data) > 0 {
		var data messageData
		if err := json.Unmarshal(l.Data, &data); err != nil {
			return line, fmt.Errorf("read the data of message %d: %w", l.Seq, err)
		}
		line.Attachments = data.Attachments
	}
	return line, nil
}

// TurnResult is what came of a turn's model call, for its record.
type TurnResult struct {
	Text          string
	Handoff       dialogue.HandoffReason // empty: Text answers
	Cap           dialogue.Cap           // the limit that is the reason of the handoff; operators are told
	Notice        string                 // what the customer is told at a handoff; empty: nothing
	Language      dialogue.Language
	Model         string
	PromptVersion string
	Spent         Spent
	FirstWord     time.Duration // 0: no word was written
	ModelTime     time.Duration // 0: no model was asked
	ToolCalls     json.RawMessage
	Sources       json.RawMessage
	Request       json.RawMessage
	Response      json.RawMessage
}

// storable is the result as the record can hold it.
func (r TurnResult) storable() TurnResult {
	r.Text, r.Notice, r.Model = storable(r.Text), storable(r.Notice), storable(r.Model)
	r.Sources, r.Request, r.Response, r.ToolCalls = storableJSON(r.Sources), storableJSON(r.Request), storableJSON(r.Response), storableJSON(r.ToolCalls)
	return r
}

// Finished is the dialogue after a turn was finished.
type Finished struct {
	Dialogue DialogueView
	ToSend   bool // messages wait for the send activity
}

// FinishTurn commits what the bot says, behind the fence: the answer, or the
// notice and the handoff. toSeq must still be the customer's newest message
// unless late is set; otherwise ErrNewerMessage asks to begin again. Channels
// that need no send have the answer with the commit; for the others it is
// drafted, and the send activity passes the fence again.
func (s *Store) FinishTurn(ctx context.Context, t Turn, res TurnResult, late bool) (Finished, error) {
	var out Finished
	var err error
	res = res.storable()
	out.Dialogue, err = s.change(ctx, t.DialogueID, func(c *change) error {
		if !c.state.BotMayAnswer(t.Epoch, t.FromSeq) {
			return ErrSuperseded
		}
		if c.state.CustomerSeq > t.ToSeq && !late {
			return ErrNewerMessage
		}
		c.language = ptr(string(res.Language))
		state := TurnAnswered
		direct := channel.CommitDelivers(c.row.channelKind)
		switch {
		case res.Handoff != "":
			state = TurnHandedOff
			if err := c.handOff(TimelineEvent{Type: TimelineHandoff, Reason: res.Handoff, Detail: string(res.Cap)}, res.Notice, t.ID); err != nil {
				return err
			}
			out.ToSend = !direct && res.Notice != ""
		case direct:
			if _, err := c.botSays(t, res.Text, dialogue.StateSent); err != nil {
				return err
			}
		default:
			state, out.ToSend = TurnDrafted, true
		}
		alarms, err := s.finishTurn(ctx, c.tx, t, res, state, c.now)
		if err != nil || len(alarms) == 0 || res.Model == "" {
			return err
		}
		_, err = s.closeAlarms(ctx, c.tx, alarms, res.ModelTime)
		return err
	})
	if err != nil {
		return Finished{}, fmt.Errorf("finish turn %s: %w", t.ID, err)
	}
	return out, nil
}

// ErrNewerMessage says that the customer wrote again after the turn read the dialogue.
var ErrNewerMessage = errors.New("the customer wrote again")

// botSays adds the bot's message and counts the customer's as answered.
func (c *change) botSays(t Turn, text string, state dialogue.DeliveryState) (MessageView, error) {
	c.state.BotAnswered(t.ToSeq)
	m, err := c.add(db.InsertMessageParams{
		Seq: c.state.AddMessage(dialogue.AuthorBot, text, c.now), Author: dialogue.AuthorBot, Kind: dialogue.KindText, Text: text,
		State: state, TurnID: uuid.NullUUID{UUID: t.ID, Valid: true},
	}, nil)
	if err != nil {
		return MessageView{}, err
	}
	return m, c.answeredBy(dialogue.AuthorBot)
}

// handOff gives the dialogue to the operators: the line of the timeline, and the
// notice to the customer, if there is one, which is no answer, and comes once for
// a question.
func (c *change) handOff(event TimelineEvent, notice string, turn uuid.UUID) error {
	if err := c.recall(); err != nil {
		return err
	}
	told := c.state.HandoffSeq == c.state.CustomerSeq // handed over before, for the same question
	c.state.HandOff(event.Reason, event.Detail, c.now)
	if err := c.s.q.EpisodeHandedOff(c.ctx, c.tx, db.EpisodeHandedOffParams{ID: c.state.EpisodeID, Reason: string(event.Reason)}); err != nil {
		return fmt.Errorf("record the handoff of dialogue %s: %w", c.row.ID, err)
	}
	detail := map[string]any{"reason": event.Reason}
	if event.Detail != "" {
		detail["detail"] = event.Detail
	}
	if err := c.audit(Actor{Kind: ActorBot, Name: "bot"}, ActionHandedOff, detail); err != nil {
		return err
	}
	if err := c.timeline(event); err != nil || told || notice == "" {
		return err
	}
	state := dialogue.StateQueued
	if channel.CommitDelivers(c.row.channelKind) {
		state = dialogue.StateSent
	}
	_, err := c.add(db.InsertMessageParams{
		Seq: c.state.AddLine(), Author: dialogue.AuthorSystem, Kind: dialogue.KindNotice, Text: notice,
		State: state, TurnID: uuid.NullUUID{UUID: turn, Valid: true},
	}, nil)
	return err
}

// Failure is why a turn, or an attempt of it, came to nothing.
type Failure struct {
	Cause         string // its class
	Reason        error
	Model         string // that was asked; empty when none was
	PromptVersion string
}

// FailTurn records a turn that cannot be answered, and hands the dialogue to the
// operators. When the dialogue went on meanwhile only the turn is recorded. When
// others fail of the same cause it opens an alarm.
func (s *Store) FailTurn(ctx context.Context, t Turn, f Failure, notice string) (Finished, error) {
	var out Finished
	var err error
	out.Dialogue, err = s.change(ctx, t.DialogueID, func(c *change) error {
		if err := s.q.EndTurn(ctx, c.tx, f.ends(t.ID)); err != nil {
			return err
		}
		if !c.state.BotMayAnswer(t.Epoch, t.FromSeq) {
			c.quiet = true
			return s.raiseAlarm(ctx, c.tx, f.Cause)
		}
		out.ToSend = !channel.CommitDelivers(c.row.channelKind)
		if err := c.handOff(TimelineEvent{Type: TimelineHandoff, Reason: dialogue.HandoffBotError, Detail: f.Cause}, notice, t.ID); err != nil {
			return err
		}
		return s.raiseAlarm(ctx, c.tx, f.Cause)
	})
	if err != nil {
		return Finished{}, fmt.Errorf("record that turn %s failed: %w", t.ID, err)
	}
	return out, nil
}

// ends is how the failure ends a turn.
func (f Failure) ends(turn uuid.UUID) db.EndTurnParams {
	return db.EndTurnParams{
		ID: turn, State: TurnFailed, Cause: ptr(f.Cause), Error: ptr(storable(f.Reason.Error())),
		Model: ptr(storable(f.Model)), PromptVersion: ptr(f.PromptVersion),
	}
}

// CountAttempt records a model call that failed and is tried again.
func (s *Store) CountAttempt(ctx context.Context, turn uuid.UUID, f Failure) error {
	if err := s.q.CountAttempt(ctx, s.pool, db.CountAttemptParams{ID: turn, Cause: ptr(f.Cause), Error: ptr(storable(f.Reason.Error()))}); err != nil {
		return fmt.Errorf("count a failed attempt of turn %s: %w", turn, err)
	}
	return nil
}

// SupersedeTurn records that the dialogue went on without the turn.
func (s *Store) SupersedeTurn(ctx context.Context, turn uuid.UUID) error {
	if err := s.q.EndTurn(ctx, s.pool, db.EndTurnParams{ID: turn, State: TurnSuperseded}); err != nil {
		return fmt.Errorf("record that turn %s is superseded: %w", turn, err)
	}
	return nil
}

// FinishSuggestion records a suggestion's draft.
func (s *Store) FinishSuggestion(ctx context.Context, t Turn, res TurnResult) error {
	_, err := s.finishTurn(ctx, s.pool, t, res.storable(), TurnDrafted, time.Now())
	return err
}

// FailSuggestion records why a suggestion has no draft.
func (s *Store) FailSuggestion(ctx context.Context, turn uuid.UUID, f Failure) error {
	if err := s.q.EndTurn(ctx, s.pool, f.ends(turn)); err != nil {
		return fmt.Errorf("record that suggestion %s failed: %w", turn, err)
	}
	return nil
}

// finishTurn records what came of a turn, and returns the causes of the alarms that
// are open.
func (s *Store) finishTurn(ctx context.Context, conn db.DBTX, t Turn, res TurnResult, state string, now time.Time) ([]string, error) {
	ms := func(d time.Duration) *int32 {
		if d == 0 {
			return nil
		}
		return ptr(max(1, int32(d.Milliseconds())))
	}
	alarms, err := s.q.FinishTurn(ctx, conn, db.FinishTurnParams{
		ID: t.ID, State: state, ToSeq: t.ToSeq, Answer: ptr(res.Text), HandoffReason: ptr(string(res.Handoff)), Cap: ptr(string(res.Cap)),
		Model: ptr(res.Model), PromptVersion: ptr(res.PromptVersion), Sources: res.Sources, Request: res.Request, Response: res.Response,
		ToolCalls: res.ToolCalls, Rounds: ptr(int32(res.Spent.Calls)), FirstWordMs: ms(res.FirstWord), ModelMs: ms(res.ModelTime),
		PromptTokens: int32(res.Spent.PromptTokens), CompletionTokens: int32(res.Spent.CompletionTokens), TokensEstimated: res.Spent.Estimated,
		CostMicros: res.Spent.CostMicros, Currency: ptr(res.Spent.Currency),
		Day: t.day(now), Shard: t.shard(), Calls: int64(res.Spent.Calls),
	})
	if err != nil {
		return nil, fmt.Errorf("record turn %s: %w", t.ID, err)
	}
	return alarms, nil
}

// Counters are the counters of a dialogue that a running reply watches.
type Counters struct {
	Mode        dialogue.Mode
	Epoch       int64
	CustomerSeq int64
	AnsweredSeq int64
	Closed      bool
	Watched     bool // an operator has the dialogue on the screen
}

// Watch loads the counters of several dialogues at once.
func (s *Store) Watch(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Counters, error) {
	rows, err := s.q.WatchDialogues(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("watch %d dialogues: %w", len(ids), err)
	}
	out := make(map[uuid.UUID]Counters, len(rows))
	for _, r := range rows {
		out[r.ID] = Counters{
			Mode: r.Mode, Epoch: r.Epoch, CustomerSeq: r.CustomerSeq, AnsweredSeq: r.AnsweredSeq,
			Closed: r.Status == dialogue.StatusClosed, Watched: r.Watched,
		}
	}
	return out, nil
}

// languageOf is the language that a dialogue was last in, or that its customer's app is in.
func languageOf(d db.Dialogue) dialogue.Language {
	if d.Language == nil {
		return ""
	}
	return dialogue.Language(*d.Language)
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// Audiences of events.
const (
	audienceOperators = "operators"
	audienceEveryone  = "everyone" // the dialogue's customer too
)

// Kinds of events.
const (
	eventMessage  = "message"
	eventDialogue = "dialogue"
)

// change is one transaction on one dialogue. The row is locked, state is what
// the rules work on; what they decide is saved, logged and rung together.
type change struct {
	s     *Store
	ctx   context.Context
	tx    pgx.Tx
	row   row
	state dialogue.State
	now   time.Time // the database's clock, so that nodes with other clocks agree

	before   dialogue.State
	episode  uuid.UUID // the newest one that has its row
	language *string
	added    []MessageView
	updated  []MessageView
	quiet    bool // no event at all: nothing changed
	ring     dialogue.Ring

	timed       bool      // a timer that is set rings: nobody else tells the workflow
	rescheduled bool      // the timers are noted anew, also where nothing else has changed
	notBefore   time.Time // no timer is due before
}

// change locks a dialogue, lets f work on it, and commits what f did. It returns
// the dialogue as it then is.
func (s *Store) change(ctx context.Context, id uuid.UUID, f func(c *change) error) (DialogueView, error) {
	var view DialogueView
	var bell *Bell
	var c *change
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if c, err = s.lock(ctx, tx, id); err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
		view, bell, err = c.save()
		return err
	})
	if err != nil {
		return DialogueView{}, err
	}
	if by := c.state.LastAuthor; !c.quiet && c.before.LastAuthor == dialogue.AuthorCustomer && by != dialogue.AuthorCustomer {
		s.hooks.Answered(c.row.channelKind, by, c.now.Sub(c.before.LastMessageAt))
	}
	s.committed(bell)
	return view, nil
}

// committed tells the hooks of a commit.
func (s *Store) committed(bell *Bell) {
	s.hooks.Wake()
	if bell != nil {
		s.hooks.Rang(*bell)
	}
}

// lock loads a dialogue and holds its row lock to the end of the transaction.
func (s *Store) lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*change, error) {
	locked, err := s.q.LockDialogue(ctx, tx, id)
	if err != nil {
		return nil, notFound(err, "dialogue", id)
	}
	r := lockedRow(locked)
	state := stateOf(r.Dialogue)
	return &change{s: s, ctx: ctx, tx: tx, row: r, state: state, before: state, now: locked.Now, episode: r.EpisodeID}, nil
}

func stateOf(d db.Dialogue) dialogue.State {
	s := dialogue.State{
		Mode: d.Mode, Epoch: d.Epoch, Status: d.Status, AssigneeID: d.AssigneeID, EpisodeID: d.EpisodeID,
		WaitingSince: d.WaitingSince, LastSeq: d.LastSeq, CustomerSeq: d.CustomerSeq, AnsweredSeq: d.AnsweredSeq,
		HandoffSeq: d.HandoffSeq, ReadSeq: d.ReadSeq, Unread: int(d.Unread),
		LastMessageAt: d.LastMessageAt, LastAuthor: d.LastAuthor, LastPreview: d.LastPreview,
		OverdueSince: d.OverdueSince, SnoozedUntil: d.SnoozedUntil, HumanAt: d.HumanAt, RepliedSeq: d.RepliedSeq, FollowUpSeq: d.FollowUpSeq,
	}
	if d.HandoffReason != nil {
		s.HandoffReason = dialogue.HandoffReason(*d.HandoffReason)
	}
	if d.HandoffDetail != nil {
		s.HandoffDetail = *d.HandoffDetail
	}
	return s
}

// newEpisode opens an episode; the rules call it when an event begins one.
func (c *change) newEpisode() uuid.UUID { return newID() }

// openEpisode writes the row of an episode that the rules began, before the
// first message that refers to it.
func (c *change) openEpisode() error {
	if c.state.EpisodeID == c.episode {
		return nil
	}
	c.episode = c.state.EpisodeID
	err := c.s.q.InsertEpisode(c.ctx, c.tx, db.InsertEpisodeParams{ID: c.episode, DialogueID: c.row.ID, OpenedAt: c.now})
	if err != nil {
		return fmt.Errorf("open an episode of dialogue %s: %w", c.row.ID, err)
	}
	return nil
}

// add writes a message whose seq the rules have given, and its event.
func (c *change) add(m db.InsertMessageParams, operator *OperatorRef) (MessageView, error) {
	if err := c.openEpisode(); err != nil {
		return MessageView{}, err
	}
	m.ID, m.DialogueID, m.ChannelID, m.EpisodeID, m.CreatedAt = newID(), c.row.ID, c.row.ChannelID, c.state.EpisodeID, c.now
	var name *string
	if operator != nil {
		m.OperatorID, name = uuid.NullUUID{UUID: operator.ID, Valid: true}, &operator.Name
	}
	stored, err := c.s.q.InsertMessage(c.ctx, c.tx, m)
	if err != nil {
		return MessageView{}, fmt.Errorf("store message %d of dialogue %s: %w", m.Seq, c.row.ID, err)
	}
	view, err := messageView(stored, name)
	if err != nil {
		return MessageView{}, err
	}
	c.added = append(c.added, view)
	return view, nil
}

// update logs the new state of a message that is stored already.
func (c *change) update(id uuid.UUID) error {
	m, err := c.s.q.GetMessage(c.ctx, c.tx, id)
	if err != nil {
		return notFound(err, "message", id)
	}
	view, err := messageView(m.Message, m.OperatorName)
	if err != nil {
		return err
	}
	c.updated = append(c.updated, view)
	return nil
}

// answeredBy records who gave the episode its first answer.
func (c *change) answeredBy(author dialogue.Author) error {
	err := c.s.q.EpisodeAnswered(c.ctx, c.tx, db.EpisodeAnsweredParams{ID: c.state.EpisodeID, FirstAnsweredAt: &c.now, FirstAnsweredBy: ptr(string(author))})
	if err != nil {
		return fmt.Errorf("record the first answer in dialogue %s: %w", c.row.ID, err)
	}
	return nil
}

// timeline writes a line of the timeline.
func (c *change) timeline(e TimelineEvent) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode a line of the timeline: %w", err)
	}
	_, err = c.add(db.InsertMessageParams{
		Seq: c.state.AddLine(), Author: dialogue.AuthorSystem, Kind: dialogue.KindEvent, Data: data, State: dialogue.StateSent,
	}, nil)
	return err
}

// assign keeps the name that the row's view shows in step with the assignee.
func (c *change) assign(operator *OperatorRef) {
	c.state.AssigneeID, c.row.assigneeName = uuid.NullUUID{}, nil
	if operator != nil {
		c.state.AssigneeID = uuid.NullUUID{UUID: operator.ID, Valid: true}
		c.row.assigneeName = &operator.Name
	}
}

// save writes the row, its events and its ring.
func (c *change) save() (DialogueView, *Bell, error) {
	if c.quiet {
		return c.row.view(), nil, nil
	}
	if c.state != c.before || c.language != nil || c.rescheduled {
		if err := c.saveRow(); err != nil {
			return DialogueView{}, nil, err
		}
	}
	view := c.row.view()
	if err := c.logEvents(view); err != nil {
		return DialogueView{}, nil, err
	}
	if c.ring == "" {
		return view, nil, nil
	}
	bell, err := c.s.ring(c.ctx, c.tx, c.row, c.ring)
	return view, bell, err
}

func (c *change) saveRow() error {
	if err := c.openEpisode(); err != nil {
		return err
	}
	if c.state.Epoch != c.before.Epoch || c.state.AnsweredSeq != c.before.AnsweredSeq {
		if err := c.endReply(); err != nil {
			return err
		}
	}
	d, st := &c.row.Dialogue, c.state
	d.Mode, d.Epoch, d.Status, d.HandoffReason, d.AssigneeID = st.Mode, st.Epoch, st.Status, ptr(string(st.HandoffReason)), st.AssigneeID
	d.HandoffDetail = ptr(st.HandoffDetail)
	d.EpisodeID, d.WaitingSince, d.LastSeq, d.CustomerSeq = st.EpisodeID, st.WaitingSince, st.LastSeq, st.CustomerSeq
	d.AnsweredSeq, d.HandoffSeq, d.ReadSeq, d.Unread = st.AnsweredSeq, st.HandoffSeq, st.ReadSeq, int32(st.Unread)
	d.LastMessageAt, d.LastAuthor, d.LastPreview = st.LastMessageAt, st.LastAuthor, st.LastPreview
	d.OverdueSince, d.SnoozedUntil, d.HumanAt, d.RepliedSeq, d.FollowUpSeq = st.OverdueSince, st.SnoozedUntil, st.HumanAt, st.RepliedSeq, st.FollowUpSeq
	if c.language != nil {
		d.Language = c.language
	}
	if err := c.schedule(); err != nil {
		return err
	}
	version, err := c.s.q.SaveDialogue(c.ctx, c.tx, db.SaveDialogueParams{
		ID: d.ID, Mode: d.Mode, Epoch: d.Epoch, Status: d.Status, HandoffReason: d.HandoffReason, AssigneeID: d.AssigneeID,
		EpisodeID: d.EpisodeID, WaitingSince: d.WaitingSince, LastSeq: d.LastSeq, CustomerSeq: d.CustomerSeq,
		AnsweredSeq: d.AnsweredSeq, HandoffSeq: d.HandoffSeq, ReadSeq: d.ReadSeq, Unread: d.Unread,
		LastMessageAt: d.LastMessageAt, LastAuthor: d.LastAuthor, LastPreview: d.LastPreview, HandoffDetail: d.HandoffDetail, Language: c.language,
		OverdueSince: d.OverdueSince, SnoozedUntil: d.SnoozedUntil, HumanAt: d.HumanAt, RepliedSeq: d.RepliedSeq, FollowUpSeq: d.FollowUpSeq,
		Timers: d.Timers, TimerAt: d.TimerAt,
	})
	if err != nil {
		return fmt.Errorf("save dialogue %s: %w", d.ID, err)
	}
	d.Version = version
	return nil
}

// endReply ends the turn that the dialogue goes on without. One that brought the
// change about has its own end already.
func (c *change) endReply() error {
	err := c.s.q.SupersedeReply(c.ctx, c.tx, db.SupersedeReplyParams{
		DialogueID: c.row.ID, Epoch: c.before.Epoch, FromSeq: c.before.AnsweredSeq,
	})
	if err != nil {
		return fmt.Errorf("end the turn that is open in dialogue %s: %w", c.row.ID, err)
	}
	return nil
}

// logEvents writes one event for each message, or one for the dialogue alone.
// All carry the dialogue as it is at the commit. The customer's stream gets what
// is new and theirs; later states of it are for operators.
func (c *change) logEvents(view DialogueView) error {
	for _, m := range c.added {
		audience := audienceOperators
		if m.Kind.CustomerSees() {
			audience = audienceEveryone
		}
		if err := c.logEvent(eventMessage, audience, MessageAndDialogue{Message: m, Dialogue: view}); err != nil {
			return err
		}
	}
	for _, m := range c.updated {
		if err := c.logEvent(eventMessage, audienceOperators, MessageAndDialogue{Message: m, Dialogue: view}); err != nil {
			return err
		}
	}
	if len(c.added)+len(c.updated) > 0 {
		return nil
	}
	return c.logEvent(eventDialogue, audienceOperators, struct {
		Dialogue DialogueView `json:"dialogue"`
	}{view})
}

func (c *change) logEvent(kind, audience string, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	err = c.s.q.InsertEvent(c.ctx, c.tx, db.InsertEventParams{
		Kind: kind, Audience: audience, DialogueID: uuid.NullUUID{UUID: c.row.ID, Valid: true}, Payload: body,
	})
	if err != nil {
		return fmt.Errorf("log an event of dialogue %s: %w", c.row.ID, err)
	}
	return nil
}

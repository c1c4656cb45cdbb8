package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/dialogue"
	"parley/store/db"
)

// searchHits is how many dialogues a search considers of each kind of hit.
const searchHits = 500

// DialogueFilter selects dialogues for the inbox's list; zero values do not filter.
type DialogueFilter struct {
	Statuses   []dialogue.Status
	Mode       dialogue.Mode
	Channel    uuid.NullUUID
	Assignee   uuid.NullUUID
	Unassigned bool
	Unread     bool
	Waiting    bool
	Search     string // in the customer's name, the chat id and the texts of messages
}

// Place is a place in a list sorted by time, newest first: that of its last row.
type Place struct {
	At time.Time
	ID uuid.UUID
}

// ListDialogues returns a page of dialogues, newest message first, after the
// given place.
func (s *Store) ListDialogues(ctx context.Context, f DialogueFilter, after *Place, page int) ([]DialogueView, error) {
	params := db.ListDialoguesParams{
		Mode: ptr(string(f.Mode)), ChannelID: f.Channel, AssigneeID: f.Assignee,
		Unassigned: f.Unassigned, Unread: f.Unread, Waiting: f.Waiting, Page: int32(page),
	}
	for _, st := range f.Statuses {
		params.Statuses = append(params.Statuses, string(st))
	}
	if after != nil {
		params.BeforeAt, params.BeforeID = &after.At, uuid.NullUUID{UUID: after.ID, Valid: true}
	}
	if f.Search != "" {
		var err error
		if params.Matching, err = s.search(ctx, f.Search); err != nil {
			return nil, err
		}
	}
	rows, err := s.q.ListDialogues(ctx, customPlans{s.pool}, params)
	if err != nil {
		return nil, fmt.Errorf("list dialogues: %w", err)
	}
	views := make([]DialogueView, len(rows))
	for i, r := range rows {
		views[i] = row{r.Dialogue, r.ChannelKind, r.ChannelSlug, r.ChannelName, r.ContactName, r.ContactNumber, r.AssigneeName, nil}.view()
	}
	return views, nil
}

// search finds the dialogues that a search names; never nil.
func (s *Store) search(ctx context.Context, text string) ([]uuid.UUID, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	params := db.SearchDialogueIDsParams{Pattern: likePattern(text), Words: prefixQuery(text), Page: searchHits}
	words := strings.Fields(text)
	if len(words) > 0 {
		if n, err := strconv.ParseInt(strings.TrimPrefix(words[len(words)-1], "№"), 10, 64); err == nil && len(words) <= 2 {
			params.Visitor = &n
		}
	}
	if id, err := uuid.Parse(text); err == nil {
		params.DialogueID = uuid.NullUUID{UUID: id, Valid: true}
	}
	ids, err := s.q.SearchDialogueIDs(ctx, customPlans{s.pool}, params)
	if err != nil {
		return nil, fmt.Errorf("search dialogues: %w", err)
	}
	return ids, nil
}

// likePattern quotes text for LIKE.
func likePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// prefixQuery makes a text-search query that asks for every word of text, each
// as the beginning of a word. Words are what message_words in the schema takes for such.
func prefixQuery(text string) string {
	words := strings.FieldsFunc(strings.ReplaceAll(text, "ё", "е"), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		words[i] = "'" + w + "':*"
	}
	return strings.Join(words, " & ")
}

// customPlans makes Postgres plan a query anew for its parameters, so that
// filters that are not used cost nothing and those that are find their index.
type customPlans struct{ db.DBTX }

func (c customPlans) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.DBTX.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

func (c customPlans) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return c.DBTX.Exec(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

func (c customPlans) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.DBTX.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

// Dialogue loads one dialogue.
func (s *Store) Dialogue(ctx context.Context, id uuid.UUID) (DialogueView, error) {
	r, err := s.q.GetDialogue(ctx, s.pool, id)
	if err != nil {
		return DialogueView{}, notFound(err, "dialogue", id)
	}
	return row{r.Dialogue, r.ChannelKind, r.ChannelSlug, r.ChannelName, r.ContactName, r.ContactNumber, r.AssigneeName, nil}.view(), nil
}

// MessagesBefore returns the page of a transcript that ends below seq, oldest
// first, and whether there is more before it.
func (s *Store) MessagesBefore(ctx context.Context, id uuid.UUID, seq int64, page int) ([]MessageView, bool, error) {
	rows, err := s.q.ListMessagesBefore(ctx, s.pool, db.ListMessagesBeforeParams{DialogueID: id, Before: seq, Page: int32(page) + 1})
	if err != nil {
		return nil, false, fmt.Errorf("list messages of dialogue %s: %w", id, err)
	}
	more := len(rows) > page
	rows = rows[:min(page, len(rows))]
	slices.Reverse(rows)
	views := make([]MessageView, len(rows))
	for i, r := range rows {
		if views[i], err = messageView(r.Message, r.OperatorName); err != nil {
			return nil, false, err
		}
	}
	return views, more, nil
}

// MessagesAfter returns the page of a transcript that begins above seq, oldest
// first, and whether there is more after it.
func (s *Store) MessagesAfter(ctx context.Context, id uuid.UUID, seq int64, page int) ([]MessageView, bool, error) {
	rows, err := s.q.ListMessagesAfter(ctx, s.pool, db.ListMessagesAfterParams{DialogueID: id, After: seq, Page: int32(page) + 1})
	if err != nil {
		return nil, false, fmt.Errorf("list messages of dialogue %s: %w", id, err)
	}
	more := len(rows) > page
	rows = rows[:min(page, len(rows))]
	views := make([]MessageView, len(rows))
	for i, r := range rows {
		if views[i], err = messageView(r.Message, r.OperatorName); err != nil {
			return nil, false, err
		}
	}
	return views, more, nil
}

// CustomerMessages returns what a customer sees of a transcript, oldest first:
// the page above seq, or with a negative one the newest page.
func (s *Store) CustomerMessages(ctx context.Context, id uuid.UUID, after int64, page int) ([]MessageView, error) {
	var rows []db.Message
	var err error
	if after < 0 {
		rows, err = s.q.NewestCustomerMessages(ctx, s.pool, db.NewestCustomerMessagesParams{DialogueID: id, Page: int32(page)})
		slices.Reverse(rows)
	} else {
		rows, err = s.q.CustomerMessagesAfter(ctx, s.pool, db.CustomerMessagesAfterParams{DialogueID: id, After: after, Page: int32(page)})
	}
	if err != nil {
		return nil, fmt.Errorf("list what the customer sees of dialogue %s: %w", id, err)
	}
	views := make([]MessageView, len(rows))
	for i, m := range rows {
		if views[i], err = messageView(m, nil); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// Turn loads the record of a turn.
func (s *Store) Turn(ctx context.Context, id uuid.UUID) (db.Turn, error) {
	t, err := s.q.GetTurn(ctx, s.pool, id)
	if err != nil {
		return db.Turn{}, notFound(err, "turn", id)
	}
	return t, nil
}

// Viewers lists who has a dialogue on the screen.
func (s *Store) Viewers(ctx context.Context, id uuid.UUID) ([]OperatorRef, error) {
	rows, err := s.q.DialogueViewers(ctx, s.pool, id)
	if err != nil {
		return nil, fmt.Errorf("list the viewers of dialogue %s: %w", id, err)
	}
	viewers := make([]OperatorRef, len(rows))
	for i, r := range rows {
		viewers[i] = OperatorRef(r)
	}
	return viewers, nil
}

// EventHead is the position of the newest event: where a stream goes on from
// what is read now.
func (s *Store) EventHead(ctx context.Context) (int64, error) {
	log, err := s.q.EventLog(ctx, s.pool)
	if err != nil {
		return 0, fmt.Errorf("read the head of the event log: %w", err)
	}
	return log.Head, nil
}

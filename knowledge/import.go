package knowledge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

const (
	maxTextRunes     = 50_000
	maxQuestionRunes = 2000
	itemsPerWrite    = 500
)

// Import makes a source hold exactly these items, in one transaction: until it
// commits, the bot answers from what was there. Items that did not change keep
// their identity and cost nothing. An empty list is refused: it is a failed
// reading of the source far more often than a wish to forget it.
func (b *Base) Import(ctx context.Context, source string, items []Item) error {
	items, err := checked(source, items)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if err := b.queries.LockKnowledge(ctx, tx); err != nil {
			return fmt.Errorf("lock the knowledge base: %w", err)
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an id: %w", err)
		}
		sourceID, err := b.queries.SaveKnowledgeSource(ctx, tx, db.SaveKnowledgeSourceParams{ID: id, Name: source})
		if err != nil {
			return fmt.Errorf("save knowledge source %s: %w", source, err)
		}
		existing, err := b.queries.ListKnowledgeItems(ctx, tx, sourceID)
		if err != nil {
			return fmt.Errorf("list items of %s: %w", source, err)
		}
		if err := b.write(ctx, tx, sourceID, items, existing); err != nil {
			return fmt.Errorf("import %s: %w", source, err)
		}
		return nil
	})
}

func checked(source string, items []Item) ([]Item, error) {
	if strings.TrimSpace(source) == "" {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "the knowledge source has no name")
	}
	if len(items) == 0 {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "the knowledge source %q has no items; what was there is kept", source)
	}
	out := slices.Clone(items)
	keys := map[string]bool{}
	for i := range out {
		it := &out[i]
		it.Text, it.Question, it.Title = clean(it.Text), clean(it.Question), clean(it.Title)
		if it.Group == "" {
			it.Group = it.Key
		}
		switch {
		case it.Key == "":
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "item %d of %q has no key", i+1, source)
		case keys[it.Key]:
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "the key %q stands twice in %q", it.Key, source)
		case !validLanguage(it.Language):
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "item %q of %q has the language %q; ru, kk and en are known", it.Key, source, it.Language)
		case it.Text == "":
			return nil, dialogue.Errorf(dialogue.CodeInvalid, "item %q of %q has no text", it.Key, source)
		case utf8.RuneCountInString(it.Text) > maxTextRunes:
			return nil, dialogue.Errorf(dialogue.CodeTooLarge, "item %q of %q is longer than %d characters", it.Key, source, maxTextRunes)
		case utf8.RuneCountInString(it.Question) > maxQuestionRunes || utf8.RuneCountInString(it.Title) > maxQuestionRunes:
			return nil, dialogue.Errorf(dialogue.CodeTooLarge, "the question or title of item %q of %q is longer than %d characters", it.Key, source, maxQuestionRunes)
		}
		keys[it.Key] = true
	}
	return out, nil
}

// clean removes what Postgres cannot store in a text.
func clean(s string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), ""))
}

// changes is what an import does to the counts.
type changes struct {
	terms                           map[string]int
	items, questionWords, textWords int
}

func (c *changes) count(v vector, questionWords, textWords, sign int) {
	for term := range v {
		c.terms[term] += sign
	}
	c.items += sign
	c.questionWords += sign * questionWords
	c.textWords += sign * textWords
}

func (b *Base) write(ctx context.Context, tx pgx.Tx, sourceID uuid.UUID, items []Item, existing []db.ListKnowledgeItemsRow) error {
	before := make(map[string]db.ListKnowledgeItemsRow, len(existing))
	for _, e := range existing {
		before[e.Key] = e
	}
	change := changes{terms: map[string]int{}}
	save := db.SaveKnowledgeItemsParams{SourceID: sourceID}
	flush := func() error {
		if len(save.Ids) == 0 {
			return nil
		}
		if err := b.queries.SaveKnowledgeItems(ctx, tx, save); err != nil {
			return fmt.Errorf("save items: %w", err)
		}
		save = db.SaveKnowledgeItemsParams{SourceID: sourceID}
		return nil
	}
	for _, it := range items {
		old, known := before[it.Key]
		delete(before, it.Key)
		v, questionWords, textWords := b.analyzer.vectorOf(it)
		if known {
			was := parseVector(old.Terms, nil)
			if same(it, old) && was.equal(v) {
				continue
			}
			change.count(was, int(old.QuestionWords), int(old.TextWords), -1)
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an id: %w", err)
		}
		change.count(v, questionWords, textWords, 1)
		save.Ids = append(save.Ids, id)
		save.Keys = append(save.Keys, it.Key)
		save.Groups = append(save.Groups, it.Group)
		save.Languages = append(save.Languages, string(it.Language))
		save.Titles = append(save.Titles, it.Title)
		save.Questions = append(save.Questions, it.Question)
		save.Texts = append(save.Texts, it.Text)
		save.Terms = append(save.Terms, v.String())
		save.QuestionWords = append(save.QuestionWords, int32(questionWords))
		save.TextWords = append(save.TextWords, int32(textWords))
		if len(save.Ids) == itemsPerWrite {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	var gone []uuid.UUID
	for _, old := range before {
		gone = append(gone, old.ID)
		change.count(parseVector(old.Terms, nil), int(old.QuestionWords), int(old.TextWords), -1)
	}
	if len(gone) > 0 {
		if err := b.queries.DeleteKnowledgeItems(ctx, tx, gone); err != nil {
			return fmt.Errorf("delete items that are gone: %w", err)
		}
	}
	return b.writeCounts(ctx, tx, change)
}

func same(it Item, old db.ListKnowledgeItemsRow) bool {
	return it.Group == old.GroupKey && string(it.Language) == old.Language && it.Title == old.Title && it.Question == old.Question && it.Text == old.Text
}

func (b *Base) writeCounts(ctx context.Context, tx pgx.Tx, change changes) error {
	var terms db.ChangeKnowledgeTermsParams
	var less []string
	for _, term := range slices.Sorted(maps.Keys(change.terms)) {
		n := change.terms[term]
		if n == 0 {
			continue
		}
		if n < 0 {
			less = append(less, term)
		}
		terms.Terms = append(terms.Terms, term)
		terms.Changes = append(terms.Changes, int32(n))
	}
	if err := b.queries.ChangeKnowledgeTerms(ctx, tx, terms); err != nil {
		return fmt.Errorf("count terms: %w", err)
	}
	if err := b.queries.DeleteUnusedKnowledgeTerms(ctx, tx, less); err != nil {
		return fmt.Errorf("forget unused terms: %w", err)
	}
	err := b.queries.ChangeKnowledgeTotals(ctx, tx, db.ChangeKnowledgeTotalsParams{
		Items: int64(change.items), QuestionWords: int64(change.questionWords), TextWords: int64(change.textWords),
	})
	if err != nil {
		return fmt.Errorf("count items: %w", err)
	}
	return nil
}

package knowledge

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/dialogue"
	"parley/store/db"
)

const (
	defaultLimit   = 5
	contextWeight  = 0.6  // of the words of the question before, and again for the one before that
	maxQueryRunes  = 2000 // of a longer text the beginning is searched for
	maxQueryWords  = 48
	maxCandidates  = 60  // rated here
	maxRanked      = 600 // ranked by Postgres
	minSimilarSize = 5   // shorter words are not corrected
	similarQuality = 0.9 // for each edit
)

// Base is the knowledge base in Postgres. It is safe for concurrent use.
type Base struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	analyzer *Analyzer
}

// NewBase opens the knowledge base of a migrated database.
func NewBase(pool *pgxpool.Pool) *Base {
	return &Base{pool: pool, queries: db.New(), analyzer: NewAnalyzer()}
}

// Search finds the passages that answer a question, best first. Translations of
// one item count as one: the reader's language is preferred.
func (b *Base) Search(ctx context.Context, q Query) ([]Passage, error) {
	words := b.wordsOf(q)
	if len(words) == 0 {
		return nil, nil
	}
	corpus, err := b.corpus(ctx, words)
	if err != nil {
		return nil, err
	}
	if err := b.correct(ctx, words, corpus); err != nil {
		return nil, err
	}
	query := candidateQuery(words, corpus)
	if query == "" {
		return nil, nil
	}
	rows, err := b.queries.FindKnowledge(ctx, b.pool, db.FindKnowledgeParams{Query: query, MaxRanked: maxRanked, MaxItems: maxCandidates})
	if err != nil {
		return nil, fmt.Errorf("find knowledge: %w", err)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	best := bestOfGroups(rateAll(corpus, words, rows), q.Language, limit)
	return b.load(ctx, best, q.Language)
}

// wordsOf returns the words of the question, and those of earlier questions
// that it does not repeat, at a lesser weight.
func (b *Base) wordsOf(q Query) []queryWord {
	words := b.analyzer.query(head(q.Text), 1)
	weight := contextWeight
	for _, earlier := range q.Context {
		base := len(words)
		for _, w := range b.analyzer.query(head(earlier), weight) {
			if w.bound >= 0 {
				w.bound += base
			}
			words = append(words, w)
		}
		weight *= contextWeight
	}
	return dedupe(words[:min(len(words), maxQueryWords)])
}

func head(text string) string {
	if utf8.RuneCountInString(text) <= maxQueryRunes {
		return text
	}
	return string([]rune(text)[:maxQueryRunes])
}

// corpus counts in how many items the words' terms stand.
func (b *Base) corpus(ctx context.Context, words []queryWord) (corpus, error) {
	var terms []string
	for _, w := range words {
		for _, f := range w.forms {
			terms = append(terms, f.term)
		}
	}
	counts, err := b.queries.CountKnowledge(ctx, b.pool, terms)
	if err != nil {
		return corpus{}, fmt.Errorf("count the knowledge base: %w", err)
	}
	c := corpus{frequency: make(map[string]int, len(counts))}
	for _, n := range counts {
		if n.Term == "" {
			c.items = float64(max(n.Items, 1))
			c.questionWords, c.textWords = float64(n.QuestionWords)/c.items, float64(n.TextWords)/c.items
			continue
		}
		c.frequency[n.Term] = int(n.Items)
	}
	return c, nil
}

// correct gives words that no item has the forms of words like them.
func (b *Base) correct(ctx context.Context, words []queryWord, c corpus) error {
	for i := range words {
		w := &words[i]
		if slices.ContainsFunc(w.forms, func(f form) bool { return c.frequency[f.term] > 0 }) || w.number || w.kind == conceptGeneric || w.kind == conceptVariant {
			continue
		}
		stems := slices.Clone(w.forms)
		for _, f := range stems {
			if strings.HasPrefix(f.term, conceptMark) {
				continue
			}
			if err := b.similar(ctx, w, f.term, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// similar adds what a mistyped stem may have meant: a word of the concepts, or
// the nearest terms of the index.
func (b *Base) similar(ctx context.Context, w *queryWord, stem string, c corpus) error {
	runes := []rune(stem)
	if len(runes) < minSimilarSize || isDigits(string(runes[len(runes)-1:])) {
		return nil
	}
	limit := 1
	if len(runes) >= 10 {
		limit = 2
	}
	limitFor := func(known string) int {
		if len(runes) == minSimilarSize && utf8.RuneCountInString(known) <= len(runes) {
			return 0 // of a short word only a missing letter is made up for: another letter makes another word
		}
		return limit
	}
	var concepts []string
	nearest := limit
	for _, known := range b.analyzer.vocab[runes[0]] {
		switch d := EditDistance(runes, []rune(known), nearest); {
		case d > limitFor(known):
		case d < nearest:
			nearest, concepts = d, b.analyzer.conceptsOf(known)
		case d == nearest:
			concepts = append(concepts, b.analyzer.conceptsOf(known)...)
		}
	}
	near, err := b.queries.ListSimilarKnowledgeTerms(ctx, b.pool, db.ListSimilarKnowledgeTermsParams{
		Initial: string(runes[:1]), Smallest: int32(len(runes) - limit), Largest: int32(len(runes) + limit),
	})
	if err != nil {
		return fmt.Errorf("list similar terms: %w", err)
	}
	for _, n := range near {
		if d := EditDistance(runes, []rune(n.Term), limit); d <= limitFor(n.Term) {
			w.forms = mergeForms(w.forms, []form{{term: n.Term, quality: likeness(d)}})
			c.frequency[n.Term] = int(n.Items)
		}
	}
	if len(concepts) == 0 {
		return nil
	}
	counts, err := b.queries.CountKnowledge(ctx, b.pool, concepts)
	if err != nil {
		return fmt.Errorf("count concepts: %w", err)
	}
	w.kind = b.analyzer.kindOf(concepts)
	for _, n := range counts {
		if n.Term == "" {
			continue
		}
		w.forms = mergeForms(w.forms, []form{{term: n.Term, quality: likeness(nearest)}})
		c.frequency[n.Term] = int(n.Items)
	}
	return nil
}

// likeness is the quality of a word so many edits away.
func likeness(edits int) float64 { return math.Pow(similarQuality, float64(edits)) }

// candidateQuery makes the tsquery that narrows the items down: any of the
// terms, the rarest first, as long as they do not bring in too many items. When
// even the rarest word stands in too many, another must stand beside it.
func candidateQuery(words []queryWord, c corpus) string {
	type known struct {
		terms []string
		items int
	}
	var all []known
	for _, w := range words {
		var k known
		for _, f := range w.forms {
			if n := c.frequency[f.term]; n > 0 {
				k.terms = append(k.terms, quoteTerm(f.term))
				k.items += n
			}
		}
		if len(k.terms) > 0 {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b known) int { return cmp.Compare(a.items, b.items) })
	if all[0].items > maxRanked && len(all) > 1 {
		var others []string
		for _, k := range all[1:] {
			others = append(others, k.terms...)
		}
		return "(" + strings.Join(all[0].terms, " | ") + ") & (" + strings.Join(others, " | ") + ")"
	}
	terms, items := all[0].terms, all[0].items
	for _, k := range all[1:] {
		if items += k.items; items > maxRanked {
			break
		}
		terms = append(terms, k.terms...)
	}
	return strings.Join(terms, " | ")
}

// hit is a rated candidate.
type hit struct {
	row   db.FindKnowledgeRow
	match match
}

func rateAll(c corpus, words []queryWord, rows []db.FindKnowledgeRow) []hit {
	wanted := map[string]bool{}
	for _, w := range words {
		for _, f := range w.forms {
			wanted[f.term] = true
		}
	}
	out := make([]hit, 0, len(rows))
	for _, r := range rows {
		m := c.rate(words, candidate{terms: parseVector(r.Terms, wanted), questionWords: int(r.QuestionWords), textWords: int(r.TextWords)})
		if m.score > 0 {
			out = append(out, hit{row: r, match: m})
		}
	}
	slices.SortStableFunc(out, func(a, b hit) int { return cmp.Compare(b.match.score, a.match.score) })
	return out
}

type groupKey struct {
	source uuid.UUID
	group  string
}

func keyOf(r db.FindKnowledgeRow) groupKey { return groupKey{source: r.SourceID, group: r.GroupKey} }

// bestOfGroups keeps one hit of every group, the reader's language before a
// better score, with the best score of the group.
func bestOfGroups(hits []hit, lang dialogue.Language, limit int) []hit {
	var out []hit
	at := map[groupKey]int{}
	for _, h := range hits {
		i, seen := at[keyOf(h.row)]
		switch {
		case !seen && len(out) < limit:
			at[keyOf(h.row)] = len(out)
			out = append(out, h)
		case seen && h.row.Language == string(lang) && out[i].row.Language != string(lang):
			out[i].row = h.row
		}
		if seen {
			out[i].match.confidence = max(out[i].match.confidence, h.match.confidence)
		}
	}
	return out
}

// load reads the items found, or their translations for the reader.
func (b *Base) load(ctx context.Context, hits []hit, lang dialogue.Language) ([]Passage, error) {
	if len(hits) == 0 {
		return nil, nil
	}
	var groups db.LoadKnowledgeParams
	for _, h := range hits {
		groups.SourceIds = append(groups.SourceIds, h.row.SourceID)
		groups.GroupKeys = append(groups.GroupKeys, h.row.GroupKey)
	}
	rows, err := b.queries.LoadKnowledge(ctx, b.pool, groups)
	if err != nil {
		return nil, fmt.Errorf("load knowledge: %w", err)
	}
	var out []Passage
	for _, h := range hits {
		var chosen *db.LoadKnowledgeRow
		for i := range rows {
			r := &rows[i]
			switch {
			case r.SourceID != h.row.SourceID || r.GroupKey != h.row.GroupKey:
			case r.Language == string(lang) && (chosen == nil || chosen.Language != string(lang) || r.ID == h.row.ID):
				chosen = r
			case chosen == nil && r.ID == h.row.ID:
				chosen = r
			}
		}
		if chosen == nil {
			continue // removed since it was found
		}
		out = append(out, Passage{
			ItemID: chosen.ID, Source: chosen.Source, Group: chosen.GroupKey, Language: dialogue.Language(chosen.Language),
			Title: chosen.Title, Question: chosen.Question, Text: chosen.Text,
			Score: h.match.score, Confidence: h.match.confidence,
		})
	}
	return out, nil
}

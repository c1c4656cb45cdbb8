package knowledge

import (
	"slices"
	"strconv"
	"strings"

	"parley/dialogue"
)

// Limits of Postgres' tsvector.
const (
	maxPlace         = 16383
	maxPlacesPerTerm = 255
)

// gapBetweenFields keeps words of the question and of the text from standing
// beside each other.
const gapBetweenFields = 8

// vector is what the index keeps of an item, by term.
type vector map[string]places

// places says where in an item a term stands.
type places struct {
	question []int // in the title and the question
	text     []int
}

// vectorOf analyses an item.
func (a *Analyzer) vectorOf(it Item) (v vector, questionWords, textWords int) {
	v = vector{}
	offset := 0
	for _, field := range []string{it.Title, it.Question} {
		postings, words := a.terms(field, it.Language)
		for _, p := range postings {
			e := v[p.term]
			e.question = appendPlaces(e.question, p.places, offset)
			v[p.term] = e
		}
		questionWords += words
		offset += len(Words(field)) + gapBetweenFields
	}
	postings, textWords := a.terms(it.Text, it.Language)
	for _, p := range postings {
		e := v[p.term]
		e.text = appendPlaces(e.text, p.places, offset)
		if room := maxPlacesPerTerm - len(e.question); len(e.text) > room {
			e.text = e.text[:room]
		}
		v[p.term] = e
	}
	return v, questionWords, textWords
}

func appendPlaces(to, add []int, offset int) []int {
	for _, p := range add {
		if p += offset; p < maxPlace && len(to) < maxPlacesPerTerm {
			to = append(to, p)
		}
	}
	return to
}

// String writes the vector as Postgres reads a tsvector.
func (v vector) String() string {
	var b strings.Builder
	for term, at := range v {
		if len(at.question)+len(at.text) == 0 {
			continue
		}
		b.WriteString(quoteTerm(term))
		separator := ":"
		for _, p := range at.question {
			b.WriteString(separator + strconv.Itoa(p) + "A")
			separator = ","
		}
		for _, p := range at.text {
			b.WriteString(separator + strconv.Itoa(p))
			separator = ","
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func quoteTerm(term string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(term) + "'"
}

// parseVector reads a tsvector as Postgres writes it; with wanted, only those
// terms. Terms hold neither quotes nor blanks.
func parseVector(s string, wanted map[string]bool) vector {
	v := vector{}
	for entry := range strings.FieldsSeq(s) {
		term, list, _ := strings.Cut(strings.TrimPrefix(entry, "'"), "'")
		if wanted != nil && !wanted[term] {
			continue
		}
		var at places
		for p := range strings.SplitSeq(strings.TrimPrefix(list, ":"), ",") {
			n, err := strconv.Atoi(strings.TrimRight(p, "ABCD"))
			switch {
			case err != nil:
			case strings.HasSuffix(p, "A"):
				at.question = append(at.question, n)
			default:
				at.text = append(at.text, n)
			}
		}
		v[term] = at
	}
	return v
}

func (v vector) equal(o vector) bool {
	same := func(a, b places) bool { return slices.Equal(a.question, b.question) && slices.Equal(a.text, b.text) }
	for term, at := range v {
		if !same(at, o[term]) {
			return false
		}
	}
	for term := range o {
		if _, ok := v[term]; !ok {
			return false
		}
	}
	return true
}

func validLanguage(l dialogue.Language) bool {
	return l == dialogue.Russian || l == dialogue.Kazakh || l == dialogue.English
}

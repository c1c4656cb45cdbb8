package knowledge

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"

	"parley/dialogue"
)

//go:embed concepts.txt
var conceptsText string

//go:embed stopwords.txt
var stopwordsText string

// maxTermRunes bounds a term; longer ones are noise such as encoded data.
const maxTermRunes = 48

// How well a term stands for a word: another of the same meaning, and one word
// of a phrase for the whole.
const (
	sameMeaning  = 0.95
	partOfPhrase = 0.4
)

// conceptMark begins the terms that stand for concepts; no word begins so.
const conceptMark = "@"

// exactMark before an entry of the vocabulary asks for these very words, where a
// stem would mean too much: «часы» are watches, «часа» are hours.
const exactMark = "="

// Analyzer turns texts into terms. It is immutable and safe for concurrent use.
type Analyzer struct {
	stop     map[string]bool
	concepts map[dialogue.Language]map[string][]phrase // by the stem of the first word
	kinds    map[string]conceptKind
	vocab    map[rune][]string // stems of the concepts' words by first letter, for typing errors
}

type conceptKind int

const (
	conceptPlain   conceptKind = iota
	conceptThing               // a kind of goods or a brand
	conceptGeneric             // says what is wanted of a thing: its price, whether it is there
	conceptVariant             // tells one model from another: pro, max
)

// phrase is one or more words that stand for a concept.
type phrase struct {
	concept string
	stems   []string
}

// NewAnalyzer reads the vocabulary built into the program.
func NewAnalyzer() *Analyzer {
	a := &Analyzer{
		stop: map[string]bool{}, kinds: map[string]conceptKind{}, vocab: map[rune][]string{},
		concepts: map[dialogue.Language]map[string][]phrase{dialogue.Russian: {}, dialogue.Kazakh: {}, dialogue.English: {}},
	}
	for _, w := range Words(stopwordsText) {
		a.stop[w] = true
	}
	for line := range strings.Lines(conceptsText) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		columns := strings.Split(line, "|")
		name := conceptMark + strings.Trim(columns[0], " !#*")
		switch {
		case strings.Contains(columns[0], "!"):
			a.kinds[name] = conceptGeneric
		case strings.Contains(columns[0], "#"):
			a.kinds[name] = conceptVariant
		case strings.Contains(columns[0], "*"):
			a.kinds[name] = conceptThing
		}
		for i, lang := range []dialogue.Language{dialogue.Russian, dialogue.Kazakh, dialogue.English} {
			if i+1 < len(columns) {
				a.addPhrases(name, lang, columns[i+1])
			}
		}
	}
	for first, words := range a.vocab {
		slices.Sort(words)
		a.vocab[first] = slices.Compact(words)
	}
	return a
}

func (a *Analyzer) addPhrases(concept string, lang dialogue.Language, list string) {
	for entry := range strings.SplitSeq(list, ",") {
		var stems []string
		for _, w := range Words(entry) {
			if strings.Contains(entry, exactMark) {
				stems = append(stems, exactMark+w)
			} else {
				stems = append(stems, stemIn(w, lang))
			}
		}
		if len(stems) == 0 {
			continue
		}
		first := stems[0]
		a.concepts[lang][first] = append(a.concepts[lang][first], phrase{concept: concept, stems: stems})
		if r := []rune(first); a.kinds[concept] != conceptGeneric && len(stems) == 1 && len(r) >= 4 && !strings.HasPrefix(first, exactMark) {
			a.vocab[r[0]] = append(a.vocab[r[0]], first)
		}
	}
}

// stemIn stems a word as one of the language; words in Latin letters are always
// stemmed as English ones, because names of products are written so everywhere.
func stemIn(word string, lang dialogue.Language) string {
	switch {
	case strings.IndexFunc(word, unicode.IsDigit) >= 0:
		return word
	case isLatin(word):
		return english.Stem(word, false)
	case lang == dialogue.Kazakh:
		return kazakhStem(word)
	}
	return russian.Stem(word, false)
}

func isLatin(word string) bool {
	for _, r := range word {
		return unicode.Is(unicode.Latin, r)
	}
	return false
}

// analyzed is one place in a text: what its word is, and what it means.
type analyzed struct {
	word     string
	stems    []string
	concepts []string
	stop     bool
}

// analyze finds stems and concepts of a text. Without a language every word is
// taken for Russian and Kazakh alike, as in a customer's question.
func (a *Analyzer) analyze(text string, lang dialogue.Language) []analyzed {
	words := Words(text)
	out := make([]analyzed, len(words))
	langs := []dialogue.Language{dialogue.Russian, dialogue.Kazakh}
	if lang == dialogue.Russian || lang == dialogue.Kazakh {
		langs = []dialogue.Language{lang}
	}
	for i, w := range words {
		if r := []rune(w); len(r) > maxTermRunes {
			w = string(r[:maxTermRunes])
		}
		out[i] = analyzed{word: w, stop: a.stop[w]}
		for _, l := range langs {
			if s := stemIn(w, l); !slices.Contains(out[i].stems, s) {
				out[i].stems = append(out[i].stems, s)
			}
		}
	}
	a.markConcepts(out)
	return out
}

// markConcepts finds the concepts of every word. A phrase gives its concept to
// all its words and takes them from the stop words; what a word means alone does
// not count within a longer phrase: a gift card is no card to pay with.
func (a *Analyzer) markConcepts(out []analyzed) {
	longest := make([]int, len(out))
	for i := range out {
		word := out[i].word
		for _, lang := range []dialogue.Language{dialogue.Russian, dialogue.Kazakh, dialogue.English} {
			for _, p := range slices.Concat(a.concepts[lang][stemIn(word, lang)], a.concepts[lang][exactMark+word]) {
				if !matches(out[i:], p.stems, lang) {
					continue
				}
				for j := i; j < i+len(p.stems); j++ {
					switch n := len(p.stems); {
					case n < longest[j]:
						continue
					case n > longest[j]:
						longest[j], out[j].concepts = n, nil
					}
					if !slices.Contains(out[j].concepts, p.concept) {
						out[j].concepts = append(out[j].concepts, p.concept)
					}
					if len(p.stems) > 1 {
						out[j].stop = false
					}
				}
			}
		}
	}
}

func matches(out []analyzed, stems []string, lang dialogue.Language) bool {
	if len(stems) > len(out) {
		return false
	}
	for j, s := range stems[1:] {
		if word := out[j+1].word; stemIn(word, lang) != s && exactMark+word != s {
			return false
		}
	}
	return true
}

// posting is a term with the places where it stands.
type posting struct {
	term   string
	places []int
}

// terms returns what the index keeps of a text, and how many words it counts.
func (a *Analyzer) terms(text string, lang dialogue.Language) ([]posting, int) {
	at := map[string]int{}
	var out []posting
	add := func(term string, place int) {
		i, ok := at[term]
		if !ok {
			i = len(out)
			at[term] = i
			out = append(out, posting{term: term})
		}
		if n := len(out[i].places); n == 0 || out[i].places[n-1] != place {
			out[i].places = append(out[i].places, place)
		}
	}
	if lang == dialogue.English {
		lang = dialogue.Russian // what is not Latin in an English text is most likely Russian
	}
	words := a.analyze(text, lang)
	counted := 0
	for i, w := range words {
		if w.stop && len(w.concepts) == 0 {
			continue
		}
		counted++
		if !w.stop {
			for _, s := range w.stems {
				add(s, i+1)
			}
		}
		for _, c := range w.concepts {
			add(c, i+1)
		}
	}
	return out, counted
}

// queryWord is a word of a question that an item may or may not speak of.
type queryWord struct {
	forms  []form
	kind   conceptKind
	number bool    // digits alone
	model  bool    // letters and digits: the name of one model
	bound  int     // the word beside which a number or variant must stand, or -1
	weight float64 // less than 1 for words of earlier questions
	text   string
}

// form is one term by which a word may be found.
type form struct {
	term    string
	quality float64 // 1 for the word itself
}

// query returns the words of a question that carry meaning.
func (a *Analyzer) query(text string, weight float64) []queryWord {
	words := a.analyze(text, "")
	var out []queryWord
	previous := -1
	for i, w := range words {
		if w.stop && len(w.concepts) == 0 {
			continue
		}
		q := queryWord{bound: -1, weight: weight, text: w.word, number: isDigits(w.word), model: isModel(w.word)}
		if !a.stop[w.word] {
			quality := 1.0
			if len(w.concepts) > 0 {
				// An item that has the word but not its meaning has it in a phrase that means something else.
				quality = partOfPhrase
			}
			for _, s := range w.stems {
				q.forms = append(q.forms, form{term: s, quality: quality})
			}
		}
		q.kind = a.kindOf(w.concepts)
		for _, c := range w.concepts {
			q.forms = append(q.forms, form{term: c, quality: sameMeaning})
		}
		n, adjacent := len(out), len(out) > 0 && i == previous+1
		if adjacent && len(sharedConcepts(words[previous], w)) > 0 {
			// One phrase is one word to the search: what its parts share.
			out[n-1].forms = phraseForms(out[n-1].forms, q.forms)
			out[n-1].kind = a.kindOf(sharedConcepts(words[previous], w))
			previous = i
			continue
		}
		if adjacent && (q.kind == conceptVariant || q.number && !countsUnits(words, i+1)) && bindable(out[n-1], q) {
			q.bound = n - 1
		}
		previous = i
		out = append(out, q)
	}
	return dedupe(out)
}

// sharedConcepts are what two neighbouring words stand for together.
func sharedConcepts(a, b analyzed) []string {
	var out []string
	for _, c := range a.concepts {
		if slices.Contains(b.concepts, c) {
			out = append(out, c)
		}
	}
	return out
}

// phraseForms keeps what two words of a phrase both stand for; what either
// stands for alone counts little.
func phraseForms(a, b []form) []form {
	var out []form
	for _, f := range slices.Concat(a, b) {
		same := func(x form) bool { return x.term == f.term }
		if slices.ContainsFunc(out, same) {
			continue
		}
		if !slices.ContainsFunc(a, same) || !slices.ContainsFunc(b, same) {
			f.quality = min(f.quality, partOfPhrase)
		}
		out = append(out, f)
	}
	return out
}

// isModel tells names such as s24 and a56.
func isModel(word string) bool {
	return strings.IndexFunc(word, unicode.IsDigit) >= 0 && strings.IndexFunc(word, unicode.IsLetter) >= 0
}

func mergeForms(a, b []form) []form {
	for _, f := range b {
		if !slices.ContainsFunc(a, func(x form) bool { return x.term == f.term }) {
			a = append(a, f)
		}
	}
	return a
}

// conceptsOf returns the concepts that a stem alone stands for.
func (a *Analyzer) conceptsOf(stem string) []string {
	var out []string
	for _, byStem := range a.concepts {
		for _, p := range byStem[stem] {
			if len(p.stems) == 1 && !slices.Contains(out, p.concept) {
				out = append(out, p.concept)
			}
		}
	}
	slices.Sort(out)
	return out
}

// kindOf is generic only when nothing else is meant.
func (a *Analyzer) kindOf(concepts []string) conceptKind {
	if len(concepts) == 0 {
		return conceptPlain
	}
	kind := a.kinds[concepts[0]]
	for _, c := range concepts[1:] {
		kind = min(kind, a.kinds[c])
	}
	return kind
}

// bindable says whether a number or variant after the word names a model of it:
// iphone 16, 16 pro.
func bindable(name, q queryWord) bool {
	switch {
	case len(q.text) > 2 && q.number && (name.bound >= 0 || name.model):
		return false // iphone 16 256: what follows a model's number is its memory
	case name.kind == conceptVariant, name.bound >= 0:
		return true
	case name.number:
		return q.kind == conceptVariant
	case name.kind == conceptGeneric:
		return false
	}
	return isLatin(name.text) || name.model || brand(name)
}

// countsUnits says whether the number before place i measures something:
// 256 гб, 12 months.
func countsUnits(words []analyzed, i int) bool {
	if i >= len(words) {
		return false
	}
	return slices.ContainsFunc(words[i].concepts, func(c string) bool {
		switch c {
		case "@memory", "@month", "@day", "@minutes", "@money", "@screen":
			return true
		}
		return false
	})
}

// brand says whether a word in Cyrillic letters stands for a name in Latin ones.
func brand(q queryWord) bool {
	for _, f := range q.forms {
		switch f.term {
		case "@iphone", "@macbook", "@airpods", "@ipad", "@galaxy", "@redmi", "@console", "@samsung", "@xiaomi":
			return true
		}
	}
	return false
}

// dedupe keeps the first of equal words.
func dedupe(words []queryWord) []queryWord {
	var out []queryWord
	moved := make([]int, len(words))
	for i, w := range words {
		same := slices.IndexFunc(out, func(o queryWord) bool {
			return o.forms[0].term == w.forms[0].term && o.bound == boundTo(moved, w.bound)
		})
		if same >= 0 {
			moved[i] = same
			continue
		}
		w.bound = boundTo(moved, w.bound)
		moved[i] = len(out)
		out = append(out, w)
	}
	return out
}

func boundTo(moved []int, bound int) int {
	if bound < 0 {
		return bound
	}
	return moved[bound]
}

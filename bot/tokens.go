package bot

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// estimate says how many tokens a text is at most likely to be, without the
// vocabulary of any model: servers of every make are in use, and most do not
// say how they count. It errs on the side of more; measured against cl100k and
// o200k on Russian, Kazakh and English it is above both.
func estimate(text string) int {
	var tokens float64
	for rest := text; rest != ""; {
		n, cost := word(rest)
		tokens += cost
		rest = rest[n:]
	}
	return int(tokens) + 1
}

// word measures the run of like characters that a text begins with, and what it costs.
func word(s string) (size int, cost float64) {
	first, size := utf8.DecodeRuneInString(s)
	kind := kindOf(first)
	runes, odd, upper := 1, 0, 0
	if kazakhLetter(first) {
		odd++
	}
	for size < len(s) {
		r, n := utf8.DecodeRuneInString(s[size:])
		if kindOf(r) != kind {
			break
		}
		if kazakhLetter(r) {
			odd++
		}
		if unicode.IsUpper(r) {
			upper++
		}
		size += n
		runes++
	}
	switch kind {
	case kindSpace:
		// One space belongs to the word after it.
		return size, 0.05 + float64(runes-1)*0.25
	case kindLatin:
		if runes > 24 { // no word of a language: an address, a key
			return size, float64(runes) * 0.75
		}
		return size, max(1, float64(runes)/3.6+float64(upper)*0.4)
	case kindDigit:
		return size, float64(runes+2) / 3
	case kindCyrillic:
		if runes > 24 {
			return size, float64(runes)
		}
		if odd > 0 {
			return size, max(1, float64(runes)*0.75+float64(odd)*0.9+float64(upper)*0.4)
		}
		return size, max(1, float64(runes)*0.55+float64(upper)*0.5)
	case kindPunctuation:
		return size, float64(runes) * 0.8
	}
	// What no rule is known for costs at most a token a byte.
	return size, float64(size) * 0.75
}

type runeKind int

const (
	kindOther runeKind = iota
	kindSpace
	kindLatin
	kindDigit
	kindCyrillic
	kindPunctuation
)

func kindOf(r rune) runeKind {
	switch {
	case r == ' ' || r == '\n' || r == '\t' || r == '\r':
		return kindSpace
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return kindLatin
	case '0' <= r && r <= '9':
		return kindDigit
	case unicode.Is(unicode.Cyrillic, r):
		return kindCyrillic
	case r > ' ' && r < 0x7f:
		return kindPunctuation
	}
	return kindOther
}

// kazakhLetter reports a Cyrillic letter that vocabularies know few words with.
func kazakhLetter(r rune) bool {
	return unicode.Is(unicode.Cyrillic, r) && (r < 'А' || r > 'я') && r != 'ё' && r != 'Ё'
}

// gap stands where the middle of a text is left out.
const gap = "\n[…]\n"

// clip shortens a text to about so many tokens: its beginning and its end stay,
// for a long message says what it is about in the one and what it wants in the other.
func clip(text string, tokens int) string {
	if tokens <= 0 {
		return ""
	}
	if len(text) <= tokens/2 || estimate(text) <= tokens {
		return text
	}
	half := (tokens - estimate(gap)) / 2
	if half <= 0 {
		return gap
	}
	head, tail := prefix(text, half), suffix(text, half)
	return text[:head] + gap + text[tail:]
}

// prefix is how many bytes a text may keep from its beginning.
func prefix(text string, tokens int) int {
	var cost float64
	at := 0
	for at < len(text) {
		n, c := word(text[at:])
		if cost+c > float64(tokens) {
			return at + shareOf(text[at:at+n], (float64(tokens)-cost)/c)
		}
		cost += c
		at += n
	}
	return at
}

// shareOf is how many bytes are about this share of a word, whole characters only.
func shareOf(word string, share float64) int {
	n := int(float64(len(word)) * share)
	for n > 0 && !utf8.RuneStart(word[n]) {
		n--
	}
	return n
}

// suffix is where a text begins when it keeps so many tokens of its end. It
// measures from the front of a piece that is long enough in any case.
func suffix(text string, tokens int) int {
	from := max(0, len(text)-tokens*8)
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	for from < len(text) {
		piece := text[from:]
		if estimate(piece) <= tokens {
			break
		}
		// At least the tokens that are too many, at one byte each.
		n := max(1, (estimate(piece)-tokens)/2)
		from += min(n, len(piece))
		for from < len(text) && !utf8.RuneStart(text[from]) {
			from++
		}
	}
	return from
}

// meter corrects the estimate for one model by what its server counts.
type meter struct {
	mu    sync.Mutex
	ratio float64 // tokens that the server counted for each that was estimated; 0: none yet
}

// Bounds of the correction: a server that counts otherwise counts something else.
const (
	leastRatio = 0.4
	mostRatio  = 3
)

// learn takes what a server counted for a prompt of this estimate.
func (m *meter) learn(estimated, counted int) {
	if estimated < 200 || counted <= 0 {
		return // too little to tell from the frame around the messages
	}
	seen := min(max(float64(counted)/float64(estimated), leastRatio), mostRatio)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.ratio == 0 || seen > m.ratio:
		m.ratio = seen
	default:
		m.ratio += (seen - m.ratio) / 16
	}
}

// room is how many estimated tokens a server will count as these.
func (m *meter) room(tokens int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ratio == 0 {
		return tokens
	}
	// A tenth is kept back: the mix of languages differs from prompt to prompt.
	return int(float64(tokens) / min(m.ratio*1.1, mostRatio))
}

// counted is what a server will likely count for an estimate.
func (m *meter) counted(estimated int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ratio == 0 {
		return estimated
	}
	return int(float64(estimated) * m.ratio)
}

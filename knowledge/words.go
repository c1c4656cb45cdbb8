package knowledge

import (
	"strings"
	"unicode"
)

// Words splits a text into its words, in lower case and folded: ё is е, and the
// letters that only Kazakh has become those that people type in their place on
// a Russian keyboard (қ is к, ү is у, …). Model numbers stay whole (a55, s24);
// a name and its number written together come apart (iphone16 is iphone 16), and
// so do a number and its unit (256гб). Digit groups of an amount are joined (250 000
// is 250000), but "iphone 16 256" names a model and its memory.
func Words(text string) []string {
	var out []string
	for _, raw := range split(text) {
		for _, w := range separate(raw) {
			if n := len(out); n > 0 && w.glued && isDigits(out[n-1]) && isDigits(w.text) && len(w.text) == 3 && w.text[2] == '0' && len(out[n-1]) <= 6 {
				out[n-1] += w.text
				continue
			}
			out = append(out, w.text)
		}
	}
	return out
}

// rawWord is a run of letters and digits; glued says that nothing but one space
// parts it from the run before.
type rawWord struct {
	text  string
	glued bool
}

func split(text string) []rawWord {
	var out []rawWord
	var b strings.Builder
	gap := ""
	flush := func() {
		if b.Len() > 0 {
			out = append(out, rawWord{text: b.String(), glued: gap == " " || gap == "\u00a0" || gap == "\u202f"})
			b.Reset()
			gap = ""
		}
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(fold(unicode.ToLower(r)))
		case unicode.Is(unicode.Mn, r) || r == '\u200d' || r == '\u00ad' || r == '\u200b':
			// Marks and invisible joiners belong to the word they stand in.
		case (r == '\'' || r == '’') && b.Len() > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i+1]):
			// "don't" is one word.
		case (r == '.' || r == ',') && b.Len() > 0 && isDigits(b.String()) && i+1 < len(runes) && unicode.IsDigit(runes[i+1]):
			b.WriteByte('.')
		default:
			flush()
			gap += string(r)
		}
	}
	flush()
	return out
}

// separate takes a name and its number, or a number and its unit, apart.
func separate(w rawWord) []rawWord {
	runes := []rune(w.text)
	firstDigit := strings.IndexFunc(w.text, unicode.IsDigit)
	if firstDigit < 0 || isDigits(w.text) {
		return []rawWord{w}
	}
	letters := 0
	for letters < len(runes) && unicode.IsLetter(runes[letters]) {
		letters++
	}
	digits := letters
	for digits < len(runes) && (unicode.IsDigit(runes[digits]) || runes[digits] == '.') {
		digits++
	}
	switch {
	case letters >= 3 && digits > letters: // iphone16, iphone16pro
		rest := separate(rawWord{text: string(runes[letters:])})
		return append([]rawWord{{text: string(runes[:letters]), glued: w.glued}}, rest...)
	case letters == 0 && len(runes)-digits >= 2 && allLetters(runes[digits:]): // 256гб, 13pro
		return []rawWord{{text: string(runes[:digits]), glued: w.glued}, {text: string(runes[digits:])}}
	}
	return []rawWord{{text: latinModel(runes), glued: w.glued}}
}

// latinModel writes a model number in Latin letters where Cyrillic ones that
// look or sound alike were typed: а55 is a55, с24 is s24.
func latinModel(runes []rune) string {
	for i, r := range runes {
		switch r {
		case 'а':
			runes[i] = 'a'
		case 'с':
			runes[i] = 's'
		case 'е':
			runes[i] = 'e'
		case 'х':
			runes[i] = 'x'
		case 'м':
			runes[i] = 'm'
		case 'т':
			runes[i] = 't'
		case 'к':
			runes[i] = 'k'
		case 'п':
			runes[i] = 'p'
		}
	}
	return string(runes)
}

func fold(r rune) rune {
	switch r {
	case 'ё':
		return 'е'
	case 'ә':
		return 'а'
	case 'ғ':
		return 'г'
	case 'қ':
		return 'к'
	case 'ң':
		return 'н'
	case 'ө':
		return 'о'
	case 'ұ', 'ү':
		return 'у'
	case 'һ':
		return 'х'
	case 'і':
		return 'и'
	}
	return r
}

func isDigits(s string) bool {
	for _, r := range s {
		if !unicode.IsDigit(r) && r != '.' {
			return false
		}
	}
	return s != ""
}

func allLetters(runes []rune) bool {
	for _, r := range runes {
		if !unicode.IsLetter(r) {
			return false
		}
	}
	return true
}

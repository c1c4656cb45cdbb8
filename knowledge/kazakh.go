package knowledge

import "strings"

// kazakhStem strips the endings of a folded Kazakh word: case, possession,
// number, person, and the common verb forms. It is light: different forms of
// one word come out alike, and that is all it is for.
func kazakhStem(word string) string {
	runes := []rune(word)
	for range 4 {
		n := kazakhEnding(runes)
		if n == 0 {
			break
		}
		runes = runes[:len(runes)-n]
	}
	if n := len(runes); n > 3 {
		// A voiceless end becomes voiced before a vowel: кітап, кітабы.
		switch runes[n-1] {
		case 'б':
			runes[n-1] = 'п'
		case 'г':
			runes[n-1] = 'к'
		}
	}
	return string(runes)
}

// kazakhEnding returns how many letters of the longest known ending to strip.
func kazakhEnding(runes []rune) int {
	for n := min(6, len(runes)-3); n > 0; n-- {
		stem, ending := runes[:len(runes)-n], string(runes[len(runes)-n:])
		if !hasVowel(stem) || !isKazakhEnding(ending) {
			continue
		}
		if n <= 2 && len(stem) < 4 {
			continue
		}
		return n
	}
	return 0
}

func hasVowel(runes []rune) bool {
	for _, r := range runes {
		if strings.ContainsRune("аеиоуыэюя", r) {
			return true
		}
	}
	return false
}

func isKazakhEnding(s string) bool {
	switch s {
	case "лар", "лер", "дар", "дер", "тар", "тер", // plural
		"ым", "им", "мыз", "миз", "ымыз", "имиз", "ныз", "низ", "ыныз", "иниз", "сы", "си", "ы", "и", // possession
		"нын", "нин", "дын", "дин", "тын", "тин", // genitive
		"га", "ге", "ка", "ке", "на", "не", // dative
		"ны", "ни", "ды", "ди", "ты", "ти", // accusative
		"да", "де", "та", "те", "ында", "инде", "сында", "синде", // locative
		"дан", "ден", "тан", "тен", "нан", "нен", "ынан", "инен", "сынан", "синен", // ablative
		"мен", "бен", "пен", "ымен", "имен", // instrumental
		"ына", "ине", "сына", "сине", "ын", "ин", "сын", "син", // possession with case
		"сыз", "сиз", "мын", "мин", "быз", "биз", "пыз", "пиз", // person
		"лы", "ли", "лык", "лик", "дык", "дик", "тык", "тик", "гы", "ги", "кы", "ки", "дагы", "деги", // derived adjectives and nouns
		"у", "уга", "уге", "уды", "уди", "уи", "уы", "удин", "удын", // verbal noun
		"ып", "ип", "п", "ган", "ген", "кан", "кен", "са", "се", "сам", "сем", "сан", "сен", // participles, condition
		"ады", "еди", "йды", "йди", "ар", "ер", "а", "е", "амын", "емин", "аймын", "ейм", "амыз", "емиз", "асыз", "есиз", // present and future
		"ылады", "иледи", "ылу", "илу", "ыла", "иле", "ылган", "илген", // passive
		"айын", "ейин", "йын", "йин", "шы", "ши", "ынызшы", "инизши": // requests
		return true
	}
	return false
}

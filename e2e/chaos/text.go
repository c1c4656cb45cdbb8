package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// Every message carries its own name, and each customer's a secret: whoever is
// shown a text can tell whose it is, and what it answers.
var (
	tokenForm = regexp.MustCompile(`\b[co][0-9]{3}-[0-9]{4}\b`)
	wordForm  = regexp.MustCompile(`\bzz[a-z]{10}\b`)
)

func newWord(random *rand.Rand) string {
	word := []byte("zz")
	for range 10 {
		word = append(word, 'a'+byte(random.IntN(26)))
	}
	return string(word)
}

// questions are what customers write around the name of the message and their word.
func questions() []string {
	return []string{
		"%s %s: сколько стоит доставка по Алматы?",
		"%s %s: Жеткізу қанша тұрады?",
		"%s %s: how much is delivery?",
		"%s %s: есть ли рассрочка на телефоны?",
		"%s %s: а гарантия какая?",
		"%s %s: дүкен қашан ашық?",
	}
}

// forHuman is a message that the bot hands over by its rule.
const forHuman = "%s %s: позовите оператора, пожалуйста"

// found returns what the form finds, each once, in the order of the text.
func found(form *regexp.Regexp, text string) []string {
	var out []string
	for _, s := range form.FindAllString(text, -1) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// answerMark begins every text that the model words.
const answerMark = "[ответ на"

func answerTo(tokens, words []string) string {
	return fmt.Sprintf("%s %s] слышу %s", answerMark, strings.Join(tokens, " "), strings.Join(words, " "))
}

package knowledge

import (
	"math"
	"slices"
	"strings"
)

// BM25F: how fast repetition stops counting, how much length counts, and what a
// word in the question is worth beside one in the text.
const (
	saturation     = 1.2
	questionLength = 0.4
	textLength     = 0.6
	questionWeight = 2.5
	textWeight     = 1.0
	genericScore   = 0.5 // what a word such as "price" is worth beside one that names a thing
	aboutShare     = 0.35
	sameWordBonus  = 0.15
	passing        = 0.75 // what is left of the confidence when the text alone has a word of the question
)

// How much a kind of word counts in the confidence.
const (
	genericShare  = 0.3
	unknownShare  = 1.2  // a word that no item has: the question is about something else
	absentShare   = 1.0  // a word that other items have
	vague         = 0.4  // what is left of it when the item has but words that say nothing of a thing
	otherModel    = 0.5  // what is left of it when the item is about another model
	thingShare    = 0.6  // goods that the item does not name: a warranty holds for all of them
	textOnlyShare = 0.75 // a word that only the text has, not the question it answers
	nearbyPlaces  = 3    // how far a model's number may stand from its name
)

// corpus is what is known of all items together.
type corpus struct {
	items         float64
	questionWords float64 // average
	textWords     float64 // average
	frequency     map[string]int
}

func (c corpus) idf(term string) float64 {
	df := float64(c.frequency[term])
	return math.Log(1 + (c.items-df+0.5)/(df+0.5))
}

// match is how well an item matches a question.
type match struct {
	score      float64
	confidence float64
}

// candidate is an item as the index knows it.
type candidate struct {
	terms         vector
	questionWords int
	textWords     int
}

// rate scores one item against the words of a question.
func (c corpus) rate(words []queryWord, it candidate) match {
	var score, all, allMatched, asked, askedMatched float64
	specific, wrongModel := false, false
	central := 0.0 // 1 when the question has a word, or the text two
	inQuestion := 0.0
	for i, w := range words {
		s, share, inQ := c.rateWord(words, i, it)
		score += w.weight * s
		if inQ && w.kind != conceptGeneric {
			inQuestion += w.weight
		}
		value := w.weight * c.importance(w, share > 0)
		all += value
		allMatched += value * share
		if w.weight == 1 {
			asked += value
			askedMatched += value * share
		}
		switch {
		case share > partOfPhrase && (w.bound >= 0 || (w.kind == conceptPlain || w.kind == conceptThing) && !w.number):
			specific = true
			central += 0.5
			if inQ {
				central = 1
			}
		case share == 0 && (w.bound >= 0 || w.model) && w.weight == 1:
			wrongModel = true
		}
	}
	if all == 0 {
		return match{}
	}
	confidence := allMatched / all
	if asked > 0 {
		confidence = min(confidence, askedMatched/asked)
	}
	switch {
	case !specific:
		confidence *= vague
	case central < 1:
		confidence *= passing
	}
	if wrongModel {
		confidence *= otherModel
	}
	score *= 0.3 + 0.7*confidence
	if it.questionWords > 0 {
		// An item that is about just this goes before one that also is.
		score *= 1 - aboutShare + aboutShare*min(1, inQuestion/float64(it.questionWords))
	}
	return match{score: score, confidence: confidence}
}

// importance is a word's share in the confidence.
func (c corpus) importance(w queryWord, found bool) float64 {
	known := found || slices.ContainsFunc(w.forms, func(f form) bool { return c.frequency[f.term] > 0 })
	generic := w.kind == conceptGeneric || w.bound < 0 && (w.number || w.kind == conceptVariant)
	switch {
	case generic && found:
		return genericShare
	case generic:
		return genericShare / 2
	case !known:
		return unknownShare
	case !found && w.kind == conceptThing:
		return thingShare
	case !found:
		return absentShare
	}
	return 1
}

// rateWord returns the BM25F score of one word, how far the item speaks of it,
// from 0 to 1, and whether its question does.
func (c corpus) rateWord(words []queryWord, i int, it candidate) (score, share float64, inQuestion bool) {
	w := words[i]
	var concept, stem float64
	for _, f := range w.forms {
		at, ok := it.terms[f.term]
		if !ok || w.bound >= 0 && !c.beside(words[w.bound], at, it) {
			continue
		}
		tf := questionWeight*frequencyIn(len(at.question), it.questionWords, c.questionWords, questionLength) +
			textWeight*frequencyIn(len(at.text), it.textWords, c.textWords, textLength)
		value := f.quality * c.idf(f.term) * tf / (saturation + tf)
		if strings.HasPrefix(f.term, conceptMark) {
			concept = max(concept, value)
		} else {
			stem = max(stem, value)
		}
		here := f.quality
		if len(at.question) > 0 || it.questionWords == 0 {
			inQuestion = true // a text without a question speaks for itself
		} else {
			here *= textOnlyShare
		}
		share = max(share, min(here, 1))
	}
	score = stem
	if concept > 0 {
		// Another word for the same counts as much; the very word a little more.
		score = concept + sameWordBonus*min(stem, concept)
	}
	if w.kind == conceptGeneric {
		score *= genericScore
	}
	return score, share, inQuestion
}

func frequencyIn(count, words int, average, weight float64) float64 {
	if count == 0 {
		return 0
	}
	length := 1.0
	if average > 0 {
		length = float64(words) / average
	}
	return float64(count) / (1 - weight + weight*length)
}

// beside says whether a number or variant stands by the name it belongs to.
func (c corpus) beside(name queryWord, at places, it candidate) bool {
	for _, f := range name.forms {
		of, ok := it.terms[f.term]
		if !ok {
			continue
		}
		if near(of.question, at.question) || near(of.text, at.text) {
			return true
		}
	}
	return false
}

func near(a, b []int) bool {
	for _, x := range a {
		if slices.ContainsFunc(b, func(y int) bool { return y > x && y-x <= nearbyPlaces }) {
			return true
		}
	}
	return false
}

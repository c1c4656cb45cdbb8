package knowledge

import (
	"math"
	"slices"
)

// BM25F: how fast repetition stops counting, how much length counts, and what a
// word in the question is worth beside one in the text.
const (
	saturation     = 1.2
	questionLength = 0.4
	textLength     = 0.6
	questionWeight = 2.0
	textWeight     = 1.0
)

// How much a kind of word counts in the confidence.
const (
	genericShare  = 0.3
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
	specific := false
	wrongModel := false
	for i, w := range words {
		s, share := c.rateWord(words, i, it)
		score += w.weight * s
		value := w.weight * importance(w)
		all += value
		allMatched += value * share
		if w.weight == 1 {
			asked += value
			askedMatched += value * share
		}
		switch {
		case share > 0 && w.kind == conceptPlain && !(w.number && w.bound < 0):
			specific = true
		case share == 0 && w.bound >= 0 && w.weight == 1:
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
	if !specific {
		confidence *= 0.4
	}
	if wrongModel {
		confidence *= 0.5
	}
	return match{score: score * (0.5 + 0.5*confidence), confidence: confidence}
}

// importance is a word's share in the confidence.
func importance(w queryWord) float64 {
	switch {
	case w.kind == conceptGeneric, w.number && w.bound < 0:
		return genericShare
	case w.kind == conceptVariant && w.bound < 0:
		return genericShare
	}
	return 1
}

// rateWord returns the BM25F score of one word, and how far the item speaks of
// it, from 0 to 1.
func (c corpus) rateWord(words []queryWord, i int, it candidate) (score, share float64) {
	w := words[i]
	for _, f := range w.forms {
		at, ok := it.terms[f.term]
		if !ok || w.bound >= 0 && !c.beside(words[w.bound], at, it) {
			continue
		}
		tf := questionWeight*frequencyIn(len(at.question), it.questionWords, c.questionWords, questionLength) +
			textWeight*frequencyIn(len(at.text), it.textWords, c.textWords, textLength)
		score = max(score, f.quality*c.idf(f.term)*tf/(saturation+tf))
		here := f.quality
		if len(at.question) == 0 {
			here *= textOnlyShare
		}
		share = max(share, min(here, 1))
	}
	return score, share
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

// Package knowledge is what the bot may know: questions and answers in several
// languages, kept in Postgres, and the search over them.
//
// Texts and queries pass through one analysis (Analyzer): words become stems,
// and words of a shop's everyday vocabulary become concepts that Russian, Kazakh
// and English share, so that a question in one language finds an answer written
// in another. Postgres narrows the items down by a GIN index over these terms;
// the final order and the confidence are computed here.
package knowledge

import (
	"github.com/google/uuid"

	"parley/dialogue"
)

// Query is a question to the knowledge base.
type Query struct {
	Text string
	// Context holds what the customer asked before, newest first. Its words
	// count less than those of Text; they make «а сколько стоит?» a question.
	Context []string
	// Language is the one the customer reads: of several translations of an
	// item, the one in this language is returned.
	Language dialogue.Language
	Limit    int // how many passages at most; 5 when zero
}

// Passage is a found piece of knowledge.
type Passage struct {
	ItemID   uuid.UUID         `json:"item_id"`
	Source   string            `json:"source"`
	Group    string            `json:"group"` // what translations of one item have in common
	Language dialogue.Language `json:"language"`
	Title    string            `json:"title,omitempty"`
	Question string            `json:"question"`
	Text     string            `json:"text"`
	// Score orders the passages of one search; it means nothing across searches.
	Score float64 `json:"score"`
	// Confidence says, from 0 to 1, how much of what was asked the item speaks of.
	Confidence float64 `json:"confidence"`
}

// Item is a piece of knowledge to be imported.
type Item struct {
	Key      string // unique within its source and stable between imports
	Group    string // shared by the translations of one item; Key when empty
	Language dialogue.Language
	Title    string // what the text is part of, when it has a title
	Question string // what the text answers, in the words of a customer
	Text     string
}

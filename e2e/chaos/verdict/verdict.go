// Package verdict decides from the journal of a run of the fault harness whether
// Parley kept its promises.
package verdict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"parley/e2e/chaos/journal"
)

// Verdict is what a run came to.
type Verdict struct {
	Seed             uint64
	Faults           int
	Messages         int // of customers, that were acknowledged
	Answered         int // by the bot, by a human, or given to humans
	Lost             []string
	Duplicated       []string
	Reordered        []string
	Mixed            []string
	AfterTakeover    []string
	StreamGaps       []string
	Leftovers        []string // what did not come to rest, or was left over
	Unconfirmed      int      // messages whose outcome nobody can know
	FaultsByKind     map[string]int
	PromptsByOutcome map[string]int
}

// Line is the last line of a run.
func (v Verdict) Line() string {
	return fmt.Sprintf("chaos: seed=%d faults=%d messages=%d answered=%d lost=%d duplicated=%d reordered=%d mixed=%d after_takeover=%d stream_gaps=%d unconfirmed=%d",
		v.Seed, v.Faults, v.Messages, v.Answered, len(v.Lost), len(v.Duplicated), len(v.Reordered), len(v.Mixed), len(v.AfterTakeover), len(v.StreamGaps), v.Unconfirmed)
}

// Violations are all of them, each with its class.
func (v Verdict) Violations() []string {
	var out []string
	for _, class := range []struct {
		name string
		list []string
	}{
		{"lost", v.Lost}, {"duplicated", v.Duplicated}, {"reordered", v.Reordered}, {"mixed", v.Mixed},
		{"after takeover", v.AfterTakeover}, {"stream gap", v.StreamGaps}, {"left over", v.Leftovers},
	} {
		for _, s := range class.list {
			out = append(out, class.name+": "+s)
		}
	}
	return out
}

// What the harness puts into texts.
var (
	tokenForm  = regexp.MustCompile(`\b[co][0-9]{3}-[0-9]{4}\b`)
	wordForm   = regexp.MustCompile(`\bzz[a-z]{10}\b`)
	answerForm = regexp.MustCompile(`\[ответ на([^\]]*)\]`)
)

// answers are the messages of customers that a text of the bot answers.
func answers(text string) []string {
	found := answerForm.FindStringSubmatch(text)
	if found == nil {
		return nil
	}
	return tokenForm.FindAllString(found[1], -1)
}

// isAnswer says whether a text was worded by the model.
func isAnswer(text string) bool { return answerForm.MatchString(text) }

// record is a journal, ordered for looking things up.
type record struct {
	journal.Journal
	customers   map[string]journal.Customer   // by id
	transcripts map[string]journal.Transcript // by customer
	dialogues   map[string]string             // customer by dialogue
	requests    map[string][]journal.Request  // to the customer, in the order in which they came
	seen        map[string][]journal.Message  // by customer of the widget
	verdict     *Verdict
}

// Of decides.
func Of(j journal.Journal) Verdict {
	v := Verdict{Seed: j.Run.Seed, Faults: len(j.Faults), FaultsByKind: map[string]int{}, PromptsByOutcome: map[string]int{}}
	for _, f := range j.Faults {
		v.FaultsByKind[f.Kind+" "+strings.TrimRight(f.Target, "-0123456789")]++
	}
	for _, p := range j.Prompts {
		v.PromptsByOutcome[p.Outcome]++
	}
	r := record{
		Journal: j, verdict: &v, customers: map[string]journal.Customer{}, transcripts: map[string]journal.Transcript{},
		dialogues: map[string]string{}, requests: map[string][]journal.Request{}, seen: map[string][]journal.Message{},
	}
	r.index()
	r.stored()
	r.delivered()
	r.answered()
	r.order()
	r.mixed()
	r.takeovers()
	r.streams()
	r.leftovers()
	return v
}

func (r *record) index() {
	byThread := map[string]string{}
	for _, c := range r.Run.Customers {
		r.customers[c.ID] = c
		byThread[c.Channel+" "+c.Thread] = c.ID
	}
	// In the widget a thread is the visitor's session: whose it is tells what stands in it.
	for _, t := range r.Transcripts {
		id := byThread[t.Channel+" "+t.Thread]
		if id == "" {
			id = r.writer(t)
		}
		if id == "" {
			r.verdict.Mixed = append(r.verdict.Mixed, fmt.Sprintf("dialogue %s has messages of no customer, or of several", t.Dialogue))
			continue
		}
		if other, twice := r.transcripts[id]; twice {
			r.verdict.Duplicated = append(r.verdict.Duplicated, fmt.Sprintf("%s has two dialogues, %s and %s", id, other.Dialogue, t.Dialogue))
		}
		r.transcripts[id] = t
		r.dialogues[t.Dialogue] = id
	}
	for _, q := range r.Requests {
		if id := byThread[q.Channel+" "+q.Thread]; id != "" {
			r.requests[id] = append(r.requests[id], q)
		}
	}
	for id := range r.requests {
		slices.SortStableFunc(r.requests[id], func(a, b journal.Request) int { return a.At.Compare(b.At) })
	}
	for _, s := range r.Seen {
		r.seen[s.Customer] = s.Messages
	}
}

// writer is the one customer whose messages a transcript has.
func (r *record) writer(t journal.Transcript) string {
	writer := ""
	for _, m := range t.Messages {
		if m.Author != "customer" {
			continue
		}
		id, _, ok := strings.Cut(tokenForm.FindString(m.Text), "-")
		if _, known := r.customers[id]; !ok || !known || writer != "" && writer != id {
			return ""
		}
		writer = id
	}
	return writer
}

// where names a message for the report.
func where(t journal.Transcript, m journal.Message) string {
	return fmt.Sprintf("message %d (%s, %s) of dialogue %s", m.Seq, m.Author, m.State, t.Dialogue)
}

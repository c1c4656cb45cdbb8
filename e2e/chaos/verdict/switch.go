package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"parley/e2e/chaos/journal"
)

// unsure is for how long a call whose answer did not come may still be carried out: longer than any process is made
// to stand still.
const unsure = time.Minute

// until is when a call was certainly over.
func until(m journal.Mode) time.Time {
	if m.Status == 0 || m.Status >= 500 {
		return m.At.Add(unsure)
	}
	return m.Returned
}

// takeovers: after a takeover returned, and before anybody may have given the dialogue back, no message of the bot
// reaches the customer but those that it named.
func (r *record) takeovers() {
	byDialogue := map[string][]journal.Mode{}
	for _, m := range r.Modes {
		byDialogue[m.Dialogue] = append(byDialogue[m.Dialogue], m)
	}
	for dialogue, modes := range byDialogue {
		slices.SortFunc(modes, func(a, b journal.Mode) int { return a.At.Compare(b.At) })
		id := r.dialogues[dialogue]
		for _, m := range modes {
			if m.To == "operator" && m.Via == "mode" && m.Status == 200 {
				r.held(id, m, modes)
			}
		}
	}
}

// held looks at the time from a takeover to the first call that may have given the dialogue back.
func (r *record) held(id string, takeover journal.Mode, modes []journal.Mode) {
	end := r.Run.Ended
	var back *journal.Mode
	for _, m := range modes {
		if m.To != "bot" || until(m).Before(takeover.At) {
			continue
		}
		if m.At.Before(takeover.Returned) {
			return // at the same time: which came first is not known
		}
		end, back = m.At, &m
		break
	}
	named := map[string]bool{}
	for _, message := range takeover.InFlight {
		named[message] = true
	}
	texts := map[string]string{}
	for _, m := range r.transcripts[id].Messages {
		if m.Author == "bot" && isAnswer(m.Text) {
			texts[m.Text] = m.ID
		}
		if r.customers[id].Kind == journal.Widget && m.Author == "bot" && m.Kind == "text" && m.Seq > takeover.LastSeq && m.Seq <= heldTo(back) && !named[m.ID] {
			r.afterTakeover("the bot said message %d of dialogue %s after a takeover at message %d had returned", m.Seq, takeover.Dialogue, takeover.LastSeq)
		}
	}
	for _, q := range r.requests[id] {
		if isAnswer(q.Text) && q.At.After(takeover.Returned) && q.At.Before(end) && !named[texts[q.Text]] {
			r.afterTakeover("the bot's %.60q left for %s %s after a takeover had returned that did not name it", q.Text, id, q.At.Sub(takeover.Returned))
		}
	}
}

// heldTo is up to which message a takeover held: the last one of the answer of the call that gave the dialogue back.
func heldTo(back *journal.Mode) int64 {
	const always = 1 << 60
	if back == nil {
		return always
	}
	return back.LastSeq // 0 when that is not known
}

func (r *record) afterTakeover(format string, args ...any) {
	r.verdict.AfterTakeover = append(r.verdict.AfterTakeover, fmt.Sprintf(format, args...))
}

// streams: every client sees every event once, in order.
func (r *record) streams() {
	type client struct {
		customer string
		ids      []int64
		seqs     []int64
		messages map[string]bool
	}
	clients := map[string]*client{}
	all := map[int64]bool{}
	for _, e := range r.Events {
		c := clients[e.Client]
		if c == nil {
			c = &client{customer: e.Customer, messages: map[string]bool{}}
			clients[e.Client] = c
		}
		if e.Mark != "" {
			continue
		}
		if e.Name == "reset" {
			r.gap("%s was told to begin anew", e.Client)
			continue
		}
		if n := len(c.ids); n > 0 && e.ID <= c.ids[n-1] {
			r.gap("%s saw event %d after event %d", e.Client, e.ID, c.ids[n-1])
		}
		c.ids = append(c.ids, e.ID)
		if e.Message != "" {
			c.messages[e.Message] = true
			c.seqs = append(c.seqs, e.Seq)
		}
		if e.Customer == "" {
			all[e.ID] = true
		}
	}
	for _, name := range sorted(clients) {
		c := clients[name]
		if c.customer != "" {
			r.visitor(name, c.customer, c.seqs, c.messages)
			continue
		}
		seen := map[int64]bool{}
		for _, id := range c.ids {
			seen[id] = true
		}
		missing := 0
		for id := range all {
			if !seen[id] {
				missing++
			}
		}
		if missing > 0 {
			r.gap("%s missed %d of %d events that others saw", name, missing, len(all))
		}
		for _, t := range r.Transcripts {
			for _, m := range t.Messages {
				if !c.messages[m.ID] {
					r.gap("%s never saw %s", name, where(t, m))
				}
			}
		}
	}
}

// visitor: a customer's stream has what the customer's transcript has, each message once.
func (r *record) visitor(client, customer string, seqs []int64, messages map[string]bool) {
	for i := 1; i < len(seqs); i++ {
		if seqs[i] <= seqs[i-1] {
			r.gap("%s saw message %d after message %d", client, seqs[i], seqs[i-1])
		}
	}
	for _, m := range r.seen[customer] {
		if !messages[m.ID] {
			r.gap("%s never saw message %d", client, m.Seq)
		}
	}
}

func (r *record) gap(format string, args ...any) {
	r.verdict.StreamGaps = append(r.verdict.StreamGaps, fmt.Sprintf(format, args...))
}

// growth is how many more goroutines a process may have after a run than when it began: pools grow to what was needed.
const growth = 40

func (r *record) leftovers() {
	left := func(format string, args ...any) {
		r.verdict.Leftovers = append(r.verdict.Leftovers, fmt.Sprintf(format, args...))
	}
	if r.Run.Unsettled != "" {
		left("it does not come to rest: %s", r.Run.Unsettled)
	}
	for _, d := range r.Run.Died {
		left("%s", d)
	}
	for _, g := range r.Run.Goroutines {
		if g.After > g.Fresh+growth {
			left("%s has %d goroutines, a fresh one %d", g.Process, g.After, g.Fresh)
		}
	}
	if r.Run.Connections > 0 {
		left("%d connections to Postgres", r.Run.Connections)
	}
	for _, status := range sorted(r.Run.Workflows) {
		left("%d workflows are %s", r.Run.Workflows[status], status)
	}
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package verdict

import (
	"fmt"
	"slices"

	"parley/e2e/chaos/journal"
)

// stored: every message that was acknowledged is in its dialogue, once.
func (r *record) stored() {
	times := map[string]int{}     // by token
	in := map[string]string{}     // customer by token
	author := map[string]string{} // by token
	for id, t := range r.transcripts {
		for _, m := range t.Messages {
			if m.Author != "customer" && m.Author != "operator" || m.Kind != "text" {
				continue
			}
			for _, token := range tokenForm.FindAllString(m.Text, -1) {
				times[token]++
				in[token], author[token] = id, m.Author
			}
		}
	}
	for _, a := range r.Acks {
		if a.Author == "customer" {
			r.verdict.Messages++
		}
		switch {
		case times[a.Token] == 0:
			r.lost("%s was acknowledged and is not in the record", a.Token)
		case a.Customer != "" && in[a.Token] != a.Customer:
			r.verdict.Mixed = append(r.verdict.Mixed, fmt.Sprintf("%s is in the dialogue of %s", a.Token, in[a.Token]))
		}
	}
	for token, n := range times {
		if n > 1 {
			r.duplicated("%s is in the record %d times", token, n)
		}
	}
}

// arrived says whether the customer has what the provider was asked to deliver.
func arrived(q journal.Request) bool {
	return q.Outcome == journal.Delivered || q.Outcome == journal.Lost
}

// delivered: what the record says of a message that went out is what became of it.
func (r *record) delivered() {
	for id, t := range r.transcripts {
		got := map[string]int{}
		if r.customers[id].Kind == journal.Widget {
			for _, m := range r.seen[id] {
				if m.Author != "customer" {
					got[m.Text]++
				}
			}
		} else {
			for _, q := range r.requests[id] {
				if arrived(q) {
					got[q.Text]++
				}
				if q.Outcome == journal.Wrong {
					r.lost("a message to %s broke a rule of the provider: %s", id, q.Detail)
				}
			}
		}
		said, sent, unsure := map[string]int{}, map[string]int{}, map[string]int{}
		for _, m := range t.Messages {
			if m.Author == "customer" || m.Kind != "text" && m.Kind != "notice" {
				continue
			}
			said[m.Text]++
			switch m.State {
			case "sent", "delivered", "read":
				sent[m.Text]++
			case "unconfirmed":
				unsure[m.Text]++
				r.verdict.Unconfirmed++
				if !r.lookedAt(t, m) {
					r.lost("%s may not have arrived, and nobody is asked to look", where(t, m))
				}
			case "failed":
			default:
				r.lost("%s has not left", where(t, m))
			}
		}
		for text, n := range sent {
			if got[text] < n {
				r.lost("%d of %d messages %.60q are shown as sent to %s and did not arrive", n-got[text], n, text, id)
			}
		}
		for text, n := range got {
			if n > said[text] {
				r.duplicated("%s got %.60q %d times, the record has it %d times", id, text, n, said[text])
			} else if n > sent[text]+unsure[text] {
				r.lost("%s got %.60q, which is shown as failed", id, text)
			}
		}
	}
}

// lookedAt says whether a message of unknown outcome put its dialogue before a human, or a human has dealt with the
// dialogue since.
func (r *record) lookedAt(t journal.Transcript, m journal.Message) bool {
	if t.Waiting {
		return true
	}
	for _, later := range t.Messages {
		if later.Seq > m.Seq && (later.Author == "operator" || later.Event == "closed" || later.Event == "returned_to_bot" || later.Event == "taken_over") {
			return true
		}
	}
	return false
}

// answered: every message of a customer was answered, once: by the bot, or by a human, or it was given to humans.
func (r *record) answered() {
	for id, t := range r.transcripts {
		by := map[string][]journal.Message{} // the bot's answers by token
		human := int64(0)                    // up to where humans have the dialogue
		for _, m := range t.Messages {
			switch {
			case m.Author == "bot" && m.Kind == "text" && m.State != "failed":
				for _, token := range answers(m.Text) {
					by[token] = append(by[token], m)
				}
			case m.Author == "operator" && m.Kind == "text", m.Event == "handoff", m.Event == "taken_over", m.Event == "closed", m.Event == "returned_to_bot":
				human = m.Seq
			}
		}
		for _, m := range t.Messages {
			if m.Author != "customer" {
				continue
			}
			token := tokenForm.FindString(m.Text)
			bots := by[token]
			if len(bots) > 0 || human > m.Seq || t.Mode == "operator" && t.Waiting {
				r.verdict.Answered++
			} else {
				r.lost("%s was never answered, nor given to a human (%s, %s, dialogue %s)", token, t.Mode, t.Status, t.Dialogue)
			}
			r.twice(id, t, token, m, bots)
		}
		if t.Mode == "bot" && t.Status != "closed" && t.AnsweredSeq < t.CustomerSeq {
			r.lost("dialogue %s is the bot's, and unanswered from message %d on", t.Dialogue, t.AnsweredSeq+1)
		}
	}
}

// twice: the bot says nothing to a message that was answered.
func (r *record) twice(id string, t journal.Transcript, token string, m journal.Message, bots []journal.Message) {
	certain := slices.DeleteFunc(slices.Clone(bots), func(b journal.Message) bool { return b.State == "unconfirmed" })
	if len(certain) > 1 {
		r.duplicated("%s of %s was answered by the bot in messages %d and %d of dialogue %s", token, id, certain[0].Seq, certain[1].Seq, t.Dialogue)
	}
	for _, b := range bots {
		for _, o := range t.Messages {
			if o.Author == "operator" && o.Kind == "text" && m.Seq < o.Seq && o.Seq < b.Seq {
				r.duplicated("%s of %s was answered by an operator in message %d, and by the bot in message %d of dialogue %s", token, id, o.Seq, b.Seq, t.Dialogue)
			}
		}
	}
}

// order: what was written one after the other stands so in the record, and what the record has one after the other
// arrived so.
func (r *record) order() {
	seq := map[string]int64{}
	for _, t := range r.transcripts {
		for i, m := range t.Messages {
			if m.Author == "customer" {
				seq[tokenForm.FindString(m.Text)] = m.Seq
			}
			if i > 0 && m.Seq <= t.Messages[i-1].Seq {
				r.reordered("message %d follows %d in dialogue %s", m.Seq, t.Messages[i-1].Seq, t.Dialogue)
			}
		}
	}
	byCustomer := map[string][]journal.Ack{}
	for _, a := range r.Acks {
		if a.Author == "customer" && seq[a.Token] > 0 {
			byCustomer[a.Customer] = append(byCustomer[a.Customer], a)
		}
	}
	for id, acks := range byCustomer {
		slices.SortFunc(acks, func(a, b journal.Ack) int { return a.At.Compare(b.At) })
		telegram := r.customers[id].Kind == journal.Telegram // one update of a chat after the other, in the order they were made
		for i := 1; i < len(acks); i++ {
			before, after := acks[i-1], acks[i]
			if seq[after.Token] < seq[before.Token] && (telegram || before.Returned.Before(after.At)) {
				r.reordered("%s was written after %s and stands before it", after.Token, before.Token)
			}
		}
	}
	for id, requests := range r.requests {
		at := map[string]int64{}
		for _, m := range r.transcripts[id].Messages {
			if m.Author == "bot" && isAnswer(m.Text) || m.Author == "operator" {
				at[m.Text] = m.Seq // these texts are unlike each other
			}
		}
		last := int64(0)
		for _, q := range requests {
			if !arrived(q) || at[q.Text] == 0 {
				continue
			}
			if at[q.Text] < last {
				r.reordered("%s got message %d after message %d", id, at[q.Text], last)
			}
			last = max(last, at[q.Text])
		}
	}
}

// mixed: nobody is shown what another customer wrote, the model included.
func (r *record) mixed() {
	owner := map[string]string{}
	for _, c := range r.Run.Customers {
		owner[c.Word] = c.ID
	}
	look := func(id, text, what string) {
		for _, word := range wordForm.FindAllString(text, -1) {
			if owner[word] != id {
				r.verdict.Mixed = append(r.verdict.Mixed, fmt.Sprintf("%s shows %s the word of %s", what, id, owner[word]))
			}
		}
	}
	for id, t := range r.transcripts {
		for _, m := range t.Messages {
			look(id, m.Text, where(t, m))
		}
	}
	for id, requests := range r.requests {
		for _, q := range requests {
			look(id, q.Text, "a message")
		}
	}
	for id, messages := range r.seen {
		for _, m := range messages {
			look(id, m.Text, "the widget")
		}
	}
	for _, e := range r.Events {
		if e.Customer != "" {
			look(e.Customer, e.Text, "the widget's stream")
		}
	}
	for _, p := range r.Prompts {
		if len(p.Words) > 1 {
			r.verdict.Mixed = append(r.verdict.Mixed, fmt.Sprintf("a prompt holds the words of %d customers: %v", len(p.Words), p.Words))
		}
	}
}

func (r *record) lost(format string, args ...any) {
	r.verdict.Lost = append(r.verdict.Lost, fmt.Sprintf(format, args...))
}

func (r *record) duplicated(format string, args ...any) {
	r.verdict.Duplicated = append(r.verdict.Duplicated, fmt.Sprintf(format, args...))
}

func (r *record) reordered(format string, args ...any) {
	r.verdict.Reordered = append(r.verdict.Reordered, fmt.Sprintf(format, args...))
}

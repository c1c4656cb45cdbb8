package verdict

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/e2e/chaos/journal"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }

const (
	annaWord, berikWord = "zzaaaaaaaaaa", "zzbbbbbbbbbb"
	// The bot answers Anna's first message, an operator takes the dialogue over, answers the second and gives it back.
	annaAsks, botAnswersAnna           = "c001-0001 " + annaWord, "[ответ на c001-0001] " + annaWord
	annaAsksAgain, operatorAnswersAnna = "c001-0002 " + annaWord, "o001-0001 Сейчас посмотрю"
	berikAsks, botAnswersBerik         = "c002-0001 " + berikWord, "[ответ на c002-0001] " + berikWord
)

// kept is the journal of a run in which every promise was kept: Anna writes on Telegram, Berik in the widget.
func kept() journal.Journal {
	anna := []journal.Message{
		{ID: "a1", Seq: 1, Author: "customer", Kind: "text", Text: annaAsks, State: "received"},
		{ID: "a2", Seq: 2, Author: "bot", Kind: "text", Text: botAnswersAnna, State: "sent"},
		{ID: "a3", Seq: 3, Author: "system", Kind: "event", Event: "taken_over"},
		{ID: "a4", Seq: 4, Author: "customer", Kind: "text", Text: annaAsksAgain, State: "received"},
		{ID: "a5", Seq: 5, Author: "operator", Kind: "text", Text: operatorAnswersAnna, State: "sent"},
		{ID: "a6", Seq: 6, Author: "system", Kind: "event", Event: "returned_to_bot"},
	}
	berik := []journal.Message{
		{ID: "b1", Seq: 1, Author: "customer", Kind: "text", Text: berikAsks, State: "received"},
		{ID: "b2", Seq: 2, Author: "bot", Kind: "text", Text: botAnswersBerik, State: "sent"},
	}
	j := journal.Journal{
		Run: journal.Run{Seed: 7, Began: began, Ended: at(100), Customers: []journal.Customer{
			{ID: "c001", Word: annaWord, Channel: "tg", Kind: journal.Telegram, Thread: "900"},
			{ID: "c002", Word: berikWord, Channel: "site", Kind: journal.Widget, Thread: "c002"},
		}},
		Acks: []journal.Ack{
			{Token: "c001-0001", Customer: "c001", Author: "customer", At: at(1), Returned: at(2), Copies: 2},
			{Token: "c001-0002", Customer: "c001", Author: "customer", At: at(20), Returned: at(21), Copies: 1},
			{Token: "c002-0001", Customer: "c002", Author: "customer", At: at(1), Returned: at(2), Copies: 1},
			{Token: "o001-0001", Customer: "c001", Author: "operator", At: at(25), Returned: at(26), Copies: 1},
		},
		Requests: []journal.Request{
			{Channel: "tg", Thread: "900", Text: botAnswersAnna, At: at(5), Returned: at(5), Outcome: journal.Delivered},
			{Channel: "tg", Thread: "900", Text: operatorAnswersAnna, At: at(27), Returned: at(27), Outcome: journal.Refused},
			{Channel: "tg", Thread: "900", Text: operatorAnswersAnna, At: at(28), Returned: at(28), Outcome: journal.Delivered},
		},
		Modes: []journal.Mode{
			{Dialogue: "da", To: "operator", Via: "mode", Operator: "o001", At: at(10), Returned: at(11), Status: 200, LastSeq: 3},
			{Dialogue: "da", To: "bot", Via: "mode", Operator: "o001", At: at(40), Returned: at(41), Status: 200, LastSeq: 6},
		},
		Prompts: []journal.Prompt{{At: at(3), Words: []string{annaWord}, Tokens: []string{"c001-0001"}, Outcome: "answered"}},
		Faults:  []journal.Fault{{Kind: "kill", Target: "worker-1"}, {Kind: "kill", Target: "worker-2"}},
		Transcripts: []journal.Transcript{
			{Dialogue: "da", Channel: "tg", Thread: "900", Mode: "bot", Status: "open", CustomerSeq: 4, AnsweredSeq: 4, Messages: anna},
			{Dialogue: "db", Channel: "site", Thread: "session", Mode: "bot", Status: "open", CustomerSeq: 1, AnsweredSeq: 1, Messages: berik},
		},
		Seen: []journal.Seen{{Customer: "c002", Messages: berik}},
	}
	id := int64(0)
	for _, t := range j.Transcripts {
		for _, m := range t.Messages {
			id++
			e := journal.Event{At: at(int(id)), ID: id, Name: "message", Dialogue: t.Dialogue, Message: m.ID, Seq: m.Seq, Author: m.Author, Text: m.Text}
			for _, client := range []string{"inbox-1", "inbox-2"} {
				e.Client = client
				j.Events = append(j.Events, e)
			}
			if t.Dialogue == "db" {
				e.Client, e.Customer = "widget-c002", "c002"
				j.Events = append(j.Events, e)
			}
		}
	}
	return j
}

func TestAKeptPromiseIsNoViolation(t *testing.T) {
	t.Parallel()
	v := Of(kept())
	require.Empty(t, v.Violations())
	require.Equal(t, "chaos: seed=7 faults=2 messages=3 answered=3 lost=0 duplicated=0 reordered=0 mixed=0 after_takeover=0 stream_gaps=0 unconfirmed=0", v.Line())
	require.Equal(t, map[string]int{"kill worker": 2}, v.FaultsByKind)
}

// message is a line of one of the two transcripts, Anna's or Berik's.
func message(j *journal.Journal, transcript, line int) *journal.Message {
	return &j.Transcripts[transcript].Messages[line]
}

func TestEveryBrokenPromiseIsFound(t *testing.T) {
	t.Parallel()
	const annas, beriks = 0, 1
	for _, c := range []struct {
		name  string
		what  func(j *journal.Journal)
		class string // the only one that is violated
		says  string
	}{
		{"an acknowledged message is not stored", func(j *journal.Journal) {
			j.Acks = append(j.Acks, journal.Ack{Token: "c001-0009", Customer: "c001", Author: "customer", At: at(60), Returned: at(61)})
		}, "lost", "c001-0009 was acknowledged and is not in the record"},
		{"a message is stored twice", func(j *journal.Journal) {
			message(j, annas, 3).Text = annaAsks
			j.Acks = append(j.Acks[:1], j.Acks[2:]...)
		}, "duplicated", "c001-0001 is in the record 2 times"},
		{"a message stands in another's dialogue", func(j *journal.Journal) {
			j.Acks[2].Customer = "c001"
		}, "mixed", "c002-0001 is in the dialogue of c002"},
		{"a message was shown to another", func(j *journal.Journal) {
			j.Requests = append(j.Requests, journal.Request{Channel: "tg", Thread: "900", Text: berikWord, At: at(50), Outcome: journal.Dropped})
		}, "mixed", "a message shows c001 the word of c002"},
		{"a stream showed another's message", func(j *journal.Journal) {
			j.Events = append(j.Events, journal.Event{Client: "widget-c002", Customer: "c002", ID: 99, Name: "draft", Text: annaWord})
		}, "mixed", "the widget's stream shows c002 the word of c001"},
		{"a prompt holds two customers' words", func(j *journal.Journal) {
			j.Prompts[0].Words = []string{annaWord, berikWord}
		}, "mixed", "a prompt holds the words of 2 customers"},
		{"a message is shown as sent and did not arrive", func(j *journal.Journal) {
			j.Requests = j.Requests[1:]
		}, "lost", "are shown as sent to c001 and did not arrive"},
		{"a message arrived twice", func(j *journal.Journal) {
			j.Requests = append(j.Requests, j.Requests[2])
		}, "duplicated", "times, the record has it 1 times"},
		{"a message that arrived is shown as failed", func(j *journal.Journal) {
			message(j, annas, 4).State = "failed"
		}, "lost", "which is shown as failed"},
		{"a message has never left", func(j *journal.Journal) {
			message(j, annas, 4).State = "queued"
			j.Requests = j.Requests[:2]
		}, "lost", "message 5 (operator, queued) of dialogue da has not left"},
		{"a request broke a rule of the provider", func(j *journal.Journal) {
			j.Requests[1].Outcome, j.Requests[1].Detail = journal.Wrong, "text is empty"
		}, "lost", "broke a rule of the provider: text is empty"},
		{"nobody is asked to look at an unknown outcome", func(j *journal.Journal) {
			message(j, beriks, 1).State = "unconfirmed"
		}, "lost", "may not have arrived, and nobody is asked to look"},
		{"a message was never answered", func(j *journal.Journal) {
			j.Transcripts[beriks].Messages = j.Transcripts[beriks].Messages[:1]
			j.Seen[0].Messages = j.Seen[0].Messages[:1]
		}, "lost", "c002-0001 was never answered, nor given to a human"},
		{"the bot's dialogue is not answered up to its end", func(j *journal.Journal) {
			j.Transcripts[beriks].AnsweredSeq = 0
		}, "lost", "dialogue db is the bot's, and unanswered from message 1 on"},
		{"the bot answered a message twice", func(j *journal.Journal) {
			again := journal.Message{ID: "b3", Seq: 3, Author: "bot", Kind: "text", Text: botAnswersBerik, State: "sent"}
			j.Transcripts[beriks].Messages = append(j.Transcripts[beriks].Messages, again)
			j.Seen[0].Messages = j.Transcripts[beriks].Messages
			for _, client := range []string{"inbox-1", "inbox-2", "widget-c002"} {
				e := journal.Event{Client: client, ID: 50, Message: "b3", Seq: 3}
				if client == "widget-c002" {
					e.Customer = "c002"
				}
				j.Events = append(j.Events, e)
			}
		}, "duplicated", "c002-0001 of c002 was answered by the bot in messages 2 and 3"},
		{"the bot answered what an operator had answered", func(j *journal.Journal) {
			late := journal.Message{ID: "a7", Seq: 7, Author: "bot", Kind: "text", Text: "[ответ на c001-0002]", State: "unconfirmed"}
			j.Transcripts[annas].Messages = append(j.Transcripts[annas].Messages, late)
			j.Transcripts[annas].Waiting = true
			for _, client := range []string{"inbox-1", "inbox-2"} {
				j.Events = append(j.Events, journal.Event{Client: client, ID: 50, Message: "a7", Seq: 7})
			}
		}, "duplicated", "c001-0002 of c001 was answered by an operator in message 5, and by the bot in message 7"},
		{"later messages stand before earlier ones", func(j *journal.Journal) {
			j.Acks[0].At, j.Acks[0].Returned = at(30), at(31)
		}, "reordered", "c001-0001 was written after c001-0002 and stands before it"},
		{"messages arrived in another order", func(j *journal.Journal) {
			j.Requests[0].At = at(29)
			j.Modes = nil
		}, "reordered", "c001 got message 2 after message 5"},
		{"the bot spoke after a takeover", func(j *journal.Journal) {
			j.Requests[0].At = at(12)
		}, "after takeover", "had returned that did not name it"},
		{"a stream missed an event", func(j *journal.Journal) {
			for i, e := range j.Events {
				if e.Client == "inbox-2" && e.Message == "a6" {
					j.Events = append(j.Events[:i], j.Events[i+1:]...)
					return
				}
			}
		}, "stream gap", "inbox-2 missed 1 of"},
		{"a stream repeated an event", func(j *journal.Journal) {
			for _, e := range j.Events {
				if e.Client == "inbox-2" && e.Message == "b2" {
					j.Events = append(j.Events, e)
					return
				}
			}
		}, "stream gap", "inbox-2 saw event 8 after event 8"},
		{"a customer's stream missed a message", func(j *journal.Journal) {
			for i, e := range j.Events {
				if e.Customer == "c002" && e.Message == "b2" {
					j.Events = append(j.Events[:i], j.Events[i+1:]...)
					return
				}
			}
		}, "stream gap", "widget-c002 never saw message 2"},
		{"a stream was told to begin anew", func(j *journal.Journal) {
			j.Events = append(j.Events, journal.Event{Client: "inbox-1", Name: "reset"})
		}, "stream gap", "inbox-1 was told to begin anew"},
		{"it does not come to rest", func(j *journal.Journal) { j.Run.Unsettled = "bell of db" }, "left over", "bell of db"},
		{"a process died", func(j *journal.Journal) { j.Run.Died = []string{"api-1 ended by itself"} }, "left over", "api-1 ended by itself"},
		{"goroutines are left", func(j *journal.Journal) {
			j.Run.Goroutines = []journal.Goroutines{{Process: "api-1", Fresh: 30, After: 30 + growth + 1}}
		}, "left over", "api-1 has 71 goroutines, a fresh one 30"},
		{"a connection is left", func(j *journal.Journal) { j.Run.Connections = 1 }, "left over", "1 connections to Postgres"},
		{"a workflow is left", func(j *journal.Journal) { j.Run.Workflows = map[string]int{"Failed": 2} }, "left over", "2 workflows are Failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := kept()
			c.what(&j)
			v := Of(j)
			require.NotEmpty(t, v.Violations())
			for _, violation := range v.Violations() {
				require.Regexp(t, "^"+c.class+": ", violation)
			}
			require.Contains(t, v.Violations()[0], c.says)
		})
	}
}

func TestWhatNobodyCanKnowIsCountedApart(t *testing.T) {
	t.Parallel()
	j := kept()
	operators := message(&j, 0, 4)
	operators.State = "unconfirmed"
	v := Of(j)
	require.Empty(t, v.Violations(), "it arrived, and the dialogue was given back after it")
	require.Equal(t, 1, v.Unconfirmed)

	j.Requests = j.Requests[:2]
	v = Of(j)
	require.Empty(t, v.Violations(), "it did not arrive")
	require.Equal(t, 1, v.Unconfirmed)
}

func TestATakeoverMayNameWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	j := kept()
	j.Requests[0].At = at(12)
	j.Modes[0].InFlight = []string{"a2"}
	require.Empty(t, Of(j).Violations())
}

func TestATakeoverEndsWhenTheDialogueMayHaveBeenGivenBack(t *testing.T) {
	t.Parallel()
	j := kept()
	j.Requests[0].At = at(12)
	j.Modes = append(j.Modes, journal.Mode{Dialogue: "da", To: "bot", Via: "close", At: at(5), Returned: at(6)}) // no answer came: it may be carried out later
	require.Empty(t, Of(j).Violations())
}

package dialogue

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write docs/dialogue-states.md anew")

var (
	anna = uuid.MustParse("018f0000-0000-7000-8000-000000000001")
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// event is one thing that can happen to a dialogue.
type event struct {
	name    string
	happens func(s *State)
	only    Mode // the mode in which it can happen; empty: any
}

func events() []event {
	return []event{
		{"customer writes", func(s *State) { s.CustomerWrote("hi", noon, uuid.New) }, ""},
		{"bot answers", func(s *State) { s.BotAnswered(s.CustomerSeq); s.AddMessage(AuthorBot, "hello", noon) }, ModeBot},
		{"bot hands over", func(s *State) { s.HandOff(HandoffCustomerAsked, "", noon) }, ModeBot},
		{"operator takes over", func(s *State) { s.TakeOver(anna, noon, uuid.New) }, ""},
		{"operator writes", func(s *State) {
			if s.Mode == ModeBot {
				s.TakeOver(anna, noon, uuid.New)
			}
			s.OperatorWrote("hello", noon, uuid.New)
		}, ""},
		{"operator hands back", func(s *State) { s.ReturnToBot() }, ModeOperator},
		{"operator reads", func(s *State) { s.Read(s.LastSeq, 0) }, ""},
		{"operator puts it off", func(s *State) { s.Snooze(noon.Add(time.Hour), noon) }, ModeOperator},
		{"the time is over", func(s *State) { s.Wake(noon) }, ModeOperator},
		{"delivery fails", func(s *State) { s.NeedsLook(noon) }, ""},
		{"closed", func(s *State) { s.Close() }, ""},
		{"reopened", func(s *State) { s.Reopen(noon) }, ""},
	}
}

// waiting is a dialogue whose customer has written and not been answered.
func waiting(mode Mode, status Status) State {
	s := State{Mode: ModeBot, Epoch: 1, Status: StatusOpen, EpisodeID: uuid.New()}
	s.CustomerWrote("question", noon, uuid.New)
	if mode == ModeOperator {
		s.HandOff(HandoffNoAnswer, "", noon)
	}
	switch s.Status = status; status {
	case StatusClosed:
		s.Close()
	case StatusSnoozed:
		s.Snooze(noon.Add(time.Hour), noon)
	}
	return s
}

// possible says which combinations of mode, status and event exist.
func possible(mode Mode, status Status, e event) bool {
	if e.only != "" && e.only != mode || mode == ModeBot && (status == StatusNew || status == StatusSnoozed) {
		return false
	}
	switch e.name {
	case "reopened":
		return status == StatusClosed
	case "operator puts it off":
		return status != StatusClosed
	case "the time is over":
		return status == StatusSnoozed
	case "operator takes over": // also what operators hold and have closed: otherwise the next message opens it for the bot
		return mode == ModeBot || status == StatusClosed
	case "closed":
		return status != StatusClosed
	case "bot answers", "bot hands over":
		return status != StatusClosed
	}
	return true
}

// The table in the documents is made by the rules themselves.
func TestTheDocumentedTableIsTrue(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# What happens to mode and status\n\n" +
		"Made from the rules in `dialogue/state.go` by `go test ./dialogue -update`, and checked by that test.\n" +
		"Each row begins with a customer who waits for an answer. ⏳: a human is waited for.\n\n" +
		"| who holds it | status | event | then holds it | status | customer answered |\n|---|---|---|---|---|---|\n")
	for _, mode := range []Mode{ModeBot, ModeOperator} {
		for _, status := range []Status{StatusNew, StatusOpen, StatusSnoozed, StatusClosed} {
			for _, e := range events() {
				if !possible(mode, status, e) {
					continue
				}
				s := waiting(mode, status)
				answeredBefore := !s.Unanswered()
				e.happens(&s)
				mark := ""
				if s.WaitingSince != nil {
					mark = " ⏳"
				}
				answered := "no"
				if !s.Unanswered() {
					answered = "yes"
					if answeredBefore {
						answered = "–"
					}
				}
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s%s | %s |\n", mode, status, e.name, s.Mode, s.Status, mark, answered)
			}
		}
	}
	b.WriteString("\n- A customer's message into a closed dialogue opens a new episode, which the bot holds.\n" +
		"- An operator who writes in bot mode takes the dialogue over by that.\n" +
		"- A delivery that failed, or whose outcome nobody knows, puts the dialogue among those that wait for a human, whoever holds\n" +
		"  it. A human answer, handing back or closing takes it out again.\n" +
		"- Handed back, the bot answers only what came after the last human reply. What it had handed over itself, because the\n" +
		"  customer asked for a human, it found no answer, or a rule or a limit said so, counts as dealt with.\n")
	const path = "../docs/dialogue-states.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	documented, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(documented), "the rules changed: read the difference, then run with -update")
}

func TestWhateverHappensTheCountersHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := State{Mode: ModeBot, Epoch: 1, Status: StatusOpen, EpisodeID: uuid.New()}
		s.CustomerWrote("first", noon, uuid.New)
		all := events()
		uncertain := false // a delivery failed, and nobody has dealt with it
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			e := all[rapid.IntRange(0, len(all)-1).Draw(t, "event")]
			if !possible(s.Mode, s.Status, e) {
				continue
			}
			before := s
			e.happens(&s)
			uncertain = s.WaitingSince != nil && (uncertain || e.name == "delivery fails")
			switch {
			case s.Epoch < before.Epoch, s.Mode != before.Mode && s.Epoch == before.Epoch:
				t.Fatalf("%s: epoch %d in %s after %d in %s", e.name, s.Epoch, s.Mode, before.Epoch, before.Mode)
			case s.AnsweredSeq < before.AnsweredSeq, s.AnsweredSeq > s.CustomerSeq, s.CustomerSeq > s.LastSeq, s.LastSeq < before.LastSeq:
				t.Fatalf("%s: counters %+v after %+v", e.name, s, before)
			case (s.Mode == ModeOperator) != (s.HandoffReason != ""):
				t.Fatalf("%s: %s with the reason %q", e.name, s.Mode, s.HandoffReason)
			case (s.Mode == ModeBot || s.Status == StatusClosed) && s.WaitingSince != nil && !uncertain:
				t.Fatalf("%s: a human is waited for in %s, %s", e.name, s.Mode, s.Status)
			case s.Mode == ModeOperator && s.Status != StatusClosed && s.Unanswered() && s.WaitingSince == nil:
				t.Fatalf("%s: a customer is forgotten: %+v", e.name, s)
			case s.Mode == ModeBot && s.AssigneeID.Valid:
				t.Fatalf("%s: assigned in bot mode", e.name)
			case s.EpisodeID != before.EpisodeID && before.Status != StatusClosed, s.EpisodeID != before.EpisodeID && s.Status == StatusClosed:
				t.Fatalf("%s: an episode begins from %s in %s", e.name, before.Status, s.Status)
			case s.Unread < 0, int64(s.Unread) > s.CustomerSeq, s.ReadSeq > s.LastSeq, s.HandoffSeq > s.CustomerSeq:
				t.Fatalf("%s: reading %+v", e.name, s)
			case s.LastSeq > before.LastSeq && s.LastSeq != before.LastSeq+1:
				t.Fatalf("%s: a gap after message %d: %d", e.name, before.LastSeq, s.LastSeq)
			}
		}
	})
}

func TestHandingBackAfterAHandoffDoesNotAskAgain(t *testing.T) {
	t.Parallel()
	for reason, asksAgain := range map[HandoffReason]bool{
		HandoffCustomerAsked: false, HandoffNoAnswer: false, HandoffRule: false, HandoffBotError: true, HandoffOperator: true, HandoffPhoneReply: true,
	} {
		s := waiting(ModeBot, StatusOpen)
		s.HandOff(reason, "", noon)
		s.ReturnToBot()
		require.Equal(t, asksAgain, s.Unanswered(), reason)
		s.CustomerWrote("something else", noon, uuid.New)
		require.True(t, s.Unanswered(), reason)
	}
}

func TestFence(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *State){
		"taken over":          func(s *State) { s.TakeOver(anna, noon, uuid.New) },
		"taken over and back": func(s *State) { s.TakeOver(anna, noon, uuid.New); s.ReturnToBot() },
		"answered":            func(s *State) { s.BotAnswered(s.CustomerSeq) },
		"closed":              func(s *State) { s.Close() },
		"closed and reopened": func(s *State) { s.Close(); s.Reopen(noon) },
		"an operator wrote": func(s *State) {
			s.TakeOver(anna, noon, uuid.New)
			s.OperatorWrote("x", noon, uuid.New)
			s.ReturnToBot()
		},
	} {
		s := waiting(ModeBot, StatusOpen)
		epoch, answered := s.Epoch, s.AnsweredSeq
		require.True(t, s.BotMayAnswer(epoch, answered))
		change(&s)
		require.False(t, s.BotMayAnswer(epoch, answered), name)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b", Preview("  a\n\n b\t"))
	long := Preview(strings.Repeat("Ә", 500))
	require.Equal(t, 140, len([]rune(long)))
	require.True(t, strings.HasSuffix(long, "…"))
}

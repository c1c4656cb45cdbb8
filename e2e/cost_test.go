package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"parley/testenv"
	"parley/workflows"
)

// measured is how many messages are measured one after another.
const measured = 8

// What happens on a machine that is slower than this is right, and not what one message costs.
const (
	relayGrace  = time.Second     // then a relay rings too for a bell that is not forgotten yet (store/bell.go)
	stickyGrace = 2 * time.Second // then a workflow task that its worker has not begun is given to any (worker/worker.go)
)

// attempts is how many series are begun at most.
const attempts = 20

// step is a transaction that answering takes, and how often it is made for one message.
type step struct {
	what             string
	role, first      string // the process that makes it, and its first statement
	file             string
	widget, telegram int
}

// steps are those of one message of a customer whom the bot answers, in a dialogue that exists and whose run is open, in
// their order. docs/architecture.md shows them: whoever changes one changes both, and says why.
func steps() []step {
	return []step{
		{"know the visitor", "api", "GetWidgetSession", "store/channels.go", 1, 0},
		{"know the channel of the webhook", "api", "GetChannelBySlug", "store/channels.go", 0, 1},
		{"take the message", "api", "FindDialogue", "store/inbound.go", 1, 1},
		{"forget its bell", "api", "DeleteRings", "store/bell.go", 1, 1},
		{"read what is pending", "worker", "GetPending", "store/turn.go", 1, 1},
		{"open the turn", "worker", "LockDialogue", "store/turn.go", 1, 1},
		{"show that the bot is typing", "worker", "TakeSpareSlot", "store/pace.go", 0, 1},
		{"count the question's words", "worker", "CountKnowledge", "knowledge/base.go", 1, 1},
		{"find passages", "worker", "FindKnowledge", "knowledge/base.go", 1, 1},
		{"load the best", "worker", "LoadKnowledge", "knowledge/base.go", 1, 1},
		{"finish the turn", "worker", "LockDialogue", "store/turn.go", 1, 1},
		{"look for what waits to leave", "worker", "NextOutgoing", "store/send.go", 0, 1},
		{"read the draft", "worker", "Draft", "store/send.go", 0, 1},
		{"begin to send it", "worker", "LockDialogue", "store/send.go", 0, 1},
		{"record that it is sent", "worker", "LockDialogue", "store/send.go", 0, 1},
	}
}

// background are the transactions that run whether or not somebody writes, or that serve all dialogues together. What is
// in none of the lists fails the tests: it has to be put into one.
func background() []string {
	return []string{
		"other",                                                                            // LISTEN, the sequencer's election, the schema's version for /readyz
		"WakeSequencer", "HasUnsequencedEvents", "LockEventLog", "EventLog", "EventsAfter", // the event log: at most 50 batches a second
		"NotifyLive", "RemoveExpiredViewers", // signs of typing, who looks on
		"TakeDueRings",                                  // the relays
		"WatchDialogues",                                // counters, for all replies of a worker together
		"Backlog",                                       // metrics, when asked for
		"SilentDialogues", "StuckSends", "StuckReplies", // upkeep
		"RunningReplays",                         // whether replays of many wait for a workflow
		"ListChannels", "HoldLease", "DropLease", // who polls which bot, and whose webhook is set
		"HoldProbe",  // whether the model answers again, while an alarm is open
		"GetChannel", // for signs of typing, which remember it for 30 s
	}
}

// history is what a message adds to its workflow's history.
type history struct{ signals, workflowTasks, activities int }

func widgetHistory() history { return history{signals: 1, workflowTasks: 2, activities: 1} }

func telegramHistory() history { return history{signals: 1, workflowTasks: 3, activities: 2} }

// events are all events of the history: tasks and activities are scheduled, started and completed.
func (h history) events() int { return h.signals + 3*h.workflowTasks + 3*h.activities }

// cost is what n messages take, by the names that counts gives it.
type cost map[string]int

// cost is that of the history and of the transactions that a step takes so often.
func (h history) cost(n int, often func(step) int) cost {
	c := cost{
		"history WorkflowExecutionSignaled": n * h.signals,
		"history WorkflowTaskScheduled":     n * h.workflowTasks,
		"history WorkflowTaskStarted":       n * h.workflowTasks,
		"history WorkflowTaskCompleted":     n * h.workflowTasks,
		"history ActivityTaskScheduled":     n * h.activities,
		"history ActivityTaskStarted":       n * h.activities,
		"history ActivityTaskCompleted":     n * h.activities,
	}
	for _, s := range steps() {
		if often(s) > 0 {
			c[s.role+" "+s.first] += n * often(s)
		}
	}
	return c
}

// question is one that the demo shop's knowledge answers, without a word that no item has: each of those is one more look
// for words like it.
const question = "Сколько стоит доставка?"

func TestCostOfAMessageInTheWidget(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	meter := newMeter(s)
	c := s.newCustomer()
	write := func() { c.write(question) }
	write() // begins the dialogue and its run
	s.settled()
	meter.open(c.dialogueID())
	meter.check(write, widgetHistory().cost(measured, func(s step) int { return s.widget }))
}

func TestCostOfAMessageInTelegram(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	meter := newMeter(s)
	server := newTelegram(t, nil)
	o := s.login(adminEmail)
	s.connectTelegram(o, server)
	updates := 0
	write := func() {
		updates++
		status, body := s.update(telegramSecret, textUpdate(updates, question))
		require.Equal(t, http.StatusOK, status, string(body))
	}
	write()
	s.settled()
	meter.open(o.onlyDialogue().ID)
	meter.check(write, telegramHistory().cost(measured, func(s step) int { return s.telegram }))
	require.Len(t, server.received(), updates)
}

// meter measures what the messages of one dialogue cost.
type meter struct {
	*system
	nodes    []string // whose metrics are read
	engine   client.Client
	workflow string
}

func newMeter(s *system) *meter {
	s.t.Helper()
	_, api := s.startAPI()
	_, worker := s.startWatchedWorker()
	return &meter{system: s, nodes: []string{api, worker}, engine: s.temporal()}
}

// open says which dialogue is measured, and waits until nothing of its beginning is under way.
func (m *meter) open(dialogue uuid.UUID) {
	m.t.Helper()
	m.workflow = workflows.DialogueID(dialogue)
	m.atRest()
}

// check measures messages until there is a series of them that the machine was not too slow for.
func (m *meter) check(write func(), want cost) {
	m.t.Helper()
	for range attempts {
		if m.series(write, want) {
			return
		}
	}
	require.Failf(m.t, "this machine is too slow to measure anything", "%d series had a message that was slower than %s to be heard of, or than %s to be answered", attempts, relayGrace, stickyGrace)
}

// series measures messages, each written when nothing of the one before is under way. It reports false when one took so
// long that it may have cost more.
func (m *meter) series(write func(), want cost) bool {
	m.t.Helper()
	m.relaysPass()
	before := m.counts()
	for range measured {
		began := time.Now()
		write()
		m.heard()
		slow := time.Since(began) >= relayGrace
		m.settled()
		m.atRest()
		if slow || time.Since(began) >= stickyGrace {
			m.t.Logf("a message took %s: the machine is too slow to measure; beginning again", time.Since(began))
			return false
		}
	}
	var spent cost
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%d messages took %v, and should have taken %v", measured, spent, want)
		}
	}()
	// A statement is counted a moment after others see what it did.
	eventually(m.t, "everything is counted", func() bool {
		spent = m.counts().since(before)
		for name, n := range want {
			if spent[name] < n {
				return false
			}
		}
		return true
	})
	for _, name := range background() {
		delete(spent, "api "+name)
		delete(spent, "worker "+name)
	}
	require.Equal(m.t, want, spent, "what %d messages took", measured)
	return true
}

// counts are the transactions of all nodes and the events of the workflow's run so far.
func (m *meter) counts() cost {
	m.t.Helper()
	all := m.transactions()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for events := m.engine.GetWorkflowHistory(ctx, m.workflow, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		require.NoError(m.t, err)
		all["history "+e.EventType.String()]++
	}
	return all
}

func (m *meter) transactions() cost {
	m.t.Helper()
	line := regexp.MustCompile(`(?m)^parley_db_transactions_total\{first="(\w+)",role="(\w+)"\} (\d+)$`)
	all := cost{}
	for _, node := range m.nodes {
		resp, shown := fetch(m.t, node+"/metrics", nil)
		require.Equal(m.t, http.StatusOK, resp.StatusCode)
		for _, found := range line.FindAllStringSubmatch(shown, -1) {
			n, err := strconv.Atoi(found[3])
			require.NoError(m.t, err)
			all[found[2]+" "+found[1]] = n
		}
	}
	return all
}

// since is what has been added.
func (c cost) since(before cost) cost {
	added := cost{}
	for name, n := range c {
		if n != before[name] {
			added[name] = n - before[name]
		}
	}
	return added
}

// heard waits until every bell was rung and forgotten.
func (m *meter) heard() {
	m.t.Helper()
	eventually(m.t, "the engine has heard", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		waiting := true
		err := m.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM outbox)").Scan(&waiting)
		return err == nil && !waiting
	})
}

// relaysPass waits until the relays have looked for bells twice: what still rang late has been forgotten, and is counted.
func (m *meter) relaysPass() {
	m.t.Helper()
	before := m.transactions()
	eventually(m.t, "the relays have passed", func() bool {
		passed := m.transactions().since(before)
		return passed["api TakeDueRings"] >= 2 && passed["worker TakeDueRings"] >= 2
	})
}

// atRest waits until the workflow has nothing to do but to wait: a message that came earlier would share tasks with the
// one before.
func (m *meter) atRest() {
	m.t.Helper()
	eventually(m.t, "the workflow waits", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		d, err := m.engine.DescribeWorkflowExecution(ctx, m.workflow, "")
		return err == nil && d.PendingWorkflowTask == nil && len(d.PendingActivities) == 0
	})
}

// The document shows what the other tests assert.
func TestCostIsDocumented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/architecture.md")
	require.NoError(t, err)
	widget, telegram := widgetHistory(), telegramHistory()
	inWidget, inTelegram := 0, 0
	list := []string{"| transaction | first statement | by | in | widget | Telegram |", "|---|---|---|---|---|---|"}
	for _, s := range steps() {
		_, err := os.Stat(filepath.Join("..", s.file))
		require.NoError(t, err)
		inWidget, inTelegram = inWidget+s.widget, inTelegram+s.telegram
		list = append(list, fmt.Sprintf("| %s | `%s` | %s | `%s` | %s | %s |", s.what, s.first, s.role, s.file, times(s.widget), times(s.telegram)))
	}
	summary := []string{"| one message takes | in the widget | in Telegram |", "|---|---|---|"}
	for _, row := range []struct {
		what             string
		widget, telegram int
	}{
		{"signals", widget.signals, telegram.signals},
		{"workflow tasks", widget.workflowTasks, telegram.workflowTasks},
		{"activities", widget.activities, telegram.activities},
		{"history events", widget.events(), telegram.events()},
		{"Postgres transactions", inWidget, inTelegram},
	} {
		summary = append(summary, fmt.Sprintf("| %s | %d | %d |", row.what, row.widget, row.telegram))
	}
	for _, table := range [][]string{summary, list} {
		text := strings.Join(table, "\n")
		require.Truef(t, strings.Contains(string(raw), "\n\n"+text+"\n\n"), "docs/architecture.md should have this table:\n%s", text)
	}
}

// times is a number in a table; what is left out has none.
func times(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

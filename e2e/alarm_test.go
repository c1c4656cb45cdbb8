package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/doctor"
	"parley/store"
	"parley/testenv"
)

// alarms are those that the inbox is told of.
func (o *operator) alarms() []store.AlarmView {
	o.s.t.Helper()
	var out struct{ Alarms []store.AlarmView }
	o.must(http.MethodGet, "/alarms", nil, &out)
	return out.Alarms
}

// The model goes down while five customers write: all come to humans, who are told once. When it is up again that is
// noticed although nobody writes.
func TestOneAlarmWhileTheModelIsDownThatEndsByItself(t *testing.T) {
	t.Parallel()
	const customers = 5
	var up atomic.Bool
	model := newModel(t, func(int, modelCall) modelReply {
		if up.Load() {
			return modelReply{text: "yes"}
		}
		return modelReply{status: http.StatusServiceUnavailable}
	})
	s := newSystem(t, testenv.Temporal(t), model, "PARLEY_PROBE_EVERY=1s")
	_, base := s.startAPI()
	o := s.login(adminEmail)
	stream := openStream(t, base+"/api/v1/stream", "", o.client, "0")
	defer stream.close()
	s.startWorker()
	s.startWorker()
	var all []*customer
	for range customers {
		c := s.newCustomer()
		c.write("How much is delivery?")
		all = append(all, c)
	}
	for _, c := range all {
		eventually(t, "a human is waited for", func() bool {
			d := o.dialogue(c.dialogueID())
			return d.Mode == dialogue.ModeOperator && d.HandoffReason != nil && *d.HandoffReason == string(dialogue.HandoffBotError)
		})
	}
	// What the stream tells of alarms until one of its events is that of a closed one.
	seen := make(chan []store.AlarmView, 1)
	go func() {
		var told []store.AlarmView
		for {
			f, ok := stream.next()
			if !ok {
				return
			}
			var event struct{ Alarm store.AlarmView }
			if f.event != "alarm" || json.Unmarshal([]byte(f.data), &event) != nil {
				continue
			}
			if told = append(told, event.Alarm); event.Alarm.ClosedAt != nil {
				seen <- told
				return
			}
		}
	}()
	alarms := o.alarms()
	require.Len(t, alarms, 1)
	require.Equal(t, []any{"unavailable", int64(customers), int64(customers), int64(customers)},
		[]any{alarms[0].Cause, alarms[0].Count, alarms[0].Dialogues, alarms[0].Waiting})
	require.Nil(t, alarms[0].ClosedAt)
	_, shown := fetch(t, base+"/metrics", nil)
	require.Contains(t, shown, "parley_alarms_open{cause=\"unavailable\"} 1\n")
	code, found := s.examined()
	require.Equal(t, []any{1, doctor.Fail}, []any{code, found["alarms"].Status})
	require.Contains(t, found["alarms"].Found, "unavailable")

	asked := len(model.seen())
	eventually(t, "the model is asked whether it answers again", func() bool { return len(model.seen()) > asked })
	require.Nil(t, o.alarms()[0].ClosedAt, "it does not")
	up.Store(true)
	eventually(t, "it is noticed that the model answers", func() bool { return o.alarms()[0].ClosedAt != nil })
	closed := o.alarms()
	require.Len(t, closed, 1)
	require.Equal(t, []any{alarms[0].ID, store.ClosedRecovered, int64(customers)}, []any{closed[0].ID, *closed[0].ClosedBy, closed[0].Waiting})
	told := <-seen
	require.Len(t, told, 2, "it opened, and it closed")
	require.Equal(t, []any{closed[0].ID, closed[0].ID}, []any{told[0].ID, told[1].ID})
	_, shown = fetch(t, base+"/metrics", nil)
	require.Contains(t, shown, "parley_alarms_open{cause=\"unavailable\"} 0\n")
	require.False(t, slices.ContainsFunc(model.seen()[asked:], func(c modelCall) bool { return strings.Contains(c.shown(), "delivery") }), "no customer's question was asked again")

	// And nothing is lost: the answers are replayed.
	o.must(http.MethodPost, "/turns/replay", map[string]any{"filter": map[string]string{"cause": "unavailable"}}, nil)
	for _, c := range all {
		c.awaitAnswers(1)
	}
	require.Zero(t, o.alarms()[0].Waiting)
}

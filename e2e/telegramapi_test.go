package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/testenv"
)

// testAPI is telegram-test-api: a Bot API server that others have written.
type testAPI struct {
	t    *testing.T
	base string
}

func newTestAPI(t *testing.T) *testAPI {
	t.Helper()
	return &testAPI{t: t, base: testenv.Peer(t, "telegram.mjs")}
}

// write has a customer write to the bot.
func (a *testAPI) write(customer int, text string) {
	a.t.Helper()
	person := map[string]any{"id": customer, "first_name": fmt.Sprint("Customer ", customer), "username": fmt.Sprint("c", customer)}
	status := request(a.t, http.DefaultClient, http.MethodPost, a.base+"/sendMessage", "", map[string]any{
		"botToken": telegramToken, "date": time.Now().UnixMilli(), "text": text, "from": person,
		"chat": map[string]any{"id": customer, "first_name": "Customer", "username": "c", "type": "private"},
	}, nil)
	require.Equal(a.t, http.StatusOK, status)
}

// answers lists what each customer was told.
func (a *testAPI) answers() map[int][]string {
	a.t.Helper()
	var out struct {
		Result []struct {
			Message struct {
				ChatID any    `json:"chat_id"`
				Text   string `json:"text"`
			} `json:"message"`
		} `json:"result"`
	}
	status := request(a.t, http.DefaultClient, http.MethodPost, a.base+"/getUpdatesHistory", "", map[string]string{"token": telegramToken}, &out)
	require.Equal(a.t, http.StatusOK, status)
	told := make(map[int][]string)
	for _, u := range out.Result {
		if u.Message.ChatID == nil {
			continue // a customer's
		}
		var chat int
		_, err := fmt.Sscan(fmt.Sprint(u.Message.ChatID), &chat)
		require.NoError(a.t, err)
		told[chat] = append(told[chat], u.Message.Text)
	}
	return told
}

// connect adds a Telegram channel that works with the server, through the API that admins use.
func (a *testAPI) connect(o *operator, mode string) {
	a.t.Helper()
	o.must(http.MethodPost, "/channels", map[string]any{
		"kind": "telegram", "slug": "tg", "name": "Telegram", "settings": map[string]string{"mode": mode, "api_base_url": a.base},
		"secrets": map[string]string{"token": telegramToken},
	}, nil)
}

// Customers write to a bot on a server of others, are answered once each, and
// operators answer them too; by polling and by webhook.
func TestTelegramServerOfOthers(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"polling", "webhook"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			api := newTestAPI(t)
			s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
			s.startAPI()
			s.startAPI()
			s.startWorker()
			s.startWorker()
			o := s.login(adminEmail)
			api.connect(o, mode)
			for customer := 501; customer <= 505; customer++ {
				api.write(customer, "What is the price of apples?")
			}
			eventually(t, "everybody is answered", func() bool { return len(api.answers()) == 5 })
			for customer, told := range api.answers() {
				require.Len(t, told, 1, "customer %d", customer)
				require.Contains(t, told[0], "Answer.")
			}
			require.Len(t, o.dialogues(), 5)
			for _, d := range o.dialogues() {
				o.setMode(d.ID, "operator")
				o.reply(d.ID, "An operator for "+d.ChatID)
			}
			s.settled()
			for customer, told := range api.answers() {
				require.Equal(t, fmt.Sprint("An operator for ", customer), told[len(told)-1])
				require.Len(t, told, 2)
			}
		})
	}
}

// Two nodes and one bot: one of them polls. Killed, the other goes on; nothing is
// lost, nothing comes twice.
func TestAnotherNodePollsWhenOneDies(t *testing.T) {
	t.Parallel()
	api := newTestAPI(t)
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	first, _ := s.startAPI()
	second, _ := s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	api.connect(o, "polling")
	api.write(501, "one")
	eventually(t, "the first is answered", func() bool { return len(api.answers()[501]) == 1 })
	polls := func(p *process) bool { return strings.Contains(p.log.String(), `"msg":"polling"`) }
	require.NotEqual(t, polls(first), polls(second), "one of the two polls")

	holder := first
	if polls(second) {
		holder = second
	}
	holder.kill()
	for customer := 502; customer <= 506; customer++ {
		api.write(customer, "after the node died")
	}
	eventually(t, "the others are answered too", func() bool { return len(api.answers()) == 6 })
	for customer, told := range api.answers() {
		require.Len(t, told, 1, "customer %d", customer)
	}
}

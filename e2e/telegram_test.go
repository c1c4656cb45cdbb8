package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/store"
	"parley/testenv"
)

const (
	telegramToken  = "123456789:AAE-test-token-of-a-bot"
	telegramSecret = "a-secret-of-the-webhook"
)

// telegramServer stands in for the Bot API. It checks what the real one checks of sendMessage.
type telegramServer struct {
	url string

	mu    sync.Mutex
	sent  []string // texts that customers got
	calls int
	next  func(n int, w http.ResponseWriter) bool // true: it has answered itself
}

func newTelegram(t *testing.T, next func(n int, w http.ResponseWriter) bool) *telegramServer {
	t.Helper()
	s := &telegramServer{next: next}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.url = server.URL
	return s
}

func (s *telegramServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, description string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"ok":false,"error_code":%d,"description":%q}`, status, description)
	}
	var in struct {
		ChatID string `json:"chat_id"`
		Text   string `json:"text"`
	}
	switch {
	case r.URL.Path == "/bot"+telegramToken+"/getMe":
		fmt.Fprint(w, `{"ok":true,"result":{"id":123456789,"is_bot":true,"username":"shop_bot"}}`)
	case r.URL.Path == "/bot"+telegramToken+"/setWebhook", r.URL.Path == "/bot"+telegramToken+"/sendChatAction":
		fmt.Fprint(w, `{"ok":true,"result":true}`)
	case r.URL.Path != "/bot"+telegramToken+"/sendMessage":
		fail(http.StatusNotFound, "Not Found")
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&in) != nil:
		fail(http.StatusBadRequest, "Bad Request: can't parse JSON")
	case in.ChatID != "555":
		fail(http.StatusBadRequest, "Bad Request: chat not found")
	case strings.TrimSpace(in.Text) == "":
		fail(http.StatusBadRequest, "Bad Request: message text is empty")
	case len(utf16.Encode([]rune(in.Text))) > 4096:
		fail(http.StatusBadRequest, "Bad Request: message is too long")
	default:
		s.mu.Lock()
		n := s.calls
		s.calls++
		s.mu.Unlock()
		if s.next != nil && s.next(n, w) {
			return
		}
		s.mu.Lock()
		s.sent = append(s.sent, in.Text)
		s.mu.Unlock()
		fmt.Fprintf(w, `{"ok":true,"result":{"message_id":%d}}`, 1_000_000+n) // a chat counts all its messages: none of the customer's
	}
}

func (s *telegramServer) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.sent...)
}

// connectTelegram adds a Telegram channel whose Bot API is the given server.
func (s *system) connectTelegram(o *operator, server *telegramServer) {
	s.t.Helper()
	o.must(http.MethodPost, "/channels", map[string]any{
		"kind": "telegram", "slug": "tg", "name": "Telegram", "settings": map[string]string{"mode": "webhook", "api_base_url": server.url},
		"secrets": map[string]string{"token": telegramToken, "webhook_secret": telegramSecret},
	}, nil)
}

// update delivers an update to the webhook.
func (s *system) update(secret string, body []byte) (int, []byte) {
	s.t.Helper()
	return s.updateAt(s.base, secret, body)
}

// updateAt delivers an update to the webhook of an api node.
func (s *system) updateAt(base, secret string, body []byte) (int, []byte) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/hooks/telegram/tg", strings.NewReader(string(body)))
	require.NoError(s.t, err)
	if secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	raw := make([]byte, 1024)
	n, _ := resp.Body.Read(raw)
	return resp.StatusCode, raw[:n]
}

func textUpdate(id int, text string) []byte {
	body, _ := json.Marshal(map[string]any{"update_id": id, "message": map[string]any{
		"message_id": id, "date": 1700000000, "text": text,
		"from": map[string]any{"id": 555, "is_bot": false, "first_name": "Ерлан"}, "chat": map[string]any{"id": 555, "type": "private"},
	}})
	return body
}

// dialogues are those of the installation, newest first.
func (o *operator) dialogues() []store.DialogueView {
	o.s.t.Helper()
	var list struct{ Dialogues []store.DialogueView }
	o.must(http.MethodGet, "/dialogues?limit=100", nil, &list)
	return list.Dialogues
}

// onlyDialogue is the one dialogue of the installation.
func (o *operator) onlyDialogue() store.DialogueView {
	o.s.t.Helper()
	list := o.dialogues()
	require.Len(o.s.t, list, 1)
	return list[0]
}

func telegramSystem(t *testing.T, model *fakeModel, server *telegramServer) (*system, *operator) {
	t.Helper()
	s := newSystem(t, testenv.Temporal(t), model)
	s.startAPI()
	s.startWorker()
	o := s.login(adminEmail)
	s.connectTelegram(o, server)
	return s, o
}

func TestTelegramDialogue(t *testing.T) {
	t.Parallel()
	server := newTelegram(t, nil)
	model := newModel(t, saying("Answer."))
	s, o := telegramSystem(t, model, server)
	var deliveries sync.WaitGroup
	for range 5 {
		deliveries.Go(func() {
			status, body := s.update(telegramSecret, textUpdate(1, "What is the price of apples?"))
			require.Equal(t, http.StatusOK, status)
			require.Empty(t, body, "Telegram would take a body for a method call")
		})
	}
	deliveries.Wait()
	eventually(t, "the answer arrives", func() bool { return len(server.received()) == 1 })
	d := o.onlyDialogue()
	require.Equal(t, "Ерлан", *d.Contact.Name)
	require.Equal(t, "555", d.ChatID)

	first, second := o.reply(d.ID, "one").Message, o.reply(d.ID, strings.Repeat("long words ", 600)).Message
	require.Equal(t, "queued", string(first.State))
	s.settled()
	received := server.received()
	require.Equal(t, "one", received[1])
	require.Len(t, received, 4, "the long message went out in two parts")
	for _, m := range o.transcript(d.ID) {
		if m.ID == first.ID || m.ID == second.ID {
			require.Equal(t, "sent", string(m.State))
		}
	}
	require.Len(t, model.seen(), 1)
}

func TestTelegramOutcomes(t *testing.T) {
	t.Parallel()
	limited := func(n int, w http.ResponseWriter) bool {
		if n > 0 {
			return false
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`)
		return true
	}
	blocked := func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`)
		return true
	}
	cut := func(int, http.ResponseWriter) bool { panic(http.ErrAbortHandler) }
	for name, test := range map[string]struct {
		next     func(int, http.ResponseWriter) bool
		state    string
		reason   string
		received int
		calls    int
	}{
		"a rate limit is waited out":                      {limited, "sent", "", 1, 2},
		"a block by the customer is shown":                {blocked, "failed", "has blocked the bot", 0, 1},
		"what may have arrived is not sent a second time": {cut, "unconfirmed", "", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTelegram(t, test.next)
			s, o := telegramSystem(t, newModel(t, saying("Answer.")), server)
			status, _ := s.update(telegramSecret, textUpdate(1, "What is the price of apples?"))
			require.Equal(t, http.StatusOK, status)
			s.settled()
			d := o.onlyDialogue()
			transcript := o.transcript(d.ID)
			last := transcript[len(transcript)-1]
			require.Equal(t, []string{"bot", test.state}, []string{string(last.Author), string(last.State)})
			require.Len(t, server.received(), test.received)
			require.Equal(t, test.calls, server.calls)
			if test.reason != "" {
				require.Contains(t, *last.Error, test.reason)
			}
			require.Equal(t, test.state != "sent", d.WaitingSince != nil, "somebody has to look")
		})
	}
}

// The takeover names what the provider was being given when it came.
func TestTakeoverNamesWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := newTelegram(t, func(int, http.ResponseWriter) bool {
		close(arrived)
		<-release
		return false
	})
	s, o := telegramSystem(t, newModel(t, saying("Answer.")), server)
	status, _ := s.update(telegramSecret, textUpdate(1, "What is the price of apples?"))
	require.Equal(t, http.StatusOK, status)
	select {
	case <-arrived:
	case <-time.After(deadline):
		require.Fail(t, "the answer is not sent")
	}
	d := o.onlyDialogue()
	inFlight := o.setMode(d.ID, "operator")
	close(release)
	require.Len(t, inFlight, 1)
	s.settled()
	for _, m := range o.transcript(d.ID) {
		if m.ID == inFlight[0] {
			require.Equal(t, []string{"bot", "sent"}, []string{string(m.Author), string(m.State)})
		}
	}
	require.Len(t, server.received(), 1)
}

func TestWebhookRefusesStrangersAndKeepsWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.startAPI()
	o := s.login(adminEmail)
	s.connectTelegram(o, newTelegram(t, nil))
	count := func(table string) (n int) {
		require.NoError(t, s.pool.QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n))
		return n
	}
	for _, secret := range []string{"", "wrong", telegramSecret + "x"} {
		status, _ := s.update(secret, textUpdate(1, "let me in"))
		require.Equal(t, http.StatusUnauthorized, status)
	}
	require.Zero(t, count("messages")+count("dead_letters"))

	const malformed = `{"update_id": 7, "message": {"text": "broken`
	status, _ := s.update(telegramSecret, []byte(malformed))
	require.Equal(t, http.StatusOK, status)
	var list struct {
		DeadLetters []struct{ Body, Reason string } `json:"dead_letters"`
	}
	o.must(http.MethodGet, "/dead-letters", nil, &list)
	require.Len(t, list.DeadLetters, 1)
	require.Equal(t, malformed, list.DeadLetters[0].Body)
	require.Contains(t, list.DeadLetters[0].Reason, "not understood")

	s.addOperator("operator@shop.example", "Operator", "operator")
	status, _ = rawRequest(t, s.login("operator@shop.example").client, http.MethodGet, s.base+"/api/v1/dead-letters", "", nil)
	require.Equal(t, http.StatusForbidden, status)

	status, _ = s.update(telegramSecret, []byte(`{"update_id":8,"x":"`+strings.Repeat("x", 5<<20)+`"}`))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	c := s.newCustomer()
	_, status = c.deliver(uuid.NewString(), strings.Repeat("x", 100<<10))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Zero(t, count("messages"))
}

package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/channel"
	"parley/dialogue"
	"parley/store"
)

const webhookSecret = "a-long-random-secret"

// addTelegram connects a bot, and returns where its updates go to.
func (b *bundle) addTelegram(slug string) (path string) {
	b.t.Helper()
	b.ok(http.MethodPost, "/api/v1/channels", b.admin, `{"kind":"telegram","slug":"`+slug+`","name":"Bot",
		"settings":{"mode":"webhook","api_base_url":"`+b.telegram.URL+`"},
		"secrets":{"token":"123456789:AAE-secret-token","webhook_secret":"`+webhookSecret+`"}}`)
	return "/hooks/telegram/" + slug
}

// fakeTelegram knows one bot.
type fakeTelegram struct{}

func (fakeTelegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/bot123456789:AAE-secret-token/") {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"ok":false,"error_code":401,"description":"Unauthorized"}`)
		return
	}
	result := "true"
	if strings.HasSuffix(r.URL.Path, "/getMe") {
		result = `{"id":123456789,"is_bot":true,"username":"shop_bot"}`
	}
	_, _ = io.WriteString(w, `{"ok":true,"result":`+result+`}`)
}

func (b *bundle) hook(path, secret, body string) int {
	return b.call(http.MethodPost, path, "", body, http.Header{"X-Telegram-Bot-Api-Secret-Token": {secret}}).Code
}

func update(id int, fields string) string {
	return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"from":{"id":5,"is_bot":false,"first_name":"Ерлан"},"chat":{"id":5,"type":"private"},%s}}`, id, id, fields)
}

// telegramTexts lists what customers have written to the bot.
func (b *bundle) telegramTexts(slug string) []string {
	b.t.Helper()
	var list struct{ Dialogues []store.DialogueView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues?channel="+slug, b.operator, ""), &list)
	texts := []string{}
	for _, d := range list.Dialogues {
		var page struct{ Messages []store.MessageView }
		b.decode(b.ok(http.MethodGet, "/api/v1/dialogues/"+d.ID.String()+"/messages", b.operator, ""), &page)
		for _, m := range page.Messages {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func (b *bundle) deadLetters() (bodies []string) {
	b.t.Helper()
	var list struct {
		DeadLetters []struct{ Body, Reason string } `json:"dead_letters"`
	}
	b.decode(b.ok(http.MethodGet, "/api/v1/dead-letters", b.admin, ""), &list)
	for _, x := range list.DeadLetters {
		require.NotEmpty(b.t, x.Reason)
		bodies = append(bodies, x.Body)
	}
	return bodies
}

// bury keeps what the bot "buried" delivered as a dead letter.
func (b *bundle) bury(body string) uuid.UUID {
	b.t.Helper()
	ch, err := b.store.Channel(b.t.Context(), "buried")
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
		ch, err = b.store.AddChannel(b.t.Context(), store.NewChannel{Kind: channel.Telegram, Slug: "buried", Name: "Bot"})
	}
	require.NoError(b.t, err)
	require.NoError(b.t, b.store.KeepDeadLetter(b.t.Context(), ch.ID, "not understood by an older Parley", []byte(body)))
	list, err := b.store.DeadLetters(b.t.Context(), nil, 1)
	require.NoError(b.t, err)
	require.Equal(b.t, body, string(list[0].Body))
	return list[0].ID
}

func TestDeadLettersAreRetriedAndDiscarded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	readable, broken := b.bury(update(1, `"text":"hello"`)), b.bury("{broken")
	admin := b.login("admin")
	retry := func(id uuid.UUID) *httptest.ResponseRecorder {
		return b.call(http.MethodPost, "/api/v1/dead-letters/"+id.String()+"/retry", "", "", admin)
	}
	elsewhere := admin.Clone()
	elsewhere.Set("Sec-Fetch-Site", "cross-site")
	for method, path := range map[string]string{http.MethodPost: readable.String() + "/retry", http.MethodDelete: readable.String()} {
		require.Equal(t, http.StatusForbidden, b.call(method, "/api/v1/dead-letters/"+path, "", "", elsewhere).Code, method)
	}

	w := retry(readable)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.JSONEq(t, `{"outcome":"taken"}`, w.Body.String())
	require.Equal(t, []string{"hello"}, b.telegramTexts("buried"))
	require.Equal(t, http.StatusNotFound, retry(readable).Code)

	require.Equal(t, http.StatusConflict, retry(broken).Code)
	require.Equal(t, []string{"{broken"}, b.deadLetters())
	require.Equal(t, http.StatusNoContent, b.call(http.MethodDelete, "/api/v1/dead-letters/"+broken.String(), "", "", admin).Code)
	require.Empty(t, b.deadLetters())

	var log struct{ Entries []store.AuditEntry }
	b.decode(b.ok(http.MethodGet, "/api/v1/audit?limit=2&actor="+b.operatorID("admin").String(), b.admin, ""), &log)
	require.Equal(t, []string{"dead_letter_discarded", "dead_letter_retried"}, []string{log.Entries[0].Action, log.Entries[1].Action})
	for _, e := range log.Entries {
		require.Equal(t, "Anna admin", e.Actor.Name)
		require.Equal(t, "Bot", e.Object.Name)
	}
}

func TestUpdateIsStoredOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	var copies sync.WaitGroup
	for range 5 {
		copies.Go(func() {
			if code := b.hook(path, webhookSecret, update(1, `"text":"сәлем"`)); code != http.StatusOK {
				t.Errorf("status %d", code)
			}
		})
	}
	copies.Wait()
	require.Equal(t, []string{"сәлем"}, b.telegramTexts("bot"))
}

func TestForgedUpdatesStoreNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	for _, secret := range []string{"", "wrong", webhookSecret + "x", strings.ToUpper(webhookSecret)} {
		require.Equal(t, http.StatusUnauthorized, b.hook(path, secret, update(1, `"text":"x"`)), secret)
	}
	for _, elsewhere := range []string{"/hooks/telegram/nonsense", "/hooks/telegram/demo", "/hooks/telegram/%00", "/hooks/telegram/%ff"} {
		require.Equal(t, http.StatusUnauthorized, b.hook(elsewhere, webhookSecret, update(1, `"text":"x"`)), elsewhere)
	}
	require.Empty(t, b.telegramTexts("bot"))
	require.Empty(t, b.deadLetters())
}

// Telegram holds a chat's later updates back behind one that is not acknowledged:
// whatever a body holds, it is taken or kept, and answered 200.
func TestNoUpdateBlocksThoseBehindIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	var wanted []string
	for i, text := range []struct{ json, stored string }{
		{`"text":"a\u0000b"`, "ab"},
		{`"text":"lonely \ud83d surrogate"`, "lonely \uFFFD surrogate"},
		{"\"text\":\"broken \xff UTF-8\"", "broken \uFFFD UTF-8"},
		{`"text":"a number too large","entities":[{"offset":1e400000}]`, "a number too large"},
		{`"text":"deep","reply_to_message":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "deep"},
		{`"text":"NUL in a name","via":{"first_name":"\u0000"}`, "NUL in a name"},
	} {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, update(i+1, text.json)), text.stored)
		wanted = append(wanted, text.stored)
	}
	named := strings.Replace(update(77, `"text":"hi"`), "Ерлан", `Ер\u0000лан`, 1)
	require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, strings.ReplaceAll(named, `"id":5`, `"id":6`)))
	wanted = append([]string{"hi"}, wanted...)
	require.Equal(t, wanted, b.telegramTexts("bot"))
	require.Empty(t, b.deadLetters())

	for _, poison := range []string{`{"update_id":1`, `[]`, `null`, "", `{"message":{}}`, `{"update_id":1,"message":{"text":5}}`, "\x00\xff"} {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, poison), poison)
	}
	require.Len(t, b.deadLetters(), 7)
	require.Equal(t, http.StatusRequestEntityTooLarge, b.hook(path, webhookSecret, strings.Repeat("x", 5<<20)))
	for _, ignored := range []string{`{"update_id":1,"edited_message":{}}`, `{"update_id":2,"callback_query":{"id":"1"}}`} {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, ignored))
	}
	require.Len(t, b.deadLetters(), 7)
	require.Equal(t, wanted, b.telegramTexts("bot"))
}

func TestDeadLettersComeInPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	for i := range 5 {
		b.hook(path, webhookSecret, fmt.Sprint("broken ", i))
	}
	var bodies []string
	next := ""
	for {
		var page struct {
			DeadLetters []struct{ Body string } `json:"dead_letters"`
			NextCursor  *string                 `json:"next_cursor"`
		}
		require.NoError(t, json.Unmarshal(b.ok(http.MethodGet, "/api/v1/dead-letters?limit=2"+next, b.admin, ""), &page))
		for _, x := range page.DeadLetters {
			bodies = append(bodies, x.Body)
		}
		if page.NextCursor == nil {
			break
		}
		next = "&cursor=" + *page.NextCursor
	}
	require.Equal(t, []string{"broken 4", "broken 3", "broken 2", "broken 1", "broken 0"}, bodies)
}

// What seals a bot's token is never shown, and never stored in the clear.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addTelegram("bot")
	for _, path := range []string{"/api/v1/channels", "/api/v1/dialogues", "/api/v1/dead-letters"} {
		require.NotContains(t, string(b.ok(http.MethodGet, path, b.admin, "")), "secret-token")
	}
	var rows string
	require.NoError(t, b.store.Pool().QueryRow(t.Context(), "SELECT string_agg(c::text || encode(secrets, 'escape'), ' ') FROM channels c").Scan(&rows))
	require.NotContains(t, rows, "secret-token")
	require.NotContains(t, rows, webhookSecret)
}

// What has no text is a message all the same; edits and blocking show.
func TestUpdatesThatAreNoPlainText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	for i, fields := range []string{
		`"voice":{"file_id":"x","duration":7,"mime_type":"audio/ogg"}`,
		`"caption":"сколько стоит?","photo":[{"file_id":"x"}]`,
		`"location":{"latitude":43.24,"longitude":76.9}`,
		`"sticker":{"emoji":"👍","is_animated":1}`,
	} {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, update(i+1, fields)))
	}
	require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, update(5, `"text":"два телевизора"`)))
	edited := strings.Replace(update(5, `"text":"три телевизора"`), `"message":`, `"edited_message":`, 1)
	for range 2 {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, edited))
	}
	member := `{"update_id":%d,"my_chat_member":{"chat":{"id":5,"type":"private"},"from":{"id":5},"new_chat_member":{"status":"%s"}}}`
	for i, status := range []string{"member", "kicked", "kicked", "member"} {
		require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, fmt.Sprintf(member, 6+i, status)))
	}
	var list struct{ Dialogues []store.DialogueView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues?channel=bot", b.operator, ""), &list)
	require.Len(t, list.Dialogues, 1)
	require.Equal(t, "три телевизора", list.Dialogues[0].LastMessage.Preview)
	var page struct{ Messages []store.MessageView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues/"+list.Dialogues[0].ID.String()+"/messages", b.operator, ""), &page)
	var shown []string
	for _, m := range page.Messages {
		if m.Data != nil {
			shown = append(shown, string(m.Data.Type))
			continue
		}
		shown = append(shown, dialogue.Shown(m.Text, m.Attachments)+strings.Join(m.Former, ","))
	}
	require.Equal(t, []string{"🎤", "📷 сколько стоит?", "📍", "👍", "три телевизорадва телевизора", "blocked", "unblocked"}, shown)
	require.Equal(t, 7, page.Messages[0].Attachments[0].Seconds)
}

// A chat that is switched off takes nothing; browsers keep what was written, and send it when it is on again.
func TestChatThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok(http.MethodPatch, "/api/v1/channels/demo", b.admin, `{"enabled":false}`)
	for _, c := range []struct{ method, path, token, body string }{
		{"GET", "/widget/v1/config?channel=demo", "", ""},
		{"POST", "/widget/v1/sessions", "", `{"channel":"demo"}`},
		{"POST", "/widget/v1/messages", b.visitor, `{"client_id":"later","text":"hello"}`},
	} {
		w := b.call(c.method, c.path, c.token, c.body, nil)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, c.path)
		require.Contains(t, w.Body.String(), "switched off")
	}
	b.ok("GET", "/widget/v1/messages", b.visitor, "")
	b.ok(http.MethodPatch, "/api/v1/channels/demo", b.admin, `{"enabled":true}`)
	b.ok("POST", "/widget/v1/messages", b.visitor, `{"client_id":"later","text":"hello"}`)
}

// A channel that is switched off takes nothing, and loses nothing: Telegram keeps it.
func TestChannelThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.addTelegram("bot")
	b.ok(http.MethodPatch, "/api/v1/channels/bot", b.admin, `{"enabled":false}`)
	require.Equal(t, http.StatusServiceUnavailable, b.hook(path, webhookSecret, update(1, `"text":"hi"`)))
	b.ok(http.MethodPatch, "/api/v1/channels/bot", b.admin, `{"enabled":true}`)
	require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, update(1, `"text":"hi"`)), "with the same secret")
	require.Equal(t, []string{"hi"}, b.telegramTexts("bot"))
	entries, err := b.store.Audit(t.Context(), store.AuditFilter{Action: "channel_changed"}, nil, 10)
	require.NoError(t, err)
	require.JSONEq(t, `{"enabled":true}`, string(entries[0].Detail), "the secrets were only sealed again")
}

// Another bot numbers its messages by itself: they would be taken for copies.
func TestAnotherBotsTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addTelegram("bot")
	refused := b.call(http.MethodPatch, "/api/v1/channels/bot", b.admin, `{"secrets":{"token":"987654321:AAE-secret-token"}}`, nil)
	require.Equal(t, http.StatusConflict, refused.Code)
	require.Contains(t, refused.Body.String(), "a channel of its own")
}

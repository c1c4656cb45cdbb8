package api_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"parley/store"
)

// No route exists that the contract does not know.
func TestEveryRouteIsInTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	engine, ok := b.handler.(*gin.Engine)
	require.True(t, ok)
	paths := b.spec["paths"].(map[string]any)
	for _, route := range engine.Routes() {
		if !strings.HasPrefix(route.Path, "/api/") && !strings.HasPrefix(route.Path, "/widget/v1/") && !strings.HasPrefix(route.Path, "/hooks/") {
			continue // pages
		}
		parts := strings.Split(route.Path, "/")
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		item, ok := paths[strings.Join(parts, "/")].(map[string]any)
		require.True(t, ok, "%s is not in openapi.yaml", route.Path)
		require.Contains(t, item, strings.ToLower(route.Method), "%s %s is not in openapi.yaml", route.Method, route.Path)
	}
}

func TestDisabledUsersAreOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.call("POST", "/api/v1/session", "", `{"email":"operator@shop.example","password":"a good password"}`, nil)
	cookie := http.Header{"Cookie": {w.Result().Cookies()[0].String()}}
	require.Equal(t, http.StatusOK, b.call("GET", "/api/v1/session", "", "", cookie).Code)
	_, err := b.store.Pool().Exec(context.Background(), "UPDATE operators SET disabled_at = now() WHERE email = 'operator@shop.example'")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, b.call("GET", "/api/v1/session", "", "", cookie).Code)
	require.Equal(t, http.StatusUnauthorized, b.call("GET", "/api/v1/session", b.operator, "", nil).Code)
	w = b.call("POST", "/api/v1/session", "", `{"email":"operator@shop.example","password":"a good password"}`, nil)
	require.Equal(t, http.StatusUnauthorized, w.Code)
}

// Whatever a client sends is its own mistake, never the server's.
func TestUnstorableInputIsTheClientsMistake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := "/api/v1/dialogues/" + b.dialogue.String()
	cursor := func(raw string) string { return base64.RawURLEncoding.EncodeToString([]byte(raw)) }
	for _, c := range []struct{ method, path, token, body string }{
		{"POST", "/api/v1/session", "", `{"email":"a\u0000@shop.example","password":"x"}`},
		{"POST", "/api/v1/session", "", `{"email":"` + strings.Repeat("a", 100_000) + `","password":"x"}`},
		{"POST", "/api/v1/session", "", `null`},
		{"GET", "/widget/v1/config?channel=%00", "", ""},
		{"GET", "/widget/v1/config?channel=%ff", "", ""},
		{"POST", "/widget/v1/sessions", "", `{"channel":"\u0000"}`},
		{"GET", "/api/v1/dialogues?channel=%00", b.operator, ""},
		{"GET", "/api/v1/dialogues?status=%00", b.operator, ""},
		{"GET", "/api/v1/dialogues?assignee=%00", b.operator, ""},
		{"GET", "/api/v1/dialogues?cursor=" + cursor(`{"At":"99999-01-01T00:00:00Z"}`), b.operator, ""},
		{"GET", "/api/v1/dialogues?cursor=" + cursor(`{"At":5}`), b.operator, ""},
		{"GET", "/api/v1/dialogues?cursor=" + cursor(`[]`), b.operator, ""},
		{"GET", d + "/messages?after=99999999999999999999", b.operator, ""},
		{"GET", d + "/messages?before=-1", b.operator, ""},
		{"GET", d + "/messages?limit=0", b.operator, ""},
		{"PUT", d + "/read", b.operator, `{"seq":1.5}`},
		{"PUT", d + "/read", b.operator, `{"seq":1e30}`},
		{"PUT", d + "/read", b.operator, `{"seq":-1}`},
		{"POST", d + "/messages", b.operator, `{"client_id":"\u0000","text":"x"}`},
		{"POST", d + "/messages", b.operator, `{"client_id":"` + strings.Repeat("x", 65) + `","text":"x"}`},
		{"POST", d + "/notes", b.operator, `[]`},
		{"POST", "/api/v1/channels", b.admin, `{"kind":"widget","slug":"x","name":"\u0000"}`},
		{"POST", "/api/v1/channels", b.admin, `{"kind":"widget","slug":"x","name":"x","settings":{"more":"\u0000"}}`},
		{"POST", "/api/v1/channels", b.admin, `{"kind":"\u0000","slug":"x","name":"x"}`},
		{"POST", "/api/v1/operators", b.admin, `{"email":"\u0000@b.example","name":"a","role":"admin","password":"12345678"}`},
		{"PUT", "/api/v1/presence", b.operator, `{"client":"\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000","dialogue_id":"` + b.dialogue.String() + `"}`},
		{"POST", "/widget/v1/receipts", b.visitor, `{"delivered":"x"}`},
		{"GET", "/widget/v1/messages?after=x", b.visitor, ""},
		{"POST", "/widget/v1/messages", b.visitor, `{"client_id":"1","text":"\u0000"}`},
	} {
		w := b.call(c.method, c.path, c.token, c.body, nil)
		require.GreaterOrEqual(t, w.Code, 400, "%s %s %.80s: %s", c.method, c.path, c.body, w.Body)
		require.Less(t, w.Code, 500, "%s %s %.80s: %s", c.method, c.path, c.body, w.Body)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), c.path)
	}
	for _, harmless := range []string{
		"q=%ff%fe", "q=" + strings.Repeat("%D3%98", 200), "q=%27%3A*%20%26%20%7C", "cursor=" + cursor("{}"), "q=%5C", "q=-", "q=%E2%84%965",
	} {
		b.ok("GET", "/api/v1/dialogues?"+harmless, b.operator, "")
	}
	b.ok("POST", "/widget/v1/receipts", b.visitor, `{"delivered":-5,"read":9223372036854775807}`)
	b.ok("PUT", d+"/read", b.operator, `{"seq":9223372036854775807}`)
}

// Markup that customers write comes back as the text that it is, everywhere.
func TestMarkupIsText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const markup = `<img src=x onerror=alert(1)>"'</script>`
	path := b.addTelegram("bot")
	body := strings.NewReplacer("Ерлан", `<b>bold</b>`).Replace(update(1, `"text":"<img src=x onerror=alert(1)>\"'</script>"`))
	require.Equal(t, http.StatusOK, b.hook(path, webhookSecret, body))
	w := b.call("GET", "/api/v1/dialogues?channel=bot", b.operator, "", nil)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	require.NotContains(t, w.Body.String(), "<")
	var list struct{ Dialogues []store.DialogueView }
	b.decode(w.Body.Bytes(), &list)
	require.Equal(t, markup, list.Dialogues[0].LastMessage.Preview)
	require.Equal(t, "<b>bold</b>", *list.Dialogues[0].Contact.Name)
	w = b.call("GET", "/api/v1/<script>", b.operator, "", nil)
	require.Equal(t, http.StatusNotFound, w.Code)
	require.NotContains(t, w.Body.String(), "<script>")
}

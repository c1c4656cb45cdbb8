package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVisitorsCannotAskWithoutEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	until := func(method, path, token, body string) (n int) {
		for ; n < 30_000; n++ {
			w := b.call(method, path, token, body, nil)
			if w.Code == http.StatusTooManyRequests {
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				return n
			}
		}
		t.Fatalf("%s %s has no limit", method, path)
		return n
	}
	require.GreaterOrEqual(t, until("GET", "/widget/v1/messages", b.other, ""), 100)
	require.Less(t, until("POST", "/widget/v1/receipts", b.other, `{"delivered":1}`), 50, "they share a limit")
	require.Less(t, until("GET", "/widget/v1/stream", b.other, ""), 50)
	b.ok("GET", "/widget/v1/messages", b.visitor, "") // others do not notice
	require.GreaterOrEqual(t, until("GET", "/widget/v1/config", "", ""), 10_000, "many share an address")
	for _, c := range []struct{ method, path string }{{"POST", "/widget/v1/sessions"}, {"GET", "/widget/v1/messages"}, {"POST", "/widget/v1/typing"}} {
		until(c.method, c.path, "no visitor's", "")
	}
}

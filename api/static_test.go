package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
)

func TestStatic(t *testing.T) {
	t.Parallel()

	script := strings.Repeat("console.log('привет');\n", 100)
	built := staticOptions{
		Inbox: fstest.MapFS{
			".gitkeep":                 {},
			"index.html":               {Data: []byte("<!doctype html><title>inbox</title>")},
			"assets/index-B4dC0ffe.js": {Data: []byte(script)},
			"assets/parley.svg":        {Data: []byte("<svg/>")},
		},
		Widget: fstest.MapFS{
			"widget.js":              {Data: []byte(script)},
			"app.html":               {Data: []byte("<!doctype html><title>chat</title>")},
			"demo.html":              {Data: []byte("<!doctype html><title>shop</title>")},
			"assets/app-C0ffee12.js": {Data: []byte("run()")},
		},
		AllowedOrigins: func(_ context.Context, channel string) ([]string, error) {
			switch channel {
			case "open", "demo":
				return nil, nil
			case "shop":
				return []string{"https://shop.kz", "http://localhost:3000", "https://*.shop.kz", "*", "https://a.kz; script-src *", "javascript:alert(1)"}, nil
			case "down":
				return nil, errors.New("connection refused")
			}
			return nil, dialogue.Errorf(dialogue.CodeNotFound, "no such channel")
		},
		Log: slog.New(slog.DiscardHandler),
	}
	unbuilt := staticOptions{Inbox: fstest.MapFS{".gitkeep": {}}, Widget: fstest.MapFS{".gitkeep": {}}, AllowedOrigins: built.AllowedOrigins, Log: built.Log}

	tests := []struct {
		name    string
		options staticOptions
		method  string
		url     string
		request map[string]string
		status  int
		body    string            // contained
		headers map[string]string // exact; "" means absent
	}{
		{
			name: "the inbox", options: built, url: "/", status: 200, body: "inbox",
			headers: map[string]string{
				"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "same-origin", "Content-Security-Policy": inboxPolicy,
			},
		},
		{name: "its login", options: built, url: "/login", status: 200, body: "inbox"},
		{name: "one of its dialogues", options: built, url: "/d/0198c0de-0000-7000-8000-000000000001", status: 200, body: "inbox"},
		{
			name: "a file whose name holds its hash", options: built, url: "/assets/index-B4dC0ffe.js", status: 200, body: "привет",
			headers: map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": cacheForever, "Content-Encoding": "", "Vary": "Accept-Encoding"},
		},
		{name: "a file without a hash", options: built, url: "/assets/parley.svg", status: 200, headers: map[string]string{"Cache-Control": cacheShort, "Content-Type": "image/svg+xml"}},
		{name: "only the head", options: built, method: http.MethodHead, url: "/", status: 200, headers: map[string]string{"Content-Length": "35"}},
		{name: "a file of an earlier build", options: built, url: "/assets/index-0ldC0ffe.js", status: 404},
		{name: "the placeholder", options: built, url: "/.gitkeep", status: 404},
		{
			name: "the loader", options: built, url: "/widget.js", status: 200, body: "привет",
			headers: map[string]string{"Cache-Control": cacheShort, "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Content-Security-Policy": ""},
		},
		{
			name: "the chat of a channel for every site", options: built, url: "/widget/app?channel=open", status: 200, body: "chat",
			headers: map[string]string{"Content-Security-Policy": widgetPolicy + "*", "Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"},
		},
		{
			name: "the chat of a channel for some sites", options: built, url: "/widget/app?channel=shop", status: 200, body: "chat",
			headers: map[string]string{"Content-Security-Policy": widgetPolicy + "'self' https://shop.kz http://localhost:3000 https://*.shop.kz"},
		},
		{
			name: "the chat of an unknown channel", options: built, url: "/widget/app?channel=nope", status: 404, body: "no such widget channel",
			headers: map[string]string{"Content-Security-Policy": widgetPolicy + "'none'", "Cache-Control": "no-store"},
		},
		{name: "the chat without its database", options: built, url: "/widget/app?channel=down", status: 503, body: "try again", headers: map[string]string{"Content-Security-Policy": widgetPolicy + "'none'"}},
		{name: "a file of the chat", options: built, url: "/widget/assets/app-C0ffee12.js", status: 200, body: "run()", headers: map[string]string{"Cache-Control": cacheForever}},
		{name: "the demo shop", options: built, url: "/demo", status: 200, body: "shop", headers: map[string]string{"Content-Security-Policy": demoPolicy}},
		{name: "no page for the API", options: built, url: "/api/v1/nothing", status: 404},
		{name: "no page for the widget's API", options: built, url: "/widget/v1/nothing", status: 404},
		{name: "no page for webhooks", options: built, url: "/hooks/nothing", status: 404},
		{name: "no page for anything else", options: built, url: "/wp-login.php", status: 404},
		{name: "the inbox unbuilt", options: unbuilt, url: "/", status: 503, body: "Run `make build`", headers: map[string]string{"Cache-Control": "no-store"}},
		{name: "the loader unbuilt", options: unbuilt, url: "/widget.js", status: 503, body: "Run `make build`"},
		{name: "the chat unbuilt", options: unbuilt, url: "/widget/app?channel=open", status: 503, body: "Run `make build`"},
		{name: "the demo shop unbuilt", options: unbuilt, url: "/demo", status: 503, body: "Run `make build`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := serveStatic(t, tt.options, tt.method, tt.url, tt.request)
			require.Equal(t, tt.status, response.Code)
			require.Contains(t, response.Body.String(), tt.body)
			for name, value := range tt.headers {
				require.Equal(t, value, response.Header().Get(name), name)
			}
		})
	}

	t.Run("compressed and remembered", func(t *testing.T) {
		t.Parallel()
		const url = "/assets/index-B4dC0ffe.js"
		plain := serveStatic(t, built, http.MethodGet, url, map[string]string{"Accept-Encoding": "br, gzip;q=0"})
		zipped := serveStatic(t, built, http.MethodGet, url, map[string]string{"Accept-Encoding": "br, gzip;q=0.5"})
		require.Equal(t, "gzip", zipped.Header().Get("Content-Encoding"))
		require.Less(t, zipped.Body.Len(), plain.Body.Len()/5)
		require.NotEqual(t, plain.Header().Get("ETag"), zipped.Header().Get("ETag"), "two bodies, two tags")

		reader, err := gzip.NewReader(bytes.NewReader(zipped.Body.Bytes()))
		require.NoError(t, err)
		unzipped, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, script, string(unzipped))

		again := serveStatic(t, built, http.MethodGet, url, map[string]string{"Accept-Encoding": "gzip", "If-None-Match": `"other", W/` + zipped.Header().Get("ETag")})
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Zero(t, again.Body.Len())
	})
}

// Whether or not the front ends have been built in this checkout, what is embedded can be mounted and answers.
func TestStaticServesTheEmbeddedFrontEnds(t *testing.T) {
	t.Parallel()
	options := staticOptions{
		AllowedOrigins: func(context.Context, string) ([]string, error) { return nil, nil },
	}
	for _, url := range []string{"/", "/demo", "/widget.js", "/widget/app?channel=demo"} {
		response := serveStatic(t, options, http.MethodGet, url, nil)
		require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, response.Code, url)
		require.NotZero(t, response.Body.Len(), url)
	}
}

// Where there is no demo shop, there is no page of one.
func TestDemoPageOfAShopThatHasNone(t *testing.T) {
	t.Parallel()
	response := serveStatic(t, staticOptions{AllowedOrigins: func(context.Context, string) ([]string, error) {
		return nil, dialogue.Errorf(dialogue.CodeNotFound, "no such channel")
	}}, http.MethodGet, "/demo", nil)
	require.Equal(t, http.StatusNotFound, response.Code)
	require.Contains(t, response.Body.String(), "no demo shop")
}

func serveStatic(t *testing.T, options staticOptions, method, url string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	engine := gin.New()
	mountStatic(engine, options)
	if method == "" {
		method = http.MethodGet
	}
	request := httptest.NewRequestWithContext(t.Context(), method, url, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response := httptest.NewRecorder()
	engine.ServeHTTP(response, request)
	return response
}

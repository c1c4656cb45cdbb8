package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
)

// exchange sends raw bytes to a server, and reads what it answers.
func exchange(t *testing.T, address, request string) (status int, body string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = conn.Write([]byte(request))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func TestSlowSenderIsCutAndASlowHandlerIsNot(t *testing.T) {
	t.Parallel()
	const timeout = 200 * time.Millisecond
	s := &Server{Config: Config{Log: slog.New(slog.DiscardHandler)}}
	r := gin.New()
	r.Use(limitBodyWithin(1000, timeout))
	r.POST("/read", s.json(func(c *gin.Context) (any, error) {
		var in map[string]any
		if err := readJSON(c, &in); err != nil {
			return nil, err
		}
		long := time.NewTimer(3 * timeout)
		defer long.Stop()
		select {
		case <-long.C:
			return gin.H{"worked": true}, nil
		case <-c.Request.Context().Done():
			return nil, errors.New("taken for gone")
		}
	}))
	r.POST("/unread", s.json(func(*gin.Context) (any, error) { return gin.H{"read": false}, nil }))
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	post := func(path string, length int, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, length, body)
	}

	began := time.Now()
	status, body := exchange(t, address, post("/read", 100, `{"slow":`))
	require.Equal(t, http.StatusRequestTimeout, status, body)
	require.Contains(t, body, "did not come in time")
	require.Less(t, time.Since(began), 10*time.Second)

	status, body = exchange(t, address, post("/read", 2, `{}`))
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, "worked")

	// What a handler does not read is waited for under the same deadline.
	status, body = exchange(t, address, post("/unread", 100, `{`))
	require.Equal(t, http.StatusOK, status, body)

	status, body = exchange(t, address, post("/read", 2000, strings.Repeat(" ", 2000)))
	require.Equal(t, http.StatusRequestEntityTooLarge, status, body)

	// A connection serves the next request after a slow but complete one.
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for range 2 {
		_, err = conn.Write([]byte(post("/read", 2, `{}`)))
		require.NoError(t, err)
		resp, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

func TestLimitsSayWhenToComeAgain(t *testing.T) {
	t.Parallel()
	b := newBuckets(2, 3)
	for range 3 {
		require.NoError(t, b.take("a"))
	}
	var l *limited
	require.ErrorAs(t, b.take("a"), &l)
	require.Equal(t, 1, l.seconds())
	require.Positive(t, l.after)
	require.LessOrEqual(t, l.after, 500*time.Millisecond)
	require.NoError(t, b.take("b"), "others do not notice")

	slow := newBuckets(0.1, 1)
	require.NoError(t, slow.take("a"))
	require.ErrorAs(t, slow.take("a"), &l)
	require.Equal(t, 10, l.seconds())
}

func TestPreferredLanguage(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]dialogue.Language{
		"kk-KZ,kk;q=0.9,ru;q=0.8":   dialogue.Kazakh,
		"de-DE, en;q=0.5, ru;q=0.7": dialogue.Russian,
		"en":                        dialogue.English,
		"fr":                        "",
		"":                          "",
		"*":                         "",
		"nonsense;q=;;":             "",
	} {
		require.Equal(t, want, preferredLanguage(header), header)
	}
}

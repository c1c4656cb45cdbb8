package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/channel"
)

const token = "123456789:AAE-secret-token"

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    string
		want    *Message
		ignored string
		fails   string
	}{
		"text": {
			body: `{"update_id":1,"message":{"message_id":7,"from":{"id":5,"is_bot":false,"first_name":"Айгүл","last_name":"С."},"chat":{"id":5,"type":"private"},"text":"сәлем"}}`,
			want: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "Айгүл С.", Text: "сәлем"},
		},
		"caption of a photo": {
			body: `{"update_id":1,"message":{"message_id":7,"from":{"id":5,"first_name":"A"},"chat":{"id":5,"type":"private"},"caption":"see","photo":[{}]}}`,
			want: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "A", Text: "see"},
		},
		"a wrong type in a field that is not needed": {
			body: `{"update_id":1,"message":{"message_id":7,"date":"soon","from":{"id":5,"first_name":"A"},"chat":{"id":5,"type":"private"},"text":"x","sticker":{"is_animated":1}}}`,
			want: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "A", Text: "x"},
		},
		"ids beyond 32 bits": {
			body: `{"update_id":9999999999999,"message":{"message_id":7,"from":{"id":7777777777,"first_name":"A"},"chat":{"id":7777777777,"type":"private"},"text":"x"}}`,
			want: &Message{ProviderMessageID: "7777777777/7", ThreadKey: "7777777777", UserID: "7777777777", Name: "A", Text: "x"},
		},
		"NUL characters": {
			body: `{"update_id":1,"message":{"message_id":7,"from":{"id":5,"first_name":"A\u0000"},"chat":{"id":5,"type":"private"},"text":"\u0000x"}}`,
			want: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "A", Text: "x"},
		},
		"nothing but NUL": {body: `{"update_id":1,"message":{"message_id":1,"from":{"id":5},"chat":{"id":5,"type":"private"},"text":" \u0000\n"}}`, ignored: "no text"},
		"an edit":         {body: `{"update_id":1,"edited_message":{}}`, ignored: "not a new message"},
		"a group":         {body: `{"update_id":1,"message":{"message_id":1,"from":{"id":5},"chat":{"id":-5,"type":"group"},"text":"x"}}`, ignored: "not a private chat"},
		"another bot":     {body: `{"update_id":1,"message":{"message_id":1,"from":{"id":5,"is_bot":true},"chat":{"id":5,"type":"private"},"text":"x"}}`, ignored: "not written by a person"},
		"no text":         {body: `{"update_id":1,"message":{"message_id":1,"from":{"id":5},"chat":{"id":5,"type":"private"},"voice":{}}}`, ignored: "no text"},
		"not an object":   {body: `[]`, fails: "not understood"},
		"broken":          {body: `{"update_id":1`, fails: "not understood"},
		"no update id":    {body: `{"message":{}}`, fails: "update_id"},
	} {
		got, ignored, err := Parse([]byte(test.body))
		if test.fails != "" {
			require.ErrorContains(t, err, test.fails, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
		require.Equal(t, test.ignored, ignored, name)
	}
}

// Updates that others have recorded: none is taken for broken.
func TestParseRecordedUpdates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/payloads/telegram/*.json")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("recorded updates are not here")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		_, _, err = Parse(body)
		require.NoError(t, err, file)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"short"}, Split("short"))
	paragraph := strings.Repeat("Слово ", 500) // 3000 units
	parts := Split(paragraph + "\n\n" + paragraph)
	require.Len(t, parts, 2)
	require.Equal(t, strings.TrimSpace(paragraph), parts[0])
	for _, text := range []string{strings.Repeat("😀", 5000), strings.Repeat("ұ", 9000), strings.Repeat("word ", 3000)} {
		var whole strings.Builder
		for _, part := range Split(text) {
			require.LessOrEqual(t, len(utf16.Encode([]rune(part))), MaxText)
			require.NotContains(t, part, "\uFFFD")
			whole.WriteString(part)
		}
		require.Equal(t, strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(whole.String(), " ", ""))
	}
}

// Telegram refuses messages without text: none comes of blank ends.
func TestSplitMakesNoEmptyParts(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("я", MaxText)
	require.Equal(t, []string{full}, Split(full))
	for _, end := range []string{" ", "\n", "\n\n  \n", strings.Repeat(" ", 5000)} {
		require.Equal(t, []string{full}, Split(full+end))
		require.Equal(t, []string{full, "end"}, Split(full+end+"end"))
	}
}

// Whatever the text, its parts fit, are valid, and lose nothing but blanks where it was cut.
func TestSplitAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.StringOfN(rapid.RuneFrom([]rune("aя😀. \n")), 1, 40, -1).Draw(t, "piece")
		text := strings.Repeat(piece, rapid.IntRange(1, 400).Draw(t, "times"))
		if strings.TrimSpace(text) == "" {
			return
		}
		var whole strings.Builder
		for _, part := range Split(text) {
			if n := len(utf16.Encode([]rune(part))); n > MaxText || n == 0 || !utf8.ValidString(part) {
				t.Fatalf("a part of %d units", n)
			}
			whole.WriteString(part)
		}
		dense := strings.NewReplacer(" ", "", "\n", "")
		if dense.Replace(whole.String()) != dense.Replace(text) {
			t.Fatalf("something is lost")
		}
	})
}

func TestLongTextGoesOutInPartsAndStopsAtTheFirstThatFails(t *testing.T) {
	t.Parallel()
	var taken []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		_ = json.NewDecoder(r.Body).Decode(&message)
		if strings.Contains(message.Text, "stop") {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"ok":false,"description":"Too Many Requests","parameters":{"retry_after":7}}`)
			return
		}
		taken = append(taken, message.Text)
		_, _ = io.WriteString(w, `{"ok":true,"result":{"message_id":1}}`)
	}))
	t.Cleanup(server.Close)
	part := strings.Repeat("я", MaxText)
	id, err := NewSender().Send(context.Background(), account(t, server.URL), channel.Outgoing{ThreadKey: "5", Text: part + part})
	require.NoError(t, err)
	require.Equal(t, "5/1", id)
	require.Equal(t, []string{part, part}, taken)
	_, err = NewSender().Send(context.Background(), account(t, server.URL), channel.Outgoing{ThreadKey: "5", Text: part + " stop"})
	sendErr, ok := errors.AsType[*channel.SendError](err)
	require.True(t, ok)
	require.Equal(t, channel.Unknown, sendErr.Outcome, "sent again, the first part would come twice")
	require.Contains(t, sendErr.Reason, "first 1 part")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := map[string]string{SecretToken: token, SecretWebhook: "a_long-secret"}
	require.NoError(t, Check(Settings{}, good))
	require.NoError(t, Check(Settings{APIBaseURL: "http://127.0.0.1:8081"}, good))
	for _, address := range []string{"ftp://x", "no address", "https://", "://"} {
		require.Error(t, Check(Settings{APIBaseURL: address}, good), address)
	}
	for name, secrets := range map[string]map[string]string{
		"none": nil, "no webhook secret": {SecretToken: token}, "no token": {SecretWebhook: "s"},
		"a blank in the secret": {SecretToken: token, SecretWebhook: "a b"},
		"a path in the token":   {SecretToken: "123456789:AAE/../../secret", SecretWebhook: "s"},
	} {
		err := Check(Settings{}, secrets)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "AAE/", name)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		answer  string
		id      string
		outcome channel.SendOutcome
		wait    time.Duration
	}{
		"sent":           {200, `{"ok":true,"result":{"message_id":42}}`, "5/42", "", 0},
		"rate limit":     {429, `{"ok":false,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`, "", channel.NotSent, 7 * time.Second},
		"blocked":        {403, `{"ok":false,"description":"Forbidden: bot was blocked by the user"}`, "", channel.Refused, 0},
		"token revoked":  {401, `{"ok":false,"description":"Unauthorized"}`, "", channel.Refused, 0},
		"server fails":   {500, `{"ok":false,"description":"Internal Server Error: restart"}`, "", channel.Unknown, 0},
		"not JSON":       {502, `<html>bad gateway</html>`, "", channel.Unknown, 0},
		"broken success": {200, `{"ok":tr`, "", channel.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path != "/bot"+token+"/sendMessage" || string(body) != `{"chat_id":"5","text":"hi"}` {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.answer)
			}))
			t.Cleanup(server.Close)
			id, err := NewSender().Send(context.Background(), account(t, server.URL), channel.Outgoing{ThreadKey: "5", Text: "hi"})
			require.Equal(t, test.id, id)
			if test.outcome == "" {
				require.NoError(t, err)
				return
			}
			sendErr, ok := errors.AsType[*channel.SendError](err)
			require.True(t, ok)
			require.Equal(t, test.outcome, sendErr.Outcome)
			require.Equal(t, test.wait, sendErr.RetryAfter)
			require.NotContains(t, err.Error(), token)
		})
	}
}

func TestUnreachableServerIsNotSentAndKeepsTheToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := NewSender().Send(context.Background(), account(t, server.URL), channel.Outgoing{ThreadKey: "5", Text: "hi"})
	sendErr, ok := errors.AsType[*channel.SendError](err)
	require.True(t, ok)
	require.Equal(t, channel.NotSent, sendErr.Outcome)
	require.NotContains(t, err.Error(), token)
}

func account(t *testing.T, baseURL string) channel.Account {
	t.Helper()
	settings, err := json.Marshal(Settings{APIBaseURL: baseURL})
	require.NoError(t, err)
	return channel.Account{Settings: settings, Secrets: map[string]string{SecretToken: token, SecretWebhook: "s"}}
}

func TestAuthentic(t *testing.T) {
	t.Parallel()
	with := func(secret string) http.Header { return http.Header{SecretHeader: {secret}} }
	a := channel.Account{Secrets: map[string]string{SecretWebhook: "right"}}
	require.True(t, Authentic(a, with("right")))
	require.False(t, Authentic(a, with("wrong")))
	require.False(t, Authentic(a, http.Header{}))
	require.False(t, Authentic(channel.Account{}, with("")), "an account without a secret lets nobody in")
}

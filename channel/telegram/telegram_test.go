package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"parley/dialogue"
)

const token = "123456789:AAE-secret-token"

func TestParse(t *testing.T) {
	t.Parallel()
	private := func(id int, fields string) string {
		return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":7,"from":{"id":5,"first_name":"A"},"chat":{"id":5,"type":"private"},%s}}`, id, fields)
	}
	with := func(text string, attachments ...dialogue.Attachment) Event {
		return Event{UpdateID: 1, Thread: "5", Message: &Message{
			ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "A", Text: text, Attachments: attachments,
		}}
	}
	yes, no := true, false
	for name, test := range map[string]struct {
		body string
		want Event
	}{
		"text": {
			`{"update_id":1,"message":{"message_id":7,"from":{"id":5,"is_bot":false,"first_name":"Айгүл","last_name":"С."},"chat":{"id":5,"type":"private"},"text":"сәлем"}}`,
			Event{UpdateID: 1, Thread: "5", Message: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "Айгүл С.", Text: "сәлем"}},
		},
		"language of the app": {
			`{"update_id":1,"message":{"message_id":7,"from":{"id":5,"first_name":"A","language_code":"kk-KZ"},"chat":{"id":5,"type":"private"},"text":"/start"}}`,
			Event{UpdateID: 1, Thread: "5", Message: &Message{ProviderMessageID: "5/7", ThreadKey: "5", UserID: "5", Name: "A", Language: dialogue.Kazakh, Text: "/start"}},
		},
		"language that is none of ours": {
			`{"update_id":1,"message":{"message_id":7,"from":{"id":5,"first_name":"A","language_code":"de"},"chat":{"id":5,"type":"private"},"text":"x"}}`,
			Event{UpdateID: 1, Thread: "5", Message: with("x").Message},
		},
		"language of a wrong type": {
			`{"update_id":1,"message":{"message_id":7,"from":{"id":5,"first_name":"A","language_code":7},"chat":{"id":5,"type":"private"},"text":"x"}}`,
			Event{UpdateID: 1, Thread: "5", Message: with("x").Message},
		},
		"caption of a photo": {private(1, `"caption":"see","photo":[{}]`), with("see", dialogue.Attachment{Kind: dialogue.AttachmentPhoto})},
		"voice":              {private(1, `"voice":{"duration":3,"file_size":900}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentVoice, Seconds: 3, Size: 900})},
		"document":           {private(1, `"document":{"file_name":"чек.pdf","file_size":"big"}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentFile, Name: "чек.pdf"})},
		"animation once":     {private(1, `"animation":{"duration":1},"document":{"file_name":"a.mp4"}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentVideo, Seconds: 1})},
		"venue once":         {private(1, `"venue":{"title":"Кофейня"},"location":{"latitude":1}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentLocation, Name: "Кофейня"})},
		"contact":            {private(1, `"contact":{"first_name":"Ерлан","phone_number":"+7701"}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentContact, Name: "Ерлан +7701"})},
		"dice":               {private(1, `"dice":{"emoji":"🎲","value":6}`), with("", dialogue.Attachment{Kind: dialogue.AttachmentOther})},
		"wrong types in what is not needed": {
			private(1, `"date":"soon","text":"x","sticker":{"is_animated":1,"emoji":7}`), with("x", dialogue.Attachment{Kind: dialogue.AttachmentSticker}),
		},
		"ids beyond 32 bits": {
			`{"update_id":9999999999999,"message":{"message_id":7,"from":{"id":7777777777,"first_name":"A"},"chat":{"id":7777777777,"type":"private"},"text":"x"}}`,
			Event{UpdateID: 9999999999999, Thread: "7777777777", Message: &Message{ProviderMessageID: "7777777777/7", ThreadKey: "7777777777", UserID: "7777777777", Name: "A", Text: "x"}},
		},
		"NUL characters":   {private(1, `"text":"\u0000x"`), with("x")},
		"nothing but NUL":  {private(1, `"text":" \u0000\n"`), Event{UpdateID: 1, Ignored: "a message without content"}},
		"nothing at all":   {private(1, `"new_chat_title":"x"`), Event{UpdateID: 1, Ignored: "a message without content"}},
		"an edit":          {strings.Replace(private(1, `"text":"x"`), "message", "edited_message", 1), Event{UpdateID: 1, Thread: "5", Edit: with("x").Message}},
		"a group":          {`{"update_id":1,"message":{"message_id":1,"from":{"id":5},"chat":{"id":-5,"type":"group"},"text":"x"}}`, Event{UpdateID: 1, Ignored: "not a private chat"}},
		"another bot":      {`{"update_id":1,"message":{"message_id":1,"from":{"id":5,"is_bot":true},"chat":{"id":5,"type":"private"},"text":"x"}}`, Event{UpdateID: 1, Ignored: "not written by a person"}},
		"blocked":          {`{"update_id":1,"my_chat_member":{"chat":{"id":5,"type":"private"},"new_chat_member":{"status":"kicked"}}}`, Event{UpdateID: 1, Thread: "5", Blocked: &yes}},
		"let in again":     {`{"update_id":1,"my_chat_member":{"chat":{"id":5,"type":"private"},"new_chat_member":{"status":"member"}}}`, Event{UpdateID: 1, Thread: "5", Blocked: &no}},
		"added to a group": {`{"update_id":1,"my_chat_member":{"chat":{"id":-5,"type":"group"},"new_chat_member":{"status":"member"}}}`, Event{UpdateID: 1, Ignored: "nothing of a dialogue"}},
		"a poll":           {`{"update_id":1,"poll":{}}`, Event{UpdateID: 1, Ignored: "nothing of a dialogue"}},
	} {
		got, err := Parse([]byte(test.body))
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
	}
	for body, reason := range map[string]string{`[]`: "not understood", `{"update_id":1`: "not understood", `{"message":{}}`: "update_id"} {
		_, err := Parse([]byte(body))
		require.ErrorContains(t, err, reason)
	}
}

// Updates that others have recorded: none is taken for broken, and what a person
// sent to the bot comes through.
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
		e, err := Parse(body)
		require.NoError(t, err, file)
		require.True(t, e.Message != nil || e.Edit != nil || e.Blocked != nil || e.Ignored != "", file)
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

func TestCheck(t *testing.T) {
	t.Parallel()
	good := map[string]string{SecretToken: token, SecretWebhook: "a_long-secret"}
	require.NoError(t, Check(Settings{}, map[string]string{SecretToken: token}), "polling needs no other secret")
	require.NoError(t, Check(Settings{Mode: ModeWebhook}, good))
	require.Error(t, Check(Settings{Mode: "pigeon"}, good))
	require.Error(t, Check(Settings{PerSecond: -1}, good))
	require.NoError(t, Check(Settings{APIBaseURL: "http://127.0.0.1:8081"}, good))
	for _, address := range []string{"ftp://x", "no address", "https://", "://"} {
		require.Error(t, Check(Settings{APIBaseURL: address}, good), address)
	}
	for name, secrets := range map[string]map[string]string{
		"none": nil, "no webhook secret": {SecretToken: token}, "no token": {SecretWebhook: "s"},
		"a blank in the secret": {SecretToken: token, SecretWebhook: "a b"},
		"a path in the token":   {SecretToken: "123456789:AAE/../../secret", SecretWebhook: "s"},
	} {
		err := Check(Settings{Mode: ModeWebhook}, secrets)
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
		"sent":              {200, `{"ok":true,"result":{"message_id":42}}`, "5/42", "", 0},
		"rate limit":        {429, `{"ok":false,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`, "", channel.Paused, 7 * time.Second},
		"blocked":           {403, `{"ok":false,"description":"Forbidden: bot was blocked by the user"}`, "", channel.Refused, 0},
		"deactivated":       {403, `{"ok":false,"description":"Forbidden: user is deactivated"}`, "", channel.Refused, 0},
		"no such chat":      {400, `{"ok":false,"description":"Bad Request: chat not found"}`, "", channel.Refused, 0},
		"token revoked":     {401, `{"ok":false,"description":"Unauthorized"}`, "", channel.Broken, 0},
		"no such bot":       {404, `{"ok":false,"description":"Not Found"}`, "", channel.Broken, 0},
		"server fails":      {500, `{"ok":false,"description":"Internal Server Error: restart"}`, "", channel.Unknown, 0},
		"another server's":  {500, `{"message":"it broke"}`, "", channel.Unknown, 0},
		"not JSON":          {502, `<html>bad gateway</html>`, "", channel.Unknown, 0},
		"broken success":    {200, `{"ok":tr`, "", channel.Unknown, 0},
		"success of no use": {200, `{"ok":true,"result":7}`, "", channel.Unknown, 0},
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
			id, err := sender().Send(context.Background(), account(t, server.URL), "5", "hi")
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

// The customer sees that the bot is typing.
func TestTyping(t *testing.T) {
	t.Parallel()
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls = append(calls, r.URL.Path+" "+string(body))
		_, _ = io.WriteString(w, `{"ok":true,"result":true}`)
	}))
	t.Cleanup(server.Close)
	require.NoError(t, sender().Typing(context.Background(), account(t, server.URL), "5"))
	require.Equal(t, []string{"/bot" + token + `/sendChatAction {"action":"typing","chat_id":"5"}`}, calls)
}

func sender() Sender { return Sender{NewClient()} }

// However a call fails, its error does not hold the token.
func TestErrorsKeepTheToken(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	cutOff := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(cutOff.Close)
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(redirects.Close)
	for base, outcome := range map[string]channel.SendOutcome{
		gone.URL: channel.NotSent, cutOff.URL: channel.Unknown, redirects.URL: channel.Unknown, "http://127.0.0.1:1/%zz": channel.NotSent,
	} {
		_, err := sender().Send(context.Background(), account(t, base), "5", "hi")
		sendErr, ok := errors.AsType[*channel.SendError](err)
		require.True(t, ok)
		require.Equal(t, outcome, sendErr.Outcome, base)
		require.NotContains(t, fmt.Sprintf("%+v", err), token)
		_, err = sender().Me(context.Background(), account(t, base))
		require.Error(t, err)
		require.NotContains(t, fmt.Sprintf("%+v", err), token)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := sender().Updates(ctx, account(t, gone.URL), 0, true)
	require.ErrorIs(t, err, context.Canceled)
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

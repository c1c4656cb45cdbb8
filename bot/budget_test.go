package bot_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
	"parley/knowledge"
)

// prompts keeps what a model server was sent.
type prompts struct {
	mu    sync.Mutex
	chats []chat
	sizes []int
}

// reading keeps each request before next answers it.
func (p *prompts) reading(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var c chat
		_ = json.Unmarshal(raw, &c)
		p.mu.Lock()
		p.chats, p.sizes = append(p.chats, c), append(p.sizes, len(raw))
		p.mu.Unlock()
		next(w, r)
	}
}

func (p *prompts) last() chat { return p.chats[len(p.chats)-1] }

func (c chat) text() string {
	var b strings.Builder
	for _, m := range c.Messages {
		b.WriteString(m.Content + "\n")
	}
	return b.String()
}

// talk is a dialogue of n lines, each with its number and about as many characters.
func talk(n, size int) []bot.Line {
	lines := make([]bot.Line, n)
	for i := range lines {
		author := dialogue.AuthorCustomer
		if i%2 == 1 {
			author = dialogue.AuthorBot
		}
		lines[i] = bot.Line{Seq: int64(i + 1), Author: author, Text: fmt.Sprintf("№%d: %s", i+1, strings.Repeat("слово ", size/6))}
	}
	return lines
}

func TestNewestHistoryWins(t *testing.T) {
	t.Parallel()
	p := &prompts{}
	b, _ := modelBot(t, 0, p.reading(sse(delta("Да."), finish("stop"), done)))
	in := asks("Есть доставка?")
	in.Questions[0].Seq = 1000
	in.History = talk(300, 600)
	_, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	text := p.last().text()
	require.Contains(t, text, "№300:")
	require.NotContains(t, text, "№1:")
	require.Contains(t, text, "Есть доставка?")
	require.Greater(t, len(p.last().Messages), 10)
	require.Less(t, utf8.RuneCountInString(text), 24_000, "12 000 tokens at two characters each")
}

func TestHugeMessageBreaksNothing(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"words":      "Начало. " + strings.Repeat("слово ", 90_000) + "Конец?",
		"one word":   "Начало. " + strings.Repeat("я", 500_000) + "Конец?",
		"base64":     "Начало. " + strings.Repeat("QUJD", 250_000) + "Конец?",
		"emoji":      "Начало. " + strings.Repeat("😀", 250_000) + "Конец?",
		"whitespace": "Начало. " + strings.Repeat(" \n", 500_000) + "Конец?",
		"invalid":    "Начало. " + strings.Repeat("\xff", 1_000_000) + "Конец?",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, place := range []string{"question", "history"} {
				p := &prompts{}
				b, _ := modelBot(t, 0, p.reading(sse(delta("Да."), finish("stop"), done)))
				in := asks("Есть доставка?")
				in.Questions[0].Seq = 10
				huge := bot.Line{Seq: 5, Author: dialogue.AuthorCustomer, Text: text}
				if place == "question" {
					huge.Seq = 11
					in.Questions = append(in.Questions, huge)
				} else {
					in.History = []bot.Line{{Seq: 1, Author: dialogue.AuthorCustomer, Text: "Я Айгүл."}, huge, {Seq: 6, Author: dialogue.AuthorBot, Text: "Понял."}}
				}
				began := time.Now()
				_, err := b.Answer(t.Context(), in, nil)
				require.NoError(t, err)
				require.Less(t, time.Since(began), 20*time.Second)
				require.Less(t, p.sizes[0], 150_000)
				shown := p.last().text()
				require.Contains(t, shown, "Начало.", place)
				require.Contains(t, shown, "Конец?", place)
				require.Contains(t, shown, "[…]", place)
				require.Contains(t, shown, "Есть доставка?")
				if place == "history" {
					require.Contains(t, shown, "Понял.")
					require.Contains(t, shown, "Айгүл")
				}
			}
		})
	}
}

func TestManyQuestionsKeepTheNewest(t *testing.T) {
	t.Parallel()
	p := &prompts{}
	b, _ := modelBot(t, 0, p.reading(sse(delta("Да."), finish("stop"), done)))
	in := bot.Input{Questions: talk(200, 1000)}
	for i := range in.Questions {
		in.Questions[i].Author = dialogue.AuthorCustomer
	}
	_, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Contains(t, p.last().text(), "№200:")
	require.Less(t, p.sizes[0], 80_000)
}

func TestLongKnowledgeLeavesRoomForTheConversation(t *testing.T) {
	t.Parallel()
	p := &prompts{}
	var passages fakeSearcher
	for range 8 {
		passages = append(passages, knowledge.Passage{ItemID: uuid.New(), Text: strings.Repeat("Условия доставки. ", 2000), Confidence: 1})
	}
	b := botOn(t, bot.OpenAIConfig{}, passages, p.reading(sse(delta("Да."), finish("stop"), done)))
	in := asks("Есть доставка?")
	in.Profile.Instructions = strings.Repeat("Будь вежлив. ", 600)
	in.Questions[0].Seq = 1000
	in.History = talk(50, 300)
	answer, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.NotEmpty(t, answer.Sources)
	require.Less(t, len(answer.Sources), 8)
	require.Contains(t, p.last().text(), "№50:")
	require.Less(t, utf8.RuneCountInString(p.last().text()), 26_000)
}

// A server that knows better how long the conversation is gets half of it.
func TestContextLengthExceeded(t *testing.T) {
	t.Parallel()
	p := &prompts{}
	answers := 0
	b := botOn(t, bot.OpenAIConfig{}, nil, p.reading(func(w http.ResponseWriter, r *http.Request) {
		if answers++; answers == 1 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"This model's maximum context length is 4096 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}`)
			return
		}
		sse(delta("Да."), finish("stop"), done)(w, r)
	}))
	in := asks("Есть доставка?")
	in.Questions[0].Seq = 1000
	in.History = talk(200, 300)
	answer, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Equal(t, "Да.", answer.Text)
	require.Equal(t, 2, answer.Usage.Calls)
	require.Less(t, p.sizes[1], p.sizes[0]*2/3)
	require.Contains(t, p.last().text(), "№200:")
}

// What a server counts teaches how much fits.
func TestBudgetFollowsTheServersCount(t *testing.T) {
	t.Parallel()
	p := &prompts{}
	b := botOn(t, bot.OpenAIConfig{}, nil, p.reading(func(w http.ResponseWriter, r *http.Request) {
		// It counts a token for every byte: much more than any estimate.
		counted := p.sizes[len(p.sizes)-1]
		sse(delta("Да."), finish("stop"), fmt.Sprintf(`{"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":2}}`, counted), done)(w, r)
	}))
	in := asks("Есть доставка?")
	in.Questions[0].Seq = 1000
	in.History = talk(300, 300)
	for range 2 {
		_, err := b.Answer(t.Context(), in, nil)
		require.NoError(t, err)
	}
	require.Less(t, p.sizes[1], p.sizes[0]/2)
}

// botOn is a bot with a knowledge base and a model server.
func botOn(t *testing.T, c bot.OpenAIConfig, passages fakeSearcher, handler http.HandlerFunc) *bot.Bot {
	t.Helper()
	c.BaseURL, c.Model = serve(t, handler), "test-model"
	model, err := bot.NewOpenAI(c)
	require.NoError(t, err)
	return bot.New(bot.Deps{Knowledge: passages, Model: model})
}

package live

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/testenv"
)

const patience = 60 * time.Second

func TestMain(m *testing.M) { testenv.Main(m) }

func TestTextIsCutInUTF16(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":      "",
		"short":      "Здравствуйте! Чем помочь? 🙂",
		"Cyrillic":   strings.Repeat("Қазақша мәтін және орысша. ", 400),
		"emoji":      strings.Repeat("🛒🙂", 3000),
		"quotes":     strings.Repeat(`"\`+"\n", 5000),
		"controls":   strings.Repeat("\x00\x1f\u2028", 4000),
		"HTML":       strings.Repeat("<a href=&>", 2000),
		"just fits":  strings.Repeat("x", maxText),
		"one over":   strings.Repeat("x", maxText+1),
		"broken end": strings.Repeat("я", 5000) + "\xd0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := strings.ToValidUTF8(text, "\uFFFD")
			cut := fit(Turn{DialogueID: uuid.New(), ThreadKey: strings.Repeat("k", 64), TurnID: uuid.New(), Kind: Suggestion, State: Writing, Text: text})
			encoded, err := encode(Item{Turn: cut})
			require.NoError(t, err)
			require.LessOrEqual(t, len(encoded)+2, maxPayload)
			require.True(t, json.Valid(encoded))

			units := utf16.Encode([]rune(whole))
			require.Equal(t, whole, string(utf16.Decode(units[:cut.Offset]))+strings.ToValidUTF8(cut.Text, "\uFFFD"))
			if len(text) <= maxText/6 {
				require.Zero(t, cut.Offset)
			}
			if cut.Offset > 0 {
				require.Greater(t, len(encoded), maxText-100, "as much as fits is sent")
			}
		})
	}
}

func TestPackKeepsOrderAndLimit(t *testing.T) {
	t.Parallel()
	var items [][]byte
	for i := range 500 {
		items = append(items, fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", i*7%3000)))
	}
	items = append(items, []byte(`"`+strings.Repeat("y", maxPayload-4)+`"`))
	n := 0
	for _, payload := range pack(items) {
		require.LessOrEqual(t, len(payload), maxPayload)
		var got []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(payload), &got))
		for _, item := range got {
			require.Equal(t, string(items[n]), string(item))
			n++
		}
	}
	require.Len(t, items, n)
	require.Empty(t, pack(nil))
}

func TestItemsSurviveTheWay(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for name, item := range map[string]Item{
		"turn":            {Turn: &Turn{DialogueID: id, ThreadKey: "7", TurnID: id, Kind: Reply, State: Ended}},
		"typing":          {Typing: &Typing{DialogueID: id, Author: dialogue.AuthorOperator, OperatorID: id, Name: "Айгүл"}},
		"customer typing": {Typing: &Typing{DialogueID: id, Author: dialogue.AuthorCustomer}},
		"presence":        {Presence: &Presence{DialogueID: id, Operators: []Operator{{ID: id, Name: "Олег"}}}},
		"nobody":          {Presence: &Presence{DialogueID: id, Operators: []Operator{}}},
		"screen":          {Screen: &Screen{Stream: "a/b", DialogueID: uuid.NullUUID{UUID: id, Valid: true}}},
		"no screen":       {Screen: &Screen{Stream: "a/b"}},
		"revoked":         {Revoked: &Revoked{OperatorID: id, Session: "s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := encode(item)
			require.NoError(t, err)
			got, err := decode(pack([][]byte{encoded})[0])
			require.NoError(t, err)
			require.Equal(t, []Item{item}, got)
			require.NotEmpty(t, item.key())
		})
	}
}

func TestOnlyTheNewestIsSent(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(t.Context(), "LISTEN "+Channel)
	require.NoError(t, err)

	log := slog.New(slog.DiscardHandler)
	p := NewPublisher(pool, log)
	turns := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	for i := range 1000 {
		for _, turn := range turns {
			p.Publish(Item{Turn: &Turn{TurnID: turn, Kind: Reply, State: Writing, Text: strings.Repeat("я", i)}})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	got := map[uuid.UUID]int{}
	collect := Handler(func(i Item) {
		got[i.Turn.TurnID]++
		if i.Turn.Text != strings.Repeat("я", 999) {
			t.Error("not the newest text")
		}
	}, log)
	timeout, cancelTimeout := context.WithTimeout(t.Context(), patience)
	defer cancelTimeout()
	for len(got) < len(turns) {
		n, err := conn.WaitForNotification(timeout)
		require.NoError(t, err)
		collect(n.Payload)
	}
	for _, turn := range turns {
		require.Equal(t, 1, got[turn])
	}

	// Nothing more was sent: what comes next is the marker.
	p.Publish(Item{Revoked: &Revoked{Session: "marker"}})
	n, err := conn.WaitForNotification(timeout)
	require.NoError(t, err)
	require.Contains(t, n.Payload, "marker")
}

func TestOverloadDropsInsteadOfBlocking(t *testing.T) {
	t.Parallel()
	p := NewPublisher(nil, slog.New(slog.DiscardHandler)) // nothing runs, so nothing is taken away
	for range maxPending + 100 {
		p.Publish(Item{Typing: &Typing{DialogueID: uuid.New()}})
	}
	last := uuid.New()
	p.Publish(Item{Turn: &Turn{TurnID: last}})
	require.Len(t, p.pending, maxPending)
	require.NotContains(t, p.pending, "turn/"+last.String())
	p.Publish(Item{})
	require.Len(t, p.pending, maxPending)
}

func TestTypingIsThrottledAndEndsWithTheTurn(t *testing.T) {
	t.Parallel()
	p := NewPublisher(nil, slog.New(slog.DiscardHandler))
	id := uuid.New()
	typing := Item{Typing: &Typing{DialogueID: id, Author: dialogue.AuthorBot}}
	other := Item{Typing: &Typing{DialogueID: id, Author: dialogue.AuthorCustomer}}
	ended := Item{Turn: &Turn{DialogueID: id, TurnID: uuid.New(), Kind: Reply, State: Ended}}

	p.Publish(typing)
	require.Len(t, p.payloads(), 1)
	p.Publish(typing)
	require.Empty(t, p.payloads(), "it was sent a moment ago")

	p.Publish(other)
	p.Publish(ended)
	p.Publish(typing) // of the next turn
	p.Publish(ended)
	items, err := decode(p.payloads()[0])
	require.NoError(t, err)
	require.Equal(t, []Item{other, ended}, items)
}

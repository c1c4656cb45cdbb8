package knowledge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"parley/dialogue"
	"parley/knowledge"
	"parley/testenv"
)

func openBase(t *testing.T) (*knowledge.Base, *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return knowledge.NewBase(pool), pool
}

func qa(key, question, text string) knowledge.Item {
	return knowledge.Item{Key: key, Language: dialogue.Russian, Question: question, Text: text}
}

func search(t *testing.T, b *knowledge.Base, text string) []knowledge.Passage {
	t.Helper()
	found, err := b.Search(t.Context(), knowledge.Query{Text: text, Language: dialogue.Russian})
	require.NoError(t, err)
	return found
}

// counts is everything the base keeps count of.
func counts(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var out string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT concat(
		(SELECT string_agg(concat(term, '=', items), ' ' ORDER BY term) FROM knowledge_terms), ' | ',
		(SELECT concat(items, ' ', question_words, ' ', text_words) FROM knowledge_totals))`).Scan(&out))
	return out
}

func TestImportMakesTheSourceHoldTheseItems(t *testing.T) {
	t.Parallel()
	b, pool := openBase(t)
	first := []knowledge.Item{qa("a", "Есть доставка?", "Доставка за один день."), qa("b", "Какая гарантия?", "Гарантия год.")}
	require.NoError(t, b.Import(t.Context(), "faq", first))
	before, ids := counts(t, pool), search(t, b, "доставка")[0].ItemID

	require.NoError(t, b.Import(t.Context(), "faq", first))
	require.Equal(t, before, counts(t, pool), "the same again changes nothing")

	second := []knowledge.Item{qa("a", "Есть доставка?", "Доставка за два дня."), qa("c", "Где магазин?", "На проспекте Абая.")}
	require.NoError(t, b.Import(t.Context(), "faq", second))
	found := search(t, b, "доставка")
	require.Equal(t, "Доставка за два дня.", found[0].Text)
	require.Equal(t, ids, found[0].ItemID, "a changed item is the same item")
	require.Empty(t, search(t, b, "гарантия"), "what is no longer in the source is gone")
	require.Len(t, search(t, b, "где магазин Абая"), 1)

	fresh, freshPool := openBase(t)
	require.NoError(t, fresh.Import(t.Context(), "faq", second))
	require.Equal(t, counts(t, freshPool), counts(t, pool), "the counts are those of what is there")
}

func TestImportThatFailsKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	b, pool := openBase(t)
	require.NoError(t, b.Import(t.Context(), "faq", []knowledge.Item{qa("a", "Есть доставка?", "Да.")}))
	before := counts(t, pool)

	for name, items := range map[string][]knowledge.Item{
		"empty":            {},
		"no key":           {qa("", "Вопрос", "Ответ")},
		"key twice":        {qa("x", "Вопрос", "Ответ"), qa("x", "Другой", "Ответ")},
		"no text":          {qa("x", "Вопрос", " \x00 ")},
		"unknown language": {{Key: "x", Language: "de", Text: "Antwort"}},
		"too long":         {qa("x", "Вопрос", strings.Repeat("я", 50_001))},
	} {
		err := b.Import(t.Context(), "faq", items)
		require.NotEmpty(t, dialogue.ErrorCode(err), name)
	}
	require.Error(t, b.Import(t.Context(), " ", []knowledge.Item{qa("x", "Вопрос", "Ответ")}))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Import(cancelled, "faq", []knowledge.Item{qa("x", "Вопрос", "Ответ")}), context.Canceled)

	require.Equal(t, before, counts(t, pool))
	require.Equal(t, "Да.", search(t, b, "доставка")[0].Text)
}

func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	b, pool := openBase(t)
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error {
			source := fmt.Sprintf("source %d", i%4)
			items := make([]knowledge.Item, 0, 20)
			for j := range 20 {
				items = append(items, qa(fmt.Sprint(j), "Есть доставка?", fmt.Sprintf("Доставка номер%d стоит %d ₸.", j, 100+j)))
			}
			return b.Import(t.Context(), source, items)
		})
	}
	require.NoError(t, g.Wait())
	var items, counted, delivery int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM knowledge_items), (SELECT items FROM knowledge_totals), (SELECT items FROM knowledge_terms WHERE term = '@delivery')`).Scan(&items, &counted, &delivery))
	require.Equal(t, []int{80, 80, 80}, []int{items, counted, delivery})
}

func TestSearchPrefersTheReadersLanguage(t *testing.T) {
	t.Parallel()
	b, _ := openBase(t)
	require.NoError(t, b.Import(t.Context(), "faq", []knowledge.Item{
		{Key: "d/ru", Group: "d", Language: dialogue.Russian, Question: "Есть доставка?", Text: "Да, доставляем."},
		{Key: "d/kk", Group: "d", Language: dialogue.Kazakh, Question: "Жеткізу бар ма?", Text: "Иә, жеткіземіз."},
		{Key: "p/ru", Group: "p", Language: dialogue.Russian, Question: "Есть парковка?", Text: "Да, у входа."},
	}))
	for _, tc := range []struct {
		text string
		lang dialogue.Language
		want string
	}{
		{"доставка", dialogue.Kazakh, "Иә, жеткіземіз."},
		{"жеткізу", dialogue.Russian, "Да, доставляем."},
		{"delivery", dialogue.English, ""},
		{"parking", dialogue.English, "Да, у входа."},
		{"тұрақ", dialogue.Kazakh, "Да, у входа."},
	} {
		found, err := b.Search(t.Context(), knowledge.Query{Text: tc.text, Language: tc.lang})
		require.NoError(t, err)
		require.Len(t, found, 1, "translations of one item are one: %s", tc.text)
		if tc.want != "" {
			require.Equal(t, tc.want, found[0].Text)
		}
		require.Greater(t, found[0].Confidence, 0.9)
	}
}

func TestGroupsOfDifferentSourcesAreDifferent(t *testing.T) {
	t.Parallel()
	b, _ := openBase(t)
	require.NoError(t, b.Import(t.Context(), "one", []knowledge.Item{qa("a", "Есть доставка?", "Да.")}))
	require.NoError(t, b.Import(t.Context(), "two", []knowledge.Item{qa("a", "Сколько стоит доставка?", "1 500 ₸.")}))
	found := search(t, b, "доставка")
	require.Len(t, found, 2)
	require.NotEqual(t, found[0].Source, found[1].Source)
}

func TestSearchOnHostileText(t *testing.T) {
	t.Parallel()
	b, _ := openBase(t)
	require.NoError(t, b.Import(t.Context(), "faq", []knowledge.Item{qa("a", "Есть доставка?", `Да: 'it''s' \ & | ! <-> :* (x)`)}))
	for _, text := range []string{
		"", "   ", "?!", "'", `\`, "доставка' | '", "доставка:* & !x", "a\x00b доставка", strings.Repeat("доставка ", 50_000), strings.Repeat("ы", 100_000),
		"\xff\xfe доставка", "<->", "@delivery", "🚚",
	} {
		_, err := b.Search(t.Context(), knowledge.Query{Text: text, Context: []string{text, text}, Language: dialogue.Russian})
		require.NoError(t, err, "%.40q", text)
	}
	require.Len(t, search(t, b, "доставка' | '"), 1)
}

func TestDisabledItemsAreNotFound(t *testing.T) {
	t.Parallel()
	b, pool := openBase(t)
	require.NoError(t, b.Import(t.Context(), "faq", []knowledge.Item{qa("a", "Есть доставка?", "Да.")}))
	_, err := pool.Exec(t.Context(), "UPDATE knowledge_items SET enabled = false")
	require.NoError(t, err)
	require.Empty(t, search(t, b, "доставка"))
}

func TestMistypedWordsAreFound(t *testing.T) {
	t.Parallel()
	b, _ := openBase(t)
	require.NoError(t, b.Import(t.Context(), "faq", []knowledge.Item{
		qa("a", "Есть доставка?", "Да."), qa("b", "Какая гарантия?", "Год."), qa("c", "Кто такой Шварценеггер?", "Актёр."),
	}))
	for text, want := range map[string]string{"достафка": "a", "дотсавка": "a", "горантия": "b", "гарнтия": "b", "шварцнегер": "c"} {
		found := search(t, b, text)
		require.NotEmpty(t, found, text)
		require.Equal(t, want, found[0].Group, text)
	}
}

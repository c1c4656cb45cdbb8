package demo_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/demo"
	"parley/dialogue"
	"parley/knowledge"
	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestShopSaysTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	items, err := demo.Items()
	require.NoError(t, err)
	groups := map[string][]knowledge.Item{}
	for _, it := range items {
		groups[it.Group] = append(groups[it.Group], it)
	}
	number := regexp.MustCompile(`\d+(?: \d{3})*(?:[.,:]\d+)*`)
	complete, russianOnly := 0, 0
	for group, translations := range groups {
		if len(translations) == 1 {
			require.Equal(t, dialogue.Russian, translations[0].Language, group)
			russianOnly++
			continue
		}
		require.Len(t, translations, 3, group)
		complete++
		facts := map[dialogue.Language][]string{}
		for _, it := range translations {
			require.Equal(t, it.Language, bot.DetectLanguage(it.Text, ""), it.Text)
			require.Equal(t, it.Language, bot.DetectLanguage(it.Question, ""), it.Question)
			for _, n := range number.FindAllString(it.Text, -1) {
				facts[it.Language] = append(facts[it.Language], strings.ReplaceAll(n, ",", "."))
			}
			slices.Sort(facts[it.Language])
			facts[it.Language] = slices.Compact(facts[it.Language])
		}
		require.Equal(t, facts[dialogue.Russian], facts[dialogue.Kazakh], group)
		require.Equal(t, facts[dialogue.Russian], facts[dialogue.English], group)
	}
	require.GreaterOrEqual(t, complete, 24)
	require.GreaterOrEqual(t, russianOnly, 3)
}

func TestLoadTwice(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, demo.Load(t.Context(), pool))
	require.NoError(t, demo.Load(t.Context(), pool))
	items, err := demo.Items()
	require.NoError(t, err)
	var count int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM knowledge_items").Scan(&count))
	require.Equal(t, len(items), count)
}

// TestEveryQuestionFindsItsAnswer asks the shop its own questions.
func TestEveryQuestionFindsItsAnswer(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, demo.Load(t.Context(), pool))
	base := knowledge.NewBase(pool)
	items, err := demo.Items()
	require.NoError(t, err)
	for _, it := range items {
		found, err := base.Search(t.Context(), knowledge.Query{Text: it.Question, Language: it.Language, Limit: 1})
		require.NoError(t, err)
		require.Len(t, found, 1, it.Question)
		require.Equal(t, it.Group, found[0].Group, it.Question)
		require.Equal(t, it.Text, found[0].Text)
		require.Greater(t, found[0].Confidence, 0.8, it.Question)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	require.Equal(t, demo.ShopName, demo.Profile().Shop)
	require.True(t, demo.Profile().Disclose)
}

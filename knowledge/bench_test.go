package knowledge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/knowledge"
	"parley/testenv"
)

// BenchmarkSearch searches 50 000 items whose words are as unevenly common as
// those of a language.
func BenchmarkSearch(b *testing.B) {
	pool, err := pgxpool.New(b.Context(), testenv.Database(b))
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	base := knowledge.NewBase(pool)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same items every time
	const kinds, words = 300, 40_000
	word := func() string {
		return invented(int(math.Exp(random.Float64() * math.Log(words)))) // Zipf
	}
	items := make([]knowledge.Item, 0, 50_000)
	for i := range cap(items) {
		var text strings.Builder
		for range 60 {
			text.WriteString(word() + " ")
		}
		items = append(items, knowledge.Item{
			Key: fmt.Sprint(i), Language: dialogue.Russian, Question: fmt.Sprintf("Сколько стоит %s x%d?", invented(words+i%kinds), i),
			Text: text.String() + " цена 100 000 ₸, гарантия 12 месяцев, доставка бесплатно.",
		})
	}
	require.NoError(b, base.Import(b.Context(), "catalogue", items))
	_, err = pool.Exec(b.Context(), "VACUUM ANALYZE knowledge_items")
	require.NoError(b, err)

	questions := []func() string{
		func() string {
			return fmt.Sprintf("сколько стоит %s x%d", invented(words+random.IntN(kinds)), random.IntN(50_000))
		},
		func() string { return invented(words+random.IntN(kinds)) + " есть в наличии?" },
		func() string { return "какая гарантия на " + invented(words+random.IntN(kinds)) },
		func() string { return word() + " " + word() + " " + word() + " " + word() },
		func() string { return "гарантия" }, // every item has it
		func() string { return "шкромбулятор" },
	}
	for i, question := range questions {
		b.Run(fmt.Sprintf("%d %s", i, question()), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				_, err := base.Search(b.Context(), knowledge.Query{Text: question(), Language: dialogue.Russian})
				require.NoError(b, err)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

// invented makes the nth word of a language that nobody speaks.
func invented(n int) string {
	const consonants, vowels = "бвгджзклмнпрстфхцчшщ", "аеиоуы"
	c, v := []rune(consonants), []rune(vowels)
	var b strings.Builder
	for n++; n > 0; n /= len(c) * len(v) {
		b.WriteRune(c[n%len(c)])
		b.WriteRune(v[n/len(c)%len(v)])
	}
	return b.String() + "кш"
}

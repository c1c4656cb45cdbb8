package knowledge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/knowledge"
)

// squad is the part of SQuAD's format that retrieval needs.
type squad struct {
	Data []struct {
		Paragraphs []struct {
			Context string `json:"context"`
			Qas     []struct {
				Question string `json:"question"`
			} `json:"qas"`
		} `json:"paragraphs"`
	} `json:"data"`
}

// TestRetrieval finds the paragraph that answers each question of XQuAD.
func TestRetrieval(t *testing.T) {
	t.Parallel()
	for _, lang := range []dialogue.Language{dialogue.Russian, dialogue.English} {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(fmt.Sprintf("../../shared/retrieval/xquad-half.%s.json", lang))
			if errors.Is(err, os.ErrNotExist) {
				t.Skip("the retrieval data is not here")
			}
			require.NoError(t, err)
			var set squad
			require.NoError(t, json.Unmarshal(raw, &set))
			base, _ := openBase(t)

			var items []knowledge.Item
			type question struct{ text, key string }
			var questions []question
			for a, article := range set.Data {
				for p, paragraph := range article.Paragraphs {
					key := fmt.Sprintf("%d/%d", a, p)
					items = append(items, knowledge.Item{Key: key, Language: lang, Text: paragraph.Context})
					for _, qa := range paragraph.Qas {
						questions = append(questions, question{text: qa.Question, key: key})
					}
				}
			}
			require.NoError(t, base.Import(t.Context(), "xquad", items))

			found := map[int]float64{}
			var took []time.Duration
			for _, q := range questions {
				began := time.Now()
				passages, err := base.Search(t.Context(), knowledge.Query{Text: q.text, Language: lang, Limit: 5})
				require.NoError(t, err)
				took = append(took, time.Since(began))
				rank := slices.IndexFunc(passages, func(p knowledge.Passage) bool { return p.Group == q.key })
				for _, k := range []int{1, 3, 5} {
					if rank >= 0 && rank < k {
						found[k] += 1 / float64(len(questions))
					}
				}
			}
			slices.Sort(took)
			t.Logf("%s: recall@1=%.3f recall@3=%.3f recall@5=%.3f p95=%s", lang, found[1], found[3], found[5], took[len(took)*95/100])
			require.GreaterOrEqual(t, found[5], 0.93)
		})
	}
}

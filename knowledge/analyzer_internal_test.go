package knowledge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
)

func TestKazakhFormsHaveOneStem(t *testing.T) {
	t.Parallel()
	for _, forms := range []string{
		"дүкен дүкендер дүкенге дүкеннің дүкенде дүкеніңіз дүкендеріңізде",
		"телефон телефонды телефонның телефонға телефондар телефонымды телефондарыңыз",
		"жеткізу жеткізіп жеткізесіз жеткізеді жеткізуге",
		"кепілдік кепілдігі кепілдікке кепілдіктің",
		"тапсырыс тапсырысым тапсырысты тапсырыстар тапсырысымды",
		"бағасы бағаны бағалар бағалары",
		"нөмір нөміріңіз нөмірлеріңізді нөмірге",
	} {
		stems := map[string]bool{}
		for _, w := range Words(forms) {
			stems[kazakhStem(w)] = true
		}
		require.Len(t, stems, 1, forms)
	}
}

func TestConceptsJoinLanguages(t *testing.T) {
	t.Parallel()
	a := NewAnalyzer()
	for concept, texts := range map[string][]string{
		"@delivery":   {"доставляете", "жеткізесіздер", "shipping"},
		"@instalment": {"в рассрочку", "бөліп төлеуге", "installments"},
		"@return":     {"вернуть", "қайтаруға", "refund"},
		"@tradein":    {"трейд-ин", "ескі телефонды", "trade in"},
		"@hours":      {"до скольки", "жұмыс уақыты", "opening hours"},
		"@iphone":     {"айфона", "айфонды", "iPhones"},
	} {
		for _, text := range texts {
			words := a.query(text, 1)
			require.Len(t, words, 1, text)
			found := false
			for _, f := range words[0].forms {
				found = found || f.term == concept
			}
			require.True(t, found, "%s means %s", text, concept)
		}
	}
}

func TestPhraseMeansSomethingElseThanItsWords(t *testing.T) {
	t.Parallel()
	a := NewAnalyzer()
	terms, _ := a.terms("Do you have gift cards?", dialogue.English)
	var names []string
	for _, p := range terms {
		names = append(names, p.term)
	}
	require.Contains(t, names, "@gift_card")
	require.NotContains(t, names, "@card")
}

func TestNumbersBelongToModels(t *testing.T) {
	t.Parallel()
	a := NewAnalyzer()
	bound := func(text string) []bool {
		var out []bool
		for _, w := range a.query(text, 1) {
			out = append(out, w.bound >= 0)
		}
		return out
	}
	require.Equal(t, []bool{false, true, true}, bound("айфон 16 про"))
	require.Equal(t, []bool{false, true, false}, bound("iphone 16 256"))
	require.Equal(t, []bool{false, false, false}, bound("рассрочка на 24 месяца"))
	require.Equal(t, []bool{false, false, false}, bound("macbook 256 гб"))
}

func TestVectorSurvivesPostgresSyntax(t *testing.T) {
	t.Parallel()
	a := NewAnalyzer()
	v, question, text := a.vectorOf(Item{Language: dialogue.Russian, Question: "Сколько стоит iPhone 16?", Text: strings.Repeat("Телефон iPhone 16 стоит 450 000 ₸. ", 3)})
	require.Equal(t, 4, question)
	require.Positive(t, text)
	require.True(t, v.equal(parseVector(v.String(), nil)))
	require.Equal(t, vector{"16": v["16"]}, parseVector(v.String(), map[string]bool{"16": true}))

	long, _, _ := a.vectorOf(Item{Language: dialogue.Russian, Text: strings.Repeat("телефон ", 30_000)})
	require.Len(t, long["телефон"].text, maxPlacesPerTerm)
}

// TestConceptFile holds the vocabulary to its own format.
func TestConceptFile(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for line := range strings.Lines(conceptsText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "|")
		require.Len(t, columns, 4, line)
		name := strings.TrimSpace(columns[0])
		require.False(t, names[name], "%s stands twice", name)
		names[name] = true
	}
	require.Greater(t, len(names), 100)
}

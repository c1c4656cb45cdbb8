package knowledge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/knowledge"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Ещё раз: ЁЛКА!":               "еще раз елка",
		"Жеткізу қанша тұрады?":        "жеткизу канша турады",
		"iPhone16 Pro, 256ГБ":          "iphone 16 pro 256 гб",
		"iphone16pro":                  "iphone 16 pro",
		"Samsung A55 и с24":            "samsung a55 и s24",
		"А56":                          "a56",
		"5G 13\" 6,7 дюйма":            "5g 13 6.7 дюйма",
		"250 000 ₸ и 1\u00a0500":       "250000 ₸ и 1500",
		"don't I’m":                    "dont im",
		"трейд-ин, Wi-Fi":              "трейд ин wi fi",
		"👍🏽 ok\u200b!":                 "ok",
		"при\u00adвет":                 "привет",
		"":                             "",
		"телефон 8 700 000 01 01":      "телефон 8700000 01 01",
		"a:b&c|d!('e')\\ <-> \x00 ':*": "a b c d e",
	} {
		require.Equal(t, strings.Fields(strings.ReplaceAll(want, "₸ ", "")), append([]string{}, knowledge.Words(text)...), text)
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"доставка", "доставка", 2, 0},
		{"доставка", "достафка", 2, 1},
		{"доставка", "дотсавка", 2, 1},
		{"расрочка", "рассрочка", 1, 1},
		{"гарнтея", "гарантия", 2, 2},
		{"кот", "собака", 2, 3},
		{"", "аб", 2, 2},
		{"возврат", "вазврад", 1, 2},
	} {
		require.Equal(t, tc.want, knowledge.EditDistance([]rune(tc.a), []rune(tc.b), tc.limit), tc)
		require.Equal(t, tc.want, knowledge.EditDistance([]rune(tc.b), []rune(tc.a), tc.limit), tc)
	}
}

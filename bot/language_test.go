package bot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
)

func TestDetectLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text     string
		previous []string
		want     dialogue.Language
	}{
		{"Сколько стоит доставка?", nil, dialogue.Russian},
		{"есть доставка в Қарағанды?", nil, dialogue.Russian},
		{"Рахмет, а сколько стоит айфон?", nil, dialogue.Russian},
		{"Салем, подскажите пожалуйста есть iPhone 16?", nil, dialogue.Russian},
		{"гарантия?", nil, dialogue.Russian},
		{"iphone в наличии", nil, dialogue.Russian},
		{"skolko stoit dostavka", nil, dialogue.Russian},
		{"Жеткізу қанша тұрады?", nil, dialogue.Kazakh},
		{"жеткизу канша турады", nil, dialogue.Kazakh},
		{"доставка қашан болады?", nil, dialogue.Kazakh},
		{"рассрочка бар ма", nil, dialogue.Kazakh},
		{"айфон бар ма?", nil, dialogue.Kazakh},
		{"Саламатсызба, ноутбук керек еди", nil, dialogue.Kazakh},
		{"гарантия канша ай?", nil, dialogue.Kazakh},
		{"телефонды кайтаруга болама", nil, dialogue.Kazakh},
		{"Астанада дүкен бар ма", nil, dialogue.Kazakh},
		{"рассрочкаға алсам бола ма, айфон 16 сколько?", nil, dialogue.Kazakh},
		{"Салем!", nil, dialogue.Kazakh},
		{"рахмет", nil, dialogue.Kazakh},
		{"How much is delivery?", nil, dialogue.English},
		{"delivery?", nil, dialogue.English},
		{"hi", nil, dialogue.English},
		{"do you have iPhone 16 in Алматы", nil, dialogue.English},
		{"What is рассрочка?", nil, dialogue.English},
		{"ок", nil, dialogue.Russian},
		{"1", []string{"How much is delivery?"}, dialogue.English},
		{"👍", []string{"👍", "Жеткізу қанша тұрады?", "Сколько стоит?"}, dialogue.Kazakh},
		{"ok", []string{"Жеткізу қанша тұрады?"}, dialogue.Kazakh},
		{"iPhone 16 Pro", []string{"Здравствуйте, что есть из телефонов?"}, dialogue.Russian},
		{"iPhone 16 Pro", nil, dialogue.Russian},
		{"Samsung A55 256GB", []string{"What phones do you have"}, dialogue.English},
		{"Алматы", []string{"Дүкен қайда орналасқан?"}, dialogue.Kazakh},
		{"", nil, dialogue.Russian},
		{"https://example.com/iphone", []string{"сәлем"}, dialogue.Kazakh},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, bot.DetectLanguage(tc.text, "", tc.previous...))
		})
	}
}

// What the customer's app is set to decides where the words do not.
func TestKnownLanguage(t *testing.T) {
	t.Parallel()
	require.Equal(t, dialogue.Kazakh, bot.DetectLanguage("iPhone 16?", dialogue.Kazakh))
	require.Equal(t, dialogue.English, bot.DetectLanguage("/start", dialogue.English))
	require.Equal(t, dialogue.Russian, bot.DetectLanguage("<script src='evil'></script><img alt=x>", ""), "tags are no English")
	require.Equal(t, dialogue.Russian, bot.DetectLanguage("Сколько стоит?", dialogue.English), "the words come first")
	require.Equal(t, dialogue.English, bot.DetectLanguage("ok", dialogue.Kazakh, "How much is it?"), "then what was written before")
}

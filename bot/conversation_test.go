package bot_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/demo"
	"parley/dialogue"
)

func TestOfflineConversations(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	for name, tc := range map[string]struct {
		says    []string // "|" ends the history
		want    []string // groups of the answer
		handoff dialogue.HandoffReason
	}{
		"follow-up: price":               {says: []string{"Есть iPhone 16?", "|", "А сколько стоит?"}, want: []string{"iphone-16"}},
		"follow-up: price, kazakh":       {says: []string{"Samsung A56 бар ма?", "|", "қанша тұрады?"}, want: []string{"galaxy-a56"}},
		"follow-up: price, english":      {says: []string{"Do you have the PS5?", "|", "How much is it?"}, want: []string{"ps5"}},
		"follow-up: city":                {says: []string{"Где находится магазин в Астане?", "|", "а в Алматы?"}, want: []string{"address-almaty"}},
		"follow-up: past a courtesy":     {says: []string{"макбук эйр есть?", "спасибо", "|", "а цена какая?"}, want: []string{"macbook-air"}},
		"follow-up: past a request":      {says: []string{"айфон 16 про есть?", "Позовите оператора", "|", "сколько он стоит?"}, want: []string{"iphone-16-pro"}},
		"new subject after another":      {says: []string{"Есть iPhone 16?", "|", "А гарантия какая?"}, want: []string{"warranty"}},
		"unknown after a known subject":  {says: []string{"Есть iPhone 16?", "|", "а какая завтра погода?"}, handoff: dialogue.HandoffNoAnswer},
		"price of nothing":               {says: []string{"сколько стоит?"}, handoff: dialogue.HandoffNoAnswer},
		"three questions at once":        {says: []string{"Здравствуйте!", "Есть доставка в Караганду?", "И какая гарантия на технику?", "рассрочка есть?"}, want: []string{"delivery-kazakhstan", "warranty", "instalments"}},
		"two questions in one message":   {says: []string{"Добрый день! Сколько стоит iPhone 16? И до скольки вы работаете?"}, want: []string{"iphone-16", "hours"}},
		"two questions in one sentence":  {says: []string{"Есть доставка в Караганду и сколько стоит iPhone 16?"}, want: []string{"delivery-kazakhstan", "iphone-16"}},
		"the same in kazakh":             {says: []string{"Самовывоз бар ма және кепілдік қанша ай?"}, want: []string{"pickup", "warranty"}},
		"the same in english":            {says: []string{"where is your store in Almaty, and can I pay by card?"}, want: []string{"address-almaty", "payment"}},
		"one question with two words":    {says: []string{"Ремонтируете телефоны и ноутбуки?"}, want: []string{"repair"}},
		"half of it is unknown":          {says: []string{"есть доставка и сколько стоит велосипед?"}, handoff: dialogue.HandoffNoAnswer},
		"pieces of one question":         {says: []string{"здравствуйте", "айфон", "16 про", "сколько стоит"}, want: []string{"iphone-16-pro"}},
		"two short questions, no marks":  {says: []string{"доставка есть", "гарантия есть"}, want: []string{"delivery-cities", "warranty"}},
		"one of two is unknown":          {says: []string{"доставка есть?", "велосипеды есть?"}, handoff: dialogue.HandoffNoAnswer},
		"the same thing asked twice":     {says: []string{"сколько стоит айфон 16?", "айфон 16 почём?"}, want: []string{"iphone-16"}},
		"kazakh over russian":            {says: []string{"Көлік тұрағы бар ма?"}, want: []string{"parking"}},
		"kazakh over russian, unknown":   {says: []string{"Дүкенде кафе бар ма?"}, handoff: dialogue.HandoffNoAnswer},
		"model that is not there":        {says: []string{"Сколько стоит iPhone 17?"}, handoff: dialogue.HandoffNoAnswer},
		"attachment without words":       {says: []string{""}, handoff: dialogue.HandoffNoAnswer},
		"only question marks":            {says: []string{"???"}, handoff: dialogue.HandoffNoAnswer},
		"human asked for among the rest": {says: []string{"доставка есть?", "хотя лучше позовите менеджера"}, handoff: dialogue.HandoffCustomerAsked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := b.Answer(t.Context(), asks(tc.says...), nil)
			require.NoError(t, err)
			require.Equal(t, tc.handoff, answer.Handoff, describe(answer, ""))
			if tc.handoff == "" {
				require.Equal(t, tc.want, groups(answer.Sources), describe(answer, ""))
				require.NotEmpty(t, answer.Text)
			} else {
				require.Empty(t, answer.Text)
			}
		})
	}
}

func TestOfflineCourtesies(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	for text, want := range map[string]string{
		"Здравствуйте!":    "Здравствуйте! Чем могу помочь?",
		"Сәлеметсіз бе":    "Сәлеметсіз бе! Қандай көмек керек?",
		"hello":            "Hello! How can I help?",
		"Спасибо большое!": "Пожалуйста! Если появятся вопросы, пишите.",
		"рахмет":           "Оқасы жоқ! Сұрақтарыңыз болса, жазыңыз.",
		"thanks, bye":      "Goodbye! We'll be glad to help again.",
		"👍":                "Хорошо. Если появятся вопросы, пишите.",
		"Здравствуйте, можно вопрос": "Здравствуйте! Чем могу помочь?",
		"это бот?":                  "Вам отвечает бот. Если нужен сотрудник, напишите «оператор».",
		"are you a human or a bot?": "You are talking to a bot. If you need a member of our team, write “operator”.",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			answer, err := b.Answer(t.Context(), asks(text), nil)
			require.NoError(t, err)
			require.Empty(t, answer.Handoff)
			require.Equal(t, want, answer.Text)
		})
	}
}

func TestOfflineSaysWhenAnAnswerIsInRussianOnly(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	for text, opening := range map[string]string{
		"телефонды сақтандыруға бола ма?": "Бұл ақпарат бізде тек орыс тілінде бар:\n\nДа, при покупке",
		"can I insure my phone?":          "We have this information in Russian only:\n\nДа, при покупке",
		"можно застраховать телефон?":     "Да, при покупке",
	} {
		answer, err := b.Answer(t.Context(), asks(text), nil)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(answer.Text, opening), answer.Text)
	}
}

func TestRequestThatHumansHaveHad(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	in := asks("Позовите оператора", "сколько стоит iPhone 16?")
	in.HandoffSeq = 1
	answer, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"iphone-16"}, groups(answer.Sources))

	in = asks("Позовите оператора")
	in.HandoffSeq = 1
	answer, err = b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Empty(t, answer.Handoff)
	require.Equal(t, "Я снова на связи. Напишите, пожалуйста, чем помочь.", answer.Text)

	in.HandoffSeq = 0
	answer, err = b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Equal(t, dialogue.HandoffCustomerAsked, answer.Handoff)
}

func TestDraftNeverHandsOffWhatItCanDraft(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	in := asks("Оператора! Какая у вас гарантия и сколько весит коробка?")
	in.Draft = true
	in.Profile.Disclose = true
	answer, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Empty(t, answer.Handoff)
	require.Contains(t, groups(answer.Sources), "warranty")
	require.NotContains(t, answer.Text, "бот", "a draft is the operator's text")

	in = asks("Оператора!")
	in.Draft = true
	answer, err = b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Equal(t, "Здравствуйте! Чем могу помочь?", answer.Text)

	in = asks("шиншиллы кусаются?")
	in.Draft = true
	answer, err = b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Empty(t, answer.Text)
	require.Equal(t, dialogue.HandoffNoAnswer, answer.Handoff)
}

func TestBotIntroducesItselfOnce(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	in := asks("Жеткізу бар ма?")
	in.Profile = demo.Profile()
	var streamed []string
	answer, err := b.Answer(t.Context(), in, func(text string) { streamed = append(streamed, text) })
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(answer.Text, "Сәлеметсіз бе! Мен «Tumar Electronics» дүкенінің бот-көмекшісімін.\n\n"), answer.Text)
	require.Equal(t, dialogue.Kazakh, answer.Language)
	require.Greater(t, len(streamed), 5)
	for i := 1; i < len(streamed); i++ {
		require.True(t, strings.HasPrefix(streamed[i], streamed[i-1]), "the text only grows")
	}
	require.Equal(t, answer.Text, streamed[len(streamed)-1])

	in.History = []bot.Line{{Seq: 1, Author: dialogue.AuthorBot, Text: answer.Text}}
	again, err := b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.NotContains(t, again.Text, "бот-көмекші")

	in = asks("Здравствуйте")
	in.Profile = demo.Profile()
	answer, err = b.Answer(t.Context(), in, nil)
	require.NoError(t, err)
	require.Equal(t, "Здравствуйте! Я бот-помощник магазина «Tumar Electronics».\n\nЧем могу помочь?", answer.Text)
}

func TestAnswerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := offlineBot(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.Answer(ctx, asks("Есть доставка?"), func(string) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
}

func TestNothingToAnswer(t *testing.T) {
	t.Parallel()
	_, err := bot.New(bot.Deps{Model: bot.Offline{}}).Answer(t.Context(), bot.Input{}, nil)
	require.Equal(t, dialogue.CodeInvalid, dialogue.ErrorCode(err))
}

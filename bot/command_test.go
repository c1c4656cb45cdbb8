package bot_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
)

// Who opens the dialogue in Telegram is greeted in the language of the app, and no model is asked for that.
func TestCommandsOfTheApp(t *testing.T) {
	t.Parallel()
	calls := 0
	b, _ := modelBot(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		calls++
		sse(delta("ok"), finish("stop"))(w, r)
	})
	profile := bot.DefaultProfile()
	profile.Name, profile.Shop, profile.Disclose = "Айсұлу", "Alem", true
	for name, tc := range map[string]struct {
		language dialogue.Language
		history  []bot.Line
		texts    []string
		want     string
	}{
		"start":              {dialogue.English, nil, []string{"/start"}, "Hello! I'm Айсұлу, the bot assistant of Alem.\n\nHow can I help?"},
		"start, kazakh":      {dialogue.Kazakh, nil, []string{"/start"}, "Сәлеметсіз бе! Менің атым Айсұлу, «Alem» дүкенінің бот-көмекшісімін.\n\nҚандай көмек керек?"},
		"start, not known":   {"", nil, []string{"/start"}, "Здравствуйте! Меня зовут Айсұлу, я бот-помощник магазина «Alem».\n\nЧем могу помочь?"},
		"from a link":        {dialogue.Russian, nil, []string{"/start promo_42-a"}, "Здравствуйте! Меня зовут Айсұлу, я бот-помощник магазина «Alem».\n\nЧем могу помочь?"},
		"pressed twice":      {dialogue.English, nil, []string{"/start", "/start"}, "Hello! I'm Айсұлу, the bot assistant of Alem.\n\nHow can I help?"},
		"again":              {dialogue.English, []bot.Line{{Author: dialogue.AuthorBot, Text: "Hello!"}}, []string{"/start"}, "Hello! How can I help?"},
		"help":               {dialogue.English, []bot.Line{{Author: dialogue.AuthorBot, Text: "Hello!"}}, []string{"/help"}, "You are talking to a bot. If you need a member of our team, write “operator”."},
		"history's language": {dialogue.English, []bot.Line{{Author: dialogue.AuthorCustomer, Text: "Жеткізу қанша тұрады?"}, {Author: dialogue.AuthorBot, Text: "…"}}, []string{"/start"}, "Сәлеметсіз бе! Қандай көмек керек?"},
	} {
		in := bot.Input{Language: tc.language, History: tc.history, Profile: profile}
		for _, text := range tc.texts {
			in.Questions = append(in.Questions, bot.Line{Author: dialogue.AuthorCustomer, Text: text})
		}
		require.False(t, bot.NeedsModel(in), name)
		var streamed string
		answer, err := b.Answer(t.Context(), in, func(text string) { streamed = text })
		require.NoError(t, err, name)
		require.Equal(t, tc.want, answer.Text, name)
		require.Equal(t, tc.want, streamed, name)
		require.Empty(t, answer.Model, name)
	}
	require.Zero(t, calls)

	for _, text := range []string{"/starting", "start", "/start is what I typed", "/order 5"} {
		require.True(t, bot.NeedsModel(bot.Input{Questions: []bot.Line{{Author: dialogue.AuthorCustomer, Text: text}}}), text)
	}
}

// A question that follows the command at once is answered as if it stood alone.
func TestQuestionAfterACommand(t *testing.T) {
	t.Parallel()
	answer, err := offlineBot(t).Answer(t.Context(), asks("/start", "Сколько стоит iPhone 16?"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"iphone-16"}, groups(answer.Sources))
	require.Equal(t, dialogue.Russian, answer.Language)
}

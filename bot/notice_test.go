package bot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/dialogue"
)

func TestNotices(t *testing.T) {
	t.Parallel()
	for _, reason := range []dialogue.HandoffReason{dialogue.HandoffCustomerAsked, dialogue.HandoffNoAnswer, dialogue.HandoffBotError, dialogue.HandoffRule} {
		said := map[string]bool{}
		for _, lang := range []dialogue.Language{dialogue.Russian, dialogue.Kazakh, dialogue.English} {
			text := bot.Notice(reason, lang)
			require.NotEmpty(t, text)
			require.Equal(t, lang, bot.DetectLanguage(text, ""), text)
			require.False(t, bot.AsksForHuman(text), text)
			said[text] = true
		}
		require.Len(t, said, 3)
	}
	require.Empty(t, bot.Notice(dialogue.HandoffOperator, dialogue.Russian))
	require.Empty(t, bot.Notice(dialogue.HandoffPhoneReply, dialogue.Russian))
	require.Equal(t, bot.Notice(dialogue.HandoffNoAnswer, dialogue.Russian), bot.Notice(dialogue.HandoffNoAnswer, ""))
}

package activities_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/bot"
	"parley/dialogue"
	"parley/workflows"
)

func TestSilentCustomerIsAskedInTheirLanguage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		own  map[dialogue.Language]string
		want string
	}{
		"usual words": {nil, "system: Тағы сұрақтарыңыз бар ма? Жазыңыз, көмектесемін."},
		"own words":   {map[dialogue.Language]string{dialogue.Kazakh: "Тағы не керек?"}, "system: Тағы не керек?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "widget")
			b.profile(func(p *bot.Profile) { p.Timers.FollowUp, p.FollowUps = 60, tc.own })
			b.bot.says("Тегін.")
			id := b.write("Жеткізу қанша тұрады?")
			b.answered(id)
			_, err := b.Pool().Exec(b.ctx, "UPDATE dialogues SET last_message_at = last_message_at - interval '2 hours', language = 'kk'")
			require.NoError(t, err)
			timers := &activities.Timers{Store: b.Store, Log: slog.New(slog.DiscardHandler)}
			res, err := timers.Fire(b.ctx, workflows.FireInput{DialogueID: id})
			require.NoError(t, err)
			require.Equal(t, []dialogue.TimerKind{dialogue.TimerFollowUp}, res.Fired)
			require.False(t, res.ToSend)
			require.Equal(t, b.state(id), res.State)
			require.Equal(t, tc.want, b.said(id)[2])

			res, err = timers.Fire(b.ctx, workflows.FireInput{DialogueID: id})
			require.NoError(t, err)
			require.Empty(t, res.Fired, "once")
			require.Len(t, b.said(id), 3)
		})
	}
}

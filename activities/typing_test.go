package activities_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/activities"
	"parley/channel"
	"parley/store"
)

// fakeTyper is a provider that shows signs of typing.
type fakeTyper struct {
	fakeSender
	shown chan string // the threads
}

func (f *fakeTyper) Typing(_ context.Context, _ channel.Account, thread string) error {
	f.shown <- thread
	return nil
}

// Customers of messengers see that the bot is typing.
func TestTypingIsShownToTheProvider(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Telegram)
	provider := &fakeTyper{fakeSender: fakeSender{pace: channel.Pace{Every: time.Hour}}, shown: make(chan string, 2)}
	senders := map[string]channel.Sender{channel.Telegram: provider}
	typing := activities.NewTyping(b.Store, fakeAccounts{}, senders, slog.New(slog.DiscardHandler))
	turn := store.Turn{ChannelID: b.channel.ID, Kind: channel.Telegram, ThreadKey: "77"}
	typing.Show(turn)
	select {
	case thread := <-provider.shown:
		require.Equal(t, "77", thread)
	case <-time.After(10 * time.Second):
		require.Fail(t, "no sign of typing reached the provider")
	}
}

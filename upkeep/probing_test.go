package upkeep_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/bot"
	"parley/upkeep"
)

// fakeAlarms are open for some causes, and a model that answers or does not.
type fakeAlarms struct {
	mu      sync.Mutex
	asked   int
	answers bool

	open    []string
	holder  string // who may ask besides the one that asks first
	holders map[string]bool
	took    time.Duration
	down    bool
}

func (f *fakeAlarms) HoldProbe(_ context.Context, holder string, term time.Duration, _ []string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return nil, errors.New("connection refused")
	}
	if f.holder == "" {
		f.holder = holder
	}
	f.holders[holder] = term > 0
	if f.holder != holder {
		return nil, nil
	}
	return f.open, nil
}

func (f *fakeAlarms) ModelAnswered(_ context.Context, causes []string, took time.Duration) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open, f.took = nil, took
	return len(causes), nil
}

// ask takes two seconds of the bubble's clock.
func (f *fakeAlarms) ask(context.Context) error {
	f.with(func() { f.asked++ })
	<-time.After(2 * time.Second)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.answers {
		return &bot.Error{Class: bot.ErrorUnavailable, Err: errors.New("502 bad gateway")}
	}
	return nil
}

// with looks at it, or changes it.
func (f *fakeAlarms) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func TestTheModelIsAskedWhileAnAlarmIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alarms := &fakeAlarms{holders: map[string]bool{}}
		var ends []func()
		for range 2 {
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			p := upkeep.NewProbing(upkeep.ProbingConfig{
				Alarms: alarms, Causes: bot.ProbedCauses(), Every: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
				Ask: alarms.ask,
			})
			go func() { ended <- p.Run(ctx) }()
			ends = append(ends, func() { stop(); require.NoError(t, <-ended) })
			<-time.After(time.Second) // the two do not look at the same instant
		}
		<-time.After(10 * time.Minute)
		synctest.Wait()
		alarms.with(func() {
			require.Zero(t, alarms.asked, "there is nothing to ask for")
			alarms.open = []string{"unavailable"}
		})
		<-time.After(5 * time.Minute)
		synctest.Wait()
		alarms.with(func() {
			require.Equal(t, 10, alarms.asked, "one of the two asks, every 30 s")
			require.Len(t, alarms.holders, 2)
			alarms.down = true
		})
		<-time.After(time.Minute)
		synctest.Wait()
		alarms.with(func() { alarms.down, alarms.answers = false, true })
		<-time.After(time.Minute)
		synctest.Wait()
		alarms.with(func() {
			require.Equal(t, 11, alarms.asked, "it is not asked once it has answered")
			require.Equal(t, 2*time.Second, alarms.took)
		})
		for _, end := range ends {
			end()
		}
	})
}

func TestCausesThatAProbeCannotJudge(t *testing.T) {
	t.Parallel()
	for _, cause := range bot.Causes() {
		unprobed := cause == string(bot.ErrorContentFilter) || cause == bot.CauseInternal
		require.Equal(t, !unprobed, slices.Contains(bot.ProbedCauses(), cause), cause)
	}
}

package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/channel"
	"parley/dialogue"
	"parley/intake"
	"parley/store"
)

func (b *bundle) intake() *intake.Intake {
	return &intake.Intake{Store: b.store, Log: slog.New(slog.DiscardHandler)}
}

func text(id int, text string) []byte {
	return fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":1},"chat":{"id":1,"type":"private"},"text":%q}}`, id, id, text)
}

// bury keeps an update as a dead letter.
func (b *bundle) bury(body []byte) uuid.UUID {
	b.t.Helper()
	require.NoError(b.t, b.store.KeepDeadLetter(b.t.Context(), b.bot.ID, "not understood by an older Parley", body))
	list, err := b.store.DeadLetters(b.t.Context(), nil, 1)
	require.NoError(b.t, err)
	require.Equal(b.t, string(body), string(list[0].Body))
	return list[0].ID
}

func (b *bundle) audited(action store.Action) (details []string) {
	b.t.Helper()
	list, err := b.store.Audit(b.t.Context(), store.AuditFilter{Action: string(action)}, nil, 100)
	require.NoError(b.t, err)
	for _, e := range list {
		require.Equal(b.t, store.AuditObject{Kind: "channel", ID: b.bot.ID.String(), Name: "Bot"}, e.Object)
		details = append(details, string(e.Detail))
	}
	return details
}

// What the record refused is taken when it does so no more: once, however many ask for it at once.
func TestRetriedDeadLetterIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.intake()
	b.refuse("NEW.text = 'now or later'", "'22021'")
	require.NoError(t, in.Telegram(t.Context(), b.bot, text(1, "now or later")))
	require.NoError(t, in.Telegram(t.Context(), b.bot, text(2, "afterwards")))
	b.refuseNoMore()
	list, err := b.store.DeadLetters(t.Context(), nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)

	var wg sync.WaitGroup
	outcomes := make([]error, 6)
	for i := range outcomes {
		wg.Go(func() {
			outcome, err := in.Retry(context.Background(), list[0].ID)
			if err == nil && outcome != intake.Taken {
				err = errors.New("outcome " + outcome)
			}
			outcomes[i] = err
		})
	}
	wg.Wait()
	took := 0
	for _, err := range outcomes {
		if err == nil {
			took++
			continue
		}
		require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err), "somebody was faster: %v", err)
	}
	require.Positive(t, took)
	require.Equal(t, map[string][]string{"1": {"afterwards", "now or later"}}, b.taken())
	bodies, _ := b.deadLetters()
	require.Empty(t, bodies)
	require.Len(t, b.audited(store.ActionDeadLetterRetried), took)
}

// Whoever dies after the message is stored leaves the dead letter: the next try finds the message known.
func TestRetryAfterACrashDoublesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.intake()
	id := b.bury(text(1, "hello"))
	require.NoError(t, in.Telegram(t.Context(), b.bot, text(1, "hello"))) // stored; and then the process dies
	outcome, err := in.Retry(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, intake.Taken, outcome)
	require.Equal(t, map[string][]string{"1": {"hello"}}, b.taken())
	bodies, _ := b.deadLetters()
	require.Empty(t, bodies)
}

func TestRetriedDeadLetterThatHoldsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.bury([]byte(`{"update_id":1,"poll":{}}`))
	outcome, err := b.intake().Retry(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, intake.Ignored, outcome)
	bodies, _ := b.deadLetters()
	require.Empty(t, bodies)
	require.Equal(t, []string{fmt.Sprintf(`{"outcome": "ignored", "dead_letter": %q}`, id)}, b.audited(store.ActionDeadLetterRetried))
}

// What still cannot be taken stays as it came, and says why now.
func TestDeadLetterThatIsStillBrokenStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.intake()
	b.refuse("NEW.text IN ('never', 'fails')", "CASE NEW.text WHEN 'never' THEN '22021' ELSE 'P0001' END")
	for _, c := range []struct {
		body   []byte
		reason string
	}{
		{[]byte(`{"update_id":1,"message":{"text":5}}`), "the update is not understood"},
		{text(2, "never"), "it holds what cannot be stored"},
		{text(3, "fails"), "it could not be stored"},
	} {
		id := b.bury(c.body)
		_, err := in.Retry(t.Context(), id)
		require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err), "%v", err)
		require.EqualError(t, err, "conflict: it still cannot be taken, and stays here: "+c.reason)
		bodies, reasons := b.deadLetters()
		require.Equal(t, string(c.body), bodies[0])
		require.Contains(t, reasons[0], c.reason)
	}
	bodies, _ := b.deadLetters()
	require.Len(t, bodies, 3)
	require.Empty(t, b.taken())
	require.Empty(t, b.audited(store.ActionDeadLetterRetried), "nothing was taken")
}

// While nothing can be stored a retry fails, and says nothing of the letter.
func TestRetryWhileNothingCanBeStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.bury(text(1, "hello"))
	b.refuse("true", "'53100'")
	_, err := b.intake().Retry(t.Context(), id)
	require.Error(t, err)
	require.Empty(t, dialogue.ErrorCode(err))
	_, reasons := b.deadLetters()
	require.Equal(t, []string{"not understood by an older Parley"}, reasons)
	b.refuseNoMore()
	_, err = b.intake().Retry(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"1": {"hello"}}, b.taken())
}

func TestDeadLettersThatAreNotRetried(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.intake().Retry(t.Context(), uuid.New())
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err))

	id := b.bury(text(1, "hello"))
	_, err = b.store.SaveChannel(t.Context(), b.bot.ID, store.SaveChannel{Name: "Bot", Settings: b.bot.Settings})
	require.NoError(t, err)
	_, err = b.intake().Retry(t.Context(), id)
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	require.ErrorContains(t, err, "switched off")

	site, err := b.store.AddChannel(t.Context(), store.NewChannel{Kind: channel.Widget, Slug: "site", Name: "Site"})
	require.NoError(t, err)
	require.NoError(t, b.store.KeepDeadLetter(t.Context(), site.ID, "strange", []byte("{}")))
	list, err := b.store.DeadLetters(t.Context(), nil, 1)
	require.NoError(t, err)
	_, err = b.intake().Retry(t.Context(), list[0].ID)
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	bodies, _ := b.deadLetters()
	require.Len(t, bodies, 2)
	require.Empty(t, b.taken())
}

// What is discarded is gone, once, and it is known who did it and why it was there.
func TestDiscardedDeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.bury([]byte("{broken"))
	letter, err := b.store.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, b.store.DiscardDeadLetter(t.Context(), letter))
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(b.store.DiscardDeadLetter(t.Context(), letter)))
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(b.store.SetDeadLetterReason(t.Context(), id, "x")))
	bodies, _ := b.deadLetters()
	require.Empty(t, bodies)
	details := b.audited(store.ActionDeadLetterDiscarded)
	require.Len(t, details, 1)
	require.Contains(t, details[0], "not understood by an older Parley")
	require.NoError(t, b.store.KeepDeadLetter(t.Context(), b.bot.ID, "again", []byte("{broken")), "what comes again is kept again")
	bodies, _ = b.deadLetters()
	require.Len(t, bodies, 1)
}

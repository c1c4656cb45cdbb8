package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/activities"
	"parley/bot"
	"parley/channel"
	"parley/dialogue"
	"parley/store"
	"parley/workflows"
)

// The promise of the switch, and that nothing is answered twice, hold in every order in which the transactions, model
// calls and requests of a dialogue can follow each other: also when a process stands still between a commit and the
// request that it allows, is taken for dead, and wakes up while another has its work.
func TestSwitchAndFenceInAnyOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, channel.Telegram)
	w := &world{bundle: b, pace: channel.Pace{Every: time.Microsecond, Burst: time.Hour}}
	for i := range 3 {
		w.processes = append(w.processes, w.newProcess(fmt.Sprint("process ", i)))
	}
	rapid.Check(t, w.check)
}

// world is a dialogue with everything that acts on it. The test decides who takes the next step.
type world struct {
	*bundle
	processes []*gated
	pace      channel.Pace

	// Of one check.
	dialogue    uuid.UUID
	thread      string
	customerSeq int64
	posted      int
	dealt       int64 // up to which message of the customer humans have dealt with the dialogue

	mu      sync.Mutex
	skipped time.Duration // that the processes' clock is ahead
	worded  int
	atALoss bool               // the bot finds no answer the next time
	away    bool               // the provider takes no connection the next time
	toSend  uuid.UUID          // the turn that a reply left to send
	named   map[uuid.UUID]bool // in in_flight of a takeover
	left    map[string]int     // texts that reached the provider
	wrong   []string
}

func (w *world) check(t *rapid.T) {
	w.begin()
	defer w.end()
	goesOn := func(t *rapid.T) {
		at := w.atWork()
		if len(at) == 0 {
			t.Skip("nobody works")
		}
		at[rapid.IntRange(0, len(at)-1).Draw(t, "who")].steps(rapid.IntRange(1, 6).Draw(t, "steps"))
	}
	t.Repeat(map[string]func(*rapid.T){
		"":                       func(t *rapid.T) { require.Empty(t, w.violations()) },
		"the customer writes":    func(*rapid.T) { w.customerWrites() },
		"an operator takes over": w.takesOver,
		"an operator hands back": w.handsBack,
		"an operator writes":     w.operatorWrites,
		"the bot is at a loss":   func(*rapid.T) { w.setNext(true, false) },
		"the provider is away":   func(*rapid.T) { w.setNext(false, true) },
		"minutes pass":           func(t *rapid.T) { w.wait(t, 2*time.Minute) },
		"the engine calls an activity": func(t *rapid.T) {
			p := w.free()
			if p == nil {
				t.Skip("nobody is free")
			}
			if len(w.atWork()) > 0 {
				w.wait(t, 11*time.Second) // no heartbeat has come for so long: those at work are taken for dead
			}
			p.begin(rapid.IntRange(0, 3).Draw(t, "what") > 0 && w.hasToSend(t))
			p.steps(rapid.IntRange(0, 8).Draw(t, "steps"))
		},
		"a process goes on": goesOn,
		"one goes on":       goesOn, // twice, because it is what happens most
	})
	w.settle(t)
}

func (w *world) begin() {
	w.mu.Lock()
	w.skipped, w.worded, w.atALoss, w.away, w.toSend, w.named, w.left, w.wrong = 0, 0, false, false, uuid.Nil, map[uuid.UUID]bool{}, map[string]int{}, nil
	w.mu.Unlock()
	w.posted, w.dealt, w.thread = 0, 0, uuid.NewString()
	w.customerWrites()
}

// end lets everybody finish who still works.
func (w *world) end() {
	for _, p := range w.atWork() {
		p.run()
	}
}

// settle brings the dialogue to its end, and looks at all that came of it.
func (w *world) settle(t *rapid.T) {
	w.end()
	w.setNext(false, false)
	w.handsBack(t)
	for range 8 { // an activity that finds its process stood still is called again
		w.processes[0].begin(false)
		w.processes[0].run()
		w.processes[0].begin(true)
		w.processes[0].run()
	}
	require.Empty(t, w.violations())
	var answered, customers int64
	require.NoError(t, w.Pool().QueryRow(w.ctx, "SELECT answered_seq, customer_seq FROM dialogues WHERE id = $1", w.dialogue).Scan(&answered, &customers))
	require.Equal(t, customers, answered, "nobody is left without an answer")

	rows, err := w.Pool().Query(w.ctx, `SELECT m.text, m.state, m.author, coalesce(t.from_seq, 0), coalesce(t.to_seq, 0) FROM messages m
		LEFT JOIN turns t ON t.id = m.turn_id WHERE m.dialogue_id = $1 AND m.author IN ('bot', 'operator') AND m.kind = 'text' ORDER BY m.seq`, w.dialogue)
	require.NoError(t, err)
	type out struct {
		Text, State, Author string
		From, To            int64
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[out])
	require.NoError(t, err)
	covered := int64(0)
	byBot := map[int64]bool{}
	for _, m := range all {
		times := w.left[m.Text]
		switch m.State {
		case "sent":
			require.Equal(t, 1, times, "%+v", m)
		case "failed":
			require.Zero(t, times, "%+v", m)
		case "unconfirmed":
			require.LessOrEqual(t, times, 1, "%+v", m)
		default:
			require.Fail(t, "left behind", "%+v", m)
		}
		if m.Author == "bot" && m.State != "failed" {
			require.LessOrEqual(t, covered, m.From, "%+v answers what was answered before", m)
			covered = m.To
			for seq := m.From + 1; seq <= m.To; seq++ {
				byBot[seq] = true
			}
		}
	}
	for text, times := range w.left {
		require.Equal(t, 1, times, text)
	}
	rows, err = w.Pool().Query(w.ctx, "SELECT seq FROM messages WHERE dialogue_id = $1 AND author = 'customer'", w.dialogue)
	require.NoError(t, err)
	asked, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	for _, seq := range asked {
		require.True(t, byBot[seq] || seq <= w.dealt, "nobody has answered message %d", seq)
	}
}

func (w *world) customerWrites() {
	w.written++
	out, err := w.TakeMessage(w.ctx, store.Inbound{
		ChannelID: w.channel.ID, ThreadKey: w.thread, IdentityKind: "test", Identity: w.thread,
		ProviderMessageID: fmt.Sprint("m/", w.written), Text: fmt.Sprint("question ", w.written),
	})
	require.NoError(w.t, err)
	w.dialogue, w.customerSeq = out.Dialogue.ID, out.Dialogue.CustomerSeq
}

// handsBack gives the dialogue to the bot. What the bot had handed over because it found no answer is dealt with.
func (w *world) handsBack(t *rapid.T) {
	var reason string
	var upTo int64
	require.NoError(t, w.Pool().QueryRow(w.ctx, "SELECT coalesce(handoff_reason, ''), handoff_seq FROM dialogues WHERE id = $1", w.dialogue).Scan(&reason, &upTo))
	if reason == string(dialogue.HandoffNoAnswer) {
		w.dealt = max(w.dealt, upTo)
	}
	w.setMode(t, dialogue.ModeBot)
}

// operatorWrites has an operator write, at most twice: one chat takes a few messages at once, then one a second.
func (w *world) operatorWrites(t *rapid.T) {
	if w.posted == 2 {
		t.Skip("they have said everything")
	}
	w.posted++
	text := fmt.Sprint("operator's ", w.posted)
	_, err := w.PostOperatorMessage(w.ctx, store.OperatorMessage{DialogueID: w.dialogue, Operator: w.anna, ClientID: text, Text: text})
	require.NoError(t, err)
	w.dealt = w.customerSeq
	w.name(t) // in bot mode that was a takeover, which promises the same but tells nobody what is under way
}

// wait lets time pass for everybody, the record included.
func (w *world) wait(t *rapid.T, d time.Duration) {
	_, err := w.Pool().Exec(w.ctx, "UPDATE messages SET begun_at = begun_at - $2::interval WHERE dialogue_id = $1", w.dialogue, d)
	require.NoError(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped += d
}

// hasToSend reports whether something waits to leave, as the workflow has learnt.
func (w *world) hasToSend(t *rapid.T) bool {
	left, err := w.NextOutgoing(w.ctx, w.dialogue)
	require.NoError(t, err)
	return left != nil || w.drafted() != uuid.Nil
}

func (w *world) drafted() uuid.UUID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.toSend
}

func (w *world) setDrafted(turn uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.toSend = turn
}

func (w *world) setMode(t *rapid.T, mode dialogue.Mode) {
	_, err := w.SetMode(w.ctx, w.dialogue, mode, w.anna)
	require.NoError(t, err)
}

// takesOver does what PUT mode does, and waits for nothing: whatever is under way is named.
func (w *world) takesOver(t *rapid.T) {
	w.setMode(t, dialogue.ModeOperator)
	w.name(t)
}

func (w *world) name(t *rapid.T) {
	inFlight, err := w.WaitForBotSends(w.ctx, w.dialogue, time.Nanosecond)
	require.NoError(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range inFlight {
		w.named[id] = true
	}
}

// setNext says what comes next: the bot finds no answer, or the provider takes no connection.
func (w *world) setNext(atALoss, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.atALoss, w.away = atALoss, away
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skipped)
}

func (w *world) violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

func (w *world) free() *gated {
	for _, p := range w.processes {
		if !p.busy {
			return p
		}
	}
	return nil
}

func (w *world) atWork() (at []*gated) {
	for _, p := range w.processes {
		if p.busy {
			at = append(at, p)
		}
	}
	return at
}

// leaves is the moment in which a request leaves for the provider.
func (w *world) leaves(text string) error {
	var id uuid.UUID
	var epoch, turnEpoch *int64
	var mode, author string
	err := w.Pool().QueryRow(w.ctx, `SELECT m.id, m.author, d.mode, d.epoch, t.epoch FROM messages m JOIN dialogues d ON d.id = m.dialogue_id
		LEFT JOIN turns t ON t.id = m.turn_id WHERE m.dialogue_id = $1 AND m.text = $2`, w.dialogue, text).Scan(&id, &author, &mode, &epoch, &turnEpoch)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.wrong = append(w.wrong, fmt.Sprintf("%q leaves without being on record: %v", text, err))
		return err
	}
	if author == "bot" && !w.named[id] && (mode != "bot" || *epoch != *turnEpoch) {
		w.wrong = append(w.wrong, fmt.Sprintf("%q of epoch %d leaves in mode %s, epoch %d, and no takeover has named it", text, *turnEpoch, mode, *epoch))
	}
	if w.left[text]++; w.left[text] > 1 {
		w.wrong = append(w.wrong, fmt.Sprintf("%q leaves again", text))
	}
	return nil
}

// gated is a worker process that stops after each transaction, and before each model call and request, until it is
// told to take the next step.
type gated struct {
	w       *world
	replies *activities.Replies
	sends   *activities.Sends

	busy    bool
	stopped chan struct{} // it has come to its next stop
	next    chan struct{}
	ended   chan struct{}
}

func (w *world) newProcess(name string) *gated {
	p := &gated{w: w, stopped: make(chan struct{}), next: make(chan struct{})}
	config := w.Pool().Config().Copy()
	config.MaxConns = 2
	config.ConnConfig.RuntimeParams["application_name"] = name
	config.ConnConfig.Tracer = p
	pool, err := pgxpool.NewWithConfig(w.ctx, config)
	require.NoError(w.t, err)
	w.t.Cleanup(pool.Close)
	record := store.New(pool, store.Hooks{})
	log := slog.New(slog.DiscardHandler)
	p.replies = &activities.Replies{
		// Nothing tells a running reply what happens meanwhile: only the fence stands between it and the customer.
		Store: record, Bot: p, Watcher: activities.NewWatcher(record, log), Progress: w.progress, Log: log,
	}
	p.sends = &activities.Sends{
		Store: record, Accounts: fakeAccounts{}, Senders: map[string]channel.Sender{channel.Telegram: p}, Log: log, Now: w.now,
	}
	return p
}

// begin has the process run an activity up to its first stop.
func (p *gated) begin(sends bool) {
	p.busy, p.ended = true, make(chan struct{})
	id, drafted := p.w.dialogue, p.w.drafted()
	go func() {
		defer close(p.ended)
		if sends {
			p.w.setDrafted(uuid.Nil)
			_, _ = execute[workflows.SendResult](p.sends.Send, workflows.SendInput{DialogueID: id, TurnID: drafted})
			return
		}
		if res, err := execute[workflows.ReplyResult](p.replies.Reply, workflows.ReplyInput{DialogueID: id}); err == nil && res.ToSend {
			p.w.setDrafted(res.TurnID)
		}
	}()
	p.await()
}

// steps has the process go on, n stops far or to the end of its activity.
func (p *gated) steps(n int) {
	for ; n > 0 && p.busy; n-- {
		p.next <- struct{}{}
		p.await()
	}
}

// run has the process go on to the end of its activity.
func (p *gated) run() {
	for p.busy {
		p.steps(1)
	}
}

func (p *gated) await() {
	select {
	case <-p.stopped:
	case <-p.ended:
		p.busy = false
	case <-time.After(time.Minute):
		panic("a process neither stops nor ends")
	}
}

func (p *gated) stop() {
	p.stopped <- struct{}{}
	<-p.next
}

// TraceQueryStart implements pgx.QueryTracer.
func (p *gated) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer: after each commit the process stops, with no lock in its hands.
func (p *gated) TraceQueryEnd(_ context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	if conn.PgConn().TxStatus() == 'I' {
		p.stop()
	}
}

// Answer implements activities.Bot.
func (p *gated) Answer(_ context.Context, _ bot.Input, _ func(string)) (bot.Answer, error) {
	p.w.mu.Lock()
	p.w.worded++
	text := fmt.Sprint("answer ", p.w.worded)
	atALoss := p.w.atALoss
	p.w.atALoss = false
	p.w.mu.Unlock()
	p.stop()
	if atALoss {
		return bot.Answer{Handoff: dialogue.HandoffNoAnswer, Language: dialogue.English}, nil
	}
	return bot.Answer{Text: text, Language: dialogue.English}, nil
}

// Parts implements channel.Sender.
func (p *gated) Parts(text string) []string { return []string{text} }

// Pace implements channel.Sender.
func (p *gated) Pace(channel.Account) channel.Pace { return p.w.pace }

// Send implements channel.Sender: the process stops once more before the request leaves, which it does within its time.
func (p *gated) Send(ctx context.Context, _ channel.Account, _, text string) (string, error) {
	p.stop()
	if by, ok := ctx.Deadline(); !ok || p.w.now().After(by) {
		return "", &channel.SendError{Outcome: channel.Unknown, Reason: "no answer in time"}
	}
	p.w.mu.Lock()
	away := p.w.away
	p.w.away = false
	p.w.mu.Unlock()
	if away {
		return "", &channel.SendError{Outcome: channel.NotSent, Reason: "connection refused"}
	}
	if strings.HasPrefix(text, "answer ") || strings.HasPrefix(text, "operator's ") {
		if err := p.w.leaves(text); err != nil {
			return "", err
		}
	}
	return uuid.NewString(), nil
}

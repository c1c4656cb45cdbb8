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
	fenced      int64 // the epoch of the newest takeover by an operator: what is of an earlier one is promised not to leave

	mu      sync.Mutex
	skipped time.Duration // that the processes' clock is ahead
	worded  int
	atALoss bool                // the bot finds no answer the next time
	refusal channel.SendOutcome // what the provider does the next time instead of taking a message
	toSend  uuid.UUID           // the turn that a reply left to send
	named   map[uuid.UUID]bool  // in in_flight of a takeover, or under way when the dialogue was closed
	again   map[uuid.UUID]int   // how often an operator has sent a message again
	left    map[string]int      // parts of messages that reached the provider
	wrong   []string
}

func (w *world) check(t *rapid.T) {
	w.begin()
	defer w.end()
	var moves []move
	for _, m := range w.moves() {
		for range m.weight {
			moves = append(moves, m)
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"":     func(t *rapid.T) { require.Empty(t, w.violations()) },
		"move": func(t *rapid.T) { rapid.SampledFrom(moves).Draw(t, "what").do(t) },
	})
	w.settle(t)
}

// move is something that may happen next.
type move struct {
	weight int // how often, beside the others
	what   string
	do     func(t *rapid.T)
}

func (m move) String() string { return m.what }

// moves are such that answers get far enough for something to come in between.
func (w *world) moves() []move {
	return []move{
		{4, "the engine calls an activity", w.engineCalls},
		{8, "a process goes on", w.goesOn},
		{2, "the customer writes", func(*rapid.T) { w.customerWrites() }},
		{1, "an operator takes over", w.takesOver},
		{2, "an operator hands back", w.handsBack},
		{1, "an operator writes", w.operatorWrites},
		{1, "an operator closes", w.closes},
		{1, "an operator sends again", w.sendsAgain},
		{1, "the bot is at a loss", func(*rapid.T) { w.setNext(true, "") }},
		{1, "the provider is away", func(*rapid.T) { w.setNext(false, channel.NotSent) }},
		{1, "the provider wants a rest", func(*rapid.T) { w.setNext(false, channel.Paused) }},
		{1, "minutes pass", func(t *rapid.T) { w.wait(t, 2*time.Minute) }},
	}
}

func (w *world) goesOn(t *rapid.T) {
	at := w.atWork()
	if len(at) == 0 {
		t.Skip("nobody works")
	}
	at[rapid.IntRange(0, len(at)-1).Draw(t, "who")].steps(rapid.IntRange(1, 6).Draw(t, "steps"))
}

func (w *world) engineCalls(t *rapid.T) {
	p := w.free()
	if p == nil {
		t.Skip("nobody is free")
	}
	if len(w.atWork()) > 0 {
		w.wait(t, 11*time.Second) // no heartbeat has come for so long: those at work are taken for dead
	}
	p.begin(w.hasToSend(t) && rapid.IntRange(0, 3).Draw(t, "sends") > 0)
	p.steps(rapid.IntRange(0, 8).Draw(t, "steps"))
}

func (w *world) begin() {
	w.mu.Lock()
	w.skipped, w.worded, w.atALoss, w.refusal, w.toSend, w.wrong = 0, 0, false, "", uuid.Nil, nil
	w.named, w.again, w.left = map[uuid.UUID]bool{}, map[uuid.UUID]int{}, map[string]int{}
	w.mu.Unlock()
	w.posted, w.dealt, w.fenced, w.thread = 0, 0, 0, uuid.NewString()
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
	w.setNext(false, "")
	w.wait(t, 2*time.Minute)
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

	rows, err := w.Pool().Query(w.ctx, `SELECT m.id, m.text, m.state, m.author, coalesce(t.from_seq, 0), coalesce(t.to_seq, 0) FROM messages m
		LEFT JOIN turns t ON t.id = m.turn_id WHERE m.dialogue_id = $1 AND m.author IN ('bot', 'operator') AND m.kind = 'text' ORDER BY m.seq`, w.dialogue)
	require.NoError(t, err)
	type out struct {
		ID                  uuid.UUID
		Text, State, Author string
		From, To            int64
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[out])
	require.NoError(t, err)
	covered := int64(0)
	byBot := map[int64]bool{}
	for _, m := range all {
		begun := w.left[parts(m.Text)[0]] > 0
		for i, part := range parts(m.Text) {
			times := w.left[part]
			require.LessOrEqual(t, times, 1+w.again[m.ID], "%q of %+v", part, m)
			switch m.State {
			case "sent":
				require.Positive(t, times, "%q of %+v", part, m)
			case "failed":
				require.True(t, times == 0 || i == 0 || w.again[m.ID] > 0, "%q of %+v", part, m) // the rest stays in when it is given up
			case "unconfirmed":
			default:
				require.Fail(t, "left behind", "%+v", m)
			}
			delete(w.left, part)
		}
		// Of half an answer humans see the rest, with the dialogue among those that wait.
		if m.Author == "bot" && (m.State != "failed" || begun || w.again[m.ID] > 0) {
			if w.again[m.ID] == 0 { // what an operator sends again may have been answered otherwise by then
				require.LessOrEqual(t, covered, m.From, "%+v answers what was answered before", m)
				covered = m.To
			}
			for seq := m.From + 1; seq <= m.To; seq++ {
				byBot[seq] = true
			}
		}
	}
	require.Empty(t, w.left, "nothing else left")
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

// closes closes the dialogue, with which whatever the customer wrote is dealt with.
func (w *world) closes(t *rapid.T) {
	_, err := w.Close(w.ctx, w.dialogue, w.anna)
	require.NoError(t, err)
	w.dealt = w.customerSeq
	w.name(t)
}

// sendsAgain has an operator send again what failed, or of which nobody knows whether it arrived.
func (w *world) sendsAgain(t *rapid.T) {
	rows, err := w.Pool().Query(w.ctx, `SELECT id FROM messages
		WHERE dialogue_id = $1 AND author IN ('bot', 'operator') AND kind = 'text' AND state IN ('failed', 'unconfirmed') ORDER BY seq`, w.dialogue)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	if len(ids) == 0 {
		t.Skip("everything has arrived, or is on its way")
	}
	id := ids[rapid.IntRange(0, len(ids)-1).Draw(t, "which")]
	w.mu.Lock()
	w.again[id]++
	w.mu.Unlock()
	_, err = w.Resend(w.ctx, w.dialogue, id, w.anna)
	require.NoError(t, err)
}

// wait lets time pass for everybody, the record included.
func (w *world) wait(t *rapid.T, d time.Duration) {
	_, err := w.Pool().Exec(w.ctx, "UPDATE messages SET begun_at = begun_at - $2::interval WHERE dialogue_id = $1", w.dialogue, d)
	require.NoError(t, err)
	_, err = w.Pool().Exec(w.ctx, "UPDATE channel_pace SET blocked_until = blocked_until - $1::interval", d)
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
	d, err := w.Dialogue(w.ctx, w.dialogue)
	require.NoError(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.Mode == dialogue.ModeOperator {
		w.fenced = d.Epoch
	}
	for _, id := range inFlight {
		w.named[id] = true
	}
}

// setNext says what comes next: the bot finds no answer, or the provider does not take a message.
func (w *world) setNext(atALoss bool, refusal channel.SendOutcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.atALoss, w.refusal = atALoss, refusal
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

// partMark stands between the parts of a long message.
const partMark = " + "

func parts(text string) []string { return strings.Split(text, partMark) }

// leaves is the moment in which a request leaves for the provider, with a message or a part of one.
func (w *world) leaves(part string) error {
	type message struct {
		ID             uuid.UUID
		Author         string
		Closed, Theirs bool // an operator has decided to send it
		TurnEpoch      int64
	}
	var m message
	rows, err := w.Pool().Query(w.ctx, `SELECT m.id, m.author, d.status = 'closed', m.operator_id IS NOT NULL, coalesce(t.epoch, 0)
		FROM messages m JOIN dialogues d ON d.id = m.dialogue_id LEFT JOIN turns t ON t.id = m.turn_id
		WHERE m.dialogue_id = $1 AND $2 = ANY (string_to_array(m.text, $3))`, w.dialogue, part, partMark)
	if err == nil {
		m, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[message])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.wrong = append(w.wrong, fmt.Sprintf("%q leaves without being on record: %v", part, err))
		return err
	}
	if m.Author == "bot" && !m.Theirs && !w.named[m.ID] && (m.Closed || m.TurnEpoch < w.fenced) {
		w.wrong = append(w.wrong, fmt.Sprintf("%q leaves, and no takeover has named it: %+v", part, m))
	}
	if w.left[part]++; w.left[part] > 1+w.again[m.ID] {
		w.wrong = append(w.wrong, fmt.Sprintf("%q leaves again", part))
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
	if p.w.worded%2 == 1 {
		text += fmt.Sprint(partMark, "rest of answer ", p.w.worded)
	}
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
func (p *gated) Parts(text string) []string { return parts(text) }

// Pace implements channel.Sender.
func (p *gated) Pace(channel.Account) channel.Pace { return p.w.pace }

// Send implements channel.Sender: the process stops once more before the request leaves, which it does within its time.
func (p *gated) Send(ctx context.Context, _ channel.Account, _, text string) (string, error) {
	p.stop()
	if by, ok := ctx.Deadline(); !ok || p.w.now().After(by) {
		return "", &channel.SendError{Outcome: channel.Unknown, Reason: "no answer in time"}
	}
	p.w.mu.Lock()
	refusal := p.w.refusal
	p.w.refusal = ""
	p.w.mu.Unlock()
	if refusal != "" {
		return "", &channel.SendError{Outcome: refusal, Reason: "not now", RetryAfter: time.Minute}
	}
	if strings.HasPrefix(text, "answer ") || strings.HasPrefix(text, "rest of ") || strings.HasPrefix(text, "operator's ") {
		if err := p.w.leaves(text); err != nil {
			return "", err
		}
	}
	return uuid.NewString(), nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/demo"
	"parley/dialogue"
	"parley/e2e/chaos/journal"
	"parley/local"
	"parley/local/install"
	"parley/store"
)

// world is everything that takes part in a run.
type world struct {
	options
	journal  *journal.Writer
	env      []string // of every process of the product
	dir      *local.DataDir
	stack    *local.Stack
	pool     *pgxpool.Pool // the harness's own look at the record, to know when all has come to rest
	nodes    []*node
	later    []*node // workers of the version that is deployed while customers write
	balancer *balancer

	model    *model
	telegram *telegram

	customers []*customer
	operators []*operator
	watchers  []*watcher

	dialogueOf   sync.Map       // by customer, once an operator has seen it
	looking      sync.WaitGroup // watchers, and Telegram's deliveries
	stopWatching context.CancelFunc

	owed     atomic.Int64 // messages that are not acknowledged yet
	acked    atomic.Int64
	mu       sync.Mutex
	problems []string
	servers  []*http.Server
}

// Versions of the workers, by PARLEY_BUILD_ID.
const (
	versionOld = "old"
	versionNew = "new"
)

const (
	widgetChannel = "site"
	secretKey     = "Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3MtY2hhb3MtMDE=" // 32 bytes
	startWithin   = 5 * time.Minute
	// applicationName tells the harness's own sessions in Postgres from the product's.
	applicationName = "chaos"
)

// wrong notes something that must not happen and that the journal has no line for.
func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *world) owe(n int64) { w.owed.Add(n) }

func (w *world) acknowledged(a journal.Ack) {
	w.journal.Ack(a)
	w.owed.Add(-1)
	w.acked.Add(1)
}

func (w *world) node(name string) *node {
	for _, n := range w.running() {
		if n.name == name {
			return n
		}
	}
	return nil
}

// running are the nodes that were begun.
func (w *world) running() []*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.nodes)
}

// start begins nodes, and makes the version of their workers the current one.
func (w *world) start(ctx context.Context, nodes []*node, version string) error {
	for _, n := range nodes {
		if err := errors.Join(n.begin(), n.ready(ctx)); err != nil {
			return err
		}
	}
	for {
		_, err := w.command(ctx, w.env, "", "versions", "promote", version)
		if err == nil || !pause(ctx, time.Second) {
			return err // the engine may be down for a moment
		}
	}
}

// upgrade deploys the new version of the workers beside the old one, which keeps
// the dialogues that run until they have something new to do.
func (w *world) upgrade(ctx context.Context) error {
	fault := journal.Fault{At: time.Now(), Kind: "upgrade", Target: "worker"}
	if err := w.start(ctx, w.later, versionNew); err != nil {
		return fmt.Errorf("deploy the new version: %w", err)
	}
	w.mu.Lock()
	w.nodes, w.later = append(w.nodes, w.later...), nil
	w.mu.Unlock()
	fault.Ended = time.Now()
	w.journal.Fault(fault)
	return nil
}

// chance is a source of randomness of its own for each part, so that what one part
// draws does not depend on when the others do.
func (w *world) chance(part uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, part)) }

// Parts that draw; customers, operators and watchers come after.
const (
	chanceModel = iota + 1
	chanceTelegram
	chanceFaults
	chancePlan
	chanceWords
	chanceCustomer = 1_000
	chanceOperator = 100_000
	chanceWatcher  = 200_000
)

// build sets everything up but the nodes.
func build(ctx context.Context, o options) (w *world, err error) {
	w = &world{options: o}
	if w.journal, err = journal.Create(o.log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := w.startStack(ctx); err != nil {
		return w, err
	}
	modelURL, err := w.serve(w.newModel())
	if err != nil {
		return w, err
	}
	telegramURL, err := w.serve(w.newTelegram())
	if err != nil {
		return w, err
	}
	w.env = w.environment(modelURL)
	for _, n := range []struct{ name, role, binary, version string }{
		{"api-1", "api", o.parley, ""}, {"api-2", "api", o.parley, ""},
		{"worker-1", "worker", o.parley, versionOld}, {"worker-2", "worker", o.parley, versionOld},
		{"worker-3", "worker", o.deploy, versionNew}, {"worker-4", "worker", o.deploy, versionNew},
	} {
		own := append(slices.Clone(w.env), "PARLEY_BUILD_ID="+n.version)
		made, err := newNode(n.name, n.role, n.binary, o.log, own, func(how string) { w.wrong("%s", how) })
		if err != nil {
			return w, err
		}
		if n.version == versionNew {
			w.later = append(w.later, made)
		} else {
			w.nodes = append(w.nodes, made)
		}
	}
	w.balancer = newBalancer(w.nodes[:2])
	if err := w.furnish(ctx, telegramURL); err != nil {
		return w, err
	}
	return w, nil
}

func (w *world) startStack(ctx context.Context) error {
	cwd, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := install.Root(cwd)
	if err != nil {
		return err
	}
	tools, err := install.Ensure(ctx, root, os.Stderr)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Setenv("PARLEY_POSTGRES", tools.Postgres), os.Setenv("PARLEY_ENGINE", tools.Engine)); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "parley-chaos-data-")
	if err != nil {
		return err
	}
	if w.dir, err = local.OpenDataDir(data); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(w.log, "stack.log"))
	if err != nil {
		return err
	}
	w.stack, err = local.Start(ctx, local.Options{Dir: w.dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(w.stack.DatabaseURL)
	if err != nil {
		return err
	}
	config.ConnConfig.RuntimeParams["application_name"] = applicationName
	w.pool, err = pgxpool.NewWithConfig(ctx, config)
	return err
}

// environment is that of every process of the product. Times are short, so that what
// takes an hour in a shop happens within a run.
func (w *world) environment(modelURL string) []string {
	return []string{
		"DATABASE_URL=" + w.stack.DatabaseURL, "TEMPORAL_ADDRESS=" + w.stack.TemporalAddress,
		"OPENAI_BASE_URL=" + modelURL + "/v1", "OPENAI_API_KEY=chaos", "PARLEY_SECRET_KEY=" + secretKey,
		"PARLEY_QUIET_PERIOD=300ms", "PARLEY_QUIET_PERIOD_MAX=2s", "PARLEY_MODEL_TIMEOUT=5s",
		"PARLEY_IDLE_AFTER=10s", "PARLEY_STOP_TIMEOUT=5s", "PARLEY_LOG_LEVEL=info",
	}
}

func (w *world) newModel() http.Handler {
	w.model = &model{journal: w.journal, answering: make(chan string), random: w.chance(chanceModel)}
	return w.model
}

func (w *world) newTelegram() http.Handler {
	w.telegram = &telegram{journal: w.journal, random: w.chance(chanceTelegram), bots: map[string]*bot{}}
	for _, b := range []*bot{newBot("polled", "700000001:AAE-chaos-polled-bot", true), newBot("hooked", "700000002:AAE-chaos-hooked-bot", false)} {
		w.telegram.bots[b.token] = b
	}
	return w.telegram
}

func (w *world) serve(handler http.Handler) (url string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.servers = append(w.servers, server)
	go func() { _ = server.Serve(ln) }() // it ends with close
	return "http://" + ln.Addr().String(), nil
}

// command runs a command of the product.
func (w *world) command(ctx context.Context, env []string, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, w.options.parley, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}, env...)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("parley %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// furnish makes the shop: its schema, knowledge, people and channels.
func (w *world) furnish(ctx context.Context, telegramURL string) error {
	if _, err := w.command(ctx, w.env, "", "migrate"); err != nil {
		return err
	}
	if err := demo.Load(ctx, w.pool); err != nil {
		return err
	}
	// Without the timer that closes silent dialogues a run ends when nothing is left to do, and what is left over shows.
	// The customers are programs, and write as often as such.
	profile := map[string]any{"timers": dialogue.Timing{}, "loops": dialogue.Loops{}}
	if err := store.New(w.pool, store.Hooks{}).EnsureBotProfile(ctx, profile); err != nil {
		return err
	}
	env := append(slices.Clone(w.env), "PARLEY_PUBLIC_URL=https://shop.example")
	if _, err := w.command(ctx, env, "", "channel", "add", "widget", widgetChannel); err != nil {
		return err
	}
	for _, b := range w.telegram.bots {
		args := []string{"channel", "add", "telegram", b.slug, "--api-base-url", telegramURL}
		if !b.polled {
			args = append(args, "--webhook")
		}
		if _, err := w.command(ctx, env, b.token+"\n", args...); err != nil {
			return err
		}
	}
	for i := range 4 {
		o := &operator{id: fmt.Sprintf("o%03d", i+1), admin: i == 0, world: w, random: w.chance(chanceOperator + uint64(i))}
		email, role := o.id+"@shop.example", "operator"
		if o.admin {
			role = "admin"
		}
		if _, err := w.command(ctx, env, "", "user", "add", email, "--name", o.id, "--role", role); err != nil {
			return err
		}
		var err error
		if o.token, err = w.command(ctx, env, "", "user", "token", email, "--name", "chaos"); err != nil {
			return err
		}
		w.operators = append(w.operators, o)
	}
	return nil
}

// people makes the customers, with what they are going to write, and those who look on.
func (w *world) people(ctx context.Context) error {
	words := w.chance(chanceWords)
	for i := range w.options.customers {
		c := &customer{world: w, random: w.chance(chanceCustomer + uint64(i)), heard: make(chan struct{}), queued: make(chan update, 1000)}
		c.ID, c.Word = fmt.Sprintf("c%03d", i+1), newWord(words)
		switch i % 3 {
		case 0:
			c.Channel, c.Kind, c.Thread = widgetChannel, journal.Widget, c.ID
			if err := c.enter(ctx); err != nil {
				return err
			}
		default:
			for _, b := range w.telegram.bots {
				if b.polled == (i%3 == 1) {
					c.bot = b
				}
			}
			c.Channel, c.Kind, c.Thread = c.bot.slug, journal.Telegram, fmt.Sprint(900_000+i)
		}
		w.customers = append(w.customers, c)
	}
	plan(w.chance(chancePlan), w.customers, max(int(w.rate*w.duration.Seconds()), 1), w.duration)
	watch := func(name, path, token string, c *customer) {
		x := &watcher{name: name, path: path, token: token, balancer: w.balancer, journal: w.journal, random: w.chance(chanceWatcher + uint64(len(w.watchers)))}
		if c == nil {
			x.heard = func(e journal.Event) {
				if customer, _, ok := strings.Cut(e.Text, "-"); ok && e.Author == "customer" {
					w.dialogueOf.Store(customer, e.Dialogue)
				}
			}
		} else {
			x.customer = c.ID
			x.heard = func(e journal.Event) {
				if e.Author != "customer" {
					c.hear()
				}
			}
		}
		w.watchers = append(w.watchers, x)
	}
	for _, o := range w.operators {
		watch("inbox-"+o.id, "/api/v1/stream?after=0", o.token, nil)
	}
	watch("inbox-second", "/api/v1/stream?after=0", w.operators[0].token, nil)
	for _, c := range w.customers {
		if c.bot == nil {
			watch("widget-"+c.ID, "/widget/v1/stream?after=0", c.token, c)
		}
	}
	return nil
}

// close ends whatever still runs, and removes the data.
func (w *world) close() error {
	var errs []error
	for _, n := range append(w.nodes, w.later...) {
		n.mu.Lock()
		if n.cmd != nil {
			n.told = true
			_ = n.cmd.Process.Kill()
			<-n.done
		}
		n.mu.Unlock()
		errs = append(errs, n.log.Close())
	}
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	if w.pool != nil {
		w.pool.Close()
	}
	if w.stack != nil {
		errs = append(errs, w.stack.Stop())
	}
	if w.dir != nil {
		errs = append(errs, os.RemoveAll(w.dir.Path()), w.dir.Close())
	}
	return errors.Join(errs...)
}

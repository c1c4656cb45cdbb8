package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/e2e/chaos/journal"
)

// fault is something that breaks, and how often it is chosen beside the others.
type fault struct {
	kind   string
	weight int
	target func(w *world, random *rand.Rand) string
	do     func(ctx context.Context, w *world, target string, random *rand.Rand) error
}

func faults() []fault {
	return []fault{
		{"kill", 8, oneOf("worker"), killNode},
		{"kill", 6, oneOf("api"), killNode},
		{"pause", 6, oneOf("worker"), haltNode},
		{"pause", 4, oneOf("api"), haltNode},
		{"deploy", 3, oneOf("worker"), deployNode},
		{"deploy", 2, oneOf("api"), deployNode},
		{"disconnect", 5, named("postgres"), disconnect},
		{"kill", 1, named("temporal"), killEngine},
		{"kill", 1, named("postgres"), killPostgres},
		{"kill", 3, named("temporal and api"), killEngineAndAPI},
	}
}

func oneOf(role string) func(*world, *rand.Rand) string {
	return func(w *world, random *rand.Rand) string {
		var names []string
		for _, n := range w.running() {
			if n.role == role {
				names = append(names, n.name)
			}
		}
		return names[random.IntN(len(names))]
	}
}

func named(name string) func(*world, *rand.Rand) string {
	return func(*world, *rand.Rand) string { return name }
}

// breakThings breaks something now and then until ctx ends, several things at once
// where chance has it so. The first of each kind come soon: a short run has them too.
func (w *world) breakThings(ctx context.Context, random *rand.Rand, every time.Duration) {
	var broken sync.WaitGroup
	defer broken.Wait()
	deck := deal(random)
	for {
		if !pause(ctx, every/2+time.Duration(random.Int64N(int64(every)))) {
			return
		}
		if len(deck) == 0 {
			deck = deal(random)
		}
		f := deck[0]
		deck = deck[1:]
		target := f.target(w, random)
		own := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		broken.Go(func() {
			record := journal.Fault{At: time.Now(), Kind: f.kind, Target: target}
			if err := f.do(context.WithoutCancel(ctx), w, target, own); err != nil {
				w.wrong("%s %s: %v", f.kind, target, err)
			}
			record.Ended = time.Now()
			w.journal.Fault(record)
		})
	}
}

// deal shuffles the faults, each so often as it weighs.
func deal(random *rand.Rand) []fault {
	var deck []fault
	for _, f := range faults() {
		for range f.weight {
			deck = append(deck, f)
		}
	}
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func killNode(ctx context.Context, w *world, target string, random *rand.Rand) error {
	return w.node(target).kill(ctx, time.Duration(random.Int64N(int64(2*time.Second))))
}

// haltNode stops a process for a moment, or for longer than the engine waits for its heartbeats.
func haltNode(ctx context.Context, w *world, target string, random *rand.Rand) error {
	d := 200*time.Millisecond + time.Duration(random.Int64N(int64(3*time.Second)))
	if random.IntN(3) == 0 {
		d += 11 * time.Second
	}
	return w.node(target).halt(ctx, d)
}

func deployNode(_ context.Context, w *world, target string, _ *rand.Rand) error {
	return w.node(target).deploy(w.deploy)
}

// disconnect ends every session of the product in Postgres.
func disconnect(ctx context.Context, w *world, _ string, _ *rand.Rand) error {
	conn, err := pgx.Connect(ctx, w.stack.DatabaseURL)
	if err != nil {
		return nil // Postgres is down: everybody is disconnected
	}
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	if closed := conn.Close(ctx); err == nil {
		err = closed
	}
	return err
}

func killEngine(_ context.Context, w *world, _ string, _ *rand.Rand) error {
	_, engine := w.stack.PIDs()
	return killPID(engine)
}

func killPostgres(_ context.Context, w *world, _ string, _ *rand.Rand) error {
	postgres, _ := w.stack.PIDs()
	return killPID(postgres)
}

// killEngineAndAPI takes the engine away, and soon after the nodes that have committed what it has not heard of.
func killEngineAndAPI(ctx context.Context, w *world, target string, random *rand.Rand) error {
	if err := killEngine(ctx, w, target, random); err != nil {
		return err
	}
	pause(ctx, time.Duration(random.Int64N(int64(time.Second))))
	var errs []error
	for _, n := range w.running() {
		if n.role == "api" {
			errs = append(errs, n.kill(ctx, 0))
		}
	}
	return errors.Join(errs...)
}

// killPID kills a process that the stack supervises, which starts it again.
func killPID(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	return nil
}

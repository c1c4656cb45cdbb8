package stream

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// BenchmarkLatency measures how long after its commit an event is read by each
// of 200 clients, at 30 events a second. The clients run in the same process.
//
//	go test -run - -bench Latency -benchtime 300x ./api/stream
func BenchmarkLatency(b *testing.B) {
	const streams, pace = 200, time.Second / 30
	s := newSite(b)
	n := s.node(b, Options{PerOperator: streams})
	th := newThread()
	var (
		mu        sync.Mutex
		latencies []time.Duration
		clients   sync.WaitGroup
	)
	for range streams {
		c := connect(b, n.url+operatorPath(uuid.New(), "s"), "").opened()
		clients.Go(func() {
			mine := make([]time.Duration, 0, b.N)
			for len(mine) < b.N {
				f, ok := c.read()
				if !ok {
					b.Error("a stream ended")
					return
				}
				if f.durable() {
					at, err := strconv.ParseInt(f.text(b), 10, 64)
					if err != nil {
						b.Error(err)
						return
					}
					mine = append(mine, time.Since(time.Unix(0, at)))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
		})
	}
	beat := time.NewTicker(pace)
	defer beat.Stop()
	b.ResetTimer()
	for range b.N {
		<-beat.C
		require.NoError(b, th.say(context.Background(), s.pool, strconv.FormatInt(time.Now().UnixNano(), 10)))
		s.waker.Wake()
	}
	clients.Wait()
	b.StopTimer()
	slices.Sort(latencies)
	at := func(q float64) float64 {
		return float64(latencies[int(q*float64(len(latencies)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(0, "ns/op")
}

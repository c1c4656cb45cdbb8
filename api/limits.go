package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"parley/dialogue"
)

// limits keeps single clients from taking what all need. Buckets are of this
// process: with several the limits are so many times as high.
type limits struct {
	login   *buckets // by address and by account
	session *buckets // new widget sessions by address
	message *buckets // messages by widget session
	typing  *buckets // typing signs by widget session
	suggest *buckets // drafts by operator
}

func newLimits() limits {
	return limits{
		login:   newBuckets(rate.Every(6*time.Second), 10),
		session: newBuckets(50, 2000),
		message: newBuckets(3, 60),
		typing:  newBuckets(rate.Every(2*time.Second), 2),
		suggest: newBuckets(1, 10),
	}
}

// buckets is a token bucket for each key. Those that are full again are forgotten.
type buckets struct {
	every rate.Limit
	burst int

	mu    sync.Mutex
	byKey map[string]*rate.Limiter
	swept time.Time
}

func newBuckets(every rate.Limit, burst int) *buckets {
	return &buckets{every: every, burst: burst, byKey: make(map[string]*rate.Limiter), swept: time.Now()}
}

// sweepEvery bounds the memory that keys of the past take.
const sweepEvery = time.Minute

// take takes a token of the key, or says that there is none.
func (b *buckets) take(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.swept) > sweepEvery {
		for k, l := range b.byKey {
			if l.TokensAt(now) >= float64(b.burst) {
				delete(b.byKey, k)
			}
		}
		b.swept = now
	}
	l := b.byKey[key]
	if l == nil {
		l = rate.NewLimiter(b.every, b.burst)
		b.byKey[key] = l
	}
	if !l.AllowN(now, 1) {
		return dialogue.Errorf(dialogue.CodeRateLimited, "too many requests at once: wait a few seconds and try again")
	}
	return nil
}

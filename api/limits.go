package api

import (
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits keeps single clients from taking what all need. Buckets are of this
// process: with several the limits are so many times as high.
type limits struct {
	login    *buckets // by address and by account
	session  *buckets // new widget sessions by address
	message  *buckets // messages by widget session, which is a contact
	address  *buckets // messages by address: a stranger may open many sessions
	typing   *buckets // typing signs by widget session
	reading  *buckets // all else that a widget session asks: transcripts, receipts, streams
	visits   *buckets // whatever visitors ask, by address
	suggest  *buckets // drafts by operator
	operator *buckets // all requests by operator: a program that runs wild
}

func newLimits() limits {
	return limits{
		login: newBuckets(rate.Every(6*time.Second), 10),
		// Whole towns share one address behind their providers' translation: only floods are held back by it.
		session: newBuckets(50, 2000),
		address: newBuckets(100, 5000),
		message: newBuckets(3, 60),
		typing:  newBuckets(rate.Every(2*time.Second), 2),
		reading: newBuckets(20, 200),
		// A page view is a few of these; after a break in the line all widgets of a town come back at once.
		visits:   newBuckets(500, 20_000),
		suggest:  newBuckets(1, 10),
		operator: newBuckets(200, 2000),
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

// limited says that a client asks too often.
type limited struct{ after time.Duration }

// seconds is how long the client has to wait, in whole seconds.
func (l *limited) seconds() int { return max(1, int(math.Ceil(l.after.Seconds()))) }

// Error implements error.
func (l *limited) Error() string {
	return fmt.Sprintf("too many requests at once: nothing was taken; try again in %d s", l.seconds())
}

// take takes a token of the key, or says how long there is none.
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
		return &limited{after: time.Duration((1 - l.TokensAt(now)) / float64(b.every) * float64(time.Second))}
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// balancer spreads calls over the api nodes, as the one in front of a real
// installation does.
type balancer struct {
	addresses []string
	next      atomic.Uint64
	client    *http.Client
}

func newBalancer(nodes []*node) *balancer {
	b := &balancer{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	for _, n := range nodes {
		b.addresses = append(b.addresses, n.address)
	}
	return b
}

// base is the address of the node that comes next.
func (b *balancer) base() string {
	return "http://" + b.addresses[b.next.Add(1)%uint64(len(b.addresses))]
}

// patience is how long a caller waits for an answer before it takes the node for dead.
const patience = 8 * time.Second

// answer is what a call returned. Status is 0 when no answer came.
type answer struct {
	status       int
	body         []byte
	at, returned time.Time
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

// try makes a call once, on one node.
func (b *balancer) try(ctx context.Context, method, path string, header http.Header, body []byte) answer {
	return b.tryAt(ctx, b.base(), method, path, header, body)
}

func (b *balancer) tryAt(ctx context.Context, base, method, path string, header http.Header, body []byte) answer {
	a := answer{at: time.Now()}
	defer func() { a.returned = time.Now() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		a.body = []byte(err.Error())
		return a
	}
	req.Header = header.Clone()
	resp, err := b.client.Do(req)
	if err != nil {
		a.body = []byte(err.Error())
		return a
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return a
	}
	a.status, a.body = resp.StatusCode, raw
	return a
}

// headers of a caller with a token.
func headers(token string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// insist makes a call until it is answered otherwise than by a failure of the
// server. Every attempt is told to seen, which may be nil. False: ctx has ended.
func (b *balancer) insist(ctx context.Context, method, path string, header http.Header, body any, seen func(answer)) (answer, bool) {
	raw, err := json.Marshal(body)
	if err != nil {
		return answer{body: []byte(err.Error())}, false
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		a := b.try(ctx, method, path, header, raw)
		a.returned = time.Now()
		if seen != nil {
			seen(a)
		}
		if a.status != 0 && a.status < 500 && a.status != http.StatusTooManyRequests {
			return a, true
		}
		if !pause(ctx, wait/2+time.Duration(rand.Int64N(int64(wait)))) {
			return a, false
		}
	}
}

// read insists on an answer and decodes it.
func (b *balancer) read(ctx context.Context, path, token string, out any) error {
	a, ok := b.insist(ctx, http.MethodGet, path, headers(token), nil, nil)
	if !ok {
		return fmt.Errorf("GET %s: %s: %w", path, a, ctx.Err())
	}
	if !a.ok() {
		return fmt.Errorf("GET %s: %s", path, a)
	}
	return json.Unmarshal(a.body, out)
}

package stream

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stall opens a stream with a small receive buffer, reads its headers and its
// first frame, and then nothing until the test reads.
func stall(t testing.TB, n *node, url string) *client {
	t.Helper()
	dialer := &net.Dialer{}
	transport := &http.Transport{
		DisableKeepAlives: true, ReadBufferSize: 512,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(4096)
			}
			return conn, err
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	c := &client{t: t, response: response, cancel: cancel, reader: bufio.NewReaderSize(response.Body, 16)}
	t.Cleanup(c.close)
	return c.opened()
}

// flood commits more than the buffers between a node and a client can hold.
func flood(t testing.TB, s *site, n *node) (events int) {
	t.Helper()
	const total, size = 500, 20_000
	_, err := s.pool.Exec(context.Background(), `INSERT INTO events (kind, audience, payload)
		SELECT 'message', 'operators', jsonb_build_object('pad', $1::text) FROM generate_series(1, $2::int)`,
		strings.Repeat("x", size), total)
	require.NoError(t, err)
	s.waker.Wake()
	require.Eventually(t, func() bool { return n.hub.position() >= total }, patience, 5*time.Millisecond)
	return total
}

package ops

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"parley/dialogue"
)

// Guard lets the owner of the token see next or, when there is no token, clients
// that come from this machine or a private network by themselves. What a proxy
// passes on may come from anywhere.
func Guard(next http.Handler, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allowed(r, token) {
			next.ServeHTTP(w, r)
			return
		}
		status, code := http.StatusForbidden, dialogue.CodeForbidden
		detail := "metrics are shown to this machine and its private network only; elsewhere they need a token"
		if token != "" {
			status, detail, code = http.StatusUnauthorized, "the token of the metrics is missing or wrong", dialogue.CodeUnauthorized
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		write(w, status, "application/problem+json", problemReport{
			Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		})
	})
}

func allowed(r *http.Request, token string) bool {
	if token != "" {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(given)), []byte(token)) == 1
	}
	for _, passedOn := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(passedOn) != "" {
			return false
		}
	}
	ip, err := netip.ParseAddr(peer(r))
	ip = ip.Unmap()
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}

// peer is the address that the connection comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// Handler serves /healthz, /readyz and /metrics for a process that serves nothing else.
func Handler(h *Health, metrics http.Handler, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.Handle("GET /readyz", h)
	mux.Handle("GET /metrics", Guard(metrics, token))
	return mux
}

// Serve serves the handler on a listener until ctx is done.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health and metrics on %s: %w", ln.Addr(), err)
	}
	return nil
}

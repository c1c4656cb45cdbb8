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
// from this machine and from private networks. address finds a request's client.
func Guard(next http.Handler, token string, address func(r *http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allowed(r, token, address(r)) {
			next.ServeHTTP(w, r)
			return
		}
		status, detail := http.StatusForbidden, "metrics are shown to this machine and its private network only"
		code := dialogue.CodeForbidden
		if token != "" {
			status, detail, code = http.StatusUnauthorized, "the token of the metrics is missing or wrong", dialogue.CodeUnauthorized
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		write(w, status, "application/problem+json", problemReport{
			Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		})
	})
}

func allowed(r *http.Request, token, client string) bool {
	if token != "" {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(given)), []byte(token)) == 1
	}
	ip, err := netip.ParseAddr(client)
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
	mux.Handle("GET /metrics", Guard(metrics, token, peer))
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

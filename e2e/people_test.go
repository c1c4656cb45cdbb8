package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/testenv"
)

// ends waits until the stream is over; it tells its client to start anew.
func (s *openedStream) ends(t *testing.T) {
	t.Helper()
	over := make(chan bool, 1)
	go func() {
		reset := false
		for f, ok := s.next(); ok; f, ok = s.next() {
			reset = reset || f.event == "reset"
		}
		over <- reset
	}()
	eventually(t, "the stream ends", func() bool {
		select {
		case reset := <-over:
			require.True(t, reset)
			return true
		default:
			return false
		}
	})
}

func (o *operator) status(method, path string, body any) int {
	o.s.t.Helper()
	status, _ := rawRequest(o.s.t, o.client, method, o.s.base+"/api/v1"+path, "", body)
	return status
}

func (o *operator) id() uuid.UUID {
	o.s.t.Helper()
	var out struct{ Operator struct{ ID uuid.UUID } }
	o.must(http.MethodGet, "/session", nil, &out)
	return out.Operator.ID
}

func TestWhoIsDisabledOrHasAnotherPasswordIsOutAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	const second = "beibarys@shop.example"
	s.addOperator(second, "Бейбарыс", "operator")
	_, other := s.startAPI()
	s.startAPI()
	admin, op := s.login(adminEmail), s.login(second)
	path := "/operators/" + op.id().String()
	stream := func(o *operator) *openedStream {
		opened := openStream(t, other+"/api/v1/stream", "", o.client, "")
		t.Cleanup(opened.close)
		return opened
	}

	looking := stream(op)
	admin.must(http.MethodPut, path, map[string]any{"name": "Бейбарыс С."}, nil)
	require.Equal(t, http.StatusOK, op.status(http.MethodGet, "/session", nil), "another name logs nobody out")
	admin.must(http.MethodPut, path, map[string]any{"disabled": true}, nil)
	looking.ends(t)
	require.Equal(t, http.StatusUnauthorized, op.status(http.MethodGet, "/session", nil))
	require.Equal(t, http.StatusUnauthorized, op.status(http.MethodPost, "/session", map[string]string{"email": second, "password": password}))
	var list struct{ Operators []struct{ Email string } }
	admin.must(http.MethodGet, "/operators", nil, &list)
	require.Len(t, list.Operators, 1)
	admin.must(http.MethodGet, "/operators?all=true", nil, &list)
	require.Len(t, list.Operators, 2)

	admin.must(http.MethodPut, path, map[string]any{"disabled": false}, nil)
	op = s.login(second)
	looking = stream(op)
	admin.must(http.MethodPut, path, map[string]any{"password": "chosen by the admin"}, nil)
	looking.ends(t)
	require.Equal(t, http.StatusUnauthorized, op.status(http.MethodGet, "/session", nil))

	// One's own new password ends all sessions but the one it was set in.
	elsewhere := s.login(adminEmail)
	looking = stream(elsewhere)
	require.Equal(t, http.StatusForbidden, admin.status(http.MethodPut, "/session/password", map[string]string{"current": "wrong", "password": "another good one"}))
	admin.must(http.MethodPut, "/session/password", map[string]string{"current": password, "password": "another good one"}, nil)
	looking.ends(t)
	require.Equal(t, http.StatusUnauthorized, elsewhere.status(http.MethodGet, "/session", nil))
	require.Equal(t, http.StatusOK, admin.status(http.MethodGet, "/session", nil))

	self := "/operators/" + admin.id().String()
	for _, change := range []map[string]any{{"disabled": true}, {"role": "operator"}} {
		require.Equal(t, http.StatusConflict, admin.status(http.MethodPut, self, change), "the only admin stays one")
	}
	admin.must(http.MethodPut, path, map[string]any{"role": "admin"}, nil)
	admin.must(http.MethodPut, self, map[string]any{"role": "operator"}, nil)
	require.Equal(t, http.StatusUnauthorized, admin.status(http.MethodGet, "/session", nil), "other rights need another login")
}

func TestUsersAreDisabledAndEnabledFromTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	const second = "beibarys@shop.example"
	s.addOperator(second, "Бейбарыс", "operator")
	s.startAPI()
	op := s.login(second)
	looking := openStream(t, s.base+"/api/v1/stream", "", op.client, "")
	t.Cleanup(looking.close)
	user := func(args ...string) (int, string) {
		p := start(t, s.env, append([]string{"user"}, args...)...)
		<-p.done
		return p.cmd.ProcessState.ExitCode(), p.log.String()
	}

	code, said := user("disable", second)
	require.Zero(t, code, said)
	require.Equal(t, second+" is disabled.\n", said)
	looking.ends(t)
	require.Equal(t, http.StatusUnauthorized, op.status(http.MethodGet, "/session", nil))
	_, said = user("list")
	require.Regexp(t, `(?m)^`+second+`\s+operator\s+Бейбарыс\s+disabled$`, said)
	code, said = user("disable", adminEmail)
	require.Equal(t, 1, code)
	require.Contains(t, said, "the only admin")
	code, said = user("enable", second)
	require.Zero(t, code, said)
	s.login(second)
}

func TestAPITokensAreListedAndRevokedFromTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	s.startAPI()
	user := func(args ...string) string {
		p := start(t, s.env, append([]string{"user"}, args...)...)
		<-p.done
		require.Zero(t, p.cmd.ProcessState.ExitCode(), p.log.String())
		return p.log.String()
	}
	letsIn := func(token string) bool {
		status, _ := rawRequest(t, http.DefaultClient, http.MethodGet, s.base+"/api/v1/session", token, nil)
		return status == http.StatusOK
	}
	require.Equal(t, "No API tokens.\n", user("tokens", adminEmail))
	orders := strings.TrimSpace(user("token", adminEmail, "--name", "orders"))
	reports := strings.TrimSpace(user("token", adminEmail, "--name", "reports"))
	require.True(t, letsIn(orders))
	listed := user("tokens", adminEmail)
	require.Regexp(t, `(?m)^`+orders[:8]+`  20\d\d-\S+ \S+  20\d\d-\S+ \S+  orders$`, listed)
	require.Regexp(t, `(?m)^`+reports[:8]+`  20\d\d-\S+ \S+  never +reports$`, listed)
	require.NotContains(t, listed, orders)

	looking := openStream(t, s.base+"/api/v1/stream", orders, http.DefaultClient, "")
	t.Cleanup(looking.close)
	require.Equal(t, `The API token "orders" of `+adminEmail+" does not work any more.\n", user("revoke", adminEmail, orders[:8]))
	looking.ends(t)
	require.False(t, letsIn(orders))
	require.True(t, letsIn(reports))
	require.Contains(t, user("revoke", adminEmail, "--all"), ": 1.")
	require.False(t, letsIn(reports))

	again := strings.TrimSpace(user("token", adminEmail))
	require.Contains(t, user("password", adminEmail), "API tokens made before do not work any more")
	require.False(t, letsIn(again))
}

// A client is known by what a trusted proxy says, and by its connection otherwise.
func TestLimitsGoByTheClientsAddress(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), newModel(t, saying("Answer.")))
	_, direct := s.startAPI()
	s.env = append(s.env, "PARLEY_TRUSTED_PROXIES=127.0.0.1")
	_, behind := s.startAPI()
	guess := func(base, from string, n int) *http.Response {
		resp := post(t, base+"/api/v1/session", map[string]string{"X-Forwarded-For": from},
			fmt.Sprintf(`{"email":"somebody-%d@shop.example","password":"a guess"}`, n))
		return resp
	}
	var last *http.Response
	for n := range 15 {
		last = guess(behind, "203.0.113.1", n)
	}
	require.Equal(t, http.StatusTooManyRequests, last.StatusCode)
	wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, wait)
	require.Equal(t, http.StatusTooManyRequests, guess(behind, "198.51.100.9, 203.0.113.1", 20).StatusCode, "what the client itself says before is not believed")
	require.Equal(t, http.StatusUnauthorized, guess(behind, "203.0.113.2", 21).StatusCode, "others do not notice")

	for n := range 15 {
		last = guess(direct, fmt.Sprintf("203.0.113.%d", n), n)
	}
	require.Equal(t, http.StatusTooManyRequests, last.StatusCode, "nobody chooses an address for themselves")
}

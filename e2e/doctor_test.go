package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/doctor"
	"parley/testenv"
)

// examined runs `parley doctor`, and returns its exit code and what it found, by subject.
func (s *system) examined(settings ...string) (int, map[string]doctor.Finding) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, parleyBinary(s.t), "doctor", "--json")
	cmd.Env = append(append([]string{"HOME=" + s.t.TempDir()}, s.env...), settings...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var report struct{ Findings []doctor.Finding }
	require.NoError(s.t, json.Unmarshal(out, &report), "%v %s %s", err, out, errs.String())
	found := map[string]doctor.Finding{}
	for _, f := range report.Findings {
		found[f.What] = f
		if f.Status != doctor.OK {
			require.NotEmpty(s.t, f.Mend, f)
		}
	}
	return cmd.ProcessState.ExitCode(), found
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newSystem(t, testenv.Temporal(t), &fakeModel{url: testenv.Peer(t, "aimock.mjs")})
	closed := freeAddress(t)
	s.startWorker()
	eventually(t, "the worker asks for work", func() bool {
		_, found := s.examined()
		return found["workers"].Status == doctor.OK
	})

	t.Run("of what works", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined()
		require.Zero(t, code, found)
		for _, what := range []string{"database", "schema", "clock", "temporal", "workers", "channel demo", "secret key", "alarms", "model", "streaming", "usage", "tools"} {
			require.Equal(t, doctor.OK, found[what].Status, found[what])
		}
		require.Equal(t, doctor.Warn, found["namespace"].Status, "the tests' namespace forgets after a day")
	})
	t.Run("of a model that is not there", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined("OPENAI_BASE_URL=http://" + closed + "/v1")
		require.Equal(t, 1, code)
		require.Equal(t, doctor.Fail, found["model"].Status)
		require.Contains(t, found["model"].Mend, "OPENAI_BASE_URL")
		require.Equal(t, doctor.OK, found["database"].Status)
	})
	t.Run("of a wrong key", func(t *testing.T) {
		t.Parallel()
		refusing := newModel(t, func(int, modelCall) modelReply { return modelReply{status: http.StatusUnauthorized} })
		code, found := s.examined("OPENAI_BASE_URL=" + refusing.url)
		require.Equal(t, 1, code)
		require.Contains(t, found["model"].Mend, "OPENAI_API_KEY")
	})
	t.Run("of a model without tools and usage", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined("OPENAI_BASE_URL=" + newModel(t, saying("one two three")).url)
		require.Zero(t, code)
		require.Equal(t, []doctor.Status{doctor.OK, doctor.Warn, doctor.Warn}, []doctor.Status{found["streaming"].Status, found["usage"].Status, found["tools"].Status})
	})
	t.Run("of an engine that is not there", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined("TEMPORAL_ADDRESS=" + closed)
		require.Equal(t, 1, code)
		require.Equal(t, doctor.Fail, found["temporal"].Status)
	})
	t.Run("of a database that is not there", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined("DATABASE_URL=postgres://nobody@" + closed + "/nothing")
		require.Equal(t, 1, code)
		require.Equal(t, doctor.Fail, found["database"].Status)
	})
	t.Run("of no model at all", func(t *testing.T) {
		t.Parallel()
		code, found := s.examined("OPENAI_BASE_URL=", "OPENAI_API_KEY=")
		require.Zero(t, code)
		require.Contains(t, found["model"].Found, "built-in")
	})
}

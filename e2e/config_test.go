package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongConfigurationIsOneClearLineAndExitCode2(t *testing.T) {
	t.Parallel()
	const secret = "c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0"
	for name, test := range map[string]struct {
		args []string
		env  []string
		says string
	}{
		"no database":       {[]string{"api"}, nil, "DATABASE_URL"},
		"no engine":         {[]string{"worker"}, []string{"DATABASE_URL=postgres://u@127.0.0.1/x"}, "TEMPORAL_ADDRESS"},
		"no address":        {[]string{"migrate"}, []string{"DATABASE_URL=localhost"}, "DATABASE_URL"},
		"no duration":       {[]string{"up"}, []string{"PARLEY_QUIET_PERIOD=soon"}, "PARLEY_QUIET_PERIOD"},
		"a short key":       {[]string{"up"}, []string{"PARLEY_SECRET_KEY=" + secret}, "PARLEY_SECRET_KEY"},
		"an unknown option": {[]string{"up", "--colour"}, nil, "--colour"},
		"an unknown order":  {[]string{"upp"}, nil, "upp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.env, test.args...)
			<-p.done
			require.Equal(t, 2, p.cmd.ProcessState.ExitCode())
			out := strings.TrimSpace(p.log.String())
			require.Equal(t, 1, len(strings.Split(out, "\n")), out)
			require.Contains(t, out, test.says)
			require.NotContains(t, out, secret)
		})
	}
}

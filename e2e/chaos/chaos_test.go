package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The short form of the harness, as its user runs it: the programs, and the checker on what they left.
func TestNothingIsLostAndNothingComesTwiceForAMinute(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "parley/cmd/parley", "parley/e2e/chaos", "parley/e2e/chaos/check").CombinedOutput()
	require.NoError(t, err, "%s", out)
	log, err := os.MkdirTemp("", "parley-chaos-") // kept when something is found
	require.NoError(t, err)

	out, err = exec.CommandContext(t.Context(), filepath.Join(bin, "chaos"), "-seed", "1", "-duration", "60s", "-fault-every", "4s", "-log", log).CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err, "see %s", log)
	require.Regexp(t, `(?m)^chaos: seed=1 faults=[1-9]\d* messages=[1-9]\d{2,} answered=[1-9]\d{2,} lost=0 duplicated=0 reordered=0 mixed=0 after_takeover=0 stream_gaps=0 unconfirmed=\d+$`, string(out))
	require.NoError(t, os.RemoveAll(log))
}

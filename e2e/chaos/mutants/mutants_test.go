package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/local/install"
)

// A patch that does not fit the sources any more shows nothing.
func TestEveryMutantChangesTheSources(t *testing.T) {
	t.Parallel()
	cwd, err := os.Getwd()
	require.NoError(t, err)
	root, err := install.Root(cwd)
	require.NoError(t, err)
	entries, err := patches.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, mutants(), len(entries), "a patch for each, and none besides")
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			path, err := m.overlay(t.Context(), root, t.TempDir())
			require.NoError(t, err)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			var overlay struct{ Replace map[string]string }
			require.NoError(t, json.Unmarshal(content, &overlay))
			require.NotEmpty(t, overlay.Replace)
			for original, changed := range overlay.Replace {
				before, err := os.ReadFile(original)
				require.NoError(t, err)
				after, err := os.ReadFile(changed)
				require.NoError(t, err)
				require.NotEqual(t, string(before), string(after), filepath.Base(original))
			}
		})
	}
}

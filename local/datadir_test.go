package local_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/local"
)

func TestDataDirIsUsedByOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(tempDir(t), "new", "data")
	dir, err := local.OpenDataDir(path)
	require.NoError(t, err)

	_, err = local.OpenDataDir(path)
	var running *local.RunningError
	require.ErrorAs(t, err, &running)
	require.Equal(t, os.Getpid(), running.PID)
	_, err = local.RunningState(path)
	require.ErrorIs(t, err, local.ErrNotRunning, "while it starts it has no addresses")

	state := local.State{PID: os.Getpid(), StartedAt: time.Now().UTC().Round(0), URL: "http://127.0.0.1:8080", DatabaseURL: "postgres://u:p@h/d"}
	require.NoError(t, dir.WriteState(state))
	info, err := os.Stat(filepath.Join(path, "parley.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds a password")
	_, err = local.OpenDataDir(path)
	require.ErrorContains(t, err, "Parley already runs on "+path+" (process ")
	require.ErrorContains(t, err, ", http://127.0.0.1:8080)")
	read, err := local.RunningState(path)
	require.NoError(t, err)
	require.Equal(t, state, read)

	require.NoError(t, dir.Close())
	_, err = local.RunningState(path)
	require.ErrorIs(t, err, local.ErrNotRunning)
	dir, err = local.OpenDataDir(path)
	require.NoError(t, err)
	require.NoError(t, dir.Close())
}

func TestSecretKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := tempDir(t)
	_, err := local.ReadSecretKey(path)
	require.ErrorIs(t, err, os.ErrNotExist)

	dir, err := local.OpenDataDir(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, dir.Close()) }()
	key, err := dir.SecretKey()
	require.NoError(t, err)
	require.Len(t, key, 32)
	again, err := dir.SecretKey()
	require.NoError(t, err)
	require.Equal(t, key, again)
	read, err := local.ReadSecretKey(path)
	require.NoError(t, err)
	require.Equal(t, key, read)

	require.NoError(t, os.WriteFile(filepath.Join(path, "secret.key"), []byte("c2hvcnQ="), 0o600))
	_, err = dir.SecretKey()
	require.ErrorContains(t, err, "is damaged: restore it from a backup", "a damaged key is never replaced")
}

package vault

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store/db"
)

func TestVault(t *testing.T) {
	t.Parallel()
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	v, err := New(key)
	require.NoError(t, err)
	secrets := map[string]string{"token": "123:abc", "webhook_secret": "құпия"}
	sealed, id, err := v.Seal(secrets)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "123:abc")
	again, _, err := v.Seal(secrets)
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "every sealing has its own nonce")

	channel := db.Channel{Slug: "shop", Kind: "telegram", Secrets: sealed, SecretKeyID: &id}
	account, err := v.Account(channel)
	require.NoError(t, err)
	require.Equal(t, secrets, account.Secrets)

	wrong, err := New(other)
	require.NoError(t, err)
	_, err = wrong.Account(channel)
	require.ErrorContains(t, err, "another PARLEY_SECRET_KEY")

	for i := range sealed {
		tampered := channel
		tampered.Secrets = bytes.Clone(sealed)
		tampered.Secrets[i] ^= 1
		_, err = v.Account(tampered)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "123:abc")
	}
	tampered := channel
	tampered.Secrets = sealed[:5]
	_, err = v.Account(tampered)
	require.ErrorContains(t, err, "cut off")
}

func TestWithoutAKey(t *testing.T) {
	t.Parallel()
	v, err := New(nil)
	require.NoError(t, err)
	_, _, err = v.Seal(map[string]string{"token": "x"})
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err))
	account, err := v.Account(db.Channel{Slug: "site", Kind: "widget"})
	require.NoError(t, err)
	require.Empty(t, account.Secrets)
}

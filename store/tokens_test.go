package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store"
)

// addToken adds an API token of Anna's.
func (b *bundle) addToken(token, name string) {
	b.t.Helper()
	require.NoError(b.t, b.AddAPIToken(context.Background(), store.NewAPIToken{Operator: b.anna.ID, Hash: hashed(token), Prefix: token[:8], Name: name}))
}

// letsIn reports whether an API token works.
func (b *bundle) letsIn(token string) bool {
	b.t.Helper()
	_, err := b.OperatorByAPIToken(context.Background(), hashed(token))
	if dialogue.ErrorCode(err) == dialogue.CodeUnauthorized {
		return false
	}
	require.NoError(b.t, err)
	return true
}

func (b *bundle) revoked() (names []string) {
	b.t.Helper()
	entries, err := b.Audit(context.Background(), store.AuditFilter{Action: "api_token_revoked"}, nil, 10)
	require.NoError(b.t, err)
	for _, e := range entries {
		require.Equal(b.t, b.anna.ID.String(), e.Object.ID)
		names = append(names, string(e.Detail))
	}
	return names
}

func TestAPITokensAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	ctx := t.Context()
	b.addToken("aaaaaaaa-orders", "orders")
	b.addToken("bbbbbbbb-reports", "reports")
	b.addToken("bbbbbbbb-twin", "twin")
	require.True(t, b.letsIn("bbbbbbbb-reports"))

	list, err := b.APITokens(ctx, b.anna.ID)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "orders", list[0].Name)
	require.Equal(t, "aaaaaaaa", list[0].Prefix)
	require.Nil(t, list[0].Used)
	require.NotNil(t, list[1].Used)
	require.WithinDuration(t, time.Now(), *list[1].Used, time.Minute)

	revoked, err := b.RevokeAPIToken(ctx, b.anna.ID, "aaaaaaaa")
	require.NoError(t, err)
	require.Equal(t, "orders", revoked.Name)
	require.False(t, b.letsIn("aaaaaaaa-orders"))
	_, err = b.RevokeAPIToken(ctx, b.anna.ID, "bbbbbbbb")
	require.Equal(t, dialogue.CodeConflict, dialogue.ErrorCode(err), "two begin like that")
	for _, none := range []string{"aaaaaaaa", "", uuid.NewString()} {
		_, err = b.RevokeAPIToken(ctx, b.anna.ID, none)
		require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err), none)
	}
	other, err := b.AddOperator(ctx, store.NewOperator{Email: "bolat@shop.example", Name: "Bolat", Role: "operator", PasswordHash: "x"})
	require.NoError(t, err)
	_, err = b.RevokeAPIToken(ctx, other.ID, list[1].ID.String())
	require.Equal(t, dialogue.CodeNotFound, dialogue.ErrorCode(err), "it is Anna's")
	_, err = b.RevokeAPIToken(ctx, b.anna.ID, list[1].ID.String())
	require.NoError(t, err)
	require.False(t, b.letsIn("bbbbbbbb-reports"))
	require.True(t, b.letsIn("bbbbbbbb-twin"))
	n, err := b.RevokeAPITokens(ctx, b.anna.ID)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.False(t, b.letsIn("bbbbbbbb-twin"))
	require.Equal(t, []string{`{"name": "twin"}`, `{"name": "reports"}`, `{"name": "orders"}`}, b.revoked())
}

func TestANewPasswordEndsAPITokens(t *testing.T) {
	t.Parallel()
	b := setup(t, "widget")
	ctx := t.Context()
	b.addToken("aaaaaaaa-orders", "orders")
	b.addToken("bbbbbbbb-asks", "asks")
	role := "admin"
	_, err := b.ChangeOperator(ctx, b.anna.ID, store.OperatorChange{Role: &role})
	require.NoError(t, err)
	require.True(t, b.letsIn("aaaaaaaa-orders"), "other rights are the token's too")

	_, err = b.ChangeOperator(ctx, b.anna.ID, store.OperatorChange{PasswordHash: "y", KeepLogin: hashed("bbbbbbbb-asks")})
	require.NoError(t, err)
	require.False(t, b.letsIn("aaaaaaaa-orders"))
	require.True(t, b.letsIn("bbbbbbbb-asks"), "whoever asks stays in")
	require.Equal(t, []string{`{"name": "orders"}`}, b.revoked())
	require.NoError(t, b.SetPassword(ctx, "anna@shop.example", "z"))
	require.False(t, b.letsIn("bbbbbbbb-asks"))
	require.Len(t, b.revoked(), 2)
}

// Package vault seals the secrets of channels with PARLEY_SECRET_KEY, so that a
// copy of the database alone gives none of them away.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"parley/channel"
	"parley/dialogue"
	"parley/store/db"
)

// Vault seals and opens with AES-256-GCM under one key.
type Vault struct {
	aead  cipher.AEAD // nil: there is no key
	keyID string
}

// New makes a Vault of a key of 32 bytes. Without a key (nil) it holds no
// secrets: sealing and opening say so.
func New(key []byte) (*Vault, error) {
	if key == nil {
		return &Vault{}, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the secret key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use the secret key: %w", err)
	}
	// The id tells keys apart when one replaced another; it says nothing about the key.
	sum := sha256.Sum256(append([]byte("parley key id\x00"), key...))
	return &Vault{aead: aead, keyID: hex.EncodeToString(sum[:4])}, nil
}

// Seal encrypts secrets. The result begins with the nonce.
func (v *Vault) Seal(secrets map[string]string) (sealed []byte, keyID string, err error) {
	if v.aead == nil {
		return nil, "", dialogue.Errorf(dialogue.CodeConflict, "PARLEY_SECRET_KEY is not set: without it channels with secrets cannot be stored")
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, "", fmt.Errorf("encode secrets: %w", err)
	}
	nonce := make([]byte, v.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return v.aead.Seal(nonce, nonce, plain, []byte(v.keyID)), v.keyID, nil
}

// Account opens what an adapter needs of a channel.
func (v *Vault) Account(c db.Channel) (channel.Account, error) {
	account := channel.Account{ID: c.ID.String(), Kind: c.Kind, Settings: c.Settings}
	if len(c.Secrets) == 0 {
		return account, nil
	}
	if v.aead == nil || c.SecretKeyID == nil || *c.SecretKeyID != v.keyID {
		return account, fmt.Errorf("open the secrets of channel %s: they were sealed under another PARLEY_SECRET_KEY; set that one, or enter the secrets anew", c.Slug)
	}
	if len(c.Secrets) < v.aead.NonceSize() {
		return account, fmt.Errorf("open the secrets of channel %s: they are cut off", c.Slug)
	}
	nonce, box := c.Secrets[:v.aead.NonceSize()], c.Secrets[v.aead.NonceSize():]
	plain, err := v.aead.Open(nil, nonce, box, []byte(v.keyID))
	if err != nil {
		return account, fmt.Errorf("open the secrets of channel %s: %w", c.Slug, err)
	}
	if err := json.Unmarshal(plain, &account.Secrets); err != nil {
		return account, fmt.Errorf("read the secrets of channel %s: %w", c.Slug, err)
	}
	return account, nil
}

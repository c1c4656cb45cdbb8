package store

import (
	"bytes"
	"encoding/json"
	"strings"
)

// storable makes of a text that others worded, a model or a provider, one that
// Postgres can hold: in UTF-8 and without NUL characters.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// storableJSON does the same for encoded JSON, which jsonb holds without NUL.
func storableJSON(raw json.RawMessage) json.RawMessage {
	return bytes.ReplaceAll(raw, []byte(`\u0000`), []byte(`\ufffd`))
}

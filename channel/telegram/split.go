package telegram

import (
	"strings"
	"unicode/utf16"
)

// MaxText is how long one message may be, in UTF-16 code units
// (https://core.telegram.org/bots/api#sendmessage: 4096 characters).
const MaxText = 4096

// Split cuts a text into messages that Telegram takes, at the end of a
// paragraph, a line, a sentence or a word if there is one in the last half.
func Split(text string) []string {
	text = strings.TrimRight(text, " \n")
	var parts []string
	for {
		cut := prefixLen(text, MaxText)
		if cut == len(text) {
			return append(parts, text)
		}
		head := text[:cut]
		for _, end := range []string{"\n\n", "\n", ". ", " "} {
			if i := strings.LastIndex(head, end); i > cut/2 {
				cut = i + len(end)
				break
			}
		}
		if part := strings.TrimSpace(text[:cut]); part != "" {
			parts = append(parts, part)
		}
		text = strings.TrimLeft(text[cut:], " \n")
	}
}

// prefixLen is the length in bytes of the longest prefix with at most so many
// UTF-16 code units, never within a character.
func prefixLen(text string, units int) int {
	n := 0
	for i, r := range text {
		n += max(utf16.RuneLen(r), 1)
		if n > units {
			return i
		}
	}
	return len(text)
}

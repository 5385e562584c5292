// Package secret holds text that must never be printed: passwords, encryption keys, bind credentials.
//
// A [Text] shows a fixed mask through every way Go has of printing a value: fmt with any verb, JSON, YAML, text
// marshalling and log attributes. The one way to the content is [Text.Reveal], so a search for that word lists every
// place where a secret is used.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strings"
)

// Mask is what a non-empty Text prints as.
const Mask = "[secret]"

// Text is a secret. Its zero value is the empty secret, which prints as nothing.
//
// The content is kept behind a pointer so that printing a struct that holds a Text by reflection (%#v, a debugger's
// dump, a diff in a failing test) shows an address and not the content.
type Text struct {
	content *string
}

// New wraps a secret.
func New(content string) Text {
	if content == "" {
		return Text{}
	}
	return Text{content: &content}
}

// Reveal returns the content. Hand it straight to what needs it and keep no copy.
func (t Text) Reveal() string {
	if t.content == nil {
		return ""
	}
	return *t.content
}

// Empty reports whether there is no content.
func (t Text) Empty() bool { return t.content == nil }

// Equal compares two secrets in time that tells nothing of either: of their digests, as those have one length.
func (t Text) Equal(other Text) bool {
	a, b := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// In reports whether the content occurs in s. It serves scrubbing: an answer of a server may repeat what it was sent.
func (t Text) In(s string) bool {
	return t.content != nil && strings.Contains(s, *t.content)
}

// String returns the mask.
func (t Text) String() string {
	if t.Empty() {
		return ""
	}
	return Mask
}

// GoString returns the mask, for %#v.
func (t Text) GoString() string { return t.String() }

// Format prints the mask whatever the verb, so that %x and %d give nothing away either.
func (t Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(t.String())) }

// MarshalText returns the mask: it serves JSON, YAML and every encoder that asks for text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue returns the mask, for log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"idaas-ldap/store"
)

// Whatever text there is, PostgreSQL holds it and gives it back.
func TestEveryTextIsStorable(t *testing.T) {
	const mark = "\uf8ff"
	check := func(t rapid.TB, text string) {
		stored, read := store.Storable(text)
		if read != text || !utf8.ValidString(stored) || strings.Contains(stored, "\x00") {
			t.Errorf("%q is stored as %q and read as %q", text, stored, read)
		}
	}
	for _, text := range []string{"", "a", "x\x00y", "\xff", mark, mark + "00", "a" + mark, mark + mark, "\ufffd", "\xed\xa0\x80", "00", "é\x00" + mark + "\xc3"} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.SampledFrom([]string{"\x00", mark, "\xff", "00", "f8", "\xef", "\xa3"}), rapid.StringN(0, 3, -1))
		check(t, strings.Join(rapid.SliceOf(part).Draw(t, "parts"), ""))
	})
}

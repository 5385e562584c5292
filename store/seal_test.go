package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"idaas-ldap/internal/secret"
)

func testSeal(t *testing.T, digit string) *Seal {
	t.Helper()
	s, err := NewSeal(secret.New(strings.Repeat(digit, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealOpensOnlyWhatItClosedForThePlace(t *testing.T) {
	s, other := testSeal(t, "1"), testSeal(t, "2")
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 1, 3)
		here, there := parts.Draw(t, "here"), parts.Draw(t, "there")
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		sealed, err := s.close(place("x", here...), content)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := s.open(place("x", here...), sealed); err != nil || !slices.Equal(opened, content) {
			t.Fatalf("it opens to %q (%v)", opened, err)
		}
		if _, err := s.open(place("x", there...), sealed); !slices.Equal(here, there) && !errors.Is(err, ErrWrongKey) {
			t.Fatalf("opened for another place: %v", err)
		}
		if _, err := other.open(place("x", here...), sealed); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("opened with another key: %v", err)
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		sealed[at] ^= 'a' ^ 'A' // more than the low bits, which mean nothing in the last letter of a part
		if opened, err := s.open(place("x", here...), sealed); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("changed at byte %d it opens to %q (%v)", at, opened, err)
		}
	})
}

func TestSealIsAJWE(t *testing.T) {
	sealed, err := testSeal(t, "1").close("here", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.ParseEncryptedCompact(string(sealed), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM}); err != nil {
		t.Fatal(err)
	}
}

func TestSealDoesNotShowItsKey(t *testing.T) {
	s := testSeal(t, "4") // 0x44 is "D"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		shown := fmt.Sprintf(verb, s) + fmt.Sprintf(verb, *s)
		for _, key := range []string{"4444444444444444", "DDDDDDDDDDDDDDDD", "68 68 68 68", "0x44, 0x44"} {
			if strings.Contains(shown, key) {
				t.Errorf("%s shows the key: %s", verb, shown)
			}
		}
	}
}

func FuzzSealOpen(f *testing.F) {
	s, err := NewSeal(secret.New(strings.Repeat("1", 64)))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := s.close("elsewhere", []byte("content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte(""))
	f.Add([]byte("...."))
	f.Add([]byte("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0...."))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if opened, err := s.open("here", sealed); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("it opens to %q (%v)", opened, err)
		}
	})
}

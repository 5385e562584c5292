package store

import (
	"bytes"
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
		sealed := s.close(place("x", here...), content)
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

// What is sealed is a JWE to everybody who has the key, and a JWE that others have made opens.
func TestSealIsAJWE(t *testing.T) {
	key := bytes.Repeat([]byte{0x11}, keyBytes)
	s := testSeal(t, "1")
	parsed, err := jose.ParseEncryptedCompact(string(s.close("here", []byte("content"))), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := parsed.Decrypt(key)
	if err != nil || !bytes.HasSuffix(plain, []byte("content")) {
		t.Fatalf("it opens to %q (%v)", plain, err)
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := encrypter.Encrypt(plain)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := made.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := s.open("here", []byte(compact)); err != nil || string(opened) != "content" {
		t.Errorf("that of another program opens to %q (%v)", opened, err)
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
	f.Add(s.close("elsewhere", []byte("content")))
	f.Add([]byte(""))
	f.Add([]byte("...."))
	f.Add([]byte("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0...."))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if opened, err := s.open("here", sealed); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("it opens to %q (%v)", opened, err)
		}
	})
}

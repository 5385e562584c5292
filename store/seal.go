package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"idaas-ldap/internal/secret"
)

// Seal turns what is stored into compact JWEs (RFC 7516: dir, A256GCM) and back. What a value belongs to is sealed in
// with it, so that a value that was moved to another row does not open.
type Seal struct {
	// Functions, and not the cipher, because that shows its key when a struct that holds it is printed.
	encrypt func(content []byte) []byte
	decrypt func(compact []byte) ([]byte, error)
	digest  func(text string) []byte
}

// ErrWrongKey says that something in the database does not open with the key.
var ErrWrongKey = errors.New("the key file does not belong to this database, or the database was tampered with: " +
	"put back the key file that the database was made with")

// NewSeal returns a seal with a key of 64 hex digits.
func NewSeal(key secret.Text) (*Seal, error) {
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil || len(raw) != keyBytes {
		return nil, errors.New("the key is not 64 hex digits") // without the key
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("make the seal: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the seal: %w", err)
	}
	return &Seal{
		encrypt: func(content []byte) []byte { return encrypt(aead, content) },
		decrypt: func(compact []byte) ([]byte, error) { return decrypt(aead, compact) },
		digest:  digester(raw),
	}, nil
}

// digester returns a keyed digest (RFC 2104), with a key of its own that is made from the one of the store.
func digester(key []byte) func(text string) []byte {
	own := hmac.New(sha256.New, key)
	_, _ = own.Write([]byte("idaas-ldap keyed digest")) // a hash takes everything
	derived := own.Sum(nil)
	return func(text string) []byte {
		h := hmac.New(sha256.New, derived)
		_, _ = h.Write([]byte(text)) // as above
		return h.Sum(nil)[:digestSize]
	}
}

// digestSize is how much of a digest is kept: nobody can try so many.
const digestSize = 16

// place says what a sealed value belongs to. Its parts come from outside, so they are quoted: no two places look alike.
func place(what string, parts ...string) string {
	return fmt.Sprintf("%s %q", what, parts)
}

// close seals content for a place.
func (s *Seal) close(place string, content []byte) []byte {
	bound := sha256.Sum256([]byte(place))
	return s.encrypt(append(bound[:], content...))
}

// open returns what was sealed for a place.
func (s *Seal) open(place string, compact []byte) ([]byte, error) {
	plain, err := s.decrypt(compact)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrWrongKey)
	}
	bound := sha256.Sum256([]byte(place))
	if !bytes.HasPrefix(plain, bound[:]) {
		return nil, fmt.Errorf("open %s: it was sealed for something else: %w", place, ErrWrongKey)
	}
	return plain[len(bound):], nil
}

// Digest returns a digest of a text that nobody can make without the key (RFC 2104), for what is kept outside of the store.
func (s *Seal) Digest(text string) []byte { return s.digest("outside " + text) }

package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/internal/secret"
)

// Seal turns what is stored into compact JWEs (RFC 7516: dir, A256GCM) and back. What a value belongs to is sealed in
// with it, so that a value that was moved to another row does not open.
type Seal struct {
	key secret.Text // raw, not in hex
	// encrypt is a function and not the encrypter, because that shows its key when a struct that holds it is printed.
	encrypt func(plain []byte) (*jose.JSONWebEncryption, error)
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
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: raw}, nil)
	if err != nil {
		return nil, fmt.Errorf("make the seal: %w", err)
	}
	return &Seal{key: secret.New(string(raw)), encrypt: encrypter.Encrypt}, nil
}

// place says what a sealed value belongs to. Its parts come from outside, so they are quoted: no two places look alike.
func place(what string, parts ...string) string {
	return fmt.Sprintf("%s %q", what, parts)
}

// close seals content for a place.
func (s *Seal) close(place string, content []byte) ([]byte, error) {
	bound := sha256.Sum256([]byte(place))
	sealed, err := s.encrypt(append(bound[:], content...))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place, err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place, err)
	}
	return []byte(compact), nil
}

// open returns what was sealed for a place.
func (s *Seal) open(place string, compact []byte) ([]byte, error) {
	sealed, err := jose.ParseEncryptedCompact(string(compact), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrWrongKey)
	}
	plain, err := sealed.Decrypt([]byte(s.key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrWrongKey)
	}
	bound := sha256.Sum256([]byte(place))
	if !bytes.HasPrefix(plain, bound[:]) {
		return nil, fmt.Errorf("open %s: it was sealed for something else: %w", place, ErrWrongKey)
	}
	return plain[len(bound):], nil
}

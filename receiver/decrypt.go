package receiver

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/internal/jsonscan"
	"idaas-ldap/internal/secret"
)

// The parts of a compact JWE (RFC 7516 section 7.1) that is encrypted directly with AES-GCM (RFC 7518 section 5.3).
const (
	jweParts  = 5
	nonceSize = 12
	tagSize   = 16
)

// opener is a key that encrypted events are opened with.
type opener struct {
	enc  string // the content encryption that it is for
	aead cipher.AEAD
}

// EncryptionKeys are AES keys that events are decrypted with.
type EncryptionKeys struct{ openers []opener }

// NewEncryptionKeys makes keys in hexadecimal, the newest first, ready for use. The configuration has checked them, so one that
// cannot be used is left out.
func NewEncryptionKeys(keys ...secret.Text) *EncryptionKeys {
	out := &EncryptionKeys{}
	for _, key := range keys {
		raw, err := hex.DecodeString(key.Reveal())
		if err != nil {
			continue
		}
		enc := map[int]string{32: "A256GCM", 24: "A192GCM", 16: "A128GCM"}[len(raw)]
		block, err := aes.NewCipher(raw)
		if err != nil {
			continue
		}
		if aead, err := cipher.NewGCM(block); err == nil {
			out.openers = append(out.openers, opener{enc: enc, aead: aead})
		}
	}
	return out
}

// decrypt opens a compact JWE with direct encryption. All keys of an application are tried, the newest first: the token does not
// say which one it means.
func (k *EncryptionKeys) decrypt(token []byte, application string) ([]byte, error) {
	if len(k.openers) == 0 {
		return nil, invalidToken("the event is encrypted, and no encryption key is configured for %s (applications[].encryption_keys)", application)
	}
	parts := bytes.SplitN(token, []byte{'.'}, jweParts+1)
	if len(parts) != jweParts || len(parts[1]) > 0 {
		return nil, invalidToken("cipherData is not a compact JWE with direct encryption")
	}
	enc, err := jweHeader(parts[0])
	if err != nil {
		return nil, invalidToken("JWE header: %v", err)
	}
	nonce, errNonce := decodePart(nil, parts[2])
	sealed, errSealed := decodePart(nil, parts[3])
	tag, errTag := decodePart(nil, parts[4])
	if err := errors.Join(errNonce, errSealed, errTag); err != nil {
		return nil, invalidToken("cipherData is not base64url")
	}
	if len(nonce) != nonceSize || len(tag) != tagSize {
		return nil, invalidToken("the initialization vector or the authentication tag of cipherData is of a wrong length")
	}
	sealed = append(sealed, tag...)
	for _, key := range k.openers {
		if key.enc != enc {
			continue
		}
		if plain, err := key.aead.Open(nil, nonce, sealed, parts[0]); err == nil {
			return plain, nil
		}
	}
	return nil, invalidToken("cipherData opens with none of the configured encryption keys of %s", application)
}

// jweHeader returns the content encryption that a header names. Nothing is taken that changes what is done: no zip, no
// crit, no other way of finding the key.
func jweHeader(part []byte) (enc string, err error) {
	var alg, ignored string
	err = readHeader(part, func(name string) *string {
		switch name {
		case "alg":
			return &alg
		case "enc":
			return &enc
		case "typ", "cty", "kid":
			return &ignored
		}
		return nil
	})
	if err == nil && alg != "dir" {
		err = errors.New("the algorithm is not dir")
	}
	return enc, err
}

// maxHeader bounds a header in base64url; those of IDaaS have 100 characters.
const maxHeader = 1024

// readHeader reads the header of a JWS or JWE. Its members are text, each stands there once, and one that the function
// does not know is refused: zip, crit, embedded keys and their like.
func readHeader(part []byte, member func(name string) *string) error {
	if len(part) > maxHeader {
		return errors.New("it is too long")
	}
	header, err := decodePart(nil, part)
	if err != nil {
		return err
	}
	seen := make([]string, 0, 4)
	return jsonscan.Object(header, func(name string, value []byte) error {
		into := member(name)
		if into == nil {
			return fmt.Errorf("the member %.100q is not accepted", name)
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("the member %.100q is there twice", name)
		}
		seen = append(seen, name)
		if err := readText(value, into); err != nil {
			return fmt.Errorf("the member %.100q is not text", name)
		}
		return nil
	})
}

// errNotBase64 says nothing of the content.
var errNotBase64 = errors.New("it is not base64url without padding")

// strict refuses what is not the one way of writing its octets: otherwise a changed character could go unnoticed.
var strict = base64.RawURLEncoding.Strict()

// decodePart appends the octets of a part of a compact token.
func decodePart(to, part []byte) ([]byte, error) {
	if bytes.IndexByte(part, '\n') >= 0 || bytes.IndexByte(part, '\r') >= 0 { // which the decoder would pass over
		return nil, errNotBase64
	}
	out, err := strict.AppendDecode(to, part)
	if err != nil {
		return nil, errNotBase64
	}
	return out, nil
}

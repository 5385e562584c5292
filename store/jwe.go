package store

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
)

// A sealed value is a JWE in compact form with one header and without an encrypted key, as the key is that of the store:
// HEADER..NONCE.CIPHERTEXT.TAG (RFC 7516 section 7.1). With only one thing that it can say, nothing of it has to be interpreted.

// jweHeader is {"alg":"dir","enc":"A256GCM"} in base64.
const jweHeader = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"

var jweEncoding = base64.RawURLEncoding.Strict()

func encrypt(aead cipher.AEAD, content []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(content)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	sealed := aead.Seal(nonce, nonce, content, []byte(jweHeader))
	text, tag := sealed[len(nonce):len(sealed)-aead.Overhead()], sealed[len(sealed)-aead.Overhead():]
	out := make([]byte, 0, len(jweHeader)+4+jweEncoding.EncodedLen(len(sealed))+4)
	out = append(out, jweHeader+".."...)
	out = append(jweEncoding.AppendEncode(out, nonce), '.')
	out = append(jweEncoding.AppendEncode(out, text), '.')
	return jweEncoding.AppendEncode(out, tag)
}

var errNotSealed = errors.New("it is not sealed by this program")

func decrypt(aead cipher.AEAD, compact []byte) ([]byte, error) {
	parts := bytes.Split(compact, []byte("."))
	if len(parts) != 5 || string(parts[0]) != jweHeader || len(parts[1]) > 0 {
		return nil, errNotSealed
	}
	sealed := make([]byte, 0, len(compact))
	var ends []int
	for _, part := range parts[2:] {
		var err error
		if sealed, err = jweEncoding.AppendDecode(sealed, part); err != nil {
			return nil, errNotSealed
		}
		ends = append(ends, len(sealed))
	}
	if ends[0] != aead.NonceSize() || ends[2]-ends[1] != aead.Overhead() || slices.ContainsFunc(parts, func(p []byte) bool { return bytes.ContainsAny(p, "\r\n") }) {
		return nil, errNotSealed
	}
	return aead.Open(sealed[ends[0]:ends[0]], sealed[:ends[0]], sealed[ends[0]:], []byte(jweHeader)) //nolint:wrapcheck // The caller says what of.
}

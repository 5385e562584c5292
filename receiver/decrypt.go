package receiver

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// decrypt opens a compact JWE with direct encryption. All keys of the application are tried, the newest first: the token
// does not say which one it means.
func decrypt(token string, a Application) ([]byte, error) {
	if len(a.EncryptionKeys) == 0 {
		return nil, invalidToken("the event is encrypted, and no encryption key is configured for %s (applications[].encryption_keys)", a.ID)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 5 || parts[1] != "" {
		return nil, invalidToken("cipherData is not a compact JWE with direct encryption")
	}
	for _, part := range parts {
		if !isCanonical(part) {
			return nil, invalidToken("cipherData is not base64url")
		}
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil, invalidToken("cipherData is not base64url")
	}
	if err := checkHeader(header, []string{"alg", "enc", "typ", "cty", "kid"}, ""); err != nil {
		return nil, invalidToken("JWE header: %v", err)
	}
	sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT},
		[]jose.ContentEncryption{jose.A256GCM, jose.A192GCM, jose.A128GCM})
	if err != nil {
		return nil, invalidToken("JWE: %v", err)
	}
	for _, key := range a.EncryptionKeys {
		raw, err := hex.DecodeString(key.Reveal())
		if err != nil {
			continue // the configuration has checked them
		}
		if plain, err := sealed.Decrypt(raw); err == nil {
			return plain, nil
		}
	}
	return nil, invalidToken("cipherData opens with none of the configured encryption keys of %s", a.ID)
}

package idaastest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/internal/secret"
)

// Issuer is the iss of every token.
const Issuer = "urn:alibaba:idaas:app:event"

// tokenLife is how long a token is valid.
const tokenLife = 30 * time.Minute

// Tenant is one application of one IDaaS instance, with its keys.
type Tenant struct {
	Application string
	Instance    string
	// KeyID is the kid of the signing key.
	KeyID string
	// EncryptionKey is an AES key in hexadecimal; empty to send events unencrypted.
	EncryptionKey secret.Text
	Clock         func() time.Time

	private *rsa.PrivateKey
	random  io.Reader
}

// NewTenant makes an application with fresh keys, which encrypts what it sends.
func NewTenant(clock func() time.Time) (*Tenant, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	return NewTenantWithKey(private, clock), nil
}

// NewTenantWithKey makes an application that signs with a given key.
func NewTenantWithKey(private *rsa.PrivateKey, clock func() time.Time) *Tenant {
	t := &Tenant{private: private, random: rand.Reader, Clock: clock}
	t.Application = t.id("app_", 26)
	t.Instance = t.id("idaas_", 26)
	t.KeyID = t.id("KEY", 33)
	key := make([]byte, 32)
	_, _ = io.ReadFull(t.random, key) // the system's source does not fail
	t.EncryptionKey = secret.New(hex.EncodeToString(key))
	return t
}

const idLetters = "abcdefghijklmnopqrstuvwxyz234567"

// id makes an id as IDaaS makes them: a prefix and letters.
func (t *Tenant) id(prefix string, letters int) string {
	raw := make([]byte, letters)
	_, _ = io.ReadFull(t.random, raw) // as above
	for i := range raw {
		raw[i] = idLetters[int(raw[i])%len(idLetters)]
	}
	return prefix + string(raw)
}

// JWKS returns the public key as the key endpoint publishes it.
func (t *Tenant) JWKS() []byte {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &t.private.PublicKey, KeyID: t.KeyID, Use: "sig"}}}
	out, err := json.Marshal(set)
	if err != nil {
		panic(err) // a public key can always be written
	}
	return out
}

// ServeJWKS starts the key endpoint; the caller closes it.
func (t *Tenant) ServeJWKS() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(t.JWKS()) // the client has gone if it fails
	}))
}

// Claims are the claims of a token.
type Claims map[string]any

// Token makes a token that carries events. Changes, if given, may break its claims before it is signed.
func (t *Tenant) Token(events []Event, changes ...func(Claims)) (string, error) {
	document, err := json.Marshal(t.Document(events))
	if err != nil {
		return "", fmt.Errorf("encode the document: %w", err)
	}
	return t.TokenOf(document, changes...)
}

// TokenOf makes a token that carries a document, which may be anything.
func (t *Tenant) TokenOf(document []byte, changes ...func(Claims)) (string, error) {
	now := t.Clock().Unix()
	id := make([]byte, 16)
	_, _ = io.ReadFull(t.random, id) // as above
	claims := Claims{
		"iss": Issuer, "sub": t.Instance, "aud": t.Application,
		"iat": now, "exp": now + int64(tokenLife.Seconds()), "jti": base64.RawURLEncoding.EncodeToString(id),
		"dataEncrypted": !t.EncryptionKey.Empty(), "cipherData": "", "plainData": "",
	}
	if t.EncryptionKey.Empty() {
		claims["plainData"] = json.RawMessage(document)
		if !json.Valid(document) {
			claims["plainData"] = string(document)
		}
	} else {
		sealed, err := Encrypt(document, t.EncryptionKey, jose.A256GCM, "")
		if err != nil {
			return "", err
		}
		claims["cipherData"] = sealed
	}
	for _, change := range changes {
		change(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	return Sign(payload, jose.RS256, t.private, map[jose.HeaderKey]any{"kid": t.KeyID, "typ": "JWT"})
}

// PublicKeyBytes returns the modulus of the signing key: what a forger knows.
func (t *Tenant) PublicKeyBytes() []byte { return t.private.N.Bytes() }

// PrivateKey returns the signing key, for tokens that Token cannot make.
func (t *Tenant) PrivateKey() *rsa.PrivateKey { return t.private }

// Sign makes a compact JWS with a header of one's own.
func Sign(payload []byte, algorithm jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		return "", fmt.Errorf("make a signer: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed.CompactSerialize()
}

// Encrypt makes a compact JWE with direct encryption, which is what IDaaS does.
func Encrypt(document []byte, key secret.Text, encryption jose.ContentEncryption, compression jose.CompressionAlgorithm) (string, error) {
	raw, err := rawKey(key)
	if err != nil {
		return "", err
	}
	return seal(document, jose.Recipient{Algorithm: jose.DIRECT, Key: raw}, encryption, compression)
}

// EncryptWrapped makes a compact JWE whose key is wrapped with the shared one, which IDaaS never does.
func EncryptWrapped(document []byte, key secret.Text) (string, error) {
	raw, err := rawKey(key)
	if err != nil {
		return "", err
	}
	return seal(document, jose.Recipient{Algorithm: jose.A256KW, Key: raw}, jose.A256GCM, "")
}

// EncryptTo makes a compact JWE to a public key, which IDaaS never does.
func EncryptTo(document []byte, public *rsa.PublicKey) (string, error) {
	return seal(document, jose.Recipient{Algorithm: jose.RSA_OAEP, Key: public}, jose.A256GCM, "")
}

func rawKey(key secret.Text) ([]byte, error) {
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("the encryption key is not hexadecimal: %w", err)
	}
	return raw, nil
}

func seal(document []byte, to jose.Recipient, encryption jose.ContentEncryption, compression jose.CompressionAlgorithm) (string, error) {
	encrypter, err := jose.NewEncrypter(encryption, to, &jose.EncrypterOptions{Compression: compression})
	if err != nil {
		return "", fmt.Errorf("make an encrypter: %w", err)
	}
	sealed, err := encrypter.Encrypt(document)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return sealed.CompactSerialize()
}

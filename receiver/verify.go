package receiver

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// What a token of IDaaS says and how far clocks may differ.
const (
	issuer   = "urn:alibaba:idaas:app:event"
	skew     = 60 * time.Second
	maxToken = 16 << 20
)

// Rejection is a request that is not taken. Description goes to the caller and never helps a forger; Reason goes to the
// log.
type Rejection struct {
	Status      int
	Code        string
	Description string
	Reason      string
	// RetryAfter, if not zero, asks the caller to come again.
	RetryAfter time.Duration
}

// Error returns the reason, for the log.
func (r *Rejection) Error() string { return r.Reason }

func badRequest(description string) *Rejection {
	return &Rejection{Status: http.StatusBadRequest, Code: "bad_request", Description: description, Reason: description}
}

// invalidToken is the one answer to everything that is wrong with a token.
func invalidToken(format string, args ...any) *Rejection {
	return &Rejection{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the token was not accepted", Reason: fmt.Sprintf(format, args...)}
}

// Application is one application of IDaaS whose tokens are taken.
type Application struct {
	// ID is the aud of its tokens, InstanceID, if not empty, their sub.
	ID, InstanceID string
	// Keys finds the public keys that its tokens are signed with.
	Keys KeySource
	// EncryptionKeys are AES keys in hexadecimal, the newest first. With any, unencrypted events are refused.
	EncryptionKeys []secret.Text
}

// KeySource finds the public keys with an id. ErrNoKeys means that no key set could be had at all.
type KeySource interface {
	Find(ctx context.Context, kid string) ([]jose.JSONWebKey, error)
}

// ErrNoKeys says that no key set is at hand, so that nothing can be verified now.
var ErrNoKeys = errors.New("no key set could be loaded yet")

// Verifier opens tokens: it checks who signed them, for whom and when, and decrypts what they carry.
type Verifier struct {
	applications map[string]Application
	clock        func() time.Time
}

// NewVerifier returns a verifier for some applications.
func NewVerifier(applications []Application, clock func() time.Time) *Verifier {
	v := &Verifier{applications: map[string]Application{}, clock: clock}
	for _, a := range applications {
		v.applications[a.ID] = a
	}
	return v
}

// Document is what a verified token carries.
type Document struct {
	Application string
	event.Document
}

// claims are those that a token of IDaaS has. Pointers tell what is missing.
type claims struct {
	issuer, subject              string
	audience                     json.RawMessage
	expires, issuedAt, notBefore *float64
	dataEncrypted                *bool
	cipherData                   string
	plainData                    json.RawMessage
}

// Open verifies and decrypts a token and decodes what it carries. The error is a [*Rejection].
func (v *Verifier) Open(ctx context.Context, token string) (Document, error) {
	signed, err := parseToken(token)
	if err != nil {
		return Document{}, err
	}
	c, err := readClaims(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return Document{}, invalidToken("the claims cannot be read: %v", err)
	}
	// The audience is looked at before the signature over these claims is checked, to know whose keys are needed. Nothing
	// else is believed before.
	application, err := v.application(c)
	if err != nil {
		return Document{}, err
	}
	if err := verifySignature(ctx, signed, application); err != nil {
		return Document{}, err
	}
	if err := v.check(c, application); err != nil {
		return Document{}, err
	}
	plain, err := content(c, application)
	if err != nil {
		return Document{}, err
	}
	document, err := event.Decode(plain)
	if err != nil {
		return Document{}, badRequest(err.Error())
	}
	if document.InstanceID == "" {
		document.InstanceID = c.subject
	}
	if c.subject != document.InstanceID {
		return Document{}, invalidToken("the document is of instance %q, the token of %q", document.InstanceID, c.subject)
	}
	return Document{Application: application.ID, Document: document}, nil
}

// parseToken takes a compact JWS apart. Only its plainest form is taken.
func parseToken(token string) (*jose.JSONWebSignature, error) {
	if len(token) > maxToken {
		return nil, badRequest("the token is too long")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, badRequest("the event is not a compact JWS")
	}
	for _, part := range parts {
		if !isCanonical(part) {
			return nil, badRequest("the event is not a compact JWS")
		}
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil, badRequest("the event is not a compact JWS")
	}
	if err := checkHeader(header, []string{"alg", "kid", "typ"}, "JWT"); err != nil {
		return nil, invalidToken("JWS header: %v", err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, invalidToken("JWS: %v", err)
	}
	return signed, nil
}

// isCanonical reports whether a text is the one way of writing its octets in base64url: otherwise a changed character
// could go unnoticed.
func isCanonical(part string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && base64.RawURLEncoding.EncodeToString(raw) == part
}

// checkHeader refuses header members that are not expected: zip, crit, embedded keys and their like.
func checkHeader(header []byte, allowed []string, typ string) error {
	members, err := objectMembers(header)
	if err != nil {
		return err
	}
	for name, raw := range members {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("the member %q is not accepted", name)
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf("the member %q is not text", name)
		}
		if name == "typ" && typ != "" && !strings.EqualFold(text, typ) {
			return fmt.Errorf("the type is %q", text)
		}
	}
	return nil
}

// objectMembers reads a JSON object and refuses members that are there twice.
func objectMembers(data []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		t, err := decoder.Token()
		if err != nil {
			return nil, errors.New("it is not a JSON object")
		}
		name, _ := t.(string)
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("the member %q is there twice", name)
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, errors.New("it is not a JSON object")
		}
		members[name] = raw
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("it is not a JSON object")
	}
	if decoder.More() {
		return nil, errors.New("there is something after the JSON object")
	}
	return members, nil
}

// readClaims reads the claims by their exact names. Those that are not known are left aside.
func readClaims(payload []byte) (claims, error) {
	members, err := objectMembers(payload)
	if err != nil {
		return claims{}, err
	}
	c := claims{audience: members["aud"], plainData: members["plainData"]}
	for name, into := range map[string]any{
		"iss": &c.issuer, "sub": &c.subject, "exp": &c.expires, "iat": &c.issuedAt, "nbf": &c.notBefore,
		"dataEncrypted": &c.dataEncrypted, "cipherData": &c.cipherData,
	} {
		if raw, ok := members[name]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				return claims{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return c, nil
}

// application returns the configured application that a token is for.
func (v *Verifier) application(c claims) (Application, error) {
	for _, audience := range audiences(c.audience) {
		if a, ok := v.applications[audience]; ok {
			return a, nil
		}
	}
	return Application{}, invalidToken("the audience %.200s is no configured application", c.audience)
}

func audiences(raw json.RawMessage) []string {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	return nil
}

func verifySignature(ctx context.Context, signed *jose.JSONWebSignature, a Application) error {
	kid := signed.Signatures[0].Protected.KeyID
	if kid == "" {
		return invalidToken("the token names no key")
	}
	keys, err := a.Keys.Find(ctx, kid)
	if errors.Is(err, ErrNoKeys) {
		return &Rejection{
			Status: http.StatusServiceUnavailable, Code: "unavailable", Description: "tokens cannot be verified now",
			Reason: err.Error(), RetryAfter: retryAfter,
		}
	}
	if err != nil {
		return invalidToken("%v", err)
	}
	for _, key := range keys {
		if _, err := signed.Verify(key); err == nil {
			return nil
		}
	}
	return invalidToken("the signature is wrong (key %s)", kid)
}

// check looks at the claims of a token whose signature holds.
func (v *Verifier) check(c claims, a Application) error {
	now := v.clock()
	at := func(seconds float64) time.Time { return time.Unix(int64(seconds), 0) }
	switch {
	case c.issuer != issuer:
		return invalidToken("the issuer is %q", c.issuer)
	case a.InstanceID != "" && c.subject != a.InstanceID:
		return invalidToken("the subject is %q, configured is the instance %q", c.subject, a.InstanceID)
	case c.expires == nil || c.issuedAt == nil:
		return invalidToken("exp or iat is missing")
	case now.After(at(*c.expires).Add(skew)):
		return invalidToken("expired at %s", at(*c.expires).UTC().Format(time.RFC3339))
	case now.Before(at(*c.issuedAt).Add(-skew)):
		return invalidToken("issued in the future, at %s; are the clocks right?", at(*c.issuedAt).UTC().Format(time.RFC3339))
	case c.notBefore != nil && now.Before(at(*c.notBefore).Add(-skew)):
		return invalidToken("not valid before %s", at(*c.notBefore).UTC().Format(time.RFC3339))
	case c.dataEncrypted == nil:
		return invalidToken("dataEncrypted is missing")
	}
	return nil
}

// content returns the document, decrypted where it is encrypted.
func content(c claims, a Application) ([]byte, error) {
	if *c.dataEncrypted {
		return decrypt(c.cipherData, a)
	}
	if len(a.EncryptionKeys) > 0 {
		return nil, invalidToken("the event is not encrypted, though an encryption key is configured for %s", a.ID)
	}
	var text string
	if json.Unmarshal(c.plainData, &text) == nil {
		return []byte(text), nil
	}
	if len(c.plainData) == 0 {
		return nil, badRequest("the token carries no document")
	}
	return c.plainData, nil
}

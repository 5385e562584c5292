package receiver

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"idaas-ldap/event"
)

// What a token of IDaaS is.
const (
	issuer       = "urn:alibaba:idaas:app:event"
	algorithm    = "RS256"
	maxToken     = 64 << 20
	maxSignature = 1400 // characters: a key of 8192 bits
)

// renewWithin is how long a request waits for key sets to be asked for once more; IDaaS gives up after 10 s.
const renewWithin = 4 * time.Second

// Application is one application of IDaaS whose tokens are taken.
type Application struct {
	// ID is the aud of its tokens, InstanceID, if not empty, their sub.
	ID, InstanceID string
	// Keys finds the public keys that its tokens are signed with.
	Keys KeySource
	// EncryptionKeys returns the keys that are in force, and is asked for each token. With any, unencrypted events are refused. It
	// is nil, or its result has none, where events come unencrypted.
	EncryptionKeys func() *EncryptionKeys
}

// decryption returns the keys to decrypt with now.
func (a Application) decryption() *EncryptionKeys {
	if a.EncryptionKeys == nil {
		return NewEncryptionKeys()
	}
	return a.EncryptionKeys()
}

// KeySource has the public keys of an application.
type KeySource interface {
	// Find returns the keys with an id, none where the set has no such key. ErrNoKeys means that there is no set to look in.
	Find(kid string) ([]*rsa.PublicKey, error)
	// Renew asks for the set once more, unless that was done a moment ago, and returns when it is there or ctx ends.
	Renew(ctx context.Context)
}

// Verifier opens tokens: it checks who signed them, for whom and when, and decrypts what they carry.
type Verifier struct {
	applications []Application
	clock        func() time.Time
}

// NewVerifier returns a verifier for some applications.
func NewVerifier(applications []Application, clock func() time.Time) *Verifier {
	return &Verifier{applications: slices.Clone(applications), clock: clock}
}

// Document is what a verified token carries.
type Document struct {
	Application string
	event.Document
}

// Open verifies and decrypts a token and decodes what it carries. The error is a [*Rejection].
func (v *Verifier) Open(ctx context.Context, token string) (Document, error) {
	return v.open(ctx, []byte(token))
}

// open looks at nothing of the payload before the signature over it holds: until then a token costs its sender more than it
// costs us, one hash at most. The result shares no memory with the token.
func (v *Verifier) open(ctx context.Context, token []byte) (Document, error) {
	signed, err := parseToken(token)
	if err != nil {
		return Document{}, err
	}
	signers, err := v.signers(ctx, signed)
	if err != nil {
		return Document{}, err
	}
	payload, err := decodePart(make([]byte, 0, strict.DecodedLen(len(signed.payload))), signed.payload)
	if err != nil {
		return Document{}, badRequest("the event is not a compact JWS")
	}
	c, err := readClaims(payload)
	if err != nil {
		return Document{}, invalidToken("the claims cannot be read: %v", err)
	}
	application, err := v.application(c, signers)
	if err != nil {
		return Document{}, err
	}
	if err := c.check(v.clock(), application); err != nil {
		return Document{}, err
	}
	plain, err := c.content(application)
	if err != nil {
		return Document{}, err
	}
	document, err := event.Decode(plain)
	if err != nil {
		return Document{}, malformed(err)
	}
	if document.InstanceID == "" {
		document.InstanceID = c.subject
	}
	if c.subject != document.InstanceID {
		return Document{}, invalidToken("the document is of instance %.100q, the token of %.100q", document.InstanceID, c.subject)
	}
	return Document{Application: application.ID, Document: document}, nil
}

func malformed(err error) *Rejection {
	r := badRequest(err.Error())
	r.kind = "malformed document"
	return r
}

// jws is a compact JWS (RFC 7515 section 7.1) taken apart. All but the key id are slices of the token.
type jws struct {
	kid              string
	content, payload []byte // what is signed, and the part of it that is the payload
	signature        []byte
}

// parseToken takes a compact JWS apart. Only its plainest form is taken.
func parseToken(token []byte) (jws, error) {
	notCompact := badRequest("the event is not a compact JWS")
	if len(token) > maxToken {
		return jws{}, badRequest("the token is too long")
	}
	first, last := bytes.IndexByte(token, '.'), bytes.LastIndexByte(token, '.')
	if first < 0 || first == last || bytes.IndexByte(token[first+1:last], '.') >= 0 {
		return jws{}, notCompact
	}
	signed := jws{content: token[:last], payload: token[first+1 : last]}
	var alg, typ string
	err := readHeader(token[:first], func(name string) *string {
		switch name {
		case "alg":
			return &alg
		case "kid":
			return &signed.kid
		case "typ":
			return &typ
		}
		return nil
	})
	switch {
	case errors.Is(err, errNotBase64):
		return jws{}, notCompact
	case err != nil:
		return jws{}, invalidToken("JWS header: %v", err)
	case alg != algorithm:
		return jws{}, invalidToken("JWS header: the algorithm is %.50q, not "+algorithm, alg)
	case typ != "" && !strings.EqualFold(typ, "JWT"):
		return jws{}, invalidToken("JWS header: the type is %.50q", typ)
	case signed.kid == "":
		return jws{}, invalidToken("the token names no key")
	case len(token)-last > maxSignature:
		return jws{}, invalidToken("the signature is too long")
	}
	if signed.signature, err = decodePart(nil, token[last+1:]); err != nil {
		return jws{}, notCompact
	}
	return signed, nil
}

// signers returns the applications whose keys the token is signed with. Where there is none, the key sets are asked for
// once more: the key may be new, or have been replaced under its id.
func (v *Verifier) signers(ctx context.Context, signed jws) ([]Application, error) {
	found, err := v.vouching(signed)
	if err == nil {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, renewWithin)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range v.applications {
		wg.Go(func() { a.Keys.Renew(ctx) })
	}
	wg.Wait()
	return v.vouching(signed)
}

// vouching returns the applications that have a key under which the signature holds. Without a key of that id in any set
// nothing is computed.
func (v *Verifier) vouching(signed jws) (found []Application, err error) {
	var digest []byte
	var missing error // of a key set
	for _, a := range v.applications {
		keys, err := a.Keys.Find(signed.kid)
		if err != nil {
			missing = err
			continue
		}
		if len(keys) > 0 && digest == nil {
			sum := sha256.Sum256(signed.content)
			digest = sum[:]
		}
		if slices.ContainsFunc(keys, func(key *rsa.PublicKey) bool {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signed.signature) == nil
		}) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case digest != nil:
		return nil, invalidToken("the signature is wrong (key %.100q)", signed.kid)
	case missing != nil:
		return nil, unavailable("tokens cannot be verified now", missing.Error())
	default:
		return nil, invalidToken("no key has the id %.100q", signed.kid)
	}
}

// application returns the application that a token is for, which has to be one of those whose keys it is signed with.
func (v *Verifier) application(c claims, signers []Application) (Application, error) {
	named := func(a Application) bool { return slices.Contains(c.audience, a.ID) }
	if i := slices.IndexFunc(signers, named); i >= 0 {
		return signers[i], nil
	}
	if i := slices.IndexFunc(v.applications, named); i >= 0 {
		return Application{}, invalidToken("the token is for %s and signed with a key of another application", v.applications[i].ID)
	}
	return Application{}, invalidToken("the audience %.200q is no configured application", c.audience)
}

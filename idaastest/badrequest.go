package idaastest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/event"
)

// BadRequest is a body that a receiver must not take, with the answer that it deserves.
type BadRequest struct {
	Name   string
	Body   string
	Status int
	// Error is the member error of the answer.
	Error string
}

// The two answers to what is not taken: it cannot be read, or it cannot be trusted.
const (
	unreadable = "bad_request"
	untrusted  = "invalid_token"
)

// BadRequests makes what strangers, forgers and broken senders send. Each body would delete or change the subject of the
// events if it were taken. The receiver is one with an encryption key and the tenant's own configuration; maxBody is the
// size of the largest body that it reads.
func (t *Tenant) BadRequests(events []Event, maxBody int) ([]BadRequest, error) {
	f := &forger{tenant: t, events: events}
	var err error
	if f.document, err = json.Marshal(t.Document(events)); err != nil {
		return nil, fmt.Errorf("encode the document: %w", err)
	}
	f.good = f.token()
	if f.stranger, err = NewTenant(t.Clock); err != nil {
		return nil, err
	}
	var out []BadRequest
	for _, group := range [][]BadRequest{f.bodies(maxBody), f.signatures(), f.claims(), f.encryptions(), f.documents()} {
		out = append(out, group...)
	}
	return out, f.err
}

// forger makes bad requests; the first error is kept.
type forger struct {
	tenant   *Tenant
	stranger *Tenant
	events   []Event
	document []byte
	good     string
	err      error
}

func (f *forger) keep(s string, err error) string {
	if err != nil && f.err == nil {
		f.err = err
	}
	return s
}

// token makes a good token with claims that were changed.
func (f *forger) token(changes ...func(Claims)) string {
	return f.keep(f.tenant.TokenOf(f.document, changes...))
}

func (f *forger) with(name string, value any) string {
	return f.token(func(c Claims) { c[name] = value })
}

func (f *forger) without(name string) string {
	return f.token(func(c Claims) { delete(c, name) })
}

// signed signs the claims of a good token in another way.
func (f *forger) signed(algorithm jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any) string {
	return f.keep(Sign(f.payload(), algorithm, key, header))
}

func (f *forger) payload() []byte {
	signed, err := jose.ParseSignedCompact(f.good, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		f.keep("", err)
		return nil
	}
	return signed.UnsafePayloadWithoutVerification()
}

// body wraps a token as IDaaS does.
func body(token string) string { return `{"event":"` + token + `"}` }

func bad(name, body string) BadRequest { return BadRequest{name, body, 400, unreadable} }

func forged(name, token string) BadRequest { return BadRequest{name, body(token), 401, untrusted} }

func (f *forger) bodies(maxBody int) []BadRequest {
	return []BadRequest{
		bad("empty body", ""),
		bad("truncated JSON", body(f.good)[:100]),
		bad("array instead of object", `["`+f.good+`"]`),
		bad("missing event", `{"events":"`+f.good+`"}`),
		bad("empty event", body("")),
		bad("event is no text", `{"event":{"a":1}}`),
		bad("event twice", `{"event":"`+f.good+`","event":"`+f.good+`"}`),
		bad("something after the body", body(f.good)+"{}"),
		bad("no token", body("hello")),
		bad("two parts", body("a.b")),
		bad("truncated token", body(f.good[:strings.LastIndex(f.good, ".")])),
		{"oversized body", `{"event":"` + strings.Repeat("a", maxBody) + `"}`, 413, "payload_too_large"},
	}
}

func (f *forger) signatures() []BadRequest {
	kid := f.tenant.KeyID
	parts := strings.Split(f.good, ".")
	other := strings.Split(f.with("sub", "idaas_other"), ".")
	own := func(more ...any) map[jose.HeaderKey]any {
		header := map[jose.HeaderKey]any{"kid": kid}
		for i := 0; i < len(more); i += 2 {
			header[jose.HeaderKey(more[i].(string))] = more[i+1] //nolint:forcetypeassert // Written here.
		}
		return header
	}
	return []BadRequest{
		forged("alg none", "eyJhbGciOiJub25lIn0."+parts[1]+"."),
		forged("alg none with a signature", "eyJhbGciOiJub25lIn0."+parts[1]+"."+parts[2]),
		forged("HS256 with the public key as secret", f.signed(jose.HS256, f.tenant.PublicKeyBytes(), own())),
		forged("RS512", f.signed(jose.RS512, f.tenant.private, own())),
		forged("PS256", f.signed(jose.PS256, f.tenant.private, own())),
		forged("another's key under our kid", f.signed(jose.RS256, f.stranger.private, own())),
		forged("unknown kid", f.signed(jose.RS256, f.tenant.private, own("kid", "KEYother"))),
		forged("no kid", f.signed(jose.RS256, f.tenant.private, nil)),
		forged("embedded key", f.signed(jose.RS256, f.stranger.private, own("jwk", jose.JSONWebKey{Key: &f.stranger.private.PublicKey}))),
		forged("key by URL", f.signed(jose.RS256, f.tenant.private, own("jku", "http://127.0.0.1/"))),
		forged("crit", f.signed(jose.RS256, f.tenant.private, own("crit", []string{"exp"}, "exp", 1))),
		forged("another typ", f.signed(jose.RS256, f.tenant.private, own("typ", "at+jwt"))),
		forged("tampered payload", parts[0]+"."+other[1]+"."+parts[2]),
		forged("another's signature", parts[0]+"."+parts[1]+"."+other[2]),
	}
}

func (f *forger) claims() []BadRequest {
	now := f.tenant.Clock().Unix()
	return []BadRequest{
		forged("wrong issuer", f.with("iss", "urn:somebody")),
		forged("no issuer", f.without("iss")),
		forged("wrong audience", f.with("aud", "app_other")),
		forged("wrong audiences", f.with("aud", []string{"app_other", "app_third"})),
		forged("no audience", f.without("aud")),
		forged("wrong subject", f.with("sub", "idaas_other")),
		forged("expired", f.with("exp", now-300)),
		forged("from the future", f.with("iat", now+300)),
		forged("not yet valid", f.with("nbf", now+300)),
		forged("no exp", f.without("exp")),
		forged("no iat", f.without("iat")),
		forged("exp is text", f.with("exp", "tomorrow")),
		forged("dataEncrypted missing", f.without("dataEncrypted")),
		forged("dataEncrypted is text", f.with("dataEncrypted", "true")),
	}
}

func (f *forger) encryptions() []BadRequest {
	cipher := func(compact string, err error) string { return f.with("cipherData", f.keep(compact, err)) }
	key := f.tenant.EncryptionKey
	return []BadRequest{
		forged("plain where encryption is required", f.token(func(c Claims) {
			c["dataEncrypted"], c["cipherData"], c["plainData"] = false, "", json.RawMessage(f.document)
		})),
		forged("JWE with another key", cipher(Encrypt(f.document, f.stranger.EncryptionKey, jose.A256GCM, ""))),
		forged("JWE with another enc", cipher(Encrypt(f.document, key, jose.A128CBC_HS256, ""))),
		forged("JWE with another alg", cipher(EncryptWrapped(f.document, key))),
		forged("JWE to our signing key", cipher(EncryptTo(f.document, &f.tenant.private.PublicKey))),
		forged("JWE with zip", cipher(Encrypt(f.document, key, jose.A256GCM, jose.DEFLATE))),
		forged("no JWE", f.with("cipherData", "hello")),
		forged("no cipherData", f.with("cipherData", "")),
	}
}

func (f *forger) documents() []BadRequest {
	of := func(format string, args ...any) string {
		return f.keep(f.tenant.TokenOf(fmt.Appendf(nil, format, args...)))
	}
	return []BadRequest{
		bad("document that is not JSON", body(of("hello"))),
		bad("document that is an array", body(of("[]"))),
		forged("document of another instance", of(`{"instanceId":"idaas_other","eventData":"[]"}`)),
		bad("event without id", body(of(`{"instanceId":%q,"eventData":[{"eventType":%q}]}`, f.tenant.Instance, event.TypeUserCreate.URN()))),
		bad("event without type", body(of(`{"instanceId":%q,"eventData":[{"eventId":"evnt_1"}]}`, f.tenant.Instance))),
		bad("eventData that is no list", body(of(`{"instanceId":%q,"eventData":"{}"}`, f.tenant.Instance))),
		bad("no eventData", body(of(`{"instanceId":%q}`, f.tenant.Instance))),
	}
}

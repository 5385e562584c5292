package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/receiver"
)

// intake notes what it is given and answers what it is told to.
type intake struct {
	accepted []receiver.Delivery
	fail     error
	outcome  event.Outcome
}

func (i *intake) Accept(_ context.Context, d receiver.Delivery) (receiver.Ticket, error) {
	if i.fail != nil {
		return nil, i.fail
	}
	i.accepted = append(i.accepted, d)
	return ticket{n: len(d.Changes), outcome: i.outcome, changes: d.Changes}, nil
}

type ticket struct {
	n       int
	outcome event.Outcome
	changes []event.Change
}

func (t ticket) Wait(context.Context) []event.Outcome {
	out := make([]event.Outcome, t.n)
	for i := range out {
		out[i] = t.outcome
		if t.changes[i].Problem != "" {
			out[i] = event.Outcome{State: event.Failed, Code: event.CodeMalformed, Message: t.changes[i].Problem}
		}
	}
	return out
}

// front is the receiver with a simulated IDaaS before it.
type front struct {
	tenant *idaastest.Tenant
	intake *intake
	url    string
	log    *bytes.Buffer
}

func newFront(t *testing.T, change func(*receiver.Config)) *front {
	t.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{tenant: tenant, intake: &intake{outcome: event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "add"}}, log: &bytes.Buffer{}}
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, tenant.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := receiver.NewFileKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(f.log)
	cfg := receiver.Config{
		Path: "/accounts/provision", Intake: f.intake, AnswerWithin: 5 * time.Second, MaxBodyBytes: 1 << 20, Log: log, Clock: time.Now,
		Verifier: receiver.NewVerifier([]receiver.Application{{
			ID: tenant.Application, InstanceID: tenant.Instance, Keys: keys, EncryptionKeys: []secret.Text{tenant.EncryptionKey},
		}}, time.Now),
	}
	if change != nil {
		change(&cfg)
	}
	server := httptest.NewServer(receiver.NewHandler(cfg))
	t.Cleanup(server.Close)
	f.url = server.URL + cfg.Path
	return f
}

// post sends a body and returns status and answer.
func (f *front) post(t *testing.T, body string, headers ...string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, f.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json;charset=utf-8")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return f.do(t, request)
}

func (f *front) do(t *testing.T, request *http.Request) (int, map[string]any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("the answer is no JSON: %q", raw)
	}
	return response.StatusCode, answer
}

func body(token string) string {
	raw, _ := json.Marshal(map[string]string{"event": token})
	return string(raw)
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestBadInputIsAnsweredAndTakenNowhere(t *testing.T) {
	f := newFront(t, nil)
	tn := f.tenant
	text := must[string](t)
	user := idaastest.User{ID: tn.NewUserID(), Username: "ann"}
	events := []idaastest.Event{tn.CreateUser(user, "")}
	document, err := json.Marshal(tn.Document(events))
	if err != nil {
		t.Fatal(err)
	}
	good := text(tn.Token(events))
	claim := func(name string, value any) string {
		return text(tn.Token(events, func(c idaastest.Claims) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		}))
	}
	cipher := func(compact string) string { return claim("cipherData", compact) }
	payload := text(tn.Token(events))
	payload = strings.Split(payload, ".")[1]
	signed := func(algorithm jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any) string {
		raw, err := json.Marshal(map[string]any{
			"iss": idaastest.Issuer, "sub": tn.Instance, "aud": tn.Application, "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60,
			"dataEncrypted": true, "cipherData": text(idaastest.Encrypt(document, tn.EncryptionKey, jose.A256GCM, "")),
		})
		if err != nil {
			t.Fatal(err)
		}
		return text(idaastest.Sign(raw, algorithm, key, header))
	}
	other, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	none := "eyJhbGciOiJub25lIn0." + payload + "."
	const bad, unauthorized = "bad_request", "invalid_token"
	now := time.Now().Unix()
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"empty body", "", 400, bad},
		{"truncated JSON", `{"event":"` + good[:100], 400, bad},
		{"array instead of object", `["` + good + `"]`, 400, bad},
		{"missing event", `{"events":"` + good + `"}`, 400, bad},
		{"empty event", `{"event":""}`, 400, bad},
		{"event is no text", `{"event":{"a":1}}`, 400, bad},
		{"event twice", `{"event":"` + good + `","event":"` + good + `"}`, 400, bad},
		{"something after the body", body(good) + "{}", 400, bad},
		{"no token", body("hello"), 400, bad},
		{"two parts", body("a.b"), 400, bad},
		{"oversized body", `{"event":"` + strings.Repeat("a", 2<<20) + `"}`, 413, "payload_too_large"},
		{"alg none", body(none), 401, unauthorized},
		{"HS256 with the public key as secret", body(signed(jose.HS256, tn.PublicKeyBytes(), map[jose.HeaderKey]any{"kid": tn.KeyID})), 401, unauthorized},
		{"RS512", body(signed(jose.RS512, tn.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID})), 401, unauthorized},
		{"another's key under our kid", body(signed(jose.RS256, other.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID})), 401, unauthorized},
		{"unknown kid", body(signed(jose.RS256, tn.PrivateKey(), map[jose.HeaderKey]any{"kid": "KEYother"})), 401, unauthorized},
		{"no kid", body(signed(jose.RS256, tn.PrivateKey(), nil)), 401, unauthorized},
		{"embedded key", body(signed(jose.RS256, other.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID, "jwk": jose.JSONWebKey{Key: &other.PrivateKey().PublicKey}})), 401, unauthorized},
		{"key by URL", body(signed(jose.RS256, tn.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID, "jku": "http://127.0.0.1/"})), 401, unauthorized},
		{"crit", body(signed(jose.RS256, tn.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID, "crit": []string{"exp"}, "exp": 1})), 401, unauthorized},
		{"another typ", body(signed(jose.RS256, tn.PrivateKey(), map[jose.HeaderKey]any{"kid": tn.KeyID, "typ": "at+jwt"})), 401, unauthorized},
		{"wrong issuer", body(claim("iss", "urn:somebody")), 401, unauthorized},
		{"no issuer", body(claim("iss", nil)), 401, unauthorized},
		{"wrong audience", body(claim("aud", "app_other")), 401, unauthorized},
		{"wrong audiences", body(claim("aud", []string{"app_other", "app_third"})), 401, unauthorized},
		{"no audience", body(claim("aud", nil)), 401, unauthorized},
		{"wrong subject", body(claim("sub", "idaas_other")), 401, unauthorized},
		{"expired", body(claim("exp", now-120)), 401, unauthorized},
		{"from the future", body(claim("iat", now+120)), 401, unauthorized},
		{"not yet valid", body(claim("nbf", now+120)), 401, unauthorized},
		{"no exp", body(claim("exp", nil)), 401, unauthorized},
		{"no iat", body(claim("iat", nil)), 401, unauthorized},
		{"exp is text", body(claim("exp", "tomorrow")), 401, unauthorized},
		{"dataEncrypted missing", body(claim("dataEncrypted", nil)), 401, unauthorized},
		{"dataEncrypted is text", body(claim("dataEncrypted", "true")), 401, unauthorized},
		{"plain where encryption is required", body(text(tn.Token(events, func(c idaastest.Claims) {
			c["dataEncrypted"], c["cipherData"], c["plainData"] = false, "", json.RawMessage(document)
		}))), 401, unauthorized},
		{"JWE with another key", body(cipher(text(idaastest.Encrypt(document, other.EncryptionKey, jose.A256GCM, "")))), 401, unauthorized},
		{"JWE with another enc", body(cipher(text(idaastest.Encrypt(document, secret.New(tn.EncryptionKey.Reveal()), jose.A128CBC_HS256, "")))), 401, unauthorized},
		{"JWE with zip", body(cipher(text(idaastest.Encrypt(document, tn.EncryptionKey, jose.A256GCM, jose.DEFLATE)))), 401, unauthorized},
		{"no JWE", body(cipher("hello")), 401, unauthorized},
		{"document that is not JSON", body(text(tn.TokenOf([]byte("hello")))), 400, bad},
		{"document that is an array", body(text(tn.TokenOf([]byte("[]")))), 400, bad},
		{"document of another instance", body(text(tn.TokenOf([]byte(`{"instanceId":"idaas_other","eventData":"[]"}`)))), 401, unauthorized},
		{"event without id", body(text(tn.TokenOf([]byte(`{"instanceId":"` + tn.Instance + `","eventData":[{"eventType":"` + event.TypeUserCreate.URN() + `"}]}`)))), 400, bad},
		{"eventData that is no list", body(text(tn.TokenOf([]byte(`{"instanceId":"` + tn.Instance + `","eventData":"{}"}`)))), 400, bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := f.post(t, c.body)
			if status != c.status || answer["error"] != c.code || answer["errorDescription"] == "" {
				t.Errorf("answered with %d %v; want %d %s", status, answer, c.status, c.code)
			}
			if c.code == unauthorized && answer["errorDescription"] != "the token was not accepted" {
				t.Errorf("the answer tells a forger %q", answer["errorDescription"])
			}
		})
	}
	if len(f.intake.accepted) != 0 {
		t.Fatalf("something was taken in: %+v", f.intake.accepted)
	}
	if strings.Contains(f.log.String(), good[:60]) || strings.Contains(f.log.String(), tn.EncryptionKey.Reveal()) {
		t.Error("a token or a key is in the log")
	}
	if status, _ := f.post(t, body(good)); status != 200 || len(f.intake.accepted) != 1 {
		t.Errorf("the good token is answered with %d", status)
	}
}

func TestAnEventThatIsNotWellFormedSpoilsNoOther(t *testing.T) {
	f := newFront(t, nil)
	good := f.tenant.CreateUser(idaastest.User{ID: f.tenant.NewUserID(), Username: "ann"}, "")
	wrong := f.tenant.Event(event.TypeUserCreate, "u", map[string]any{"userId": "u", "username": []string{"no", "text"}})
	token, err := f.tenant.Token([]idaastest.Event{wrong, good})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := f.post(t, body(token))
	if status != 200 {
		t.Fatalf("answered with %d %v", status, answer)
	}
	for list, want := range map[string]string{"failedEvents": wrong.ID, "successEvents": good.ID} {
		lines, _ := answer[list].([]any)
		if len(lines) != 1 || lines[0].(map[string]any)["eventId"] != want {
			t.Errorf("%s is %v; want %s", list, lines, want)
		}
	}
	for _, list := range []string{"successEvents", "skippedEvents", "failedEvents", "retriedEvents"} {
		if _, ok := answer[list].([]any); !ok {
			t.Errorf("%s is missing", list)
		}
	}
}

func TestOtherMethodsPathsAndMediaTypes(t *testing.T) {
	f := newFront(t, nil)
	for _, c := range []struct {
		method, path, media string
		status              int
	}{
		{http.MethodGet, "", "application/json", 405},
		{http.MethodPut, "", "application/json", 405},
		{http.MethodPost, "/other", "application/json", 404},
		{http.MethodPost, "", "text/plain", 415},
		{http.MethodPost, "", "", 415},
	} {
		request, err := http.NewRequest(c.method, f.url+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.media)
		status, answer := f.do(t, request)
		if status != c.status || answer["error"] == nil {
			t.Errorf("%s %s as %q: %d %v; want %d", c.method, c.path, c.media, status, answer, c.status)
		}
	}
}

func TestNothingIsAcceptedWhileItCannotBeStored(t *testing.T) {
	f := newFront(t, nil)
	f.intake.fail = errors.New("the disk is full")
	token, err := f.tenant.Token([]idaastest.Event{f.tenant.Test()})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, f.url, strings.NewReader(body(token)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("answered with %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
}

func TestTheAllowListCannotBePassedByAForgedHeader(t *testing.T) {
	far := netip.MustParsePrefix("192.0.2.0/24")
	local := netip.MustParsePrefix("127.0.0.0/8")
	for _, c := range []struct {
		name           string
		allow, proxies []netip.Prefix
		forwarded      string
		status         int
	}{
		{"not on the list", []netip.Prefix{far}, nil, "", 403},
		{"a forged header without a trusted proxy", []netip.Prefix{far}, nil, "192.0.2.1", 403},
		{"the nearest hop of a trusted proxy", []netip.Prefix{far}, []netip.Prefix{local}, "192.0.2.1", 400},
		{"a forged hop further left", []netip.Prefix{far}, []netip.Prefix{local}, "192.0.2.1, 198.51.100.7", 403},
		{"a header that is no address", []netip.Prefix{far}, []netip.Prefix{local}, "unknown", 403},
		{"on the list", []netip.Prefix{local}, nil, "192.0.2.1", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFront(t, func(cfg *receiver.Config) { cfg.AllowFrom, cfg.TrustedProxies = c.allow, c.proxies })
			var headers []string
			if c.forwarded != "" {
				headers = []string{"X-Forwarded-For", c.forwarded}
			}
			if status, _ := f.post(t, `{"event":"x"}`, headers...); status != c.status {
				t.Errorf("answered with %d; want %d", status, c.status)
			}
		})
	}
}

func TestWhoIsTooFastIsToldSo(t *testing.T) {
	at := time.Now()
	f := newFront(t, func(cfg *receiver.Config) {
		cfg.RequestsPerSecond, cfg.Burst, cfg.Clock = 1, 3, func() time.Time { return at }
	})
	for i := range 4 {
		want := 400
		if i == 3 {
			want = 429
		}
		if status, _ := f.post(t, `{"event":"x"}`); status != want {
			t.Fatalf("request %d is answered with %d; want %d", i+1, status, want)
		}
	}
}

func FuzzBody(f *testing.F) {
	c := loadCaptured(f)
	v := c.verifier(f, c.at())
	handler := receiver.NewHandler(receiver.Config{
		Path: "/", Verifier: v, Intake: &intake{}, MaxBodyBytes: 1 << 20, Log: silentLog(), Clock: time.Now,
		AnswerWithin: time.Second, RequestsPerSecond: 1e9, Burst: 1 << 30,
	})
	for _, seed := range []string{"", "{}", `{"event":""}`, body(c.Event), `{"event":"a.b.c"}`, `[1]`, fmt.Sprintf(`{"event":%q}`, c.Event[:len(c.Event)-5])} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		switch answer.Code {
		case 400, 401, 413:
		case 200:
			var m map[string]string
			if json.Unmarshal([]byte(text), &m) != nil || m["event"] != c.Event {
				t.Fatalf("accepted: %q", text)
			}
		default:
			t.Fatalf("answered with %d: %s", answer.Code, answer.Body)
		}
	})
}

func FuzzToken(f *testing.F) {
	c := loadCaptured(f)
	v := c.verifier(f, c.at())
	f.Add(c.Event)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Open(context.Background(), token); err == nil && token != c.Event {
			t.Fatalf("accepted: %q", token)
		}
	})
}

func silentLog() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

func BenchmarkOpen(b *testing.B) {
	c := loadCaptured(b)
	v := c.verifier(b, c.at())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(context.Background(), c.Event); err != nil {
			b.Fatal(err)
		}
	}
}

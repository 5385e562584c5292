package receiver_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	// storeWithin and answerWithin are how much time was left at the last call.
	storeWithin, answerWithin time.Duration
}

func (i *intake) Accept(ctx context.Context, d receiver.Delivery) (receiver.Ticket, error) {
	if i.fail != nil {
		return nil, i.fail
	}
	i.storeWithin = left(ctx)
	i.accepted = append(i.accepted, d)
	return ticket{intake: i, n: len(d.Changes), outcome: i.outcome, changes: d.Changes}, nil
}

// left is how much time a context leaves.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline)
}

type ticket struct {
	intake  *intake
	n       int
	outcome event.Outcome
	changes []event.Change
}

func (t ticket) Wait(ctx context.Context) []event.Outcome {
	t.intake.answerWithin = left(ctx)
	out := make([]event.Outcome, t.n)
	for i := range out {
		out[i] = t.outcome
		if t.changes[i].Problem != "" {
			out[i] = event.Outcome{State: event.Failed, Code: event.CodeMalformed, Message: t.changes[i].Problem}
		}
	}
	return out
}

// signingKey is made once, as that takes long.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// newTenant makes an application of IDaaS with ids and an encryption key of its own.
func newTenant(t *testing.T) *idaastest.Tenant {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	return idaastest.NewTenantWithKey(key, time.Now)
}

// fileKeys are the keys of an application in a file.
func fileKeys(t *testing.T, tenant *idaastest.Tenant) *receiver.FileKeys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, tenant.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := receiver.NewFileKeys(path, silentLog(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return keys
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
	tenant := newTenant(t)
	f := &front{tenant: tenant, intake: &intake{outcome: event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "add"}}, log: &bytes.Buffer{}}
	keys := fileKeys(t, tenant)
	log := logrus.New()
	log.SetOutput(f.log)
	cfg := receiver.Config{
		Path: "/accounts/provision", Intake: f.intake, AnswerWithin: 5 * time.Second, MaxBodyBytes: 1 << 20, Log: log, Clock: time.Now,
		Verifier: receiver.NewVerifier([]receiver.Application{{
			ID: tenant.Application, InstanceID: tenant.Instance, Keys: keys, EncryptionKeys: encryptedWith(tenant.EncryptionKey),
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
	request.Header.Set("Expect", "100-continue") // A refusal comes before the body, so that none is lost while that is sent.
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return f.do(t, request)
}

func (f *front) do(t *testing.T, request *http.Request) (int, map[string]any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
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

// encryptedWith is what an application has that encrypts with some keys.
func encryptedWith(keys ...secret.Text) func() *receiver.EncryptionKeys {
	ready := receiver.NewEncryptionKeys(keys...)
	return func() *receiver.EncryptionKeys { return ready }
}

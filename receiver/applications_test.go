package receiver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/receiver"
)

// several makes a verifier for some applications, each with its own keys.
func several(t *testing.T, applications ...receiver.Application) *receiver.Verifier {
	t.Helper()
	return receiver.NewVerifier(applications, time.Now)
}

func application(t *testing.T, tenant *idaastest.Tenant) receiver.Application {
	t.Helper()
	return receiver.Application{ID: tenant.Application, InstanceID: tenant.Instance, Keys: fileKeys(t, tenant), EncryptionKeys: encryptedWith(tenant.EncryptionKey)}
}

func deletion(t *testing.T, tenant *idaastest.Tenant, changes ...func(idaastest.Claims)) string {
	t.Helper()
	token, err := tenant.Token([]idaastest.Event{tenant.DeleteUser("user_1")}, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// One URL serves every application; the audience tells which, and its own keys and settings count.
func TestSeveralApplications(t *testing.T) {
	first, second, plain := newTenant(t), newTenant(t), newTenant(t)
	stranger, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stranger.EncryptionKey, plain.EncryptionKey = secret.Text{}, secret.Text{}
	unencrypted := application(t, plain)
	unencrypted.EncryptionKeys = nil
	outside := application(t, stranger)
	outside.EncryptionKeys, outside.InstanceID = nil, ""
	v := several(t, application(t, first), application(t, second), unencrypted, outside)
	for _, tenant := range []*idaastest.Tenant{first, second, plain, stranger} {
		document, err := v.Open(context.Background(), deletion(t, tenant))
		if err != nil || document.Application != tenant.Application || document.InstanceID != tenant.Instance {
			t.Errorf("%s: %+v, %v", tenant.Application, document, err)
		}
	}
	for name, token := range map[string]string{
		"the audience of one with the keys of another": deletion(t, first, func(c idaastest.Claims) { c["aud"] = second.Application }),
		"an audience that is signed by a stranger":     deletion(t, stranger, func(c idaastest.Claims) { c["aud"] = plain.Application }),
		"an instance of another":                       deletion(t, first, func(c idaastest.Claims) { c["sub"] = second.Instance }),
	} {
		if _, err := v.Open(context.Background(), token); err == nil {
			t.Errorf("%s is accepted", name)
		} else {
			wantStatus(t, err, http.StatusUnauthorized)
		}
	}
	// The audience may be a list, of which one is ours.
	if _, err := v.Open(context.Background(), deletion(t, first, func(c idaastest.Claims) { c["aud"] = []string{"app_other", first.Application} })); err != nil {
		t.Errorf("a list of audiences: %v", err)
	}
}

// While the encryption key is changed, tokens with the old one and the new one are taken; then the old one is taken out.
func TestTheEncryptionKeyIsChanged(t *testing.T) {
	tenant := newTenant(t)
	before, a, old := deletion(t, tenant), application(t, tenant), tenant.EncryptionKey
	tenant.EncryptionKey = newTenant(t).EncryptionKey
	after := deletion(t, tenant)
	for _, c := range []struct {
		name          string
		keys          []secret.Text
		before, after bool
	}{
		{"the old key only", []secret.Text{old}, true, false},
		{"both", []secret.Text{tenant.EncryptionKey, old}, true, true},
		{"the new key only", []secret.Text{tenant.EncryptionKey}, false, true},
	} {
		a.EncryptionKeys = encryptedWith(c.keys...)
		v := several(t, a)
		for token, want := range map[string]bool{before: c.before, after: c.after} {
			if _, err := v.Open(context.Background(), token); (err == nil) != want {
				t.Errorf("with %s: %v", c.name, err)
			}
		}
	}
}

// Keys of all three lengths are taken, as the official library does.
func TestTheLengthsOfEncryptionKeys(t *testing.T) {
	tenant := newTenant(t)
	whole := tenant.EncryptionKey.Reveal()
	document, err := json.Marshal(tenant.Document([]idaastest.Event{tenant.DeleteUser("user_1")}))
	if err != nil {
		t.Fatal(err)
	}
	for digits, enc := range map[int]jose.ContentEncryption{64: jose.A256GCM, 48: jose.A192GCM, 32: jose.A128GCM} {
		key := secret.New(whole[:digits])
		sealed, err := idaastest.Encrypt(document, key, enc, "")
		if err != nil {
			t.Fatal(err)
		}
		token := deletion(t, tenant, func(c idaastest.Claims) { c["cipherData"] = sealed })
		a := application(t, tenant)
		a.EncryptionKeys = encryptedWith(key)
		if opened, err := several(t, a).Open(context.Background(), token); err != nil || len(opened.Changes) != 1 {
			t.Errorf("%s: %v", enc, err)
		}
	}
}

// An unencrypted document may be an object, as the official library reads it, or text.
func TestUnencryptedDocuments(t *testing.T) {
	tenant := newTenant(t)
	tenant.EncryptionKey = secret.Text{}
	a := application(t, tenant)
	a.EncryptionKeys = nil
	v := several(t, a)
	document, err := json.Marshal(tenant.Document([]idaastest.Event{tenant.DeleteUser("user_1")}))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]any{"an object": json.RawMessage(document), "text": string(document)} {
		opened, err := v.Open(context.Background(), deletion(t, tenant, func(c idaastest.Claims) { c["plainData"] = data }))
		if err != nil || len(opened.Changes) != 1 || opened.Changes[0].Type != event.TypeUserDelete {
			t.Errorf("%s: %+v, %v", name, opened, err)
		}
	}
	// What is encrypted cannot be opened without a key.
	other := newTenant(t)
	other.Application, other.Instance, other.KeyID = tenant.Application, tenant.Instance, tenant.KeyID
	_, err = v.Open(context.Background(), deletion(t, other))
	wantStatus(t, err, http.StatusUnauthorized)
	_, err = v.Open(context.Background(), deletion(t, tenant, func(c idaastest.Claims) { delete(c, "plainData") }))
	wantStatus(t, err, http.StatusBadRequest)
}

func TestATokenBeyondAllMeasureIsNotEvenLookedAt(t *testing.T) {
	tenant := newTenant(t)
	_, err := several(t, application(t, tenant)).Open(context.Background(), strings.Repeat("a", 16<<20)+"."+deletion(t, tenant))
	wantStatus(t, err, http.StatusBadRequest)
}

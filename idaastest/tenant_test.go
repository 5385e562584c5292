package idaastest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
)

// tenant is made once, as keys take long to make.
var tenant = sync.OnceValues(func() (*idaastest.Tenant, error) {
	return idaastest.NewTenant(func() time.Time { return time.UnixMilli(1_767_225_600_000) })
})

func newTenant(t *testing.T) *idaastest.Tenant {
	t.Helper()
	shared, err := tenant()
	if err != nil {
		t.Fatal(err)
	}
	own := *shared
	return &own
}

func decoded(t *testing.T, part string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// Tokens look like those that were captured: the same headers, the same claims, everything a string in the document.
func TestTokensLookLikeThoseOfIDaaS(t *testing.T) {
	tn := newTenant(t)
	e := tn.CreateUser(idaastest.User{ID: tn.NewUserID(), Username: "ann"}, "c4n4ry")
	token, err := tn.Token([]idaastest.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if header := decoded(t, parts[0]); len(header) != 3 || header["alg"] != "RS256" || header["typ"] != "JWT" || header["kid"] != tn.KeyID {
		t.Errorf("the header is %v", header)
	}
	claims := decoded(t, parts[1])
	if claims["iss"] != "urn:alibaba:idaas:app:event" || claims["sub"] != tn.Instance || claims["aud"] != tn.Application || claims["dataEncrypted"] != true || claims["plainData"] != "" ||
		claims["exp"].(float64)-claims["iat"].(float64) != 1800 || len(claims["jti"].(string)) != 22 || claims["nbf"] != nil {
		t.Errorf("the claims are %v", claims)
	}
	cipher := strings.Split(claims["cipherData"].(string), ".")
	if header := decoded(t, cipher[0]); len(header) != 2 || header["alg"] != "dir" || header["enc"] != "A256GCM" || cipher[1] != "" {
		t.Errorf("the header of the encryption is %v", header)
	}
	key, err := hex.DecodeString(tn.EncryptionKey.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := jose.ParseEncryptedCompact(claims["cipherData"].(string), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sealed.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		AliUID, InstanceID, EventVersion, EventData string
	}
	if err := json.Unmarshal(plain, &document); err != nil {
		t.Fatal(err)
	}
	var events []struct{ EventID, EventType, EventTime, BizID, BizData string }
	if err := json.Unmarshal([]byte(document.EventData), &events); err != nil {
		t.Fatal(err)
	}
	var biz map[string]any
	if err := json.Unmarshal([]byte(events[0].BizData), &biz); err != nil {
		t.Fatal(err)
	}
	if document.InstanceID != tn.Instance || document.EventVersion != "V1.0" || events[0].EventID != e.ID || events[0].BizID != e.BizID || events[0].EventTime != "1767225600000" ||
		biz["userId"] != e.BizID || biz["updateTime"] != "1767225600000" || biz["emailVerified"] != false || biz["password"] != "c4n4ry" {
		t.Errorf("the document is %+v, its event %+v, its payload %v", document, events, biz)
	}
	for id, form := range map[string]string{
		tn.Application: `^app_[a-z2-7]{26}$`, tn.Instance: `^idaas_[a-z2-7]{26}$`, tn.KeyID: `^KEY[a-z2-7]{33}$`, e.ID: `^evnt_[a-z2-7]{39}$`,
		tn.NewUserID(): `^user_[a-z2-7]{26}$`, tn.NewUnitID(): `^ou_[a-z2-7]{26}$`, tn.NewGroupID(): `^group_[a-z2-7]{26}$`,
	} {
		if !regexp.MustCompile(form).MatchString(id) {
			t.Errorf("an id is %s; want %s", id, form)
		}
	}
}

// Without a key the document is an object in the token, as the official library reads it.
func TestUnencryptedTokens(t *testing.T) {
	tn := newTenant(t)
	tn.EncryptionKey = secret.Text{}
	token, err := tn.Token([]idaastest.Event{tn.Test()})
	if err != nil {
		t.Fatal(err)
	}
	claims := decoded(t, strings.Split(token, ".")[1])
	if data, ok := claims["plainData"].(map[string]any); !ok || data["instanceId"] != tn.Instance || claims["dataEncrypted"] != false || claims["cipherData"] != "" {
		t.Errorf("the claims are %v", claims)
	}
}

func TestTheKeySetIsServed(t *testing.T) {
	tn := newTenant(t)
	server := tn.ServeJWKS()
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", response.StatusCode, err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s %v", raw, err)
	}
	token, err := tn.Token([]idaastest.Event{tn.Test()})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Verify(set.Key(tn.KeyID)[0]); err != nil {
		t.Errorf("the token is not signed with the key that is served: %v", err)
	}
	var members struct{ Keys []map[string]any }
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, 5)
	for name := range members.Keys[0] {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "e kid kty n use" {
		t.Errorf("the key has the members %s", got)
	}
}

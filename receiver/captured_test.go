package receiver_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/receiver"
)

// captured is a real event of March 2022.
type captured struct {
	JWKS       json.RawMessage `json:"jwks"`
	AppID      string          `json:"appId"`
	EncryptKey string          `json:"encryptKey"`
	Event      string          `json:"event"`
	IssuedAt   int64           `json:"iat"`
	Expected   struct {
		InstanceID string `json:"instanceId"`
		EventData  []struct {
			EventID string `json:"eventId"`
			BizID   string `json:"bizId"`
		} `json:"eventData"`
	} `json:"expected"`
}

func loadCaptured(tb testing.TB) captured {
	tb.Helper()
	raw, err := os.ReadFile("testdata/user-delete-encrypted.json")
	if err != nil {
		tb.Fatal(err)
	}
	var c captured
	if err := json.Unmarshal(raw, &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// verifier takes the captured token, with any part of what it rests on replaced.
func (c captured) verifier(tb testing.TB, now time.Time) *receiver.Verifier {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "jwks.json")
	if err := os.WriteFile(path, c.JWKS, 0o600); err != nil {
		tb.Fatal(err)
	}
	keys, err := receiver.NewFileKeys(path, silentLog(), time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return receiver.NewVerifier([]receiver.Application{{ID: c.AppID, Keys: keys, EncryptionKeys: encryptedWith(secret.New(c.EncryptKey))}}, func() time.Time { return now })
}

func (c captured) at() time.Time { return time.Unix(c.IssuedAt, 0) }

func TestTheCapturedEventIsOpened(t *testing.T) {
	c := loadCaptured(t)
	document, err := c.verifier(t, c.at()).Open(context.Background(), c.Event)
	if err != nil {
		t.Fatal(err)
	}
	if document.Application != c.AppID || document.InstanceID != c.Expected.InstanceID || document.Version != "V1.0" || len(document.Changes) != 1 {
		t.Fatalf("the document is %+v", document)
	}
	change := document.Changes[0]
	want := event.Ref{Kind: event.KindUser, ID: c.Expected.EventData[0].BizID}
	if change.ID != c.Expected.EventData[0].EventID || change.Type != event.TypeUserDelete || change.Object != want || change.Stamp.Event != 1648625692578 {
		t.Fatalf("the change is %+v", change)
	}
}

func TestTheCapturedEventHasExpiredToday(t *testing.T) {
	c := loadCaptured(t)
	_, err := c.verifier(t, time.Now()).Open(context.Background(), c.Event)
	wantStatus(t, err, http.StatusUnauthorized)
	for _, edge := range []struct {
		at time.Time
		ok bool
	}{
		{c.at().Add(30*time.Minute + 59*time.Second), true},
		{c.at().Add(30*time.Minute + 62*time.Second), false},
		{c.at().Add(-59 * time.Second), true},
		{c.at().Add(-62 * time.Second), false},
	} {
		_, err := c.verifier(t, edge.at).Open(context.Background(), c.Event)
		if (err == nil) != edge.ok {
			t.Errorf("at %s the answer is %v", edge.at, err)
		}
	}
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var rejection *receiver.Rejection
	if !errors.As(err, &rejection) || rejection.Status != status {
		t.Fatalf("the answer is %v; want %d", err, status)
	}
}

func TestEveryChangedByteOfTheTokenIsRefused(t *testing.T) {
	c := loadCaptured(t)
	v := c.verifier(t, c.at())
	for i := range c.Event {
		for _, by := range []byte{'A', 'z', '-', '.', '=', c.Event[i] ^ 1} {
			if by == c.Event[i] {
				continue
			}
			changed := c.Event[:i] + string([]byte{by}) + c.Event[i+1:]
			if _, err := v.Open(context.Background(), changed); err == nil {
				t.Fatalf("byte %d changed from %q to %q is accepted", i, c.Event[i], by)
			}
		}
	}
	for _, cut := range []int{1, 10, len(c.Event) / 2, len(c.Event) - 1} {
		if _, err := v.Open(context.Background(), c.Event[:cut]); err == nil {
			t.Errorf("the first %d bytes are accepted", cut)
		}
	}
}

// The claims are covered by the signature: each byte of them counts, also where the token is put together anew around them.
func TestEveryChangedByteOfTheClaimsIsRefused(t *testing.T) {
	c := loadCaptured(t)
	v := c.verifier(t, c.at())
	parts := strings.Split(c.Event, ".")
	for n, what := range map[int]string{0: "header", 1: "claims", 2: "signature"} {
		content, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			t.Fatal(err)
		}
		for i := range content {
			for _, by := range []byte{content[i] ^ 1, content[i] ^ 0x20, ' ', '0'} {
				if by == content[i] {
					continue
				}
				altered, changed := append([]byte(nil), content...), append([]string(nil), parts...)
				altered[i] = by
				changed[n] = base64.RawURLEncoding.EncodeToString(altered)
				if _, err := v.Open(context.Background(), strings.Join(changed, ".")); err == nil {
					t.Fatalf("byte %d of the %s changed from %q to %q is accepted", i, what, content[i], by)
				}
			}
		}
	}
}

func TestEveryChangedByteOfTheKeysIsRefused(t *testing.T) {
	c := loadCaptured(t)
	for i := range c.EncryptKey {
		changed := c
		changed.EncryptKey = c.EncryptKey[:i] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", c.EncryptKey[i])+1)%16]) + c.EncryptKey[i+1:]
		if _, err := changed.verifier(t, c.at()).Open(context.Background(), c.Event); err == nil {
			t.Fatalf("digit %d of the encryption key does not matter", i)
		}
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(c.JWKS, &set); err != nil {
		t.Fatal(err)
	}
	modulus, err := base64.RawURLEncoding.DecodeString(set.Keys[0]["n"])
	if err != nil {
		t.Fatal(err)
	}
	for i := range modulus {
		altered := append([]byte(nil), modulus...)
		altered[i] ^= 0x10 // leaves the length of the number as it is
		set.Keys[0]["n"] = base64.RawURLEncoding.EncodeToString(altered)
		changed := c
		if changed.JWKS, err = json.Marshal(set); err != nil {
			t.Fatal(err)
		}
		if _, err := changed.verifier(t, c.at()).Open(context.Background(), c.Event); err == nil {
			t.Fatalf("byte %d of the modulus does not matter", i)
		}
	}
	set.Keys[0]["n"] = base64.RawURLEncoding.EncodeToString(modulus)
	for member, value := range map[string]string{"e": "AAEAAw", "kid": "KEYother"} {
		was := set.Keys[0][member]
		set.Keys[0][member] = value
		changed := c
		if changed.JWKS, err = json.Marshal(set); err != nil {
			t.Fatal(err)
		}
		if _, err := changed.verifier(t, c.at()).Open(context.Background(), c.Event); err == nil {
			t.Errorf("%s of the key does not matter", member)
		}
		set.Keys[0][member] = was
	}
}

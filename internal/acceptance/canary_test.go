package acceptance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// Passwords that are easily found again.
const (
	canary        = "c4n4ry-in-the-m1ne"
	refusedCanary = "c4n4ry-t00-sh0rt"
)

// No password stands anywhere but in the directory: not in the log at its most talkative, on disk, in metrics, lists or
// answers; neither while its event waits, nor after it was written or refused.
func TestEmbeddedNoPasswordIsFoundAnywhere(t *testing.T) {
	server := startEmbedded(t)
	p := startProduct(t, embeddedDirectory(server), true)
	var seen bytes.Buffer
	collect := func() {
		folder := filepath.Dir(p.config)
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			seen.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"/metrics", "/readyz"} {
			response, err := http.Get("http://" + p.app.AdminAddress().String() + page)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(&seen, response.Body); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
		records, err := p.app.Store.Events(context.Background(), store.Filter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&seen).Encode(records); err != nil {
			t.Fatal(err)
		}
	}
	ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	server.Down()
	seen.WriteString(p.send(p.tenant.CreateUser(ann, canary)).Body)
	collect() // while it waits
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	if !p.canBind("uid=ann,ou=people,"+testBase, canary) {
		t.Fatal("the password was not written, so that it is nowhere proves nothing")
	}
	collect() // after it was written
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "password" {
			return ldaptest.Fault{Code: 19, Message: "the password " + refusedCanary + " is too short"}
		}
		return ldaptest.Fault{}
	})
	refused := p.tenant.UpdatePassword(ann, refusedCanary)
	answer := p.send(refused)
	seen.WriteString(answer.Body)
	if list, result := answer.Of(refused.ID); list != "failed" || result.EventCode != string(event.CodePasswordRefused) {
		t.Fatalf("a refused password is answered with %s %+v", list, result)
	}
	collect() // after it was refused
	seen.Write(p.log.Bytes())
	if !strings.Contains(p.log.String(), "event not applied") {
		t.Error("the log says nothing")
	}
	for _, secret := range []string{canary, refusedCanary} {
		wide := utf16.Encode([]rune(secret))
		var little []byte
		for _, u := range wide {
			little = append(little, byte(u), byte(u>>8))
		}
		for form, text := range map[string]string{
			"itself": secret, "hexadecimal": hex.EncodeToString([]byte(secret)), "UTF-16": string(little),
			"base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "=")[:20],
		} {
			if i := strings.Index(seen.String(), text); i >= 0 {
				t.Errorf("%s stands in the open as %s: ...%q...", secret, form, seen.String()[max(0, i-60):min(seen.Len(), i+60)])
			}
		}
	}
}

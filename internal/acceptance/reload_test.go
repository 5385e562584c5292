package acceptance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
)

// versioned is a mapping that writes its version into two attributes.
func versioned(version int) string {
	return fmt.Sprintf(`version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,dc=example,dc=org
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  object_classes: [organizationalUnit]
  attributes: { businessCategory: ou.id }
user:
  dn: "uid={user.username},{ou.dn}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  object_classes: [inetOrgPerson]
  attributes:
    employeeNumber: user.id
    cn: user.username
    sn: user.username
    title: { const: version %[1]d }
    description: { const: version %[1]d }
`, version)
}

// editMapping replaces the mapping file of the product as editors do.
func (p *product) editMapping(text string) {
	p.t.Helper()
	path := filepath.Join(filepath.Dir(p.config), filepath.Base(p.dir.mapping))
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		p.t.Fatal(err)
	}
}

// admin returns what a page of the admin listener says.
func (p *product) admin(page string) string {
	p.t.Helper()
	status, said := p.ask(page)
	if status != http.StatusOK {
		p.t.Fatalf("%s answers with %d: %s", page, status, said)
	}
	return said
}

// ask returns the status and the text of a page of the admin listener.
func (p *product) ask(page string) (status int, said string) {
	p.t.Helper()
	return p.askOne(p.app, page)
}

func (p *product) askOne(a *app.App, page string) (status int, said string) {
	p.t.Helper()
	response, err := http.Get("http://" + a.AdminAddress().String() + page)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// While the mapping is edited again and again, every user is written by one version of it, and nobody is left out.
func TestEmbeddedNobodyIsMappedHalfByTheOldAndHalfByTheNewMapping(t *testing.T) {
	p := startProduct(t, embeddedDirectory(startEmbedded(t)), true)
	const edits, users = 8, 25
	for edit := range edits {
		p.editMapping(versioned(edit))
		reloaded := make(chan struct{})
		go func() {
			defer close(reloaded)
			p.reload()
		}()
		var events []idaastest.Event
		for i := range users {
			u := idaastest.User{ID: p.tenant.NewUserID(), Username: fmt.Sprintf("u%d-%d", edit, i), DisplayName: "U"}
			events = append(events, p.tenant.CreateUser(u, ""))
		}
		p.send(events...)
		<-reloaded
	}
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	seen := map[string]int{}
	for edit := range edits {
		for i := range users {
			e := p.find(fmt.Sprintf("(uid=u%d-%d)", edit, i))
			if e == nil {
				t.Fatalf("u%d-%d is missing", edit, i)
			}
			title := e.GetAttributeValue("title")
			if title != e.GetAttributeValue("description") {
				t.Errorf("%s has the title of %q and the description of %q", e.DN, title, e.GetAttributeValue("description"))
			}
			seen[title]++
		}
	}
	if len(seen) < 2 {
		t.Errorf("only %v was ever in force", seen)
	}
}

// A bad edit leaves the old mapping in force, and everybody who looks is told.
func TestEmbeddedABadMappingIsShownEverywhere(t *testing.T) {
	p := startProduct(t, embeddedDirectory(startEmbedded(t)), true)
	state := func() string {
		var ready struct{ Mappings map[string]string }
		if err := json.Unmarshal([]byte(p.admin("/readyz")), &ready); err != nil {
			t.Fatal(err)
		}
		return ready.Mappings["corp"]
	}
	create := func(name string) event.Code {
		u := idaastest.User{ID: p.tenant.NewUserID(), Username: name, DisplayName: "U"}
		e := p.tenant.CreateUser(u, "")
		answer := p.send(e)
		_, result := answer.Of(e.ID)
		return event.Code(result.EventCode)
	}
	const gauge = `idaas_ldap_mapping_last_reload_successful{directory="corp"} `
	if got := state(); got != "ok" || !strings.Contains(p.admin("/metrics"), gauge+"1") {
		t.Fatalf("at first the mapping is %q", got)
	}
	p.editMapping(strings.Replace(versioned(1), "user.username\n    sn", "user.usernam\n    sn", 1))
	p.reload()
	if got := state(); !strings.Contains(got, "openldap.yaml:15:") || !strings.Contains(got, "usernam") {
		t.Errorf("/readyz says %q", got)
	}
	if !strings.Contains(p.admin("/metrics"), gauge+"0") {
		t.Error("the metric does not say so")
	}
	if text := p.log.String(); !strings.Contains(text, "openldap.yaml:15:") || !strings.Contains(text, "stays in force") {
		t.Error("the log does not say so")
	}
	if code := create("ann"); code != event.CodeApplied {
		t.Errorf("with the old mapping an event ends in %s", code)
	}
	p.editMapping(versioned(2))
	p.reload()
	if got := state(); got != "ok" || !strings.Contains(p.admin("/metrics"), gauge+"1") {
		t.Errorf("mended, the mapping is %q", got)
	}
	if code := create("bob"); code != event.CodeApplied || p.find("(uid=bob)").GetAttributeValue("title") != "version 2" {
		t.Errorf("with the new mapping an event ends in %s", code)
	}
}

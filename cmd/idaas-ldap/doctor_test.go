package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// Of a damaged store what can be read is saved, and after catching up by IDaaS's own API the directory is as IDaaS is: whose row is lost is
// found again by the IDaaS id, renamed meanwhile, and no password is lost in the directory.
func TestWhatTheDoctorSavesCatchesUp(t *testing.T) {
	m := newMissing(t)
	if answer, err := send(m.service.client, m.service.client.Tenant.UpdatePassword(idaastest.User{ID: "user_2", Username: "bob"}, "from-before-the-damage")); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	if code, _, errs := call(t, "doctor", "--config", m.service.config); code != exitFailed || !strings.Contains(errs, "stop it first") {
		t.Errorf("while the service runs: exit %d: %s", code, errs)
	}
	m.service.kill()
	// This is missed.
	m.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "anne", DisplayName: "Anne Smith", Unit: "ou_1"})
	m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_3", Username: "cid", DisplayName: "Cid Lee", Unit: "ou_1"})
	m.live.Join("group_1", "user_3")

	folder := filepath.Dir(m.service.config)
	path := filepath.Join(folder, "store.db")
	damage(t, path, filepath.Join(folder, "store.key"), "user_1")
	code, out, errs := call(t, "doctor", "--config", m.service.config)
	if code != exitFailed || !strings.Contains(out, "the store "+path+" is not as it should be: ") || !strings.Contains(out, "'idaas-ldap doctor --salvage FILE'") ||
		!strings.Contains(out, "corp: 3 objects can be read, of 3 the entry is known; 0 events were not through\ncorp: 1 objects cannot: user user_1\n") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	saved := filepath.Join(folder, "saved.db")
	code, out, errs = call(t, "doctor", "--config", m.service.config, "--salvage", saved, "--output", "json")
	var report struct{ Saved string }
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || report.Saved != saved {
		t.Fatalf("exit %d: %s%s: %v", code, out, errs, err)
	}
	text, err := os.ReadFile(m.service.config)
	if err == nil {
		err = os.WriteFile(m.service.config, bytes.Replace(text, []byte("sqlite:store.db"), []byte("sqlite:saved.db"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := m.pull("--apply"); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	const people = ",ou=Lab,ou=people," + suffix
	for name, there := range map[string]bool{"ann": false, "anne": true, "bob": true, "cid": true} {
		if e := m.directory.Entry("uid=" + name + people); (e != nil) != there {
			t.Errorf("%s is %v", name, e)
		}
	}
	if !canBind(m.directory, "uid=bob"+people, "from-before-the-damage") {
		t.Error("a password is gone")
	}
	if code, out, _ := call(t, "reconcile", "--config", m.service.config, "--exit-code"); code != 0 {
		t.Errorf("what is left differs:\n%s", out)
	}
	if code, out, errs := call(t, "doctor", "--config", m.service.config); code != 0 || !strings.Contains(out, "nothing is wrong with the store "+saved) {
		t.Errorf("the new store: exit %d: %s%s", code, out, errs)
	}
}

// damage changes a byte of what is known of somebody, which is sealed, so that only the seal tells.
func damage(t *testing.T, path, keyFile, id string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.SQLiteConfig{Path: path, Access: store.ToChange}, keyFile, nil)
	if err == nil {
		err = s.Close() // the last one puts what is in the write-ahead log into the database
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := regexp.MustCompile("(?s)corpuser" + id + ".{0,40}eyJ").FindIndex(text)
	if sealed == nil {
		t.Fatalf("%s is not to be found in %s", id, path)
	}
	text[sealed[1]+100] ^= 0x15
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

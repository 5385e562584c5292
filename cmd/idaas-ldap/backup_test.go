package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// A store of yesterday that is restored, and then catches up by IDaaS's own API, ends as IDaaS is, whatever has happened since, and
// sets no password back.
func TestARestoredStoreCatchesUp(t *testing.T) {
	m := newMissing(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	code, out, errs := call(t, "backup", "--config", m.service.config, backup)
	if code != 0 || !strings.Contains(out, " holds 4 objects and 5 events, the last of ") || !strings.Contains(out, "store.key, is not in it") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	// All of this reaches the service, and is in the store and in the directory, but not in the backup.
	since := []idaastest.Event{
		m.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "anne", DisplayName: "Anne Smith", Unit: "ou_1"}),
		m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_3", Username: "cid", DisplayName: "Cid Lee", Unit: "ou_1"}),
		m.service.client.Tenant.UpdatePassword(idaastest.User{ID: "user_3", Username: "cid"}, "later-than-the-backup"),
		m.live.Join("group_1", "user_3"),
	}
	if answer, err := send(m.service.client, since...); err != nil || len(answer.Success) != len(since) {
		t.Fatalf("%v %+v", err, answer)
	}
	// And this is missed.
	m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_4", Username: "dan", DisplayName: "Dan Lee", Unit: "ou_1"})
	if code, _, errs := call(t, "restore", "--config", m.service.config, "--yes", backup); code != exitFailed || !strings.Contains(errs, "stop it first") {
		t.Errorf("while the service runs: exit %d: %s", code, errs)
	}
	m.service.kill()
	if code, _, errs := call(t, "restore", "--config", m.service.config, backup); code != exitUsage || !strings.Contains(errs, "say --yes") {
		t.Errorf("by a script: exit %d: %s", code, errs)
	}
	code, out, errs = call(t, "restore", "--config", m.service.config, "--yes", backup)
	if code != 0 || !strings.Contains(out, "the store from before is ") || !strings.Contains(out, "pull --apply") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := m.pull("--apply"); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	const people = ",ou=Lab,ou=people," + suffix
	for name, there := range map[string]bool{"ann": false, "anne": true, "bob": true, "cid": true, "dan": true} {
		if e := m.directory.Entry("uid=" + name + people); (e != nil) != there {
			t.Errorf("%s is %v", name, e)
		}
	}
	if members := m.directory.Entry("cn=vpn,ou=groups," + suffix).Values("member"); len(members) != 2 {
		t.Errorf("the group has %v", members)
	}
	if !canBind(m.directory, "uid=cid"+people, "later-than-the-backup") {
		t.Error("the password that came after the backup is gone")
	}
	if code, out, _ := call(t, "reconcile", "--config", m.service.config, "--exit-code"); code != 0 {
		t.Errorf("what is left differs:\n%s", out)
	}
}

// Programs read it as JSON, and what is wrong is said.
func TestBackupSaysWhatItHolds(t *testing.T) {
	s := newService(t, startDirectory(t, ""))
	path := filepath.Join(t.TempDir(), "backup.db")
	if code, _, errs := call(t, "backup", "--config", s.config, path); code != exitFailed || !strings.Contains(errs, "there is no store yet") {
		t.Errorf("without a store: exit %d: %s", code, errs)
	}
	s.start()
	code, out, errs := call(t, "backup", "--config", s.config, "--output", "json", path)
	var report struct{ File string }
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || report.File != path {
		t.Errorf("exit %d: %s%s: %v", code, out, errs, err)
	}
	if code, _, errs := call(t, "backup", "--config", s.config, path); code != exitFailed || !strings.Contains(errs, "choose another name") {
		t.Errorf("a second time: exit %d: %s", code, errs)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 900)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kill()
	if code, _, errs := call(t, "restore", "--config", s.config, "--yes", path); code == 0 || !strings.Contains(errs, "no backup") {
		t.Errorf("rubbish: exit %d: %s", code, errs)
	}
}

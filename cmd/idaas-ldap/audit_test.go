package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/audit"
	"idaas-ldap/ldaptest"
)

// audited makes a service that keeps an audit log, with values, of which a password goes nowhere.
func audited(t *testing.T, directory *ldaptest.Server) (s *service, log string) {
	t.Helper()
	s = newService(t, directory)
	log = filepath.Join(t.TempDir(), "audit.log")
	text, err := os.ReadFile(s.config)
	if err == nil {
		err = os.WriteFile(s.config, append(text, "audit: { file: '"+log+"', values: true }\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

// What the service writes is in the audit log with what it was written for, through a kill, and what is done to the log is found.
func TestAuditLogOfTheService(t *testing.T) {
	directory := startDirectory(t, "")
	s, log := audited(t, directory)
	s.start()
	tenant := s.client.Tenant
	u := idaastest.User{ID: tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	made := tenant.CreateUser(u, "c4n4ry-Pass-1")
	if answer, err := send(s.client, made); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	settled := func() {
		t.Helper()
		await(t, "everything is settled", func() bool {
			_, out, _ := call(t, "events", "list", "--config", s.config, "--waiting")
			return out == "no events\n"
		})
	}
	settled()
	s.kill()
	s.start()
	u.DisplayName = "Ann Smith"
	changed, gone := tenant.UserEvent(event.TypeUserUpdateInfo, u), tenant.Event(event.TypeUserDelete, u.ID, map[string]any{"userId": u.ID})
	for _, e := range []idaastest.Event{changed, gone} {
		if answer, err := send(s.client, e); err != nil || len(answer.Success) != 1 {
			t.Fatalf("%v %+v", err, answer)
		}
		settled()
	}
	code, out, errs := call(t, "audit", "list", "--config", s.config, "--object", u.ID, "--output", "json")
	var records []audit.Record
	if err := json.Unmarshal([]byte(out), &records); code != 0 || err != nil {
		t.Fatalf("exit %d: %s%s: %v", code, out, errs, err)
	}
	var writes []string
	for _, r := range records {
		writes = append(writes, r.Operation)
		if len(r.Events) != 1 || r.Outcome != audit.Done || r.Directory != "corp" {
			t.Errorf("recorded is %+v", r)
		}
	}
	if got := strings.Join(writes, " "); got != "add password modify delete" || records[0].Events[0].ID != made.ID || records[3].Events[0].ID != gone.ID {
		t.Errorf("recorded are %s: %+v", got, records)
	}
	_, out, _ = call(t, "audit", "list", "--config", s.config, "--dn", "UID=ANN", "--since", "1h", "--limit", "2")
	if !strings.Contains(out, `displayName ["Ann Lee"] -> ["Ann Smith"]`) || strings.Contains(out, "password uid") || !strings.Contains(out, gone.ID) {
		t.Errorf("the last two are\n%s", out)
	}
	s.kill()
	// The command writes itself where no service runs, and goes on in the same log.
	again := tenant.CreateUser(idaastest.User{ID: tenant.NewUserID(), Username: "bob", DisplayName: "Bob Lee"}, "")
	s.start()
	if answer, err := send(s.client, again); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	settled()
	s.kill()
	edit(t, directory.URL(), "uid=bob,ou=people,"+suffix, "displayName", "Meddled")
	if code, out, errs := call(t, "reconcile", "--config", s.config, "--apply"); code != 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if _, out, _ := call(t, "audit", "list", "--config", s.config, "--dn", "uid=bob", "--limit", "1"); !strings.Contains(out, `displayName ["Meddled"] -> ["Bob Lee"]`) {
		t.Errorf("what reconcile has written is\n%s", out)
	}
	if code, out, errs := call(t, "audit", "verify", "--config", s.config); code != 0 || !strings.Contains(out, "are as they were written") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	text, err := os.ReadFile(log)
	if err != nil || strings.Contains(string(text), "c4n4ry") {
		t.Errorf("the password is in the log: %v", err)
	}
	if err := os.WriteFile(log, []byte(strings.Replace(string(text), "Ann Smith", "Ann Jones", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := call(t, "audit", "verify", "--config", s.config); code != exitFailed || !strings.Contains(out, "was changed") {
		t.Errorf("of a changed log: exit %d: %s", code, out)
	}
	// A last line that was cut off is found, also after the log has gone on; and what else there is can be listed.
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(log, []byte(lines[0]+"{}\n"+strings.Join(lines[2:len(lines)-2], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, directory.URL(), "uid=bob,ou=people,"+suffix, "displayName", "Meddled")
	if code, out, errs := call(t, "reconcile", "--config", s.config, "--apply"); code != 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, out, _ := call(t, "audit", "verify", "--config", s.config); code != exitFailed || !strings.Contains(out, "lines were removed") || !strings.Contains(out, ":2: this is no line") {
		t.Errorf("of a log that was cut off: exit %d: %s", code, out)
	}
	if code, out, errs := call(t, "audit", "list", "--config", s.config, "--limit", "1"); code != exitFailed || !strings.Contains(out, "Meddled") || !strings.Contains(errs, ":2: this is no line") {
		t.Errorf("listed is, with exit %d: %s%s", code, out, errs)
	}
}

// What keeps the log from being written is said before anything starts, and names the key.
func TestAuditLogThatCannotBeOpened(t *testing.T) {
	s, log := audited(t, startDirectory(t, ""))
	if err := os.WriteFile(log, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, "serve", "--config", s.config); code != exitConfig || !strings.Contains(errs, "audit.file: ") || !strings.Contains(errs, "no line of an audit log") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if err := os.RemoveAll(filepath.Dir(log)); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"serve", "validate"} {
		if code, out, errs := call(t, command, "--config", s.config); code != exitConfig || !strings.Contains(out+errs, "audit.file: ") {
			t.Errorf("%s: exit %d: %s%s", command, code, out, errs)
		}
	}
	without := newService(t, startDirectory(t, ""))
	if code, _, errs := call(t, "audit", "verify", "--config", without.config); code != exitUsage || !strings.Contains(errs, "audit.file") {
		t.Errorf("without one: exit %d: %s", code, errs)
	}
}

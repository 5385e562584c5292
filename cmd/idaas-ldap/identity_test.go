package main

import (
	"os"
	"strings"
	"testing"

	"idaas-ldap/event"
)

// Another directory under the address of the known one is left alone by everybody, until a person accepts it.
func TestAnotherDirectoryIsLeftAloneUntilItIsAccepted(t *testing.T) {
	s := newStaffed(t)
	s.service.kill()
	other := startDirectory(t, "")
	moved, err := os.ReadFile(s.service.config)
	if err != nil {
		t.Fatal(err)
	}
	moved = []byte(strings.ReplaceAll(string(moved), s.directory.URL(), other.URL()))
	if err := os.WriteFile(s.service.config, moved, 0o600); err != nil {
		t.Fatal(err)
	}
	const said = "this is another directory"
	for _, command := range [][]string{{"validate", "--online"}, {"reconcile"}, {"explain", "ann"}} {
		code, out, errs := call(t, append(command, "--config", s.service.config)...)
		if !strings.Contains(out+errs, said) || !strings.Contains(out+errs, "reconcile --directory corp --accept-directory") || command[0] != "explain" && code != 1 {
			t.Errorf("%v: exit %d\n%s%s", command, code, out, errs)
		}
	}
	s.service.start()
	ann := s.users[0]
	ann.Email = "lee@example.org"
	if answer, err := send(s.service.client, s.service.client.Tenant.UserEvent(event.TypeUserUpdateInfo, ann)); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	if w := other.Journal(); len(w) != 0 {
		t.Errorf("the other directory was written to: %v", w)
	}
	code, out, errs := call(t, "reconcile", "--config", s.service.config, "--directory", "corp", "--accept-directory", "--by", "eve")
	if code != 0 || !strings.Contains(errs, "from now on") || !strings.Contains(out, "# corp: 0 equal, 0 drifted, 6 missing, 0 surplus, 0 left out by the mapping, 0 blocked, 0 orphans\n") {
		t.Errorf("accepted: exit %d\n%s%s", code, out, errs)
	}
	// Users wait for their unit for a moment, which the command may see.
	if _, _, errs = call(t, "reconcile", "--config", s.service.config, "--apply"); strings.Contains(errs, "held") || strings.Contains(errs, "failed") {
		t.Fatalf("applied: %s", errs)
	}
	await(t, "everybody is in the directory that was accepted", func() bool {
		_, out, _ := call(t, "reconcile", "--config", s.service.config)
		return strings.Contains(out, "# corp: 6 equal,")
	})
	if e := other.Entry(s.dn("ann")); e == nil || e.Value("mail") != ann.Email {
		t.Errorf("in the directory that was accepted ann is %+v", e)
	}
	if code, _, errs = call(t, "reconcile", "--config", s.service.config, "--directory", "corp", "--accept-directory"); code != 0 || !strings.Contains(errs, "nothing to accept") {
		t.Errorf("accepted again: exit %d %s", code, errs)
	}
	if code, _, errs = call(t, "reconcile", "--config", s.service.config, "--accept-directory"); code != 64 || !strings.Contains(errs, "--directory") {
		t.Errorf("of no directory: exit %d %s", code, errs)
	}
}

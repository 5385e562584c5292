package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// staffed is a service with a unit, four users and a group in its directory.
type staffed struct {
	*testing.T
	service   *service
	directory *ldaptest.Server
	users     []idaastest.User
	unit      idaastest.Unit
}

const leftAlone = "uid=printer,ou=people," + suffix

func newStaffed(t *testing.T) *staffed {
	t.Helper()
	s := &staffed{T: t, directory: startDirectory(t, "")}
	s.service = newService(t, s.directory)
	s.service.start()
	tenant := s.service.client.Tenant
	s.unit = idaastest.Unit{ID: tenant.NewUnitID(), Name: "Lab"}
	events := []idaastest.Event{tenant.UnitEvent(event.TypeUnitCreate, s.unit)}
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		u := idaastest.User{ID: tenant.NewUserID(), Username: name, DisplayName: name, Email: name + "@example.org", Unit: s.unit.ID}
		s.users = append(s.users, u)
		events = append(events, tenant.CreateUser(u, ""))
	}
	vpn := idaastest.Group{ID: tenant.NewGroupID(), Name: "vpn"}
	events = append(events, tenant.GroupEvent(event.TypeGroupCreate, vpn), tenant.Membership(event.TypeGroupAddUser, vpn.ID, s.users[0].ID, s.users[1].ID))
	answer, err := send(s.service.client, events...)
	if err != nil || len(answer.Success) != len(events) {
		t.Fatalf("%v %+v", err, answer)
	}
	await(t, "everybody is there", func() bool {
		e := s.directory.Entry("cn=vpn,ou=groups," + suffix)
		return e != nil && len(e.Values("member")) == 2
	})
	// What is written is not remembered yet, and the tests kill the service.
	await(t, "everything is settled", func() bool {
		_, out, _ := call(t, "events", "list", "--config", s.service.config, "--waiting")
		return out == "no events\n"
	})
	return s
}

func (s *staffed) dn(name string) string { return "uid=" + name + ",ou=Lab,ou=people," + suffix }

// meddle changes the directory by hand: one user differs, one is gone, one was moved, a member is missing, and there are
// two entries that are not ours, one of which has our mark.
func (s *staffed) meddle() {
	s.Helper()
	conn, err := ldap.DialURL(s.directory.URL())
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	must := func(err error) {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
	}
	must(conn.Bind(adminDN, password))
	change := ldap.NewModifyRequest(s.dn("ann"), nil)
	change.Replace("mail", []string{"old@example.org"})
	must(conn.Modify(change))
	must(conn.Del(ldap.NewDelRequest(s.dn("cid"), nil)))
	must(conn.ModifyDN(ldap.NewModifyDNRequest(s.dn("dan"), "uid=dan", true, "ou=people,"+suffix)))
	group := ldap.NewModifyRequest("cn=vpn,ou=groups,"+suffix, nil)
	group.Delete("member", []string{s.dn("bob")})
	must(conn.Modify(group))
	for dn, mark := range map[string]string{leftAlone: "", "uid=ghost,ou=people," + suffix: "user_unknown"} {
		add := ldap.NewAddRequest(dn, nil)
		add.Attribute("objectClass", []string{"inetOrgPerson"})
		add.Attribute("cn", []string{"X"})
		add.Attribute("sn", []string{"X"})
		if mark != "" {
			add.Attribute("employeeNumber", []string{mark})
		}
		must(conn.Add(add))
	}
	s.directory.ClearJournal()
}

// hasLines fails the test unless the output has all of these lines.
func hasLines(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+out, "\n"+line) {
			t.Errorf("there is no line %q in\n%s", line, out)
		}
	}
}

const nothingToDo = "# corp: 6 equal, 0 drifted, 0 missing, 0 surplus, 0 left out by the mapping, 0 blocked, 1 orphans\n"

func TestReconcileShowsAndThenWritesWhatDiffers(t *testing.T) {
	s := newStaffed(t)
	s.service.kill() // no service runs, so the command does the work
	s.meddle()
	code, out, errs := call(t, "reconcile", "--config", s.service.config)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	hasLines(t, out,
		"# drift: user "+s.users[0].ID+"\ndn: "+s.dn("ann")+"\nchangetype: modify\nreplace: mail\nmail: ann@example.org\n-\n",
		"# missing: user "+s.users[2].ID+"\ndn: "+s.dn("cid")+"\nchangetype: add\n",
		"# drift: user "+s.users[3].ID+"\ndn: uid=dan,ou=people,"+suffix+"\nchangetype: modrdn\n",
		"# drift: group ",
		"member: "+s.dn("bob")+"\n",
		"# orphan: uid=ghost,ou=people,"+suffix,
		"# corp: 2 equal, 3 drifted, 1 missing, 0 surplus, 0 left out by the mapping, 0 blocked, 1 orphans\n",
		"# an entry that is made anew has no password",
	)
	if strings.Contains(out, "printer") || strings.Contains(out, "\r") {
		t.Errorf("what is not ours is shown, or progress in a pipe:\n%s", out)
	}
	if w := s.directory.Journal(); len(w) != 0 {
		t.Errorf("looking has written %v", w)
	}
	s.checkJSON()
	s.checkOne()
	if code, out, errs = call(t, "reconcile", "--config", s.service.config, "--apply"); code != 0 {
		t.Fatalf("applied: exit %d\n%s%s", code, out, errs)
	}
	s.checkMended()
	if _, out, _ = call(t, "events", "list", "--config", s.service.config, "--object", s.users[2].ID); !strings.Contains(out, "own:reconcile") || !strings.Contains(out, "APPLIED") {
		t.Errorf("in the list of events there is\n%s", out)
	}
}

// checkJSON checks that every line is JSON, with the summary last.
func (s *staffed) checkJSON() {
	s.Helper()
	_, out, _ := call(s.T, "reconcile", "--config", s.service.config, "--output", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	verdicts := map[string]int{}
	for i, text := range lines {
		var line struct {
			Verdict, LDIF string
			Summary       map[string]int
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			s.Fatalf("line %d: %v: %s", i, err, text)
		}
		verdicts[line.Verdict]++
		if last := i == len(lines)-1; last != (line.Summary != nil) || last && line.Summary["equal"] != 2 {
			s.Errorf("line %d is %s", i, text)
		}
	}
	if verdicts["drift"] != 3 || verdicts["missing"] != 1 || verdicts["orphan"] != 1 {
		s.Errorf("the verdicts are %v", verdicts)
	}
}

// checkOne checks that one person can be compared, and written, alone, and that a script is told whether anything differs.
func (s *staffed) checkOne() {
	s.Helper()
	reconcile := func(args ...string) (int, string) {
		s.Helper()
		code, out, errs := call(s.T, append([]string{"reconcile", "--config", s.service.config}, args...)...)
		return code, out + errs
	}
	code, out := reconcile("ann")
	if code != exitDone || !strings.Contains(out, "# drift: user "+s.users[0].ID) || !strings.Contains(out, "# corp: 0 equal, 1 drifted, 0 missing") {
		s.Errorf("ann alone: exit %d\n%s", code, out)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--exit-code"}, exitFailed, "3 drifted"},
		{[]string{"--exit-code", s.dn("ann")}, exitFailed, "1 drifted"},
		{[]string{"--exit-code", s.users[1].ID}, exitDone, "1 equal, 0 drifted"},
		{[]string{"--exit-code", "--apply"}, exitUsage, "--exit-code is for looking"},
		{[]string{"nobody"}, exitFailed, "nothing is known of nobody"},
	} {
		if code, out := reconcile(c.args...); code != c.code || !strings.Contains(out, c.want) {
			s.Errorf("%q: exit %d\n%s", c.args, code, out)
		}
	}
	if w := s.directory.Journal(); len(w) != 0 {
		s.Errorf("looking has written %v", w)
	}
	if code, out := reconcile("--apply", "cid"); code != exitDone || s.directory.Entry(s.dn("cid")) == nil || s.directory.Entry(s.dn("ann")).Value("mail") != "old@example.org" {
		s.Errorf("cid alone, applied: exit %d\n%s", code, out)
	}
}

// checkMended checks that the directory says what it should, that what is not ours is left alone, and that nothing more is to
// be done.
func (s *staffed) checkMended() {
	s.Helper()
	for _, u := range s.users {
		if e := s.directory.Entry(s.dn(u.Username)); e == nil || e.Value("mail") != u.Email {
			s.Errorf("%s is not as it should be", u.Username)
		}
	}
	if members := s.directory.Entry("cn=vpn,ou=groups," + suffix).Values("member"); len(members) != 2 {
		s.Errorf("the group has the members %q", members)
	}
	for _, dn := range []string{leftAlone, "uid=ghost,ou=people," + suffix} {
		if s.directory.Entry(dn) == nil {
			s.Errorf("%s is gone", dn)
		}
	}
	if _, out, _ := call(s.T, "reconcile", "--config", s.service.config); !strings.Contains(out, nothingToDo) {
		s.Errorf("afterwards there is\n%s", out)
	}
}

// While the service runs, it does the work.
func TestReconcileLetsTheRunningServiceWrite(t *testing.T) {
	s := newStaffed(t)
	defer s.service.kill()
	s.meddle()
	code, out, errs := call(t, "reconcile", "--config", s.service.config, "--apply")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	s.checkMended()
	// Nobody else may be the service at the same time.
	if code, _, errs = call(t, "serve", "--config", s.service.config); code != exitFailed || !strings.Contains(errs, "another process") {
		t.Errorf("a second service: exit %d: %s", code, errs)
	}
}

// An edit of the mapping is shown and then applied to everybody, within the guards; what goes beyond is approved as a set.
func TestReconcileAppliesAnEditWithinTheGuards(t *testing.T) {
	s := newStaffed(t)
	s.service.kill()
	source, err := os.ReadFile(filepath.Join(mappingsFolder(t), "openldap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(source), "\ntests:")
	text = strings.Replace(text, `'not (user.username startsWith "svc-")'`, `user.username == "ann"`, 1)
	text = strings.Replace(text, "mail: lower(user.email)", "mail: upper(user.email)", 1)
	text = regexp.MustCompile(`deletes: .*`).ReplaceAllString(text, "deletes: { max: 2, percent: 50, window: 1h }")
	folder := filepath.Dir(s.service.config)
	if err := os.WriteFile(filepath.Join(folder, "edited.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(s.service.config)
	if err != nil {
		t.Fatal(err)
	}
	edited := regexp.MustCompile(`mapping: .*`).ReplaceAllString(string(config), "mapping: edited.yaml")
	if err := os.WriteFile(s.service.config, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	s.directory.ClearJournal()
	_, out, _ := call(t, "reconcile", "--config", s.service.config)
	hasLines(t, out, "# drift: user "+s.users[0].ID+"\n", "# surplus: user "+s.users[1].ID+"\n", "# 3 deletions; the guard lets through at most 2 users in 1h0m0s (guards.deletes.max)")
	code, _, errs := call(t, "reconcile", "--config", s.service.config, "--apply")
	if code != exitFailed || !strings.Contains(errs, "1 objects are held") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	left := func() int {
		n := 0
		for _, u := range s.users {
			if s.directory.Entry(s.dn(u.Username)) != nil {
				n++
			}
		}
		return n
	}
	if n := left(); n != 2 {
		t.Errorf("%d users are left", n)
	}
	// What the guard lets through is used up, and a look still shows what differs.
	_, out, _ = call(t, "reconcile", "--config", s.service.config)
	hasLines(t, out, "# corp: 3 equal, 0 drifted, 0 missing, 1 surplus,", "# 1 deletions; the guard lets through")
	if _, out, _ = call(t, "events", "list", "--config", s.service.config, "--held"); !strings.Contains(out, "GUARDED") || !regexp.MustCompile(`uid=(bob|cid|dan),`).MatchString(out) {
		t.Errorf("held is\n%s", out)
	}
	if _, out, _ := call(t, "explain", "--config", s.service.config, strings.Split(regexp.MustCompile(`reconcile:\S+`).FindString(out), ":")[3]); !strings.Contains(out, "\nheld        held by the guard on deletes") {
		t.Errorf("what is held is not explained:\n%s", out)
	}
	// A deletion that is dropped stays to be seen, and can be taken up again.
	id := regexp.MustCompile(`reconcile:\S+`).FindString(out)
	if code, _, errs := call(t, "events", "discard", "--config", s.service.config, "--held", "--by", "mei"); code != exitDone {
		t.Fatal(errs)
	}
	if _, out, _ := call(t, "reconcile", "--config", s.service.config); !regexp.MustCompile(`# left in place: user \S+, uid=\S+: left in place by mei at .*` + id).MatchString(out) {
		t.Errorf("what was left in place is not seen:\n%s", out)
	}
	who := strings.Split(id, ":")[3]
	if _, out, _ := call(t, "explain", "--config", s.service.config, who); !strings.Contains(out, "\nkept        left in place by mei at ") || !strings.Contains(out, "(event "+id+")\n") {
		t.Errorf("what was left in place is not explained:\n%s", out)
	}
	if code, _, errs := call(t, "events", "retry", "--config", s.service.config, "--event", id); code != exitDone {
		t.Fatal(errs)
	}
	if code, _, errs := call(t, "reconcile", "--config", s.service.config, "--apply"); code != exitFailed || !strings.Contains(errs, "1 objects are held") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if code, _, errs = call(t, "events", "retry", "--config", s.service.config, "--held", "--yes"); code != 0 {
		t.Fatal(errs)
	}
	if code, out, errs = call(t, "reconcile", "--config", s.service.config, "--apply"); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if n := left(); n != 1 || s.directory.Entry(s.dn("ann")).Value("mail") != "ANN@EXAMPLE.ORG" {
		t.Errorf("%d users are left", n)
	}
}

func TestReconcileSaysWhatIsWrong(t *testing.T) {
	s := newStaffed(t)
	s.service.kill()
	if code, _, errs := call(t, "reconcile", "--config", s.service.config, "--directory", "nowhere"); code != exitUsage || !strings.Contains(errs, "no directory nowhere") {
		t.Errorf("exit %d: %s", code, errs)
	}
	s.directory.Down()
	for _, flags := range [][]string{nil, {"--apply"}} {
		if code, _, errs := call(t, append([]string{"reconcile", "--config", s.service.config}, flags...)...); code != exitFailed || !strings.Contains(errs, "corp: ") {
			t.Errorf("%v of a directory that is down: exit %d: %s", flags, code, errs)
		}
	}
	if err := s.directory.Up(); err != nil {
		t.Fatal(err)
	}
	// A directory that hands out a part of its entries is not taken for one that lacks the others.
	s.directory.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "search" && op.DN == suffix {
			return ldaptest.Fault{Code: ldap.LDAPResultSizeLimitExceeded}
		}
		return ldaptest.Fault{}
	})
	if code, out, errs := call(t, "reconcile", "--config", s.service.config); code != exitFailed || !strings.Contains(errs, "limits dn.exact") || strings.Contains(out, "missing") {
		t.Errorf("exit %d: %s%s", code, out, fmt.Sprint(errs))
	}
}

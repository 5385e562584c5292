package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

const canary = "c4n4ry in the coal mine"

// An administrator asks about somebody who was edited by hand, somebody who waits for a unit, a group, an entry that IDaaS
// does not know, and somebody whom nobody knows. No answer shows a password.
func TestExplain(t *testing.T) {
	directory := startDirectory(t, `dn: uid=old,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: old
cn: Old
sn: Old
userPassword: `+canary+`
`)
	s := newService(t, directory)
	explain := func(args ...string) (int, string, string) {
		t.Helper()
		code, out, errs := call(t, append([]string{"explain", "--config", s.config}, args...)...)
		if strings.Contains(out+errs, canary) {
			t.Errorf("%v shows a password:\n%s%s", args, out, errs)
		}
		return code, out, errs
	}
	shows := func(who string, wants ...string) {
		t.Helper()
		code, out, errs := explain(who)
		if code != exitDone {
			t.Errorf("%s: exit %d\n%s", who, code, errs)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s is not explained with\n%s\nbut with\n%s", who, want, out)
			}
		}
	}
	if code, _, errs := explain("ann"); code != exitFailed || !strings.Contains(errs, "nothing is known of ann") || !strings.Contains(errs, "events list") {
		t.Errorf("before anything has come: exit %d: %s", code, errs)
	}

	s.start()
	tenant := s.client.Tenant
	ann := idaastest.User{ID: tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	bob := idaastest.User{ID: tenant.NewUserID(), Username: "bob", DisplayName: "Bob Ray", Unit: "ou_9"}
	staff := idaastest.Group{ID: tenant.NewGroupID(), Name: "staff"}
	answer, err := send(s.client, tenant.CreateUser(ann, canary), tenant.CreateUser(bob, canary),
		tenant.GroupEvent(event.TypeGroupCreate, staff), tenant.Membership(event.TypeGroupAddUser, staff.ID, ann.ID, bob.ID))
	if err != nil || len(answer.Failed)+len(answer.Retried) != 0 {
		t.Fatalf("%v %+v", err, answer)
	}
	const entry = "uid=ann,ou=people," + suffix
	await(t, "ann is there", func() bool { return canBind(directory, entry, canary) })
	await(t, "ann is in the group", func() bool {
		e := directory.Entry("cn=staff,ou=groups," + suffix)
		return e != nil && strings.Contains(strings.Join(e.Values("member"), ";"), entry)
	})
	// What is written is not remembered yet, and the service is killed.
	await(t, "bob and the group are known to wait", func() bool {
		_, out, _ := call(t, "events", "list", "--config", s.config, "--waiting")
		return strings.Count(out, string(event.CodeWaitsForObject)) == 2 && !strings.Contains(out, string(event.CodeAccepted))
	})

	s.kill() // so that nobody mends what is edited now

	saidBy := regexp.MustCompile(`displayName\tAnn Lee\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t(\S+)\t` + regexp.QuoteMeta(tenant.Application) + `\n`)
	code, out, _ := explain("ann")
	said := saidBy.FindStringSubmatch(out)
	if code != exitDone || said == nil {
		t.Fatalf("it is not told which event has said the name, when, and of which application:\n%s", out)
	}
	code, out, _ = call(t, "events", "show", "--config", s.config, said[1])
	if code != exitDone || !saidBy.MatchString(out) || strings.Contains(out, canary) {
		t.Errorf("events show: exit %d\n%s", code, out)
	}
	shows("ANN", "user "+ann.ID, "in IDaaS    exists", "entry       "+entry, "user:create", "nothing to write")
	edit(t, directory.URL(), entry, "cn", "Anne")
	for _, who := range []string{ann.ID, "ann", "UID=ann, OU=people," + suffix} {
		shows(who, "The mapping wants\n\ndn: "+entry+"\nobjectClass: inetOrgPerson\nuid: ann\n", "cn: Ann Lee\n",
			"The directory holds\n\ndn: "+entry+"\n", "cn: Anne\n",
			"The difference\n\ndn: "+entry+"\nchangetype: modify\nreplace: cn\ncn: Ann Lee\n-\n")
	}
	shows("bob", "user "+bob.ID, "in IDaaS    exists", "next try    waiting (WAITS_FOR_OBJECT)", "waits for   unit ou_9, of which nothing is known yet", "The directory holds\n\nno entry\n")
	edit(t, directory.URL(), "cn=staff,ou=groups,"+suffix, "member", "cn=nobody,"+suffix)
	shows("staff", "group "+staff.ID, "waits for   user "+bob.ID+" (bob), which is not in the directory yet", "add: member\nmember: "+entry)
	shows("uid=old,ou=people,"+suffix, "belongs to nobody of whom anything is known", "cn: Old\n")
	shows("old", "belongs to nobody of whom anything is known", "dn: uid=old,ou=people,"+suffix)
	if code, _, errs := explain("carol"); code != exitFailed || !strings.Contains(errs, "nothing is known of carol") {
		t.Errorf("carol: exit %d: %s", code, errs)
	}
	if code, _, errs := explain("--directory", "elsewhere", "ann"); code != exitUsage || !strings.Contains(errs, "no directory elsewhere") {
		t.Errorf("another directory: exit %d: %s", code, errs)
	}

	code, out, errs := explain("--output", "json", "--directory", "corp", "ann")
	var stories []struct {
		Directory, Name, DN, Wants, Holds, Difference string
		Object                                        event.Ref
		Events                                        []json.RawMessage
		Said                                          []struct{ Field, EventID string }
	}
	if err := json.Unmarshal([]byte(out), &stories); err != nil || code != exitDone || len(stories) != 1 {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if story := stories[0]; story.Object.ID != ann.ID || story.DN != entry || len(story.Events) == 0 || len(story.Said) < 3 || story.Said[0].EventID != said[1] || !strings.Contains(story.Difference, "replace: cn\n") {
		t.Errorf("as JSON: %+v", story)
	}

	// Somebody who is gone.
	s.start()
	defer s.kill()
	if _, err := send(s.client, tenant.DeleteUser(ann.ID)); err != nil {
		t.Fatal(err)
	}
	await(t, "ann is gone", func() bool { return directory.Entry(entry) == nil })
	shows(ann.ID, "in IDaaS    deleted", "that it goes", "no entry", "nothing to write")

	// With the directory down there is still what is known.
	directory.Down()
	shows(bob.ID, "name        bob", "user:create")
}

// edit changes an attribute as somebody with an editor would.
func edit(t *testing.T, url, dn, attribute, value string) {
	t.Helper()
	conn, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(adminDN, password); err != nil {
		t.Fatal(err)
	}
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace(attribute, []string{value})
	if err := conn.Modify(change); err != nil {
		t.Fatal(err)
	}
}

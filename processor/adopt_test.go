package processor_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// An entry that others have made is taken over only by a rule that adopts, where the mapping allows it, and never one that is
// protected or belongs to somebody. Nothing is written otherwise.
func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	const adopting = `    - { filter: "(&(uid={user.username})(!(employeeNumber=*)))", adopt: true }`
	for name, c := range map[string]struct {
		edits []string
		made  plan.Add
		words string
	}{
		"a rule that does not adopt":          {[]string{adopting, `    - { attribute: uid, value: user.username }`}, person("uid=ann," + people), "add adopt: true"},
		"an entry outside adopt_below":        {nil, person("uid=ann,ou=policies," + suffix), "adopt_below"},
		"an entry that the mapping protects":  {[]string{"\nuser:\n", "\nprotect: [ \"uid=ann,ou=people,{base}\" ]\nuser:\n"}, person("uid=ann," + people), "protected by uid=ann"},
		"an entry that a filter protects":     {[]string{"\nuser:\n", "\nprotect: [ { filter: \"(title=boss)\" } ]\nuser:\n"}, person("uid=ann,"+people, "title=boss"), "protected by the filter"},
		"the superuser of UNIX":               {nil, unixPerson("uid=ann,"+people, "0"), "protected by uidNumber"},
		"an entry in a subtree that is ours":  {nil, person("uid=ann," + people), ""},
		"an account of UNIX like others, too": {nil, unixPerson("uid=ann,"+people, "2000"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, c.edits, func(s *stage) {
				s.make(c.made)
				before := s.there(c.made.DN.String())
				s.directory.written = nil
				change := s.named(ann, "ann", event.RootUnitID)
				change.Password = secretText("Correct-Horse-1")
				result := s.process(ann, change)
				if c.words == "" {
					if result.Outcome.Code != event.CodeApplied || secretOf(result) == nil || secretOf(result).Code != event.CodeSwitchedOff {
						s.Fatalf("it is %+v, and the password %+v", result.Outcome, secretOf(result))
					}
					return
				}
				if result.Outcome.Code != event.CodeDNTaken || !strings.Contains(result.Outcome.Message, c.words) || !strings.Contains(result.Outcome.Message, c.made.DN.String()) {
					s.Fatalf("it is %+v", result.Outcome)
				}
				s.wrote("")
				if result.Link != "" || before.Link != s.there(c.made.DN.String()).Link {
					s.Errorf("the result is linked to %q", result.Link)
				}
			})
		})
	}
}

// unixPerson is somebody with a login to UNIX.
func unixPerson(dn, number string) plan.Add {
	add := person(dn, "uidNumber="+number, "gidNumber=2000", "homeDirectory=/home/ann")
	add.Attributes[0].Values = append(add.Attributes[0].Values, "posixAccount")
	return add
}

// The entry of one object never becomes that of another, wherever somebody has moved it and whatever it is called there, also
// where the first one has left.
func TestAnEntryBelongsToOneObject(t *testing.T) {
	lin := user("lin")
	onBoth(t, []string{"    - { attribute: employeeNumber, value: user.id }\n", "    - { attribute: uid, value: user.username, adopt: true }\n"}, func(s *stage) {
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.make(plan.ModifyDN{DN: plan.MustParseDN("uid=bob," + people), NewRDN: plan.MustParseDN("uid=ann").RDN(), DeleteOldRDN: true})
		s.waits(event.CodeWaitsForDN, []string{"uid=ann," + people}, []event.Ref{bob}, ann, s.named(ann, "ann", event.RootUnitID))
	})
	onBoth(t, []string{
		"    - { attribute: employeeNumber, value: user.id }\n", "    - { attribute: uid, value: user.username, adopt: true }\n",
		"  object_classes: [inetOrgPerson]\n", "  object_classes: [inetOrgPerson]\n  adopt_below: \"{base}\"\n",
		"delete: delete", `delete: { move: "ou=leavers,{base}", purge_after: 1h }`,
	}, func(s *stage) {
		s.process(lin, s.named(lin, "lin", event.RootUnitID))
		left := s.process(lin, s.say(event.TypeUserDelete, lin, nil))
		s.waits(event.CodeWaitsForDN, []string{"ou=leavers"}, []event.Ref{lin}, ann, s.named(ann, "lin", event.RootUnitID))
		if left.RemovedAt == 0 {
			s.Errorf("the leaver is %+v", left)
		}
	})
}

// The accounts and groups by which a domain is administered are nobody's, even for a bind account with every right.
func TestSambaAdministrationIsLeftAlone(t *testing.T) {
	w := enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml",
		"  object_classes: [user]\n", "  object_classes: [user]\n  adopt_below: \"{base}\"\n",
		"  object_classes: [group]\n", "  object_classes: [group]\n  adopt_below: \"{base}\"\n")
	for _, name := range []string{"Administrator", "Guest", "krbtgt"} {
		ref := user(name)
		c := w.say(event.TypeUserCreate, ref, record(name, nil))
		c.Password = secretText("Tr0ub4dor+Three")
		w.must(event.CodeDNTaken, ref, c)
		if w.bindsAs(plan.MustParseDN("cn="+name+",cn=users,"+suffix), "Tr0ub4dor+Three") {
			t.Errorf("%s has got the password of a user", name)
		}
	}
	eve := user("eve")
	w.create(eve, "eve", "Correct-Horse-1", nil)
	for _, name := range []string{"Domain Admins", "Administrators", "Schema Admins"} {
		ref := group(name)
		r := w.process(ref, w.say(event.TypeGroupCreate, ref, event.Values{event.FieldName: name}), w.joins(ref, eve))
		if r.Outcome.State == event.Done {
			t.Errorf("%s is %+v", name, r.Outcome)
		}
	}
	w.asAdmin(func(conn *ldap.Conn) error {
		found, err := conn.Search(ldap.NewSearchRequest(suffix, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
			"(&(member="+ldap.EscapeFilter(w.dn(eve).String())+")(adminCount=1))", []string{"cn"}, nil))
		if err == nil && len(found.Entries) > 0 {
			t.Errorf("eve is in %s", found.Entries[0].DN)
		}
		return err
	})
}

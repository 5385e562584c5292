package processor_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// otherNames call attributes by names under which no server returns them, and write several values where there is no equality rule.
var otherNames = []string{
	"    givenName: givenName(user.displayName)\n", "    gn: givenName(user.displayName)\n",
	"    mail: lower(user.email)\n", "    0.9.2342.19200300.100.1.3: lower(user.email)\n" +
		"    fax: split(user.custom.fax, \",\")\n    facsimileTelephoneNumber;lang-de: { value: 'split(user.custom.fax, \",\")', authority: merge }\n    jpegPhoto: map(split(user.custom.photos, \",\"), base64(#))\n" +
		"    street: user.custom.street\n    title: { value: 'split(user.custom.fax, \",\")', authority: merge }\n",
}

func TestOpenLDAPOtherNames(t *testing.T) {
	checkOtherNames(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", otherNames...), "street")
}

func Test389DSOtherNames(t *testing.T) {
	checkOtherNames(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml", otherNames...), "street")
}

// An attribute holds what is wanted whatever it is called, from nothing to many values and back, and nothing is written twice.
func checkOtherNames(t *testing.T, w *world, street string) {
	t.Helper()
	ann := user("ann")
	photo := func(names ...string) []string {
		var out []string
		for _, name := range names {
			out = append(out, base64.StdEncoding.EncodeToString([]byte("\xff\xd8\xff\xe0\x00\x10JFIF"+name)))
		}
		return out
	}
	custom := func(fax, photos []string, street string) event.Values {
		return event.Values{"custom.fax": strings.Join(fax, ","), "custom.photos": strings.Join(photos, ","), "custom.street": street}
	}
	w.create(ann, "ann", "", custom([]string{"+1"}, photo("a"), "Main Street"))
	strangers := "+999"
	w.add(w.dn(ann), "title", strangers)
	for _, c := range []struct {
		name, mail  string
		fax, photos []string
		street      string
	}{
		{"Ann Lee", "ann@example.org", []string{"+1", "+2"}, photo("a", "b"), "main street"},
		{"Anna Lee", "anna@example.org", []string{"+1", "+2", "+3", "+4"}, photo("b", "c", "a"), "Side Street"},
		{"anna Lee", "Anna@example.org", []string{"+4"}, photo("c"), ""},
		{"Lee", "", nil, nil, "Side Street"},
		{"Ann Lee", "ann@example.org", []string{"+5", "+6"}, photo("a", "b"), "Side Street"},
	} {
		fields := custom(c.fax, c.photos, c.street)
		fields["displayName"], fields["email"] = c.name, c.mail
		w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, record("ann", fields)))
		w.quiet(ann)
		w.wantCount(w.dn(ann), "facsimileTelephoneNumber", len(c.fax))
		w.wantCount(w.dn(ann), "facsimileTelephoneNumber;lang-de", len(c.fax))
		w.wantCount(w.dn(ann), "title", len(c.fax)+1)
		w.wantCount(w.dn(ann), "jpegPhoto", len(c.photos))
		if c.mail != "" {
			w.wantValues(w.dn(ann), "mail", strings.ToLower(c.mail))
		}
		if c.street != "" {
			w.wantValues(w.dn(ann), street, c.street)
		} else {
			w.wantValues(w.dn(ann), street)
		}
	}
	w.wantValues(w.dn(ann), "givenName", "Ann")
}

// wantCount checks how many values an attribute has.
func (w *world) wantCount(dn plan.DN, attribute string, want int) {
	w.Helper()
	if got := w.values(dn, attribute); len(got) != want {
		w.Fatalf("%s of %s has the values %q; want %d", attribute, dn, got, want)
	}
}

// add gives an attribute one value more, as an administrator.
func (w *world) add(dn plan.DN, attribute, value string) {
	w.Helper()
	w.asAdmin(func(conn *ldap.Conn) error {
		request := ldap.NewModifyRequest(dn.String(), nil)
		request.Add(attribute, []string{value})
		return conn.Modify(request)
	})
}

// What may be written and not read is replaced, so that no former value stays beside the new one, also where the service has been
// started anew in between.
func Test389DSHiddenAttributes(t *testing.T) {
	access := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	checkHiddenAttributes(t, access, "389ds.yaml", func(w *world) {
		w.asAdmin(func(conn *ldap.Conn) error {
			request := ldap.NewModifyRequest(suffix, nil)
			request.Add("aci", []string{fmt.Sprintf(`(targetattr="title || preferredLanguage || carLicense")(version 3.0; acl "hidden"; deny(read,search,compare) userdn="ldap:///%s";)`, access.BindDN)})
			return conn.Modify(request)
		})
	})
}

func TestOpenLDAPHiddenAttributes(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	checkHiddenAttributes(t, server.Access, "openldap.yaml", func(*world) {
		server.Configure(t, "olcAccess",
			fmt.Sprintf("to attrs=userPassword by anonymous auth by dn.exact=%q manage", server.BindDN),
			fmt.Sprintf("to attrs=title,preferredLanguage,carLicense by dn.exact=%q =w", server.BindDN),
			fmt.Sprintf("to * by dn.exact=%q manage", server.BindDN))
	})
}

func checkHiddenAttributes(t *testing.T, access ldaptest.Access, file string, hide func(*world)) {
	t.Helper()
	edits := []string{
		"    mail: lower(user.email)\n",
		"    mail: lower(user.email)\n    title: user.custom.title\n    preferredLanguage: user.custom.language\n    carLicense: { value: user.custom.car, authority: merge }\n",
	}
	w := enter(t, access, ldaps, file, edits...)
	hide(w)
	ann := user("ann")
	custom := func(value string) event.Values {
		return record("ann", event.Values{"custom.title": value, "custom.language": value, "custom.car": value})
	}
	holds := func(w *world, value string) {
		w.Helper()
		w.wantValues(w.dn(ann), "title", value)
		w.wantValues(w.dn(ann), "preferredLanguage", value)
		w.wantValues(w.dn(ann), "carLicense", value, "a stranger's")
	}
	w.must(event.CodeApplied, ann, w.say(event.TypeUserCreate, ann, custom("one")))
	w.add(w.dn(ann), "carLicense", "a stranger's")
	holds(w, "one")
	for _, value := range []string{"two", "three"} {
		w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, custom(value)))
		holds(w, value)
	}
	anew := enter(t, access, ldaps, file, edits...)
	anew.memory, anew.at = w.memory, w.at+1000
	for _, value := range []string{"four", "five", "six"} {
		anew.must(event.CodeApplied, ann, anew.say(event.TypeUserUpdateInfo, ann, custom(value)))
		holds(anew, value)
	}
	fields := custom("")
	anew.must(event.CodeApplied, ann, anew.say(event.TypeUserUpdateInfo, ann, fields))
	anew.wantValues(anew.dn(ann), "title")
	anew.wantValues(anew.dn(ann), "preferredLanguage")
	anew.wantValues(anew.dn(ann), "carLicense", "a stranger's")
}

// What we own, what was refused and what was given out is known by the attribute, whatever the mapping calls it.
func TestARuleByAnotherNameOfItsAttribute(t *testing.T) {
	const rules = `    gn: { value: 'split(user.custom.names, ",")', authority: merge }
    roomNumber: { allocate: { from: 1, to: 99 } }
    mail: lower(user.email)
`
	mappingWith := func(rules string) *mapping.Set {
		return mappingOf(t, "openldap.yaml", []string{"    givenName: givenName(user.displayName)\n", rules, "    mail: lower(user.email)\n    mobile", "    mobile"})
	}
	other := strings.NewReplacer("gn:", "givenName:", "roomNumber:", "0.9.2342.19200300.100.1.6:", "mail:", "rfc822Mailbox:").Replace(rules)
	s := newStage(t, openDirectory(t, connector.Config{URLs: []string{startServer(t, ldaptest.Config{}).URL()}}), mappingWith(rules))
	s.refuses("mail")
	said := func(ref event.Ref, names string) event.Change {
		return s.say(event.TypeUserPush, ref, event.Values{
			"username": ref.ID, "displayName": "Ann Lee", "email": "ann@example.org", "custom.names": names, "primaryOuId": event.RootUnitID,
		})
	}
	s.process(ann, said(ann, "Ann,Anna"))
	s.make(plan.Modify{DN: plan.MustParseDN("uid=" + ann.ID + "," + people), Modifications: []plan.Modification{{Type: plan.AddValues, Name: "givenName", Values: []string{"Theirs"}}}})
	set := mappingWith(other)
	s.processor = processor.New(s.directory, func() *mapping.Set { return set })
	s.directory.written = nil
	result := s.process(ann, said(ann, "Ann,Anna"))
	s.wrote("")
	if len(result.Refused) != 1 || len(result.Owned) != 2 {
		t.Errorf("refused is %+v, ours are %+v", result.Refused, result.Owned)
	}
	s.process(ann, said(ann, "Anna"))
	names := s.there("uid=" + ann.ID + "," + people).Values("givenName")
	if slices.Sort(names); !slices.Equal(names, []string{"Anna", "Theirs"}) {
		t.Errorf("the names are %q", names)
	}
	number := s.there("uid=" + ann.ID + "," + people).Value("roomNumber")
	s.process(ann, s.say(event.TypeUserDelete, ann, nil))
	s.process(bob, said(bob, "Bob"))
	if given := s.there("uid=" + bob.ID + "," + people).Value("roomNumber"); given == "" || given == number {
		t.Errorf("bob has the number %q, and ann had %q", given, number)
	}
}

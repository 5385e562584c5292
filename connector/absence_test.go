package connector_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// What cannot be seen counts as not there only where the base of the mapping is to be seen.
func TestWhatIsHiddenIsNotGone(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Base: func() plan.DN { return baseDN }})
	if err := d.Apply(t.Context(), person(annDN.String(), "employeeNumber=1")); err != nil {
		t.Fatal(err)
	}
	ann, err := d.Read(t.Context(), annDN, nil)
	if err != nil || ann == nil {
		t.Fatalf("%+v, %v", ann, err)
	}
	looks := map[string]func() error{
		"Find by link": func() error {
			found, err := d.Find(t.Context(), plan.Key{Base: baseDN, Link: ann.Link})
			return notFound(t, found != nil, err)
		},
		"Find by match": func() error {
			found, err := d.Find(t.Context(), plan.Key{Base: baseDN, Match: []plan.Match{{Filter: "(employeeNumber=1)"}}})
			return notFound(t, found != nil, err)
		},
		"Read": func() error {
			found, err := d.Read(t.Context(), annDN, nil)
			return notFound(t, found != nil, err)
		},
		"Children": func() error {
			found, err := d.Children(t.Context(), plan.MustParseDN(people))
			return notFound(t, len(found) > 0, err)
		},
		"FirstChildren": func() error {
			found, more, err := d.FirstChildren(t.Context(), plan.MustParseDN(people), 3)
			return notFound(t, len(found) > 0 || more, err)
		},
		"Holding": func() error {
			found, err := d.Holding(t.Context(), annDN, "employeeNumber", []string{"1"})
			return notFound(t, found["1"], err)
		},
		"Referring": func() error {
			found, err := d.Referring(t.Context(), baseDN, []string{"employeeNumber"}, "1")
			return notFound(t, len(found) > 0, err)
		},
		"ReferringBelow": func() error {
			found, err := d.ReferringBelow(t.Context(), baseDN, []string{"manager"}, plan.MustParseDN(people), plan.MustParseDN(people), nil)
			return notFound(t, len(found) > 0, err)
		},
		"Occupied": func() error {
			found, err := d.Occupied(t.Context(), baseDN, "employeeNumber", []string{"1"})
			return notFound(t, found["1"], err)
		},
		"Scan": func() error {
			n := 0
			err := d.Scan(t.Context(), baseDN, "(employeeNumber=1)", nil, func(page []*plan.Entry) error {
				n += len(page)
				return nil
			})
			return notFound(t, n > 0, err)
		},
		"Check": func() error { return d.Check(t.Context(), baseDN) },
	}
	hide := func(hidden func(string) bool) {
		server.Fault(func(ldaptest.Operation) ldaptest.Fault { return ldaptest.Fault{Hide: hidden} })
	}
	for name, look := range looks {
		hide(func(dn string) bool { return strings.HasSuffix(dn, suffix) })
		if o := failure(t, look(), connector.KindUnseen); !strings.Contains(o.Explain(), "access rule") {
			t.Errorf("%s where everything is hidden: %s", name, o.Explain())
		}
		hide(func(dn string) bool { return strings.HasSuffix(dn, people) })
		if err := look(); err != nil {
			t.Errorf("%s where the base is to be seen: %v", name, err)
		}
	}
}

// notFound fails the test where something is found that is hidden.
func notFound(t *testing.T, found bool, err error) error {
	t.Helper()
	if found {
		t.Error("what is hidden was found")
	}
	return err
}

// Another directory under the same address, or behind the second one, is not taken for the one that is known.
func TestAnotherDirectoryIsNotTakenForOurs(t *testing.T) {
	first, second := startServer(t, ldaptest.Config{}), startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{first.URL(), second.URL()}})
	id, err := d.Identity(t.Context(), baseDN)
	if err != nil || id == "" {
		t.Fatalf("the identity is %q, %v", id, err)
	}
	gone := plan.Key{Base: baseDN, Link: "00000000-0000-0000-0000-000000000000"}
	if found, err := d.Find(t.Context(), gone); err != nil || found != nil {
		t.Fatalf("%+v, %v", found, err)
	}
	first.Down()
	_, err = d.Find(t.Context(), gone)
	if o := failure(t, err, connector.KindUnseen); !strings.Contains(o.Explain(), "another directory") || !strings.Contains(o.Explain(), id) {
		t.Error(o.Explain())
	}
}

// identities is one that was remembered, in another process perhaps.
type identities struct{ id atomic.Value }

func (i *identities) Identify(_ context.Context, _ plan.DN, found string) (string, error) {
	i.id.CompareAndSwap(nil, found)
	return i.id.Load().(string), nil
}

// What was remembered before the start counts, for everything that is done, and until a person accepts another directory.
func TestWhichDirectoryThisIsOutlivesTheProcess(t *testing.T) {
	first, second := startServer(t, ldaptest.Config{}), startServer(t, ldaptest.Config{})
	remembered := &identities{}
	open := func(server *ldaptest.Server) *connector.Directory {
		return openDirectory(t, connector.Config{
			URLs: []string{server.URL()}, Name: "corp", Base: func() plan.DN { return baseDN }, Identities: remembered,
		})
	}
	if err := open(first).Check(t.Context(), baseDN); err != nil {
		t.Fatal(err)
	}
	for _, server := range []*ldaptest.Server{first, second} {
		d := open(server)
		if _, err := d.Profile(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Apply(t.Context(), person(annDN.String(), "employeeNumber=1")); (err != nil) != (server == second) {
			t.Errorf("a write: %v", err)
		}
	}
	// Somebody who would be found by a match rule is not looked for either.
	if err := openDirectory(t, connector.Config{URLs: []string{second.URL()}}).Apply(t.Context(), person(annDN.String(), "employeeNumber=1")); err != nil {
		t.Fatal(err)
	}
	d := open(second)
	match := plan.Key{Base: baseDN, Match: []plan.Match{{Filter: "(employeeNumber=1)"}}}
	found, err := d.Find(t.Context(), match)
	o := failure(t, err, connector.KindUnseen)
	if text := o.Explain(); found != nil || d.Another() == nil || !strings.Contains(text, "another directory") || !strings.Contains(text, "--directory corp --accept-directory") {
		t.Errorf("%+v, %v: %s", found, d.Another(), text)
	}
	wantKind(t, d.Check(t.Context(), baseDN), connector.KindUnseen)
	id, err := openDirectory(t, connector.Config{URLs: []string{second.URL()}}).Identity(t.Context(), baseDN)
	if err != nil {
		t.Fatal(err)
	}
	remembered.id.Store(id)
	if found, err := d.Find(t.Context(), match); err != nil || found == nil || d.Another() != nil {
		t.Errorf("after it was accepted: %+v, %v, %v", found, err, d.Another())
	}
	wantKind(t, open(first).Check(t.Context(), baseDN), connector.KindUnseen)
}

// A directory behind a name that comes to lead elsewhere is noticed by what is found there, too.
func TestAConnectionThatLeadsElsewhere(t *testing.T) {
	first, second := startServer(t, ldaptest.Config{}), startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{first.URL(), second.URL()}, Base: func() plan.DN { return baseDN }})
	for _, server := range []*ldaptest.Server{first, second} {
		if err := openDirectory(t, connector.Config{URLs: []string{server.URL()}}).Apply(t.Context(), person(annDN.String())); err != nil {
			t.Fatal(err)
		}
	}
	if ann, err := d.Read(t.Context(), annDN, nil); err != nil || ann == nil {
		t.Fatalf("%+v, %v", ann, err)
	}
	first.Down()
	ann, err := d.Read(t.Context(), annDN, nil)
	if _ = failure(t, err, connector.KindUnseen); ann != nil {
		t.Errorf("an entry of another directory was taken for ours: %+v", ann)
	}
}

// Connections that have lost their login are given up, and what was asked for is asked again with our login.
func TestAConnectionThatLostItsLogin(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 2})
	if err := d.Apply(t.Context(), person(annDN.String())); err != nil {
		t.Fatal(err)
	}
	ann, err := d.Read(t.Context(), annDN, nil)
	if err != nil {
		t.Fatal(err)
	}
	change := plan.Modify{DN: annDN, Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "title", Values: []string{"x"}}}}
	for _, fault := range []ldaptest.Fault{
		{Code: ldap.LDAPResultOperationsError, Message: "a successful bind must be completed on the connection"},
		{Code: ldap.LDAPResultOperationsError},
		{Code: ldap.LDAPResultInappropriateAuthentication, Message: "Anonymous access is not allowed"},
		{Hide: func(dn string) bool { return dn != "" }},
	} {
		var newest, binds atomic.Int32
		lose := func() {
			lost := newest.Load()
			server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				newest.Store(max(newest.Load(), int32(op.Connection)))
				if op.Verb == "bind" {
					binds.Add(1)
				}
				if op.Verb == "bind" || int32(op.Connection) > lost {
					return ldaptest.Fault{}
				}
				return fault
			})
		}
		lose()
		if _, err := d.Read(t.Context(), annDN, nil); err != nil {
			t.Fatal(err)
		}
		lose()
		if found, err := d.Find(t.Context(), plan.Key{Base: baseDN, Link: ann.Link}); err != nil || found == nil {
			t.Errorf("after %+v: %+v, %v", fault, found, err)
		}
		if fault.Code != 0 {
			lose()
			if err := d.Apply(t.Context(), change); err != nil {
				t.Errorf("a write after %+v: %v", fault, err)
			}
		}
		if n := binds.Load(); n > 2 {
			t.Errorf("after %+v it bound %d times", fault, n)
		}
	}
}

// A write that is refused for another reason is not made twice.
func TestARefusedWriteIsMadeOnce(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	for _, code := range []uint16{ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultOperationsError, ldap.LDAPResultNoSuchObject} {
		var writes atomic.Int32
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb != "delete" {
				return ldaptest.Fault{}
			}
			writes.Add(1)
			return ldaptest.Fault{Code: code}
		})
		if err := d.Apply(t.Context(), plan.Delete{DN: annDN}); err == nil || writes.Load() != 1 {
			t.Errorf("after %d: %v, %d times", code, err, writes.Load())
		}
	}
}

// A schema that is hidden for a while does not make another kind of server out of the one that is known.
func TestAHiddenSchemaIsNotTakenForNone(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Clock: clock.Now})
	before, err := d.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{Hide: func(dn string) bool { return strings.EqualFold(dn, "cn=Subschema") }}
	})
	clock.pass(11 * time.Minute)
	if after, err := d.Profile(t.Context()); err != nil || after != before {
		t.Errorf("the profile is %+v, %v", after, err)
	}
	other := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if p, err := other.Profile(t.Context()); err != nil || p.Schema != nil {
		t.Errorf("where nothing was known the profile is %+v, %v", p, err)
	}
}

// Entries below that are not to be seen are said to be there; they are not looked for again and again.
func TestAnEntryWithSomethingHiddenBelow(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	child := plan.MustParseDN("uid=phone," + annDN.String())
	for _, add := range []plan.Add{person(annDN.String()), person(child.String())} {
		if err := d.Apply(t.Context(), add); err != nil {
			t.Fatal(err)
		}
	}
	var verbs []string
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		verbs = append(verbs, op.Verb)
		return ldaptest.Fault{Hide: func(dn string) bool { return dn == child.String() }}
	})
	for _, op := range []plan.Delete{{DN: annDN}, {DN: annDN, Subtree: true}} {
		if o := failure(t, d.Apply(t.Context(), op), connector.KindHiddenBelow); !strings.Contains(o.Explain(), "may not see") {
			t.Error(o.Explain())
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return v != "delete" })); n != 4 {
		t.Errorf("it asked %v", verbs)
	}
}

// A right that comes back while an entry is looked for does not make it gone.
func TestARightThatComesBack(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Base: func() plan.DN { return baseDN }})
	if err := d.Apply(t.Context(), person(annDN.String())); err != nil {
		t.Fatal(err)
	}
	ann, err := d.Read(t.Context(), annDN, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]func() (*plan.Entry, error){
		"Find": func() (*plan.Entry, error) { return d.Find(t.Context(), plan.Key{Base: baseDN, Link: ann.Link}) },
		"Read": func() (*plan.Entry, error) { return d.Read(t.Context(), annDN, nil) },
	} {
		var searches atomic.Int32
		server.Fault(func(ldaptest.Operation) ldaptest.Fault {
			hidden := searches.Add(1) == 1
			return ldaptest.Fault{Hide: func(dn string) bool { return hidden && dn == annDN.String() }}
		})
		if found, err := look(); err != nil || found == nil {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

// A server that cannot say now whether there is a password policy has not said that there is none: nobody would be disabled for
// minutes. One that does not let us look has.
func TestWhoCannotAnswerNowHasNoPolicyOnlyForNow(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	for code, answers := range map[uint16]bool{
		ldap.LDAPResultBusy: false, ldap.LDAPResultUnavailable: false, ldap.LDAPResultOther: false, ldap.LDAPResultOperationsError: false, ldap.LDAPResultTimeLimitExceeded: false,
		ldap.LDAPResultNoSuchObject: true, ldap.LDAPResultInsufficientAccessRights: true,
	} {
		d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
		server.Fault(func(op ldaptest.Operation) (f ldaptest.Fault) {
			if op.Verb == "search" && op.DN == suffix {
				f.Code = code
			}
			return f
		})
		if _, err := d.Profile(t.Context()); (err == nil) != answers {
			t.Errorf("policies are looked for and answered with %d: %v", code, err)
		}
		server.Fault(nil)
		if _, err := d.Profile(t.Context()); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	}
}

// Nor has one that lets nobody in while it is asked, whether it is busy or refuses the login.
func TestWhoLetsNobodyInHasNoPolicyOnlyForNow(t *testing.T) {
	for _, code := range []uint16{ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultInvalidCredentials} {
		server := startServer(t, ldaptest.Config{})
		d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
		server.Fault(func(op ldaptest.Operation) (f ldaptest.Fault) {
			switch {
			case op.Verb == "bind" && op.Connection > 1:
				f.Code = code
			case op.Verb == "search" && op.DN == suffix:
				f.DropBefore = true
			}
			return f
		})
		if _, err := d.Profile(t.Context()); err == nil {
			t.Errorf("the connection is cut while policies are looked for, and the next login is answered with %d: that counts as no policy", code)
		}
	}
}

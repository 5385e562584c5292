// Package conformance states what a processor relies on as tests, once for all that it may stand on: [Target] for directories, in
// memory, over the wire and on real servers, and [Memory] for what is remembered beside them. An open directory or memory goes
// in; failures come out. It never looks behind the interfaces of package processor.
package conformance

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Directory is a directory under test.
type Directory struct {
	processor.Target
	// Base is an entry below which nothing is yet, and everything may be written.
	Base plan.DN
	// EmptyGroups: a group may be without a member.
	EmptyGroups bool
	// Follows: the server keeps references in order itself, so that none is left behind.
	Follows bool
	// Login tries a password.
	Login func(t *testing.T, dn plan.DN, password string) bool
	// Suffer makes things go wrong from now on; nil where that cannot be told to the directory in this way.
	Suffer func(dit.Trouble)
}

// Target tests a directory. All tests have the same one, and each a unit of its own in it.
func Target(t *testing.T, d Directory) {
	t.Helper()
	promises := slices.Concat(searches(), writes())
	if d.Suffer != nil {
		promises = append(promises, troubles()...)
	}
	for i, promise := range promises {
		t.Run(promise.name, func(t *testing.T) {
			s := scene{T: t, Directory: d}
			s.unit = s.addUnit(d.Base, fmt.Sprint("Case ", i))
			promise.show(s)
		})
	}
}

// promise is one thing that a processor relies on.
type promise struct {
	name string
	show func(scene)
}

// scene is a directory under test, with the steps that tests are told in. A step that fails ends the test.
type scene struct {
	*testing.T
	Directory
	unit plan.DN
}

// flavour is the kind of server.
func (s scene) flavour() connector.Flavour {
	s.Helper()
	profile, err := s.Profile(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return profile.Flavour
}

func (s scene) isAD() bool { return s.flavour().Name() == connector.ActiveDirectory }

// below returns the DN of an entry right below another one.
func below(dn plan.DN, attribute, value string) plan.DN {
	return dn.Child(plan.RDN{{Type: attribute, Value: value}})
}

func (s scene) addUnit(above plan.DN, name string) plan.DN {
	s.Helper()
	dn := below(above, "ou", name)
	s.must(plan.Add{DN: dn, Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{name}}}})
	return dn
}

// person is what an entry of a person is made of, with further attributes in pairs of a name and a value.
func (s scene) person(dn plan.DN, more ...string) plan.Add {
	name := dn.RDN()[0].Value
	class := "inetOrgPerson"
	if s.isAD() {
		class = "user"
		more = append(more, "sAMAccountName", accountName(dn))
	}
	add := plan.Add{DN: dn, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{class}}, {Name: "cn", Values: []string{name}}, {Name: "sn", Values: []string{"Lee"}},
	}}
	for i := 0; i+1 < len(more); i += 2 {
		add.Attributes = append(add.Attributes, plan.Attribute{Name: more[i], Values: []string{more[i+1]}})
	}
	return add
}

// accountName is one that no other entry of the domain has.
func accountName(dn plan.DN) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(dn.Key())) // a hash takes everything
	return fmt.Sprintf("a%x", h.Sum64())
}

func (s scene) addPerson(above plan.DN, name string, more ...string) plan.DN {
	s.Helper()
	dn := below(above, "cn", name)
	s.must(s.person(dn, more...))
	return dn
}

func (s scene) addGroup(members ...plan.DN) plan.DN {
	s.Helper()
	const name = "vpn"
	dn := below(s.unit, "cn", name)
	class := "groupOfNames"
	if s.isAD() {
		class = "group"
	}
	values := make([]string, len(members))
	for i, m := range members {
		values[i] = m.String()
	}
	s.must(plan.Add{DN: dn, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{class}}, {Name: "cn", Values: []string{name}}, {Name: "member", Values: values},
	}})
	return dn
}

func (s scene) must(op plan.Operation) {
	s.Helper()
	if err := s.Apply(s.Context(), op); err != nil {
		s.Fatalf("%s %s: %v", op.Verb(), op.Target(), err)
	}
}

// refused makes an operation that must end with an error of a kind.
func (s scene) refused(op plan.Operation, want connector.Kind) {
	s.Helper()
	s.kind(s.Apply(s.Context(), op), want)
}

// kind fails the test unless an error is of a kind.
func (s scene) kind(err error, want connector.Kind) {
	s.Helper()
	var outcome *connector.OutcomeError
	if !errors.As(err, &outcome) || outcome.Kind != want {
		s.Errorf("it ends with %v; want an error of kind %d", err, want)
	}
}

// read returns an entry that must be there.
func (s scene) read(dn plan.DN, attributes ...string) *plan.Entry {
	s.Helper()
	e, err := s.Read(s.Context(), dn, attributes)
	if err != nil || e == nil {
		s.Fatalf("read %s: %v, %v", dn, e, err)
	}
	return e
}

func (s scene) absent(dn plan.DN) {
	s.Helper()
	if e, err := s.Read(s.Context(), dn, nil); err != nil || e != nil {
		s.Errorf("%s is there: %v, %v", dn, e, err)
	}
}

// find looks for an entry below the unit of the test.
func (s scene) find(link string, filters ...string) (*plan.Entry, error) {
	key := plan.Key{Link: link, Base: s.unit, Attributes: []string{"cn", "description"}}
	for _, f := range filters {
		key.Match = append(key.Match, plan.Match{Filter: f})
	}
	return s.Find(s.Context(), key) //nolint:wrapcheck // The test looks at it as it is.
}

func (s scene) password(dn plan.DN, text string) plan.SetPassword {
	return plan.SetPassword{DN: dn, Password: secret.New(text)}
}

package conformance

import (
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Memories is what is remembered of one directory, under test. Nothing is to begin with.
type Memories struct {
	// Of returns the memory as the task of an object sees it.
	Of func(t *testing.T, object event.Ref) processor.Memory
	// Remember keeps what is known of an object and of its entry.
	Remember func(t *testing.T, object event.Object, record plan.Record)
}

// Memory tests what is remembered. Each test has a memory of its own.
func Memory(t *testing.T, open func(t *testing.T) Memories) {
	t.Helper()
	for _, p := range []struct {
		name string
		show func(recall)
	}{
		{"what is known of an object, and where its entry is", recallsObjects},
		{"whose an entry is, by its stable id and by its DN in any spelling", recallsHolders},
		{"an object that is gone holds no DN", forgetsTheGone},
		{"which entries are below a DN", recallsBelow},
		{"where an entry is now, and with a unit all that is below it", recallsMoves},
		{"a number is given to one object, which gets it again", allocates},
		{"a number that an entry has is stepped over, and there is an end to them", allocatesWhatIsFree},
		{"a name is given to one object, which gets it again", claims},
		{"a group of which nothing is known has no members", recallsNoMembers},
	} {
		t.Run(p.name, func(t *testing.T) { p.show(recall{T: t, Memories: open(t)}) })
	}
}

// recall is a memory under test, with the steps that tests are told in.
type recall struct {
	*testing.T
	Memories
}

func user(id string) event.Ref { return event.Ref{Kind: event.KindUser, ID: id} }
func lab() event.Ref           { return event.Ref{Kind: event.KindUnit, ID: "lab"} }

// remember keeps an object that exists and has an entry.
func (r recall) remember(ref event.Ref, dn string) {
	r.Helper()
	r.Remember(r.T, event.Object{
		Ref: ref, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}},
		Facts: map[string]event.Fact{"description": {Value: "of " + ref.ID, At: event.Stamp{Event: 1}}},
	}, plan.Record{Link: "link of " + ref.ID, DN: plan.MustParseDN(dn)})
}

// memory is the one of a task that no test is about.
func (r recall) memory() processor.Memory {
	r.Helper()
	return r.Of(r.T, user("nobody"))
}

func (r recall) holds(dn string, want event.Ref) {
	r.Helper()
	if got, err := r.memory().Holder(r.Context(), plan.MustParseDN(dn), plan.DefaultMatching()); err != nil || got != want {
		r.Errorf("%s is held by %s, %v; want %s", dn, got, err, want)
	}
}

func recallsObjects(r recall) {
	r.remember(user("ann"), "uid=ann,dc=example,dc=org")
	object, record, found, err := r.memory().Lookup(r.Context(), user("ann"))
	if err != nil || !found || !object.Exists() || object.Facts["description"].Value != "of ann" || record.Link != "link of ann" || record.DN.String() != "uid=ann,dc=example,dc=org" {
		r.Errorf("known is %+v, %+v, %t, %v", object, record, found, err)
	}
	if _, record, found, err := r.memory().Lookup(r.Context(), user("eve")); found || err != nil || !record.DN.Empty() {
		r.Errorf("of somebody unknown there is %+v, %t, %v", record, found, err)
	}
}

func recallsHolders(r recall) {
	r.remember(user("ann"), `uid=Ann\, Lee,dc=example,dc=org`)
	for link, want := range map[string]event.Ref{"link of ann": user("ann"), "link of eve": {}, "": {}} {
		got, dn, err := r.memory().Linked(r.Context(), link)
		if err != nil || got != want || dn.Empty() != want.Zero() {
			r.Errorf("%q is that of %s at %q, %v", link, got, dn, err)
		}
	}
	r.holds(`UID=ann\2C lee,DC=example,dc=org`, user("ann"))
	r.holds("uid=eve,dc=example,dc=org", event.Ref{})
	// Full and half width have one key and are two names, unless the directory says otherwise.
	r.remember(lab(), "ou=研发（一）,dc=example,dc=org")
	r.holds("ou=研发(一),dc=example,dc=org", event.Ref{})
	r.holds("ou=研发（一）,dc=example,dc=org", lab())
}

func forgetsTheGone(r recall) {
	r.Remember(r.T, event.Object{Ref: user("ann"), Existence: event.Existence{At: event.Stamp{Event: 2}}, Floor: event.Stamp{Event: 2}}, plan.Record{})
	r.holds("uid=ann,dc=example,dc=org", event.Ref{})
	if got, _, err := r.memory().Linked(r.Context(), ""); err != nil || !got.Zero() {
		r.Errorf("no stable id is that of %s, %v", got, err)
	}
}

func (r recall) below(dn string, want ...string) {
	r.Helper()
	below, err := r.memory().Below(r.Context(), plan.MustParseDN(dn), plan.DefaultMatching())
	if err != nil {
		r.Fatal(err)
	}
	var got []string
	for _, dn := range below {
		got = append(got, dn.String())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.Errorf("below %s there are %q; want %q", dn, got, want)
	}
}

func recallsBelow(r recall) {
	r.remember(lab(), "ou=lab,dc=example,dc=org")
	r.remember(user("ann"), "uid=ann,ou=lab,dc=example,dc=org")
	r.remember(user("bob"), "uid=bob,ou=room,ou=lab,dc=example,dc=org")
	r.remember(user("cid"), "uid=cid,ou=otherlab,dc=example,dc=org")
	r.below("ou=LAB,dc=example,dc=org", "uid=ann,ou=lab,dc=example,dc=org", "uid=bob,ou=room,ou=lab,dc=example,dc=org")
	r.below("uid=ann,ou=lab,dc=example,dc=org")
}

func recallsMoves(r recall) {
	r.remember(lab(), "ou=lab,dc=example,dc=org")
	r.remember(user("ann"), "uid=ann,ou=lab,dc=example,dc=org")
	if err := r.Of(r.T, lab()).Moved(r.Context(), "link of lab", plan.MustParseDN("ou=labs,ou=new,dc=example,dc=org"), plan.DefaultMatching()); err != nil {
		r.Fatal(err)
	}
	r.holds("ou=labs,ou=new,dc=example,dc=org", lab())
	r.holds("ou=lab,dc=example,dc=org", event.Ref{})
	r.holds("uid=ann,ou=labs,ou=new,dc=example,dc=org", user("ann"))
	r.below("ou=lab,dc=example,dc=org")
	if err := r.Of(r.T, user("ann")).Moved(r.Context(), "another link", plan.MustParseDN("uid=anna,dc=example,dc=org"), plan.DefaultMatching()); err != nil {
		r.Fatal(err)
	}
	if _, record, _, err := r.memory().Lookup(r.Context(), user("ann")); err != nil || record.Link != "another link" || record.DN.String() != "uid=anna,dc=example,dc=org" {
		r.Errorf("of a user who has moved there is %+v, %v", record, err)
	}
}

// allocate asks for a number for a user.
func (r recall) allocate(id string, n mapping.Number, taken ...int64) int64 {
	r.Helper()
	number, err := r.Of(r.T, user(id)).Allocate(r.Context(), n, taken...)
	if err != nil {
		r.Fatal(err)
	}
	return number
}

func allocates(r recall) {
	n := mapping.Number{Pool: "uidnumber", From: 100, To: 200}
	ann, bob := r.allocate("ann", n), r.allocate("bob", n)
	if ann == bob || ann < n.From || bob < n.From || ann > n.To || bob > n.To {
		r.Errorf("given out are %d and %d", ann, bob)
	}
	if again := r.allocate("ann", n); again != ann {
		r.Errorf("the second time it is %d, and the first time %d", again, ann)
	}
	if other := r.allocate("ann", mapping.Number{Pool: "gidnumber", From: 100, To: 200}); other != 100 {
		r.Errorf("the first number of another pool is %d", other)
	}
}

func allocatesWhatIsFree(r recall) {
	n := mapping.Number{Pool: "uidnumber", From: 100, To: 102}
	if got := r.allocate("ann", n, 100, 101); got != 102 {
		r.Errorf("beside 100 and 101 it is %d", got)
	}
	if got, err := r.Of(r.T, user("bob")).Allocate(r.Context(), n); err == nil {
		r.Errorf("after the last number it is %d", got)
	}
}

func claims(r recall) {
	claim := func(id string, names ...string) string {
		r.Helper()
		name, err := r.Of(r.T, user(id)).Claim(r.Context(), "uid", names)
		if err != nil {
			r.Fatal(err)
		}
		return name
	}
	got := []string{
		claim("ann", "lee", "lee2"), claim("bob", "lee", "lee2"), claim("ann", "lee", "lee2"), claim("cid", "LEE", "lee2"), claim("cid", "lee3"),
	}
	if text := strings.Join(got, " "); text != "lee lee2 lee  lee3" {
		r.Errorf("given out are %q", text)
	}
}

func recallsNoMembers(r recall) {
	members, err := r.Of(r.T, event.Ref{Kind: event.KindGroup, ID: "vpn"}).Members(r.Context())
	if err != nil || len(members) != 0 {
		r.Errorf("the members are %v, %v", members, err)
	}
}

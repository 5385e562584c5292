package processor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

const (
	fullWidth = "研发（一）"
	halfWidth = "研发(一)"
)

func TestOpenLDAPWidth(t *testing.T) {
	checkOneWidth(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", placesInFullWidth("uid")...))
}

func Test389DSWidth(t *testing.T) {
	checkTwoWidths(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml", placesInFullWidth("uid")...))
}

func TestSambaWidth(t *testing.T) {
	checkTwoWidths(t, enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml", placesInFullWidth("cn")...))
}

// unitCalled makes or renames a unit.
func (w *world) unitCalled(code event.Code, ref event.Ref, name string) {
	w.Helper()
	w.must(code, ref, w.say(event.TypeUnitPush, ref, event.Values{"name": name, "parentId": event.RootUnitID}))
}

func (w *world) comes(users ...event.Ref) event.Change {
	c := w.say(event.TypeGroupAddUser, group("team"), nil)
	for _, ref := range users {
		c.Members = append(c.Members, event.Member{User: ref.ID, Present: true})
	}
	return c
}

// Where the directory distinguishes full and half width, two units with such names are two, and so is everything below them.
func checkTwoWidths(t *testing.T, w *world) {
	t.Helper()
	wide, narrow, team := unit("wide"), unit("narrow"), group("team")
	ann, bob := user("ann"), user("bob")
	w.unitCalled(event.CodeApplied, wide, fullWidth)
	w.unitCalled(event.CodeApplied, narrow, halfWidth)
	w.create(ann, "ann", "", event.Values{"primaryOuId": wide.ID})
	w.create(bob, "bob", "", event.Values{"primaryOuId": narrow.ID})
	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}), w.comes(ann, bob))
	w.wantMembers(team, ann, bob)

	w.unitCalled(event.CodeApplied, narrow, "研发二")
	w.must(event.CodeUnchanged, bob, w.say(event.TypeUserPush, bob, record("bob", event.Values{"primaryOuId": narrow.ID})))
	w.wantMembers(team, ann, bob)
	w.unitCalled(event.CodeApplied, narrow, halfWidth)
	w.must(event.CodeUnchanged, bob, w.say(event.TypeUserPush, bob, record("bob", event.Values{"primaryOuId": narrow.ID})))
	w.wantMembers(team, ann, bob)

	w.checkPlacesOfTwoWidths(wide, narrow)
	before := w.dn(ann)
	w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdatePrimaryOU, ann, event.Values{"primaryOuId": narrow.ID}))
	if plan.SameDN(w.matching(), before, w.dn(ann)) {
		t.Fatalf("ann is at %s as before", before)
	}
	w.wantMembers(team, ann, bob)
	kept := w.dn(wide).Child(plan.RDN{{Type: w.dn(ann).RDN()[0].Type, Value: "kept"}})
	w.asAdmin(func(conn *ldap.Conn) error { return conn.Del(ldap.NewDelRequest(kept.String(), nil)) })
	w.must(event.CodeApplied, user("fay"), w.say(event.TypeUserUpdatePrimaryOU, user("fay"), event.Values{"primaryOuId": narrow.ID}))
	w.must(event.CodeApplied, wide, w.say(event.TypeUnitDelete, wide, nil))
	w.wantMembers(team, ann, bob)
}

// Where the directory takes both widths for one, the second unit waits for the first to make room, and nothing is mixed up.
func checkOneWidth(t *testing.T, w *world) {
	t.Helper()
	wide, narrow, team, ann := unit("wide"), unit("narrow"), group("team"), user("ann")
	w.unitCalled(event.CodeApplied, wide, fullWidth)
	w.waits(event.CodeWaitsForDN, []string{wide.String()}, []event.Ref{wide}, narrow,
		w.say(event.TypeUnitPush, narrow, event.Values{"name": halfWidth, "parentId": event.RootUnitID}))
	w.create(ann, "ann", "", event.Values{"primaryOuId": wide.ID})
	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}), w.comes(ann))
	// Somebody corrects the name in the directory: the entry is where it was, and whoever names it names it still.
	w.asAdmin(renamed(w.dn(wide), plan.RDN{{Type: "ou", Value: halfWidth}}))
	w.must(event.CodeUnchanged, ann, w.say(event.TypeUserPush, ann, record("ann", event.Values{"primaryOuId": wide.ID})))
	w.wantMembers(team, ann)
	w.checkPlacesOfOneWidth(wide)
	w.unitCalled(event.CodeUnchanged, wide, fullWidth)
	w.wantMembers(team, ann)
	w.unitCalled(event.CodeApplied, wide, "研发二")
	w.must(event.CodeApplied, narrow)
	w.wantMembers(team, ann)
}

// Letters of a name may change where the directory distinguishes them in the values by which groups name their members and nowhere
// else.
func TestOpenLDAPMemberUid(t *testing.T) {
	checkMemberUID(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap-posix.yaml"))
}

func Test389DSMemberUid(t *testing.T) {
	checkMemberUID(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "openldap-posix.yaml", `expire: auto`, `expire: { on: { description: expired }, off: { description: current } }`, "    description: user.description\n", ""))
}

func checkMemberUID(t *testing.T, w *world) {
	t.Helper()
	ann, bob, team := user("ann"), user("bob"), group("team")
	w.create(ann, "Ann.Lee", "", nil)
	w.create(bob, "bob", "", nil)
	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}), w.comes(ann, bob))
	w.wantValues(w.dn(team), "memberUid", "Ann.Lee", "bob")
	w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, record("ann.lee", nil)))
	w.wantValues(w.dn(team), "memberUid", "ann.lee", "bob")
	leaves := w.say(event.TypeGroupRemoveUser, team, nil)
	leaves.Members = []event.Member{{User: ann.ID}}
	w.must(event.CodeApplied, team, leaves)
	w.wantValues(w.dn(team), "memberUid", "bob")
}

// Groups may name their members by any field, and follow when it changes.
func TestOpenLDAPMemberValueOfAnotherField(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap-posix.yaml",
		"attribute: memberUid, value: loginName(user.username)", "attribute: memberUid, value: user.email")
	ann, team := user("ann"), group("team")
	w.create(ann, "ann", "", nil)
	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}), w.comes(ann))
	w.wantValues(w.dn(team), "memberUid", "ann@example.org")
	w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, record("ann", event.Values{"email": "ann.lee@example.org"})))
	w.wantValues(w.dn(team), "memberUid", "ann.lee@example.org")
	w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, record("ann", event.Values{"email": ""})))
	w.wantValues(w.dn(team), "memberUid")
}

func (w *world) matching() plan.Matching {
	w.Helper()
	profile, err := w.dir.Profile(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return profile.Matching
}

// wantMembers checks who the members of a group are, and that all of them are there.
func (w *world) wantMembers(team event.Ref, users ...event.Ref) {
	w.Helper()
	members := slices.DeleteFunc(w.values(w.dn(team), "member"), func(v string) bool { return strings.HasPrefix(v, "cn=nobody") })
	for _, ref := range users {
		if there, err := w.dir.Read(w.Context(), w.dn(ref), nil); err != nil || there == nil {
			w.Fatalf("%s is not at %s: %v", ref, w.dn(ref), err)
		}
		if !slices.ContainsFunc(members, func(v string) bool { return plan.SameDN(w.matching(), plan.MustParseDN(v), w.dn(ref)) }) {
			w.Fatalf("%s, at %s, is not among %q", ref, w.dn(ref), members)
		}
	}
	if len(members) != len(users) {
		w.Fatalf("the members are %q; want %v", members, users)
	}
}

func renamed(dn plan.DN, rdn plan.RDN) func(*ldap.Conn) error {
	return func(conn *ldap.Conn) error {
		return conn.ModifyDN(ldap.NewModifyDNRequest(dn.String(), rdn.String(), true, ""))
	}
}

func TestOpenLDAPMomentsBeyond(t *testing.T) {
	checkMoments(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap-posix.yaml"))
}

func Test389DSMomentsBeyond(t *testing.T) {
	checkMoments(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml"))
}

func TestSambaMomentsBeyond(t *testing.T) {
	checkMoments(t, enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml"))
}

// An account whose end the server cannot hold can log in, and one that has ended cannot, whatever its end was before.
func checkMoments(t *testing.T, w *world) {
	t.Helper()
	ann := user("ann")
	w.create(ann, "ann", "Correct-Horse-1", nil)
	for _, c := range []struct {
		at   int64
		open bool
	}{
		{1, false},
		{4294967294000, true},   // the last second that slapd can count to
		{1577836800000, false},  // 2020
		{4294967295000, true},   // the next one
		{4294967296000, true},   // where it starts again
		{999, false},            // within the first second of 1970
		{4797964800000, true},   // 2122: in 32 bits some time in 1986
		{-1, true},              // never, in the words of IDaaS
		{1000, false},           // the second second
		{253402214400000, true}, // the last day of 9999
		{1577836800001, false},  // 2020
		{253402300800000, true}, // the year 10000
		{-86400000, true},       // no end before 1970
		{1577836800002, false},
		{910692730085478, true}, // the first moment that 64 bits of 100 ns since 1601 cannot hold
		{9223372036854775807, true},
	} {
		w.process(ann, w.say(event.TypeUserUpdateInfo, ann, event.Values{"accountExpireTime": c.at}))
		if o := w.memory.objects[ann]; len(o.pending) > 0 {
			t.Fatalf("%d: it waits", c.at)
		}
		if err := w.bind(w.dn(ann), "Correct-Horse-1"); (err == nil) != c.open {
			t.Fatalf("an account that ends at %d can log in: %t (%v)", c.at, err == nil, err)
		}
		w.quiet(ann)
	}
}

// Active Directory refuses a group that would be called like a user, and says neither why nor whose the name is.
func TestSambaNotUnique(t *testing.T) {
	w := enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml")
	sales, team := user("ann"), group("team")
	w.create(sales, "sales", "", nil)
	innocent := plan.Add{DN: plan.MustParseDN("cn=sales,ou=leavers,dc=example,dc=org"), Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"contact"}}, {Name: "cn", Values: []string{"sales"}},
	}}
	w.make(innocent)
	w.waits(event.CodeWaitsForDN, []string{"sAMAccountName sales", sales.String(), "CN=sales,OU=people,DC=example,DC=org"}, []event.Ref{sales}, team,
		w.say(event.TypeGroupCreate, team, event.Values{"name": "sales"}))
	w.must(event.CodeApplied, sales, w.say(event.TypeUserDelete, sales, nil))
	w.must(event.CodeApplied, team)

	// Nor where it is somebody else's, outside of what the mapping speaks about.
	guest := group("guest")
	w.waits(event.CodeDNTaken, []string{"sAMAccountName Guest", "CN=Guest,CN=Users,DC=example,DC=org"}, nil, guest,
		w.say(event.TypeGroupCreate, guest, event.Values{"name": "Guest"}))
}

// A group names a user as the user's entry does, also where the mapping refuses another name: it is that name which goes when the
// user leaves the group or is deleted.
func TestOpenLDAPMemberUidOfANameThatIsRefused(t *testing.T) {
	access := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access
	w := enter(t, access, ldaps, "openldap-posix.yaml")
	ann, bob, team, ops := user("ann"), user("bob"), group("team"), group("ops")
	w.create(ann, "ann", "", nil)
	w.create(bob, "bob", "", nil)
	for _, ref := range []event.Ref{team, ops} {
		comes := w.comes(ann, bob)
		comes.Object = ref
		w.must(event.CodeApplied, ref, w.say(event.TypeGroupCreate, ref, event.Values{"name": ref.ID}), comes)
	}
	for _, ref := range []event.Ref{ann, bob} {
		if refused := w.process(ref, w.say(event.TypeUserUpdateInfo, ref, record("../root", nil))).Of(event.FacetRecord); refused.Code != event.CodeMapping {
			t.Errorf("%s is %+v", ref, refused)
		}
	}
	w.wantValues(w.dn(team), "memberUid", "ann", "bob")
	comesToo := w.comes(ann)
	w.must(event.CodeUnchanged, team, comesToo)
	w.wantValues(w.dn(team), "memberUid", "ann", "bob")
	leaves := w.say(event.TypeGroupRemoveUser, team, nil)
	leaves.Members = []event.Member{{User: ann.ID}}
	w.must(event.CodeApplied, team, leaves)
	w.wantValues(w.dn(team), "memberUid", "bob")
	w.must(event.CodeApplied, ann, w.say(event.TypeUserDelete, ann, nil))
	w.wantValues(w.dn(ops), "memberUid", "bob")
	w.must(event.CodeApplied, bob, w.say(event.TypeUserUpdateInfo, bob, record("robert", nil)))
	w.wantValues(w.dn(ops), "memberUid", "robert")

	// Where the entry gets the name and only groups refuse it, the former one is free for somebody else.
	w = enter(t, access, ldaps, "openldap-posix.yaml", `dn: "uid={loginName(user.username)},`, `dn: "uid={user.username},`, "    uid: loginName(user.username)\n", "    uid: user.username\n")
	zoe, ents := user("zoe"), group("ents")
	w.create(zoe, "zoe", "", nil)
	comes := w.comes(zoe)
	comes.Object = ents
	w.must(event.CodeApplied, ents, w.say(event.TypeGroupCreate, ents, event.Values{"name": ents.ID}), comes)
	w.wantValues(w.dn(ents), "memberUid", "zoe")
	w.must(event.CodeApplied, zoe, w.say(event.TypeUserUpdateInfo, zoe, record("Zoë", nil)))
	w.wantValues(w.dn(ents), "memberUid")
}

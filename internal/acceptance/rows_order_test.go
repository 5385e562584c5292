package acceptance_test

import (
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// orderRows are the promises about events that come late, twice, in any order, or about nothing that is known.
var orderRows = []row{
	{"common:test", "it succeeds if the directory answers", connectionTest},
	{"an unknown type", "skipped", unknownType},
	{"a malformed event", "failed, without holding up those beside it", malformed},
	{"a field that cannot be read", "counts as not said, and the rest of the event is applied", unreadableField},
	{"an event from the future", "counts as of its receipt, so that later ones are applied", fromTheFuture},
	{"the same event again", "gets the recorded answer and does nothing", repeated},
	{"an older event", "skipped as STALE where something newer is applied", stale},
	{"an older event", "fills in what the newer one did not say", olderFillsIn},
	{"an older event", "from before a deletion is skipped as STALE, also when the user or the group is back", fromBeforeADeletion},
	{"several events at once", "the newest is applied, the others are skipped as SUPERSEDED", superseded},
	{"an event that waits", "does not hold up a newer one that makes it moot", moot},
	{"an event that waits", "holds up nobody else", holdsUpNobody},
	{"a DN that another object has", "the change waits and names both, until the other one makes room", placeTaken},
	{"a DN that another object has", "a new user gets the name of one who is renamed later", nameGivenOn},
	{"a DN that a strange entry has", "the change waits and names it; nothing is overwritten", placeTakenByStranger},
	{"names that change places", "two users", usersSwap},
	{"names that change places", "three users in a ring", usersRotate},
	{"names that change places", "two units, with everybody in them", unitsSwap},
	{"names that change places", "a unit goes below the new one that gets its name, with everybody in it", unitBelowItsHeir},
}

func connectionTest(s *scene) { s.f.testsOK(s.t) }

func unknownType(s *scene) {
	e := s.f.tenant.Event("ud:user:promote", "user_x", map[string]any{"userId": "user_x"})
	list, result := s.send(e).Of(e.ID)
	if list != "skipped" || result.EventCode != string(event.CodeUnknownType) {
		s.t.Fatalf("it is answered with %s %+v", list, result)
	}
}

func malformed(s *scene) {
	u := s.user("ann")
	bad := s.f.tenant.Event(event.TypeUserCreate, "", map[string]any{"username": "nobody"})
	worse := s.f.tenant.Event(event.TypeUserCreate, "", map[string]any{"userId": []string{"no", "text"}, "username": "nobody"})
	good := s.create(u)
	answer := s.send(bad, good, worse)
	for e, want := range map[string]event.Code{bad.ID: event.CodeMalformed, good.ID: event.CodeApplied, worse.ID: event.CodeMalformed} {
		if _, result := answer.Of(e); result.EventCode != string(want) {
			s.t.Fatalf("%+v; want %s", result, want)
		}
	}
	s.hasUser(u)
}

func unreadableField(s *scene) {
	u := s.hire("ann")
	u.Email = "new@example.org"
	s.applied(s.f.tenant.Event(event.TypeUserUpdateInfo, u.ID, map[string]any{
		"userId": u.ID, "email": u.Email, "phoneVerified": "perhaps", "customFields": []any{map[string]any{"fieldName": "skills", "fieldValue": map[string]any{"a": 1}}},
	}))
	s.hasUser(u)
	s.applied(s.f.tenant.Event(event.TypeUserDelete, u.ID, map[string]any{
		"userId": u.ID, "status": []string{"no", "text"}, "customFields": []any{map[string]any{"fieldName": "skills", "fieldValue": []string{"go"}}},
	}))
	s.gone(u.ID)
}

func fromTheFuture(s *scene) {
	u := s.hire("ann")
	u.Email = "first@example.org"
	ahead := s.update(u)
	ahead.Time = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	s.applied(ahead)
	s.hasUser(u)
	s.p.clock.Forward(2 * time.Minute) // what happens from now on is later than the receipt
	u.Email = "second@example.org"
	s.applied(s.update(u))
	s.hasUser(u)
}

func repeated(s *scene) {
	u := s.user("ann")
	create := s.create(u)
	s.applied(create)
	u.Email = "other@example.org"
	s.applied(s.update(u))
	m := s.touch(u.ID)
	s.applied(create)
	s.applied(create)
	s.notWritten(m)
}

func stale(s *scene) {
	u := s.hire("ann")
	before := *u
	before.Email, before.Username = "old@example.org", s.name("old")
	late := s.update(&before)
	u.Email = "new@example.org"
	s.applied(s.update(u))
	m := s.touch(u.ID)
	s.gets(event.CodeStale, late)
	s.notWritten(m)
	s.hasUser(u)
}

func olderFillsIn(s *scene) {
	research := s.found("Research")
	u := s.user("ann")
	full := s.create(u)
	u.Unit = research.ID
	s.applied(s.f.tenant.MoveUser(*u))
	s.applied(full)
	s.hasUser(u) // with the record of the older one, in the unit of the newer one
}

func fromBeforeADeletion(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	vpn, lab := s.gather("Vpn"), s.gather("Lab")
	withPhone := *ann
	withPhone.PhoneRegion, withPhone.PhoneNumber, withPhone.PhoneVerified = "86", "13900000000", true
	late := []idaastest.Event{
		s.update(&withPhone),
		s.f.tenant.UpdatePassword(*ann, goodPassword),
		s.members(event.TypeGroupAddUser, vpn, ann),
		s.members(event.TypeGroupAddUser, lab, bob),
	}
	s.applied(s.f.tenant.DeleteUser(ann.ID))
	s.applied(s.f.tenant.DeleteGroup(lab.ID))
	s.applied(s.create(ann))
	s.applied(s.groupEvent(event.TypeGroupCreate, lab))
	for _, e := range late {
		s.gets(event.CodeStale, e)
	}
	s.hasUser(ann)
	s.logsIn(ann, goodPassword, false)
	s.hasGroup(vpn)
	s.hasGroup(lab)
}

func superseded(s *scene) {
	u := s.hire("ann")
	for _, newerFirst := range []bool{false, true} {
		u.Email = "first@example.org"
		first := s.update(u)
		u.Email, u.Description = s.name("second")+"@example.org", s.name("desk")
		second := s.update(u)
		request := []idaastest.Event{first, second}
		if newerFirst {
			slices.Reverse(request)
		}
		s.send(request...)
		s.is(first, event.Skipped, event.CodeSuperseded)
		s.is(second, event.Done, event.CodeApplied)
		s.hasUser(u)
	}
}

func moot(s *scene) {
	nowhere := s.unit("never made")
	u := s.user("ann", *nowhere)
	create := s.create(u)
	s.waits(event.CodeWaitsForObject, create, nowhere.ID)
	u.Unit = ""
	s.applied(s.update(u))
	s.settle()
	s.is(create, event.Skipped, event.CodeSuperseded)
	s.hasUser(u)
}

func holdsUpNobody(s *scene) {
	nowhere := s.unit("not made yet")
	stuck, free := s.user("stuck", *nowhere), s.user("free")
	e := s.create(stuck)
	s.waits(event.CodeWaitsForObject, e, nowhere.ID)
	s.applied(s.create(free))
	s.hasUser(free)
	s.applied(s.unitEvent(event.TypeUnitCreate, nowhere))
	s.settle()
	s.hasUser(stuck)
}

func placeTaken(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	annBefore, bobBefore := s.hasUser(ann), s.hasUser(bob)
	ann.Username, bob.Username = bob.Username, s.name("robert")
	rename, makeRoom := s.update(ann), s.update(bob)
	s.waits(event.CodeWaitsForDN, rename, ann.ID, bob.ID)
	s.sameEntry(bobBefore, s.entry(bob.ID, s.dir.uniqueID))
	s.applied(makeRoom)
	s.settle()
	s.is(rename, event.Done, event.CodeApplied)
	s.sameEntry(annBefore, s.hasUser(ann))
	s.sameEntry(bobBefore, s.hasUser(bob))
}

func nameGivenOn(s *scene) {
	ann, heir := s.hire("ann"), s.user("heir")
	heir.Username = ann.Username
	ann.Username = s.name("ann.kim")
	rename, create := s.update(ann), s.create(heir)
	s.waits(event.CodeWaitsForDN, create, heir.ID, ann.ID)
	s.applied(rename)
	s.settle()
	s.hasUser(ann)
	s.hasUser(heir)
	// And the name of one who leaves.
	successor := s.user("successor")
	successor.Username = heir.Username
	leave, follow := s.f.tenant.DeleteUser(heir.ID), s.create(successor)
	s.waits(event.CodeWaitsForDN, follow, heir.ID)
	s.applied(leave)
	s.settle()
	s.hasUser(successor)
}

func placeTakenByStranger(s *scene) {
	u := s.user("ann")
	dn := s.userDN(u)
	s.addByHand(dn, s.dir.handmade(*u, "somebody else"))
	s.t.Cleanup(func() { s.dir.removeTree(s.t, dn) })
	before := s.dir.find(s.t, "("+s.dir.userID+"=somebody else)", s.dir.uniqueID)
	e := s.create(u)
	s.waits(event.CodeDNTaken, e, before.GetAttributeValue(s.dir.login))
	s.sameEntry(before, s.dir.find(s.t, "("+s.dir.userID+"=somebody else)", s.dir.uniqueID))
	s.remove(dn)
	s.retry(e)
	s.settle()
	s.is(e, event.Done, event.CodeApplied)
	s.hasUser(u)
}

// noTemporaryNames fails if an entry still has a name that it got to make room.
func (s *scene) noTemporaryNames() {
	s.t.Helper()
	for _, e := range s.dir.search(s.t, "(objectClass=*)") {
		if strings.Contains(e.DN, "idaas-ldap-") {
			s.t.Fatalf("%s has a temporary name", e.DN)
		}
		for _, a := range e.Attributes {
			if slices.ContainsFunc(a.Values, func(v string) bool { return strings.Contains(v, "idaas-ldap-") }) {
				s.t.Fatalf("%s has a temporary name in %s", e.DN, a.Name)
			}
		}
	}
}

func usersSwap(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann)
	before := []*ldap.Entry{s.hasUser(ann), s.hasUser(bob)}
	ann.Username, bob.Username = bob.Username, ann.Username
	s.send(s.update(ann), s.update(bob))
	s.settle()
	s.sameEntry(before[0], s.hasUser(ann))
	s.sameEntry(before[1], s.hasUser(bob))
	s.hasGroup(g, ann)
	s.noTemporaryNames()
}

func usersRotate(s *scene) {
	a, b, c := s.hire("a"), s.hire("b"), s.hire("c")
	g := s.gather("Vpn", a, c)
	before := []*ldap.Entry{s.hasUser(a), s.hasUser(b), s.hasUser(c)}
	a.Username, b.Username, c.Username = b.Username, c.Username, a.Username
	for _, u := range []*idaastest.User{a, b, c} {
		s.send(s.update(u))
	}
	s.settle()
	for i, u := range []*idaastest.User{a, b, c} {
		s.sameEntry(before[i], s.hasUser(u))
	}
	s.hasGroup(g, a, c)
	s.noTemporaryNames()
}

func unitsSwap(s *scene) {
	north, south := s.found("North"), s.found("South")
	ann, bob := s.hire("ann", *north), s.hire("bob", *south)
	g := s.gather("Vpn", ann, bob)
	before := []*ldap.Entry{s.hasUnit(north), s.hasUnit(south), s.hasUser(ann), s.hasUser(bob)}
	north.Name, south.Name = south.Name, north.Name
	s.send(s.unitEvent(event.TypeUnitUpdate, north), s.unitEvent(event.TypeUnitUpdate, south))
	s.settle()
	s.sameEntry(before[0], s.hasUnit(north))
	s.sameEntry(before[1], s.hasUnit(south))
	s.sameEntry(before[2], s.hasUser(ann))
	s.sameEntry(before[3], s.hasUser(bob))
	s.hasGroup(g, ann, bob)
	s.noTemporaryNames()
	// Everybody is known to be there: a push writes nothing.
	m := s.touch(ann.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, ann), s.userEvent(event.TypeUserPush, bob))
	s.notWritten(m)
	s.unchanged(s.unitEvent(event.TypeUnitPush, north), s.unitEvent(event.TypeUnitPush, south))
}

func unitBelowItsHeir(s *scene) {
	old := s.found("Sales")
	ann := s.hire("ann", *old)
	g := s.gather("Vpn", ann)
	before := []*ldap.Entry{s.hasUnit(old), s.hasUser(ann)}
	heir := s.unit("Sales")
	heir.Name, old.Parent = old.Name, heir.ID
	s.send(s.unitEvent(event.TypeUnitUpdate, old), s.unitEvent(event.TypeUnitCreate, heir))
	s.settle()
	s.hasUnit(heir)
	s.sameEntry(before[0], s.hasUnit(old))
	s.sameEntry(before[1], s.hasUser(ann))
	s.hasGroup(g, ann)
	s.noTemporaryNames()
	m := s.touch(ann.ID)
	s.unchanged(s.unitEvent(event.TypeUnitPush, heir), s.unitEvent(event.TypeUnitPush, old), s.userEvent(event.TypeUserPush, ann))
	s.notWritten(m)
}

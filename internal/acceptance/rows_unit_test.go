package acceptance_test

import (
	"slices"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// unitRows are the promises about organizational units.
var unitRows = []row{
	{"organizational_unit:create", "a unit is added at its place in the tree", unitAdded},
	{"organizational_unit:push", "a unit that comes before the one above it waits for it", unitBeforeParent},
	{"organizational_unit:push", "equal: nothing is written", unitEqual},
	{"organizational_unit:update", "a renamed unit keeps its unique id and takes along what is below", unitRenamed},
	{"organizational_unit:update", "upper and lower case of a name are corrected", unitCase},
	{"organizational_unit:update_parent_organizational_unit", "a moved unit keeps its unique id and takes along what is below", unitMoved},
	{"organizational_unit:update_parent_organizational_unit", "a unit moves below its own former child", unitBelowItsChild},
	{"organizational_unit:push", "an entry that was moved and renamed by hand is found by its link and put back", unitMovedByHand},
	{"organizational_unit:delete", "an empty unit is deleted", unitDeleted},
	{"organizational_unit:delete", "a unit that is gone already, or was never known, is no failure", unitGoneAlready},
	{"organizational_unit:delete", "when_not_empty: wait: it goes as soon as it is empty", unitWaitsForEmpty},
	{"organizational_unit:delete", "when_not_empty: wait: it fails in the end, and says what is below", unitNeverEmpty},
	{"organizational_unit:delete", "when_not_empty: fail: it fails at once, and says what is below", unitFailsNotEmpty},
	{"organizational_unit:delete", "when_not_empty: move_children: what is below moves up", unitChildrenMove},
	{"organizational_unit:delete", "when_not_empty: subtree: everything below goes too", unitSubtree},
	{"organizational_unit:add_user, remove_user", "a user whom it names is looked at again", unitHint},
	{"organizational_unit:add_user, remove_user", "without a user it is skipped", unitHintWithoutUser},
	{"organizational_unit:update", "the root unit stays what the mapping says", rootUnit},
}

func unitAdded(s *scene) {
	research := s.unit("Research")
	s.applied(s.unitEvent(event.TypeUnitCreate, research))
	s.hasUnit(research)
	lab := s.unit("Lab, Ltd", *research)
	s.applied(s.unitEvent(event.TypeUnitUpdate, lab))
	s.hasUnit(lab)
}

func unitBeforeParent(s *scene) {
	research := s.unit("Research")
	lab := s.unit("Lab", *research)
	ann := s.user("ann", *lab)
	user, child := s.userEvent(event.TypeUserPush, ann), s.unitEvent(event.TypeUnitPush, lab)
	s.waits(event.CodeWaitsForObject, user, lab.ID)
	s.waits(event.CodeWaitsForObject, child, research.ID)
	s.applied(s.unitEvent(event.TypeUnitPush, research))
	s.settle()
	s.is(child, event.Done, event.CodeApplied)
	s.is(user, event.Done, event.CodeApplied)
	s.hasUnit(lab)
	s.hasUser(ann)
}

func unitEqual(s *scene) {
	research := s.found("Research")
	lab := s.found("Lab", *research)
	for _, u := range []*idaastest.Unit{research, lab} {
		m := s.touch(u.ID)
		s.unchanged(s.unitEvent(event.TypeUnitPush, u))
		s.notWritten(m)
	}
}

// branch is a unit with a unit and users below, of whom one is in a group.
type branch struct {
	top, lab *idaastest.Unit
	ann, bob *idaastest.User
	vpn      *idaastest.Group
}

func plant(s *scene) branch {
	s.t.Helper()
	b := branch{top: s.found("Research")}
	b.lab = s.found("Lab", *b.top)
	b.ann, b.bob = s.hire("ann", *b.lab), s.hire("bob", *b.top)
	b.vpn = s.gather("Vpn", b.ann)
	return b
}

// stands fails unless everything is where it belongs, and known to be there: pushed again, nothing is written.
func (b branch) stands(s *scene) {
	s.t.Helper()
	s.hasUnit(b.top)
	s.hasUnit(b.lab)
	s.hasUser(b.ann)
	s.hasUser(b.bob)
	s.hasGroup(b.vpn, b.ann)
	m := s.touch(b.ann.ID)
	s.unchanged(s.unitEvent(event.TypeUnitPush, b.top), s.unitEvent(event.TypeUnitPush, b.lab), s.userEvent(event.TypeUserPush, b.ann), s.userEvent(event.TypeUserPush, b.bob))
	s.notWritten(m)
}

func unitRenamed(s *scene) {
	b := plant(s)
	unit, user := s.entry(b.top.ID, s.dir.uniqueID), s.hasUser(b.ann)
	s.touch(b.top.ID)
	spare := s.entry(b.top.ID).GetAttributeValue(s.dir.unitSpare)
	b.top.Name = s.name("Research & Development")
	s.applied(s.unitEvent(event.TypeUnitUpdate, b.top))
	b.stands(s)
	s.sameEntry(unit, s.hasUnit(b.top))
	s.sameEntry(user, s.hasUser(b.ann))
	wantValues(s.t, s.entry(b.top.ID), s.dir.unitSpare, spare)
}

func unitCase(s *scene) {
	b := plant(s)
	b.top.Name = strings.ToUpper(b.top.Name)
	s.applied(s.unitEvent(event.TypeUnitUpdate, b.top))
	b.stands(s)
	wantValues(s.t, s.entry(b.top.ID), "ou", b.top.Name)
}

func unitMoved(s *scene) {
	b := plant(s)
	unit, user := s.entry(b.top.ID, s.dir.uniqueID), s.hasUser(b.ann)
	b.top.Parent = s.found("Headquarters").ID
	s.applied(s.unitEvent(event.TypeUnitUpdateParent, b.top))
	b.stands(s)
	s.sameEntry(unit, s.hasUnit(b.top))
	s.sameEntry(user, s.hasUser(b.ann))
	// The tree of the scene is in the order of creation, and this one has changed.
	s.tree = []string{b.top.Parent, b.top.ID, b.lab.ID}
}

func unitBelowItsChild(s *scene) {
	b := plant(s)
	b.lab.Parent, b.top.Parent = "", b.lab.ID
	up, down := s.unitEvent(event.TypeUnitUpdateParent, b.lab), s.unitEvent(event.TypeUnitUpdateParent, b.top)
	s.send(down)
	s.send(up)
	s.settle()
	s.is(down, event.Done, event.CodeApplied)
	b.stands(s)
	s.tree = []string{b.lab.ID, b.top.ID}
}

func unitMovedByHand(s *scene) {
	b := plant(s)
	before := s.hasUnit(b.lab)
	s.rename(before.DN, "ou="+s.name("by hand"), s.dir.people)
	s.applied(s.unitEvent(event.TypeUnitPush, b.lab))
	s.sameEntry(before, s.hasUnit(b.lab))
	b.stands(s)
}

func unitDeleted(s *scene) {
	research := s.found("Research")
	s.applied(s.f.tenant.DeleteUnit(research.ID))
	s.gone(research.ID)
}

func unitGoneAlready(s *scene) {
	research := s.found("Research")
	s.remove(s.entry(research.ID).DN)
	s.unchanged(s.f.tenant.DeleteUnit(research.ID))
	s.unchanged(s.f.tenant.DeleteUnit(research.ID))
	s.unchanged(s.f.tenant.DeleteUnit(s.unit("never").ID))
}

func unitWaitsForEmpty(s *scene) {
	b := plant(s)
	top, lab := s.f.tenant.DeleteUnit(b.top.ID), s.f.tenant.DeleteUnit(b.lab.ID)
	s.waits(event.CodeWaitsForEmpty, top, "Lab", "bob")
	s.waits(event.CodeWaitsForEmpty, lab, "ann")
	// One leaves the company, the other one the department.
	s.applied(s.f.tenant.DeleteUser(b.ann.ID))
	b.bob.Unit = ""
	s.applied(s.f.tenant.MoveUser(idaastest.User{ID: b.bob.ID, Username: b.bob.Username, Unit: event.RootUnitID}))
	s.settle()
	s.is(lab, event.Done, event.CodeApplied)
	s.is(top, event.Done, event.CodeApplied)
	s.gone(b.top.ID, b.lab.ID, b.ann.ID)
	s.hasUser(b.bob)
}

func unitNeverEmpty(s *scene) {
	research := s.found("Research")
	byHand := "cn=printer," + s.unitDN(research.ID)
	s.addByHand(byHand, s.dir.thing)
	e := s.f.tenant.DeleteUnit(research.ID)
	s.waits(event.CodeWaitsForEmpty, e, "printer")
	s.p.clock.Forward(25 * time.Hour)
	s.eventually("the deletion fails", func() bool { return s.f.outcome(s.t, e.ID).State == event.Failed })
	s.is(e, event.Failed, event.CodeNotEmpty, "printer", "retry")
	// Once it is empty, a person tries again.
	s.remove(byHand)
	s.retry(e)
	s.settle()
	s.is(e, event.Done, event.CodeApplied)
	s.gone(research.ID)
}

func unitFailsNotEmpty(s *scene) {
	v := s.on("units-fail")
	research := v.found("Research")
	ann := v.hire("ann", *research)
	e := v.f.tenant.DeleteUnit(research.ID)
	v.gets(event.CodeNotEmpty, e)
	v.is(e, event.Failed, event.CodeNotEmpty, ann.Username)
	v.hasUser(ann)
	v.applied(v.f.tenant.DeleteUser(ann.ID))
	v.applied(v.f.tenant.DeleteUnit(research.ID))
	v.gone(research.ID)
}

func unitChildrenMove(s *scene) {
	v := s.on("units-children")
	b := plant(v)
	before := v.hasUser(b.bob)
	v.applied(v.f.tenant.DeleteUnit(b.top.ID))
	v.gone(b.top.ID)
	b.lab.Parent, b.bob.Unit = "", ""
	v.units[b.lab.ID] = *b.lab
	v.hasUnit(b.lab)
	v.hasUser(b.ann)
	v.hasGroup(b.vpn, b.ann)
	v.sameEntry(before, v.hasUser(b.bob))
	// What IDaaS says of them later finds them where they are.
	b.ann.Email = "other@example.org"
	v.applied(v.update(b.ann))
	v.hasUser(b.ann)
	v.unchanged(v.unitEvent(event.TypeUnitUpdateParent, b.lab), v.update(b.bob))
}

func unitSubtree(s *scene) {
	v := s.on("units-subtree")
	b := plant(v)
	v.applied(v.f.tenant.DeleteUnit(b.top.ID))
	v.gone(b.top.ID, b.lab.ID, b.ann.ID, b.bob.ID)
	v.hasGroup(b.vpn)
	// The deletions of what was below come later, and there is nothing left to do.
	v.unchanged(v.f.tenant.DeleteUser(b.ann.ID), v.f.tenant.DeleteUser(b.bob.ID), v.f.tenant.DeleteUnit(b.lab.ID))
}

func unitHint(s *scene) {
	ann := s.hire("ann")
	for _, kind := range []event.Type{event.TypeUnitAddUser, event.TypeUnitRemoveUser} {
		s.setByHand(s.entry(ann.ID).DN, "mail", "by.hand@example.org")
		s.applied(s.f.tenant.Event(kind, "ou_any", map[string]any{"organizationalUnitId": "ou_any", "userId": ann.ID}))
		s.hasUser(ann)
		s.unchanged(s.f.tenant.Event(kind, "ou_any", map[string]any{"organizationalUnitId": "ou_any", "userId": ann.ID}))
	}
}

func unitHintWithoutUser(s *scene) {
	for _, kind := range []event.Type{event.TypeUnitAddUser, event.TypeUnitRemoveUser} {
		s.gets(event.CodeNoObject, s.f.tenant.Event(kind, "ou_any", map[string]any{"organizationalUnitId": "ou_any"}))
		stranger := s.f.tenant.Event(kind, "ou_any", map[string]any{"organizationalUnitId": "ou_any", "userId": "user_stranger"})
		s.gets(event.CodeNoObject, stranger)
	}
}

func rootUnit(s *scene) {
	before := s.dir.tree(s.t)
	root := idaastest.Unit{ID: event.RootUnitID, Name: "The Company"}
	s.gets(event.CodeSwitchedOff, s.f.tenant.UnitEvent(event.TypeUnitPush, root))
	s.gets(event.CodeSwitchedOff, s.f.tenant.DeleteUnit(root.ID))
	if after := s.dir.tree(s.t); len(before) != len(after) || !slices.Equal(before[s.dir.people]["ou"], after[s.dir.people]["ou"]) {
		s.t.Fatal("the root unit was touched")
	}
}

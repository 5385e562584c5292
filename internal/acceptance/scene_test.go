package acceptance_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// scene is what one row plays in: the product, one application and its directory, and the people, units and groups of the
// row. What the row leaves in the directory is taken away by events when it ends.
type scene struct {
	t    *testing.T
	p    *product
	f    *feed
	dir  *directory
	seen *int // counts what was made, so that every name is new
	// cell is what the table says of this row beyond that it holds.
	cell string

	users  []string
	groups []string
	units  map[string]idaastest.Unit
	tree   []string // ids of units in the order in which they were made
	sent   []string // ids of events
}

// newScene makes a scene and takes away what is left of it when the test ends.
func newScene(t *testing.T, f *feed, seen *int) *scene {
	t.Helper()
	s := &scene{t: t, p: f.p, f: f, dir: f.dir, seen: seen, units: map[string]idaastest.Unit{}}
	t.Cleanup(s.leave)
	return s
}

// on returns a scene of the same row with another application, whose mapping is another one.
func (s *scene) on(name string) *scene {
	s.t.Helper()
	return newScene(s.t, s.p.feedNamed(name), s.seen)
}

// leave deletes by events what the row has made.
func (s *scene) leave() {
	var events []idaastest.Event
	for _, id := range s.users {
		events = append(events, s.f.tenant.DeleteUser(id))
	}
	for _, id := range s.groups {
		events = append(events, s.f.tenant.DeleteGroup(id))
	}
	for _, id := range slices.Backward(s.tree) {
		events = append(events, s.f.tenant.DeleteUnit(id))
	}
	if len(events) > 0 {
		s.send(events...)
		if !s.t.Failed() {
			s.settle()
		}
	}
	for _, id := range slices.Concat(s.users, s.groups, s.tree) {
		for _, e := range s.dir.search(s.t, s.dir.byID(id)) {
			if s.f == s.p.feed && !s.t.Failed() {
				s.t.Errorf("%s is left", e.DN)
			}
			s.dir.removeTree(s.t, e.DN)
		}
	}
}

// note puts into the table what is particular about this directory.
func (s *scene) note(text string) { s.cell = text }

// Names and ids.

func (s *scene) name(name string) string {
	*s.seen++
	return fmt.Sprintf("%s.%d", name, *s.seen)
}

// user makes up a user of a unit, who is not sent yet.
func (s *scene) user(name string, unit ...idaastest.Unit) *idaastest.User {
	u := &idaastest.User{ID: s.f.tenant.NewUserID(), Username: s.name(name), DisplayName: "Ann Lee", Email: name + "@example.org", Description: "desk 1"}
	if len(unit) > 0 {
		u.Unit = unit[0].ID
	}
	s.users = append(s.users, u.ID)
	return u
}

// unit makes up a unit below another one, which is not sent yet.
func (s *scene) unit(name string, above ...idaastest.Unit) *idaastest.Unit {
	u := idaastest.Unit{ID: s.f.tenant.NewUnitID(), Name: s.name(name), Description: "made up"}
	if len(above) > 0 {
		u.Parent = above[0].ID
	}
	s.tree = append(s.tree, u.ID)
	s.units[u.ID] = u
	return &u
}

// group makes up a group, which is not sent yet.
func (s *scene) group(name string) *idaastest.Group {
	g := &idaastest.Group{ID: s.f.tenant.NewGroupID(), Name: s.name(name), Description: "made up"}
	s.groups = append(s.groups, g.ID)
	return g
}

// hire makes a user and waits until the entry is there.
func (s *scene) hire(name string, unit ...idaastest.Unit) *idaastest.User {
	s.t.Helper()
	u := s.user(name, unit...)
	s.applied(s.create(u))
	return u
}

// found makes a unit and waits until the entry is there.
func (s *scene) found(name string, above ...idaastest.Unit) *idaastest.Unit {
	s.t.Helper()
	u := s.unit(name, above...)
	s.applied(s.unitEvent(event.TypeUnitCreate, u))
	return u
}

// gather makes a group with members and waits until the entry is there.
func (s *scene) gather(name string, members ...*idaastest.User) *idaastest.Group {
	s.t.Helper()
	g := s.group(name)
	s.applied(s.groupEvent(event.TypeGroupCreate, g))
	if len(members) > 0 {
		s.applied(s.members(event.TypeGroupAddUser, g, members...))
	}
	return g
}

// Events.

func (s *scene) create(u *idaastest.User) idaastest.Event {
	return s.userEvent(event.TypeUserCreate, u)
}

func (s *scene) createWith(u *idaastest.User, password string) idaastest.Event {
	return s.f.tenant.CreateUser(*u, password)
}

func (s *scene) update(u *idaastest.User) idaastest.Event {
	return s.userEvent(event.TypeUserUpdateInfo, u)
}

func (s *scene) userEvent(kind event.Type, u *idaastest.User) idaastest.Event {
	return s.f.tenant.UserEvent(kind, *u)
}

// unitEvent makes an event with the record of a unit, and remembers where the unit is from now on.
func (s *scene) unitEvent(kind event.Type, u *idaastest.Unit) idaastest.Event {
	s.units[u.ID] = *u
	return s.f.tenant.UnitEvent(kind, *u)
}

func (s *scene) groupEvent(kind event.Type, g *idaastest.Group) idaastest.Event {
	return s.f.tenant.GroupEvent(kind, *g)
}

func (s *scene) members(kind event.Type, g *idaastest.Group, users ...*idaastest.User) idaastest.Event {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return s.f.tenant.Membership(kind, g.ID, ids...)
}

// older returns an event as if it had happened before.
func older(e idaastest.Event, by time.Duration) idaastest.Event {
	e.Time = e.Time.Add(-by)
	return e
}

// What the product answers.

func (s *scene) send(events ...idaastest.Event) idaastest.Answer {
	s.t.Helper()
	for _, e := range events {
		s.sent = append(s.sent, e.ID)
	}
	return s.f.send(s.t, events...)
}

// gets sends events and fails unless each is answered with the code.
func (s *scene) gets(code event.Code, events ...idaastest.Event) {
	s.t.Helper()
	answer := s.send(events...)
	for _, e := range events {
		if list, result := answer.Of(e.ID); result.EventCode != string(code) {
			s.t.Fatalf("%s: %s %s: %s; want %s", e.Type.Short(), list, result.EventCode, result.EventMessage, code)
		}
	}
}

func (s *scene) applied(events ...idaastest.Event) {
	s.t.Helper()
	s.gets(event.CodeApplied, events...)
}

func (s *scene) unchanged(events ...idaastest.Event) {
	s.t.Helper()
	s.gets(event.CodeUnchanged, events...)
}

// waits sends an event and fails unless it is parked for a reason, with words in its message.
func (s *scene) waits(code event.Code, e idaastest.Event, words ...string) {
	s.t.Helper()
	s.gets(event.CodeAccepted, e)
	s.is(e, event.Waiting, code, words...)
}

// is fails unless the store says of an event that it has a state, a code and words in its message.
func (s *scene) is(e idaastest.Event, state event.State, code event.Code, words ...string) {
	s.t.Helper()
	got := s.f.outcome(s.t, e.ID)
	if got.State != state || got.Code != code {
		s.t.Fatalf("%s is %s %s: %s; want %s %s", e.Type.Short(), got.State, got.Code, got.Message, state, code)
	}
	for _, w := range words {
		if !strings.Contains(got.Message, w) {
			s.t.Fatalf("the message of %s does not say %q: %s", e.Type.Short(), w, got.Message)
		}
	}
}

// settle waits until no event of the scene is pending or waiting any more.
func (s *scene) settle() {
	s.t.Helper()
	if open := s.p.await(s.t, s.open); len(open) > 0 {
		s.t.Fatalf("%s does not settle: %s %s: %s", open[0].Type.Short(), open[0].Outcome.State, open[0].Outcome.Code, open[0].Outcome.Message)
	}
}

func (s *scene) open() []store.EventRecord {
	records := s.p.events(s.t, store.Filter{States: []event.State{event.Pending, event.Waiting}, Directory: s.f.directory, Limit: 1000})
	return slices.DeleteFunc(records, func(r store.EventRecord) bool { return !slices.Contains(s.sent, r.EventID) })
}

// What the directory says.

// entry returns the entry of a user, unit or group by its id.
func (s *scene) entry(id string, attributes ...string) *ldap.Entry {
	s.t.Helper()
	e := s.dir.find(s.t, s.dir.byID(id), attributes...)
	if e == nil {
		s.t.Fatalf("there is no entry of %s", id)
	}
	return e
}

// gone fails if there is an entry of one of the ids.
func (s *scene) gone(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		if e := s.dir.find(s.t, s.dir.byID(id)); e != nil {
			s.t.Fatalf("%s is still there", e.DN)
		}
	}
}

// unitDN returns where the entry of a unit belongs.
func (s *scene) unitDN(id string) string {
	if id == "" || id == event.RootUnitID {
		return s.dir.people
	}
	u := s.units[id]
	return s.dir.unitDN(u.Name, s.unitDN(u.Parent))
}

func (s *scene) userDN(u *idaastest.User) string { return s.dir.userDN(*u, s.unitDN(u.Unit)) }

// hasUser fails unless a user has exactly one entry, at the mapped place and with the mapped attributes.
func (s *scene) hasUser(u *idaastest.User) *ldap.Entry {
	s.t.Helper()
	e := s.entry(u.ID, s.dir.uniqueID)
	wantDN(s.t, e, s.userDN(u))
	for name, want := range s.dir.userIs(*u) {
		if diff := cmp.Diff(want, e.GetEqualFoldAttributeValues(name)); diff != "" {
			s.t.Fatalf("%s of %s (-want +got):\n%s", name, e.DN, diff)
		}
	}
	return e
}

func (s *scene) hasUnit(u *idaastest.Unit) *ldap.Entry {
	s.t.Helper()
	e := s.entry(u.ID, s.dir.uniqueID)
	wantDN(s.t, e, s.unitDN(u.ID))
	return e
}

// hasGroup fails unless a group is at its place with exactly these members.
func (s *scene) hasGroup(g *idaastest.Group, members ...*idaastest.User) *ldap.Entry {
	s.t.Helper()
	e := s.entry(g.ID, s.dir.uniqueID)
	wantDN(s.t, e, s.dir.groupDN(g.Name))
	var want []string
	for _, u := range members {
		want = append(want, s.dir.memberIs(*u, s.userDN(u)))
	}
	if len(want) == 0 && s.dir.placeholder != "" {
		want = []string{s.dir.placeholder}
	}
	s.hasSame(e, s.dir.member, want)
	return e
}

// hasSame fails unless an attribute has these values in whatever order; DNs are compared as such.
func (s *scene) hasSame(e *ldap.Entry, attribute string, want []string) {
	s.t.Helper()
	got := e.GetEqualFoldAttributeValues(attribute)
	same := len(got) == len(want)
	for _, w := range want {
		same = same && slices.ContainsFunc(got, func(g string) bool { return g == w || sameDN(g, w) })
	}
	if !same {
		s.t.Fatalf("%s of %s is %q; want %q", attribute, e.DN, got, want)
	}
}

// sameEntry fails unless both are the same entry to the server, whatever its name.
func (s *scene) sameEntry(before, after *ldap.Entry) {
	s.t.Helper()
	if a, b := string(before.GetRawAttributeValue(s.dir.uniqueID)), string(after.GetRawAttributeValue(s.dir.uniqueID)); a == "" || a != b {
		s.t.Fatalf("%s (%x) became another entry, %s (%x)", before.DN, a, after.DN, b)
	}
}

// mark is an entry as it was when somebody else had written it last.
type mark struct {
	id   string
	says map[string][]string
}

// touch writes an attribute by hand that no mapping speaks about, and remembers all that the server says of the entry.
func (s *scene) touch(id string) mark {
	s.t.Helper()
	e := s.entry(id)
	spare := s.dir.spareOf(id)
	s.setByHand(e.DN, spare, s.name("by hand"))
	return mark{id: id, says: s.everything(id)}
}

// notWritten fails if anything has written an entry since it was touched: who wrote last and when, which the server keeps
// itself, is compared as well.
func (s *scene) notWritten(m mark) {
	s.t.Helper()
	if diff := cmp.Diff(m.says, s.everything(m.id)); diff != "" {
		s.t.Fatalf("the entry of %s was written (-before +after):\n%s", m.id, diff)
	}
}

// everything returns all attributes of an entry, those that the server keeps itself included.
func (s *scene) everything(id string) map[string][]string {
	s.t.Helper()
	out := map[string][]string{}
	for _, a := range s.entry(id, "+", "uSNChanged").Attributes {
		out[strings.ToLower(a.Name)] = slices.Sorted(slices.Values(a.Values))
	}
	return out
}

// changed returns the names of the attributes that are not as before, in alphabetical order.
func changed(before, after map[string][]string) []string {
	var out []string
	for name := range maps.All(after) {
		if !slices.Equal(before[name], after[name]) {
			out = append(out, name)
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// What an administrator does by hand.

func (s *scene) modify(dn string, change func(*ldap.ModifyRequest)) {
	s.t.Helper()
	request := ldap.NewModifyRequest(dn, nil)
	change(request)
	if err := s.dir.reader(s.t).Modify(request); err != nil {
		s.t.Fatalf("modify %s by hand: %v", dn, err)
	}
}

func (s *scene) rename(dn, rdn, superior string) {
	s.t.Helper()
	if err := s.dir.reader(s.t).ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, superior)); err != nil {
		s.t.Fatalf("rename %s by hand: %v", dn, err)
	}
}

func (s *scene) remove(dn string) {
	s.t.Helper()
	if err := s.dir.reader(s.t).Del(ldap.NewDelRequest(dn, nil)); err != nil {
		s.t.Fatalf("delete %s by hand: %v", dn, err)
	}
}

// addByHand adds an entry.
func (s *scene) addByHand(dn string, attributes map[string][]string) {
	s.t.Helper()
	request := ldap.NewAddRequest(dn, nil)
	for name, values := range attributes {
		request.Attribute(name, values)
	}
	if err := s.dir.reader(s.t).Add(request); err != nil {
		s.t.Fatalf("add %s by hand: %v", dn, err)
	}
}

func (s *scene) setByHand(dn, attribute string, values ...string) {
	s.t.Helper()
	s.modify(dn, func(m *ldap.ModifyRequest) { m.Replace(attribute, values) })
}

func (s *scene) addValueByHand(dn, attribute, value string) {
	s.t.Helper()
	s.modify(dn, func(m *ldap.ModifyRequest) { m.Add(attribute, []string{value}) })
}

// retry does what 'events retry' does.
func (s *scene) retry(e idaastest.Event) {
	s.t.Helper()
	records := s.p.events(s.t, store.Filter{EventID: e.ID, Directory: s.f.directory})
	keys, err := s.p.app.Store.Retry(context.Background(), event.Millis(s.p.clock.Now().UnixMilli()), "test", []int64{records[0].Seq})
	if err != nil {
		s.t.Fatal(err)
	}
	s.p.app.Dispatcher.Wake(keys)
}

package acceptance_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// seeded makes the same choices for the same seed.
type seeded struct{ random *rand.Rand }

func (s seeded) pick(_ string, n int) int { return s.random.IntN(n) }

// Two thousand events over sixty objects.
func TestEmbeddedSequence(t *testing.T) {
	playSeed(t, embeddedDirectory(startEmbedded(t)), 1, manyAtOnce)
}

func TestOpenLDAPSequence(t *testing.T) {
	t.Parallel()
	server := leastOnSlapd(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true}))
	dir := slapdDirectory(server)
	dir.writes = server.Writes
	playSeed(t, dir, 2, manyAtOnce)
}

// A slapd that takes no writes, hides people or everything, cuts what is searched, forgets who we are, and refuses one address in twenty.
func TestOpenLDAPSequenceInTrouble(t *testing.T) {
	t.Parallel()
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AddressRule: allowedAddresses})
	dir := slapdDirectory(server)
	between := ldaptest.StartForgetful(t, server.URL)
	dir.through = between.URL
	dir.troubles = append(slapdTroubles(server), trouble{
		"login lost", func(testing.TB) { between.Forget(true) }, func(testing.TB) { between.Forget(false) },
	})
	for _, trouble := range dir.troubles {
		trouble.end(t)
	}
	playEvents(t, startTroubled(t, dir, 0), 3, 300)
	if between.Forgotten() == 0 {
		t.Error("no login was forgotten")
	}
}

// playSeed works on so many objects at a time; 0 for as many as usual.
func playSeed(t *testing.T, dir *directory, seed uint64, atOnce int) {
	t.Helper()
	playEvents(t, startProductWith(t, setup{atOnce: atOnce, directories: []configured{{name: "corp", dir: dir}}}), seed, 2000)
}

func playEvents(t *testing.T, p *product, seed uint64, events int) {
	t.Helper()
	p.others()
	choose := seeded{rand.New(rand.NewPCG(seed, seed))} // Made-up people need no secrecy.
	c := newCompany(choose, p.tenant, p.clock.Now, size{users: 40, units: 12, groups: 8}, "s")
	c.grow(events)
	d := deliver(choose, c.events, disorder{late: 60, unordered: 40, twice: 8, together: 12, parallel: 4, troubles: len(p.dir.troubles)})
	s := &sequence{product: p, tb: t, events: c.events}
	if err := s.play(d); err != nil {
		t.Fatal(err)
	}
}

// others makes users, units and groups to whom nothing happens: the guards count in percent of all.
func (p *product) others() {
	p.t.Helper()
	p.apply(event.CodeApplied, p.otherEvents()...)
}

func (p *product) otherEvents() []idaastest.Event {
	var events []idaastest.Event
	for i := range 20 {
		name := fmt.Sprintf("other%d", i)
		events = append(events,
			p.tenant.UnitEvent(event.TypeUnitPush, idaastest.Unit{ID: p.tenant.NewUnitID(), Name: name}),
			p.tenant.GroupEvent(event.TypeGroupPush, idaastest.Group{ID: p.tenant.NewGroupID(), Name: name}),
			p.tenant.UserEvent(event.TypeUserPush, idaastest.User{ID: p.tenant.NewUserID(), Username: name + ".user", DisplayName: "Ann Lee"}))
	}
	return events
}

// sequence is a product that events are sent to, and what has to come of them.
type sequence struct {
	*product

	tb     testing.TB
	events []happening
	others entries
	end    model
}

// play delivers the events and compares the directory with the model. Then it pushes what is true, which writes nothing,
// and deletes everybody, which leaves nothing. The error says what was different.
func (s *sequence) play(d delivery) error {
	s.tb.Helper()
	before := s.dir.tree(s.tb)
	s.others = s.dir.stands(s.tb)
	s.heard = nil
	if err := d.send(s.tb, s.feed); err != nil {
		return err
	}
	end := theEnd(s.events)
	s.end = end
	if err := s.settles(s.events, end.waits); err != nil {
		return err
	}
	if err := s.stands(end); err != nil {
		return err
	}
	if err := s.logIns(end); err != nil {
		return err
	}
	if err := s.pushWritesNothing(end); err != nil {
		return err
	}
	return s.leavesNothing(end, before)
}

// soon is how far ahead something is due that is tried again, in milliseconds; a lock or an account ends later than that.
const soon = 60_000

// settles waits until nothing is open but what can never be applied, and all of that.
func (s *sequence) settles(events []happening, waits map[string]bool) error {
	s.tb.Helper()
	sent := map[string]bool{}
	for _, e := range events {
		sent[e.ID] = true
	}
	var waiting map[string]bool
	unsettled := s.await(s.tb, func() []store.EventRecord {
		waiting = map[string]bool{}
		open := map[event.Ref]bool{}
		var unexpected []store.EventRecord
		for _, r := range s.product.events(s.tb, store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 1000}) {
			open[r.Object] = true
			switch {
			case !sent[r.EventID]:
			case r.Outcome.State == event.Waiting && r.Outcome.Code != event.CodeRetry && waits[r.Object.ID]: // a retry is about to come
				waiting[r.Object.ID] = true
			default:
				unexpected = append(unexpected, r)
			}
		}
		// What waits may have been woken and not have come to its end, and what is settled may have something left to do, as a login that
		// is still to be ended.
		now := event.Millis(s.clock.Now().UnixMilli())
		due, _, err := s.app.Store.Due(s.tb.Context(), s.directory, now+soon, 1000)
		if err != nil {
			s.tb.Fatal(err)
		}
		for _, d := range due {
			if d.At <= now || !open[d.Key.Object] {
				unexpected = append(unexpected, store.EventRecord{Object: d.Key.Object})
			}
		}
		return unexpected
	})
	if len(unsettled) > 0 {
		failed := s.product.events(s.tb, store.Filter{States: []event.State{event.Failed, event.Held}, Limit: 10})
		return fmt.Errorf("%d events do not settle:\n%s", len(unsettled), recordsText(append(unsettled[:min(len(unsettled), 10)], failed...)))
	}
	if diff := cmp.Diff(waits, waiting); diff != "" {
		return fmt.Errorf("not the right ones wait (-want +got):\n%s", diff)
	}
	for _, r := range s.product.events(s.tb, store.Filter{States: []event.State{event.Failed, event.Held}, Limit: 1000}) {
		if s.end.refused[r.Object.ID] && s.suffered() && r.Outcome.Code == event.CodeRefused {
			continue
		}
		if sent[r.EventID] {
			return fmt.Errorf("%s of %s has failed: %s %s", r.Type.Short(), r.Object, r.Outcome.Code, r.Outcome.Message)
		}
	}
	return nil
}

// recordsText tells what became of events.
func recordsText(records []store.EventRecord) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%s %s of %s: %s %s %s\n", r.EventID, r.Type.Short(), r.Object, r.Outcome.State, r.Outcome.Code, r.Outcome.Message)
	}
	return b.String()
}

// suffered reports whether the directory is one that refuses addresses.
func (s *sequence) suffered() bool { return len(s.dir.troubles) > 0 }

// stands compares the whole tree below the people and the groups with the model.
func (s *sequence) stands(end model) error {
	s.tb.Helper()
	want, got := s.expected(end), s.dir.stands(s.tb)
	if s.suffered() {
		end.forgiveAddresses(s.dir, want, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the directory is not as the model says (-want +got):\n%s", diff)
	}
	return nil
}

// expected returns what has to be in the directory: what the model says, and what was there before.
func (s *sequence) expected(end model) entries {
	want := end.directory(s.dir)
	maps.Copy(want, s.others)
	return want
}

// stands returns what is below the people and the groups: of each entry the attributes that the vocabulary speaks about, of
// one that is not ours all.
func (d *directory) stands(tb testing.TB) entries {
	tb.Helper()
	everything := d.userIs(idaastest.User{ID: "x", Username: "x", DisplayName: "x", PhoneRegion: "1", PhoneNumber: "1", PhoneVerified: true})
	user := append(slices.Collect(maps.Keys(everything)), "sn", "givenName")
	out := entries{}
	for _, e := range d.search(tb, "(objectClass=*)") {
		if within := dnKey(e.DN); !strings.HasSuffix(within, ","+dnKey(d.people)) && !strings.HasSuffix(within, ","+dnKey(d.groups)) {
			continue
		}
		var ours []string
		switch {
		case strings.HasPrefix(e.GetEqualFoldAttributeValue(d.userID), "user_"):
			ours = user
		case strings.HasPrefix(e.GetEqualFoldAttributeValue(d.unitID), "ou_"):
			ours = []string{"ou", d.unitID, "description"}
		case strings.HasPrefix(e.GetEqualFoldAttributeValue(d.groupID), "group_"):
			ours = []string{"cn", d.groupID, "description", d.member}
		default:
			ours = attributesOf(e)
		}
		attributes := map[string][]string{}
		for _, name := range ours {
			values := e.GetEqualFoldAttributeValues(name)
			if name == d.member {
				for i, v := range values {
					values[i] = dnKey(v)
				}
			}
			attributes[name] = values
		}
		out.put(e.DN, attributes)
	}
	return out
}

func attributesOf(e *ldap.Entry) []string {
	var names []string
	for _, a := range e.Attributes {
		names = append(names, a.Name)
	}
	return names
}

// logIns tries for everybody the last password, which works where the status allows it, and one from before, which does not.
func (s *sequence) logIns(end model) error {
	s.tb.Helper()
	now := s.clock.Now().UnixMilli()
	for _, id := range present(end.users) {
		passwords := end.passwords[id]
		if !end.hasEntry(id) {
			continue
		}
		u, dn := end.user(id), end.userDN(s.dir, id)
		last, want := "Xq7-never-zT", false
		if n := len(passwords); n > 0 {
			last, want = passwords[n-1], usable(u, now)
		}
		if got := s.canBind(dn, last); got != want {
			return fmt.Errorf("%s with the last of %d passwords: logs in %v; want %v: %+v", dn, len(passwords), got, want, u)
		}
		if len(passwords) > 1 && s.canBind(dn, passwords[len(passwords)-2]) {
			return fmt.Errorf("%s logs in with the password before the last one", dn)
		}
	}
	return nil
}

// pushWritesNothing pushes everything that is true, in no order.
func (s *sequence) pushWritesNothing(end model) error {
	s.tb.Helper()
	var push []happening
	add := func(e idaastest.Event) { push = append(push, happening{Event: e}) }
	for _, id := range present(end.units) {
		add(s.tenant.UnitEvent(event.TypeUnitPush, end.unit(id)))
	}
	for _, id := range present(end.users) {
		if end.hasEntry(id) {
			add(s.tenant.UserEvent(event.TypeUserPush, end.user(id)))
		}
	}
	for _, id := range present(end.groups) {
		add(s.tenant.GroupEvent(event.TypeGroupPush, end.group(id)))
		if members := end.membersOf(id); len(members) > 0 {
			add(s.tenant.Membership(event.TypeGroupAddUser, id, members...))
		}
	}
	before, writes := s.dir.tree(s.tb), s.writesSoFar()
	random := seeded{rand.New(rand.NewPCG(uint64(len(push)), 1))} // As above.
	if err := deliver(random, push, disorder{late: len(push), unordered: 100, together: 20, parallel: 4}).send(s.tb, s.feed); err != nil {
		return err
	}
	if err := s.settles(push, map[string]bool{}); err != nil {
		return err
	}
	for _, e := range push {
		refused := s.suffered() && end.addressRefused(e.BizID)
		if o := s.outcome(s.tb, e.ID); o.Code != event.CodeUnchanged && !(refused && o.Code == event.CodeRefused) {
			return fmt.Errorf("%s of %s says nothing new, and it was %s: %s", e.Type.Short(), e.BizID, o.Code, o.Message)
		}
	}
	if after := s.writesSoFar(); after != writes {
		return fmt.Errorf("a push of what is there wrote %d times", after-writes)
	}
	if diff := cmp.Diff(before, s.dir.tree(s.tb)); diff != "" {
		return fmt.Errorf("a push of what is there changed something (-before +after):\n%s", diff)
	}
	return nil
}

// writesSoFar returns how often the product has written, where the server tells.
func (s *sequence) writesSoFar() int {
	if s.dir.writes == nil {
		return 0
	}
	return len(s.dir.writes(s.tb))
}

// leavesNothing deletes everything by events.
func (s *sequence) leavesNothing(end model, before map[string]map[string][]string) error {
	s.tb.Helper()
	var deletions []happening
	add := func(e idaastest.Event) { deletions = append(deletions, happening{Event: e}) }
	for _, id := range present(end.groups) {
		add(s.tenant.DeleteGroup(id))
	}
	for _, id := range slices.Sorted(maps.Keys(end.users)) {
		add(s.tenant.DeleteUser(id))
	}
	for id := range end.waits {
		if strings.HasPrefix(id, "user_") && end.users[id] == nil {
			add(s.tenant.DeleteUser(id))
		}
	}
	for _, id := range present(end.units) {
		add(s.tenant.DeleteUnit(id))
	}
	random := seeded{rand.New(rand.NewPCG(uint64(len(deletions)), 2))} // As above.
	if err := deliver(random, deletions, disorder{late: len(deletions), unordered: 100, together: 20, parallel: 4}).send(s.tb, s.feed); err != nil {
		return err
	}
	if err := s.settles(append(deletions, s.events...), map[string]bool{}); err != nil {
		return err
	}
	if diff := cmp.Diff(before, s.dir.tree(s.tb)); diff != "" {
		return fmt.Errorf("something is left when everybody has left (-before +after):\n%s", diff)
	}
	return nil
}

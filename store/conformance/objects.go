package conformance

import (
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

func objectTests() []test {
	return []test{
		{"the holder of a DN is found however it is spelled", holderFound},
		{"an object that is deleted holds no DN", holderDeleted},
		{"a DN that is given up is held by nobody", holderMoved},
		{"what lies below a renamed unit moves along", renameBelow},
		{"what lies below a DN is listed", listBelow},
		{"words about members are kept per group and member", memberships},
		{"a user that is gone is forgotten by all groups of the directory", membershipsForget},
		{"the groups of a user whose entry was made are due, for that member only", rejoin},
		{"a member whose entry was made while the group was worked on is not missed", rejoinMeanwhile},
		{"a group that is gone forgets its members", membershipsGroupGone},
		{"a group that is back has no members from before its deletion", membershipsGroupBack},
		{"which groups list whoever is at a DN or below it", listing},
		{"by what a group may still name members is kept until it is dropped", formerNames},
		{"the last deletion of an object is known also when it is back", floorKept},
		{"objects that exist are counted by kind", countObjects},
		{"all objects of a kind are visited once", visitAll},
		{"a visit ends when told, and may write meanwhile", visitEnds},
	}
}

func (w world) holder(dn string) event.Ref {
	w.Helper()
	holders, err := w.Holders(w.Context(), corp, plan.MustParseDN(dn))
	w.must(err)
	equal(w, "number of those that hold "+dn, len(holders), 1)
	return holders[0].Object
}

func (w world) nobodyHolds(directory, dn string) {
	w.Helper()
	holders, err := w.Holders(w.Context(), directory, plan.MustParseDN(dn))
	w.must(err)
	equal(w, "number of those that hold "+dn, len(holders), 0)
}

func holderFound(w world) {
	w.remember(in(corp, user("user_1")), known(user("user_1")), at("uid=Ann  Lee,ou=people,dc=example"))
	for _, dn := range []string{"uid=Ann  Lee,ou=people,dc=example", "UID=ann lee, OU=People, DC=EXAMPLE", "userid=ann lee,ou=people,dc=example"} {
		equal(w, dn, w.holder(dn), user("user_1"))
	}
	w.nobodyHolds(corp, "uid=ann,ou=people,dc=example")
	w.nobodyHolds(corp, "ou=people,dc=example")
	w.nobodyHolds(lab, "uid=Ann Lee,ou=people,dc=example")

	// An object without a DN holds none, not even the empty one.
	w.remember(in(corp, user("user_2")), known(user("user_2")), store.Record{})
	w.nobodyHolds(corp, "")

	// What one server takes for two and another for one, is for whoever knows the server.
	for id, dn := range map[string]string{"ou_wide": "ou=研发（一）,dc=example", "ou_narrow": "ou=研发(一),dc=example"} {
		w.remember(in(corp, unit(id)), known(unit(id)), at(dn))
	}
	holders, err := w.Holders(w.Context(), corp, plan.MustParseDN("ou=研发（一）,dc=example"))
	w.must(err)
	equal(w, "number of those that may hold it", len(holders), 2)
	equal(w, "where the second is", holders[1].DN.String(), "ou=研发（一）,dc=example")
	// Nobody has said yet whether it exists.
	w.remember(in(corp, user("user_3")), event.Object{Ref: user("user_3")}, at("uid=c,dc=example"))
	equal(w, "holder", w.holder("uid=c,dc=example"), user("user_3"))
}

func listBelow(w world) {
	w.remember(in(corp, unit("ou_1")), known(unit("ou_1")), at("ou=Sales,dc=example"))
	w.remember(in(corp, user("user_1")), known(user("user_1")), at("uid=a,ou=Sales,dc=example"))
	w.remember(in(corp, user("user_2")), known(user("user_2")), at("uid=b,ou=Lab,OU=sales,dc=example"))
	w.remember(in(corp, user("user_3")), known(user("user_3")), at("uid=c,ou=Sales West,dc=example"))
	w.remember(in(lab, user("user_4")), known(user("user_4")), at("uid=d,ou=Sales,dc=example"))
	for dn, want := range map[string]int{"ou=SALES,dc=example": 2, "dc=example": 4, "uid=a,ou=Sales,dc=example": 0, "": 0} {
		below, err := w.Below(w.Context(), corp, plan.MustParseDN(dn))
		w.must(err)
		equal(w, "number below "+dn, len(below), want)
	}
}

func holderDeleted(w world) {
	w.remember(in(corp, user("user_1")), gone(user("user_1")), at("uid=a,dc=example"))
	w.nobodyHolds(corp, "uid=a,dc=example")
	w.remember(in(corp, user("user_2")), known(user("user_2")), at("uid=a,dc=example"))
	equal(w, "holder", w.holder("uid=a,dc=example"), user("user_2"))
}

func holderMoved(w world) {
	w.remember(in(corp, user("user_1")), known(user("user_1")), at("uid=a,dc=example"))
	w.remember(in(corp, user("user_1")), known(user("user_1")), at("uid=b,dc=example"))
	w.nobodyHolds(corp, "uid=a,dc=example")
	equal(w, "holder", w.holder("uid=b,dc=example"), user("user_1"))
}

func renameBelow(w world) {
	moved := map[string][2]string{
		"deep":    {"uid=a,ou=x,ou=sales,dc=example", "uid=a,ou=x,ou=Markets,o=new"},
		"child":   {"uid=b,OU=Sales,dc=example", "uid=b,ou=Markets,o=new"},
		"comma":   {`cn=Lee\, Ann,ou=sales,dc=example`, `cn=Lee\, Ann,ou=Markets,o=new`},
		"unicode": {"uid=ü,ou=sales,dc=example", "uid=ü,ou=Markets,o=new"},
	}
	stays := map[string]string{
		"sibling": "uid=d,ou=sales2,dc=example",
		"longer":  `uid=e,ou=sales\,x,dc=example`,
		"above":   "dc=example",
		"other":   "uid=g,ou=ops,dc=example",
		"value":   "uid=h,ou=sales,dc=example2",
		"width":   "uid=i,ou=ｓales,dc=example",
	}
	for id, dns := range moved {
		w.remember(in(corp, user(id)), known(user(id)), at(dns[0]))
		w.remember(in(lab, user(id)), known(user(id)), at(dns[0]))
	}
	for id, dn := range stays {
		w.remember(in(corp, user(id)), known(user(id)), at(dn))
	}
	key := in(corp, unit("ou_sales"))
	w.remember(key, known(key.Object), at("ou=sales,dc=example"))

	s := settlement(w.load(key), done())
	s.Known, s.Record = known(key.Object), at("ou=Markets,o=new")
	s.RenamedFrom, s.RenamedTo = plan.MustParseDN("ou=Sales,dc=example"), plan.MustParseDN("ou=Markets,o=new")
	w.settle(noon, s)

	dn := func(directory, id string) string {
		_, r, err := w.Lookup(w.Context(), in(directory, user(id)))
		w.must(err)
		return r.DN.String()
	}
	for id, dns := range moved {
		equal(w, id, dn(corp, id), dns[1])
		equal(w, id+" in the other directory", dn(lab, id), plan.MustParseDN(dns[0]).String())
		equal(w, "holder of "+dns[1], w.holder(dns[1]), user(id))
		w.nobodyHolds(corp, dns[0])
	}
	for id, want := range stays {
		equal(w, id, dn(corp, id), want)
	}
	equal(w, "holder of the unit's DN", w.holder("ou=markets,o=new"), unit("ou_sales"))

	// What is one name to the directory alone comes along where that is said.
	s = settlement(w.load(key), done())
	s.Known, s.Record, s.Matching = known(key.Object), at("ou=Markets,o=new"), oneWidth()
	s.RenamedFrom, s.RenamedTo = plan.MustParseDN("ou=sales,dc=example"), plan.MustParseDN("ou=Markets,o=new")
	w.settle(noon, s)
	equal(w, "width", dn(corp, "width"), "uid=i,ou=Markets,o=new")
}

// oneWidth compares as a directory does to which full and half width are the same.
func oneWidth() plan.Matching {
	folding := plan.StandardFolding()
	folding.Name = folding.Text
	return plan.WellKnownMatching(folding)
}

func (w world) members(key store.Key, users []string) map[string]event.Membership {
	w.Helper()
	m, err := w.Memberships(w.Context(), key, users)
	w.must(err)
	return m
}

func (w world) speak(key store.Key, o event.Object, words map[string]event.Membership) {
	w.Helper()
	s := settlement(w.load(key), done())
	s.Known, s.Memberships = o, words
	w.settle(noon, s)
}

func memberships(w world) {
	key := in(corp, group("g_1"))
	word := func(present bool, at event.Millis) event.Membership {
		return event.Membership{Present: present, At: event.Stamp{Event: at, Update: at - 1}}
	}
	w.speak(key, known(key.Object), map[string]event.Membership{"a": word(true, noon), "b": word(true, noon), "c": word(false, noon)})
	w.speak(key, known(key.Object), map[string]event.Membership{"b": word(false, noon+1), "d": word(true, noon+1)})
	w.speak(in(corp, group("g_2")), known(group("g_2")), map[string]event.Membership{"a": word(false, noon)})
	equal(w, "all", w.members(key, nil), map[string]event.Membership{
		"a": word(true, noon), "b": word(false, noon+1), "c": word(false, noon), "d": word(true, noon+1),
	})
	equal(w, "some", w.members(key, []string{"d", "nobody", "a"}), map[string]event.Membership{"a": word(true, noon), "d": word(true, noon+1)})
	equal(w, "none", w.members(key, []string{}), map[string]event.Membership{})
	equal(w, "elsewhere", w.members(in(lab, group("g_1")), nil), map[string]event.Membership{})
}

func membershipsForget(w world) {
	yes := event.Membership{Present: true, At: event.Stamp{Event: noon}}
	for _, key := range []store.Key{in(corp, group("g_1")), in(corp, group("g_2")), in(lab, group("g_1"))} {
		w.speak(key, known(key.Object), map[string]event.Membership{"user_1": yes, "user_2": yes})
	}
	later := event.Membership{Present: true, At: event.Stamp{Event: noon, Update: 2}}
	w.speak(in(corp, group("g_3")), known(group("g_3")), map[string]event.Membership{"user_1": later, "user_2": yes})
	s := settlement(w.load(in(corp, user("user_1"))), done())
	s.Known, s.ForgetMember = gone(user("user_1")), true
	s.Known.Existence.At.Update, s.Known.Floor.Update = 1, 1
	w.settle(noon, s)
	rest := map[string]event.Membership{"user_2": yes}
	equal(w, "who joins after that", w.members(in(corp, group("g_3")), nil), map[string]event.Membership{"user_1": later, "user_2": yes})
	equal(w, "first group", w.members(in(corp, group("g_1")), nil), rest)
	equal(w, "second group", w.members(in(corp, group("g_2")), nil), rest)
	equal(w, "other directory", len(w.members(in(lab, group("g_1")), nil)), 2)
}

// enter settles a user whose entry was made.
func (w world) enter(key store.Key) []store.Key {
	w.Helper()
	s := settlement(w.load(key), done())
	s.Known, s.Entered, s.Wake = known(key.Object), true, true
	return w.settle(noon, s)
}

func rejoin(w world) {
	yes, no := event.Membership{Present: true, At: event.Stamp{Event: noon}}, event.Membership{At: event.Stamp{Event: noon}}
	one, two, ann := in(corp, group("g_1")), in(corp, group("g_2")), in(corp, user("ann"))
	w.speak(one, known(one.Object), map[string]event.Membership{"ann": yes, "bob": yes})
	w.speak(two, known(two.Object), map[string]event.Membership{"ann": no})
	w.speak(in(lab, one.Object), known(one.Object), map[string]event.Membership{"ann": yes})
	equal(w, "woken", w.enter(ann), []store.Key{one})
	equal(w, "due", w.due(corp, noon), []event.Ref{one.Object})
	equal(w, "due elsewhere", w.due(lab, noon), nil)
	job := w.load(one)
	equal(w, "who", job.Rejoin, []string{"ann"})
	w.settle(noon, settlement(job, done()))
	equal(w, "who, as nothing was done", w.load(one).Rejoin, []string{"ann"})
	w.speak(one, known(one.Object), map[string]event.Membership{"ann": yes})
	equal(w, "who, as somebody else repeats it", w.load(one).Rejoin, []string{"ann"})
	s := settlement(w.load(one), done())
	s.Rejoined = []string{"ann"}
	equal(w, "woken afterwards", w.settle(noon, s), nil)
	equal(w, "who afterwards", len(w.load(one).Rejoin), 0)
}

func rejoinMeanwhile(w world) {
	yes := event.Membership{Present: true, At: event.Stamp{Event: noon}}
	g, ann := in(corp, group("g_1")), in(corp, user("ann"))
	s := settlement(w.load(g), done())
	s.Known, s.Memberships = known(g.Object), map[string]event.Membership{"ann": yes}
	w.enter(ann)
	equal(w, "woken by a first word", w.settle(noon, s), []store.Key{g})
	job := w.load(g)
	equal(w, "who", job.Rejoin, []string{"ann"})
	w.enter(ann)
	s = settlement(job, done())
	s.Rejoined = job.Rejoin
	equal(w, "woken by another entry", w.settle(noon, s), []store.Key{g})
	equal(w, "due", w.due(corp, noon), []event.Ref{g.Object})
}

func membershipsGroupGone(w world) {
	key := in(corp, group("g_1"))
	word := event.Membership{Present: true, At: event.Stamp{Event: noon}}
	w.speak(key, known(key.Object), map[string]event.Membership{"a": word, "b": word})
	w.speak(in(corp, group("g_2")), known(group("g_2")), map[string]event.Membership{"a": word})
	w.speak(key, gone(key.Object), map[string]event.Membership{"c": word})
	equal(w, "members", w.members(key, nil), map[string]event.Membership{"c": word})
	equal(w, "members of the other one", len(w.members(in(corp, group("g_2")), nil)), 1)
}

func membershipsGroupBack(w world) {
	key := in(corp, group("g_1"))
	word := event.Membership{Present: true, At: event.Stamp{Event: noon}}
	later := event.Membership{Present: true, At: event.Stamp{Event: noon + 2}}
	w.speak(key, known(key.Object), map[string]event.Membership{"a": word, "b": later})
	back := known(key.Object)
	back.Existence.At.Event, back.Floor = noon+2, event.Stamp{Event: noon + 1}
	w.speak(key, back, nil)
	equal(w, "members", w.members(key, nil), map[string]event.Membership{"b": later})
}

func floorKept(w world) {
	key := in(corp, user("user_1"))
	back := known(key.Object)
	for _, floor := range []event.Stamp{{}, {Event: noon - 2, Update: noon - 3}, {Event: noon - 1}} {
		back.Floor = floor
		w.remember(key, back, store.Record{})
		equal(w, "floor of the job", w.load(key).Known.Floor, floor)
		o, _, err := w.Lookup(w.Context(), key)
		w.must(err)
		equal(w, "floor", o.Floor, floor)
	}
}

func countObjects(w world) {
	for i := range 7 {
		ref := user(numbered("user", i))
		w.remember(in(corp, ref), known(ref), store.Record{})
	}
	w.remember(in(corp, user("user_0003")), gone(user("user_0003")), store.Record{})
	w.remember(in(corp, unit("ou_1")), known(unit("ou_1")), store.Record{})
	w.remember(in(lab, user("user_1")), known(user("user_1")), store.Record{})
	for _, c := range []struct {
		directory string
		kind      event.Kind
		want      int
	}{{corp, event.KindUser, 6}, {corp, event.KindUnit, 1}, {corp, event.KindGroup, 0}, {lab, event.KindUser, 1}} {
		n, err := w.CountObjects(w.Context(), c.directory, c.kind, 0)
		w.must(err)
		equal(w, fmt.Sprintf("objects of %s in %s", c.kind, c.directory), n, c.want)
		n, err = w.CountObjects(w.Context(), c.directory, c.kind, 4)
		w.must(err)
		equal(w, fmt.Sprintf("objects of %s in %s, four at most", c.kind, c.directory), n, min(c.want, 4))
	}
}

func visitAll(w world) {
	const users = 1203
	for i := range users {
		ref := user(numbered("user", i))
		w.remember(in(corp, ref), known(ref), at("uid="+ref.ID+",dc=example"))
	}
	w.remember(in(corp, unit("ou_1")), known(unit("ou_1")), store.Record{})
	w.remember(in(lab, user("user_x")), known(user("user_x")), store.Record{})
	seen := map[string]int{}
	w.must(w.Objects(w.Context(), corp, event.KindUser, func(o event.Object, r store.Record) bool {
		equal(w, "DN", r.DN.String(), "uid="+o.Ref.ID+",dc=example")
		seen[o.Ref.ID]++
		return true
	}))
	equal(w, "objects", len(seen), users)
	for id, n := range seen {
		equal(w, "visits of "+id, n, 1)
	}
}

func visitEnds(w world) {
	for i := range 10 {
		ref := user(numbered("user", i))
		w.remember(in(corp, ref), known(ref), store.Record{})
	}
	visits := 0
	w.must(w.Objects(w.Context(), corp, event.KindUser, func(o event.Object, _ store.Record) bool {
		visits++
		w.remember(in(corp, o.Ref), gone(o.Ref), store.Record{})
		return visits < 4
	}))
	equal(w, "visits", visits, 4)
}

func listing(w world) {
	w.remember(in(corp, user("ann")), known(user("ann")), at("uid=ann,ou=lab,dc=example"))
	w.remember(in(corp, user("bob")), known(user("bob")), at("uid=bob,ou=room,ou=lab,dc=example"))
	w.remember(in(corp, user("cid")), known(user("cid")), at("uid=cid,ou=laboratory,dc=example"))
	w.remember(in(lab, user("ann")), known(user("ann")), at("uid=ann,ou=lab,dc=example"))
	yes, no := event.Membership{Present: true, At: event.Stamp{Event: noon}}, event.Membership{At: event.Stamp{Event: noon}}
	w.speak(in(corp, group("g_1")), known(group("g_1")), map[string]event.Membership{"ann": yes, "bob": yes, "cid": yes})
	w.speak(in(corp, group("g_2")), known(group("g_2")), map[string]event.Membership{"bob": yes, "ann": no})
	w.speak(in(corp, group("g_3")), known(group("g_3")), map[string]event.Membership{"cid": yes, "nobody": yes})
	w.speak(in(lab, group("g_4")), known(group("g_4")), map[string]event.Membership{"ann": yes})
	for dn, want := range map[string][]event.Ref{
		"OU=Lab,dc=example":                  {group("g_1"), group("g_2")},
		"uid=ann,ou=lab,dc=example":          {group("g_1")},
		"ou=room,ou=lab,dc=example":          {group("g_1"), group("g_2")},
		"uid=nobody,ou=lab,dc=example":       nil,
		"":                                   nil,
		"uid=an,ou=lab,dc=example":           nil,
		"cn=phone,uid=ann,ou=lab,dc=example": nil,
	} {
		groups, err := w.Listing(w.Context(), corp, plan.MustParseDN(dn))
		w.must(err)
		equal(w, "groups that list what is at "+dn, groups, want)
	}
	members, err := w.Listed(w.Context(), in(corp, group("g_1")), plan.MustParseDN("ou=lab,dc=example"))
	w.must(err)
	equal(w, "members of the first group", len(members), 2)
	equal(w, "first member", members[0].Object, user("ann"))
	equal(w, "its DN", members[0].DN.String(), "uid=ann,ou=lab,dc=example")
	equal(w, "second member", members[1].Object, user("bob"))
}

func formerNames(w world) {
	g := in(corp, group("g_1"))
	name := func(id, value string) plan.FormerName { return plan.FormerName{Member: user(id), Value: value} }
	kept := func(key store.Key, want ...plan.FormerName) {
		w.Helper()
		names, err := w.FormerNames(w.Context(), key)
		w.must(err)
		slices.SortFunc(names, func(a, b plan.FormerName) int { return strings.Compare(a.Value, b.Value) })
		equal(w, "kept for "+key.Object.ID, names, want)
	}
	w.must(w.KeepFormerNames(w.Context(), g, []plan.FormerName{name("ann", "a"), name("bob", "b")}))
	w.must(w.KeepFormerNames(w.Context(), g, []plan.FormerName{name("ann", "a"), name("ann", "c")}))
	kept(g, name("ann", "a"), name("bob", "b"), name("ann", "c"))
	kept(in(lab, group("g_1")))
	kept(in(corp, group("g_2")))
	w.must(w.DropFormerNames(w.Context(), in(corp, group("g_2")), []plan.FormerName{name("ann", "a")}))
	w.must(w.DropFormerNames(w.Context(), g, []plan.FormerName{name("ann", "a"), name("bob", "b"), name("bob", "none")}))
	kept(g, name("ann", "c"))
}

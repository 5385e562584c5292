package processor_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// beforeTheBubble is some minutes before the clock of a bubble begins (testing/synctest): events from the future would count as
// received now.
const beforeTheBubble = 946_684_800_000 - 10*60*1000

// history is a made-up past of a company, event by event in the order of time, with what it comes to. At every moment it is
// one that IDaaS would allow: names are unique, units are a tree, and one that is deleted is empty.
type history struct {
	random *rand.Rand
	at     int64
	made   int
	users  map[string]*pastUser
	units  map[string]*pastUnit
	groups map[string]*pastGroup
	events []event.Change
}

type pastUser struct {
	name, unit, email string
	disabled          bool
	locked, expires   int64 // in milliseconds since 1970; 0 for never
}

type pastUnit struct{ name, parent string }

type pastGroup struct {
	name    string
	members map[string]bool
}

func newHistory(seed uint64) *history {
	return &history{
		random: rand.New(rand.NewPCG(seed, 9)), at: beforeTheBubble,
		users: map[string]*pastUser{}, units: map[string]*pastUnit{}, groups: map[string]*pastGroup{},
	}
}

// step lets one more thing happen; now and then nothing can.
func (h *history) step() {
	switch h.random.IntN(26) {
	case 0, 1, 2:
		h.hire()
	case 3, 4, 5:
		h.changeUser(func(u *pastUser) { u.name = h.fresh("name") })
	case 6, 7:
		h.changeUser(func(u *pastUser) { u.unit = h.anyUnit() })
	case 8:
		h.changeUser(func(u *pastUser) { u.email = h.fresh("mail") + "@example.org" })
	case 9:
		h.swapUsers()
	case 10:
		h.leave()
	case 11:
		h.found()
	case 12:
		h.changeUnit(func(u *pastUnit) { u.name = h.fresh("Unit, ") })
	case 13, 14:
		h.moveUnit()
	case 15:
		h.swapUnits()
	case 16:
		h.dissolve()
	case 17:
		h.club()
	case 18, 19, 20:
		h.bar()
	case 21, 22:
		h.lock()
	case 23:
		h.expire()
	default:
		h.membership()
	}
}

func (h *history) fresh(prefix string) string {
	h.made++
	return fmt.Sprint(prefix, h.made)
}

// pick returns one of the ids, empty if there is none.
func pick[V any](h *history, of map[string]V) string {
	ids := slices.Sorted(maps.Keys(of))
	if len(ids) == 0 {
		return ""
	}
	return ids[h.random.IntN(len(ids))]
}

func (h *history) anyUnit() string {
	if id := pick(h, h.units); id != "" && h.random.IntN(5) > 0 {
		return id
	}
	return event.RootUnitID
}

func (h *history) say(kind event.Type, ref event.Ref, fields event.Values, members ...event.Member) {
	h.at += int64(1 + h.random.IntN(1000))
	fields[event.FieldID] = ref.ID
	h.events = append(h.events, event.Change{
		ID: fmt.Sprint("evnt_", len(h.events)), Type: kind, Object: ref, Stamp: event.Stamp{Event: event.Millis(h.at)}, Fields: fields, Members: members,
	})
}

func (h *history) sayUser(id string) {
	u := h.users[id]
	status := event.StatusEnabled
	if u.disabled {
		status = event.StatusDisabled
	}
	h.say(event.TypeUserUpdateInfo, user(id), event.Values{
		event.FieldUsername: u.name, event.FieldPrimaryUnit: u.unit, "email": u.email,
		event.FieldStatus: status, event.FieldLockExpireTime: u.locked, event.FieldAccountExpireTime: u.expires,
	})
}

func (h *history) sayUnit(id string) {
	u := h.units[id]
	h.say(event.TypeUnitUpdate, unit(id), event.Values{event.FieldName: u.name, event.FieldParentID: u.parent})
}

func (h *history) hire() {
	if len(h.users) < 12 {
		id := h.fresh("user_")
		h.users[id] = &pastUser{name: h.fresh("name"), unit: h.anyUnit(), email: h.fresh("mail") + "@example.org"}
		h.sayUser(id)
		h.say(event.TypeUserUpdatePassword, user(id), event.Values{})
		h.events[len(h.events)-1].Password = secret.New(passwordOf(id))
	}
}

// passwordOf is what a user logs in with.
func passwordOf(id string) string { return "Correct-Horse-" + id }

// bar disables a user, or enables one.
func (h *history) bar() {
	id := pick(h, h.users)
	if id == "" {
		return
	}
	u := h.users[id]
	u.disabled = !u.disabled
	if u.disabled {
		h.say(event.TypeUserDisable, user(id), event.Values{event.FieldStatus: event.StatusDisabled})
	} else {
		h.say(event.TypeUserEnable, user(id), event.Values{event.FieldStatus: event.StatusEnabled})
	}
}

// lock locks a user for some minutes or for days, or unlocks one.
func (h *history) lock() {
	id := pick(h, h.users)
	if id == "" {
		return
	}
	u := h.users[id]
	if u.locked != 0 {
		u.locked = 0
		h.say(event.TypeUserUnlock, user(id), event.Values{event.FieldLockExpireTime: int64(-1)})
		return
	}
	u.locked = beforeTheBubble + []int64{15 * 60 * 1000, 14 * 24 * 3600 * 1000}[h.random.IntN(2)]
	h.say(event.TypeUserLock, user(id), event.Values{event.FieldLockExpireTime: u.locked})
}

// expire lets an account end: in some minutes, in some days, or never.
func (h *history) expire() {
	h.changeUser(func(u *pastUser) {
		u.expires = []int64{0, beforeTheBubble + 15*60*1000, beforeTheBubble + 14*24*3600*1000}[h.random.IntN(3)]
	})
}

func (h *history) changeUser(change func(*pastUser)) {
	if id := pick(h, h.users); id != "" {
		change(h.users[id])
		h.sayUser(id)
	}
}

func (h *history) swapUsers() {
	if a, b := pick(h, h.users), pick(h, h.users); a != b {
		h.users[a].name, h.users[b].name = h.users[b].name, h.users[a].name
		h.sayUser(a)
		h.sayUser(b)
	}
}

func (h *history) leave() {
	if id := pick(h, h.users); id != "" {
		delete(h.users, id)
		for _, g := range h.groups {
			delete(g.members, id)
		}
		h.say(event.TypeUserDelete, user(id), event.Values{})
	}
}

func (h *history) found() {
	if len(h.units) < 8 {
		id := h.fresh("ou_")
		h.units[id] = &pastUnit{name: h.fresh("Unit "), parent: h.anyUnit()}
		h.sayUnit(id)
	}
}

func (h *history) changeUnit(change func(*pastUnit)) {
	if id := pick(h, h.units); id != "" {
		change(h.units[id])
		h.sayUnit(id)
	}
}

// within reports whether a unit is another one or lies below it.
func (h *history) within(id, above string) bool {
	for ; id != event.RootUnitID; id = h.units[id].parent {
		if id == above {
			return true
		}
	}
	return false
}

func (h *history) moveUnit() {
	if id, to := pick(h, h.units), h.anyUnit(); id != "" && !h.within(to, id) {
		h.units[id].parent = to
		h.sayUnit(id)
	}
}

func (h *history) swapUnits() {
	if a, b := pick(h, h.units), pick(h, h.units); a != b {
		h.units[a].name, h.units[b].name = h.units[b].name, h.units[a].name
		h.sayUnit(a)
		h.sayUnit(b)
	}
}

func (h *history) dissolve() {
	id := pick(h, h.units)
	for _, u := range h.users {
		if u.unit == id {
			return
		}
	}
	for _, u := range h.units {
		if u.parent == id {
			return
		}
	}
	if id != "" {
		delete(h.units, id)
		h.say(event.TypeUnitDelete, unit(id), event.Values{})
	}
}

func (h *history) club() {
	if len(h.groups) < 3 {
		id := h.fresh("group_")
		h.groups[id] = &pastGroup{name: h.fresh("Club "), members: map[string]bool{}}
		h.say(event.TypeGroupCreate, group(id), event.Values{event.FieldName: h.groups[id].name})
	} else if id := pick(h, h.groups); id != "" {
		h.groups[id].name = h.fresh("Club ")
		h.say(event.TypeGroupUpdate, group(id), event.Values{event.FieldName: h.groups[id].name})
	}
}

func (h *history) membership() {
	g, u := pick(h, h.groups), pick(h, h.users)
	if g == "" || u == "" {
		return
	}
	kind, joins := event.TypeGroupAddUser, !h.groups[g].members[u]
	if !joins {
		kind = event.TypeGroupRemoveUser
		delete(h.groups[g].members, u)
	} else {
		h.groups[g].members[u] = true
	}
	h.say(kind, group(g), event.Values{}, event.Member{User: u, Present: joins})
}

// arrivals are the events in the order in which they come: mixed up, some of them twice, several in a request.
func (h *history) arrivals(random *rand.Rand) [][]event.Change {
	var come []event.Change
	for _, e := range h.events {
		come = append(come, e)
		if random.IntN(5) == 0 {
			come = append(come, e)
		}
	}
	// Some histories come nearly in order, others in none at all.
	far := []int{3, 20, len(come)}[random.IntN(3)]
	for i := range come {
		j := min(len(come)-1, i+random.IntN(far))
		come[i], come[j] = come[j], come[i]
	}
	var batches [][]event.Change
	for len(come) > 0 {
		n := min(len(come), 1+random.IntN(5))
		batches, come = append(batches, come[:n]), come[n:]
	}
	return batches
}

// directory is what the directory has to say in the end, in the form of storm.directory. Addresses are not in it.
func (h *history) directory() map[string]string {
	root := plan.MustParseDN(people)
	var place func(id string) plan.DN
	place = func(id string) plan.DN {
		if id == event.RootUnitID {
			return root
		}
		return place(h.units[id].parent).Child(plan.RDN{{Type: "ou", Value: h.units[id].name}})
	}
	at := func(id string) plan.DN {
		return place(h.users[id].unit).Child(plan.RDN{{Type: "uid", Value: h.users[id].name}})
	}
	out := map[string]string{}
	for id := range h.users {
		out[id] = fmt.Sprint(at(id), " ", []string{})
	}
	for id := range h.units {
		out[id] = fmt.Sprint(place(id), " ", []string{})
	}
	for id, g := range h.groups {
		members := []string{}
		for user := range g.members {
			members = append(members, at(user).String())
		}
		if len(members) == 0 {
			members = append(members, "cn=nobody,"+suffix)
		}
		slices.Sort(members)
		dn := plan.MustParseDN(groups).Child(plan.RDN{{Type: "cn", Value: g.name}})
		out[id] = fmt.Sprint(dn, " ", members)
	}
	return out
}

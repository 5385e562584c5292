package acceptance_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// chooser makes the choices of a sequence. The first of the possibilities is the simplest one.
type chooser interface {
	// pick returns one of the numbers from 0 to n-1.
	pick(what string, n int) int
}

func oneOf[T any](c chooser, what string, from []T) T { return from[c.pick(what, len(from))] }

// often is true in so many of a hundred cases.
func often(c chooser, what string, percent int) bool { return c.pick(what, 100) >= 100-percent }

// happening is one event together with what the delivery has to know of it.
type happening struct {
	idaastest.Event

	// back: a user or a group that was deleted is there again.
	back bool
}

// size is how many objects a company has at most, over all its time.
type size struct{ users, units, groups int }

// company is IDaaS with its administrators: what they do, step by step, and the event of each step.
//
// They do what IDaaS lets them do. At every moment user names are unique, as are the names of groups and of the units
// below one; everybody is in a unit that is there; a unit is deleted when it is empty. What a full record says is what
// IDaaS knows at that time.
//
// They leave out what the contract does not promise to end in one way only, because it is lost with an entry or was never
// written, depending on which events were merged:
//   - Whoever is deleted while in groups never comes back under the same id.
//   - Whoever leaves the scope of the mapping never was in a group, and never comes back: the password would be gone.
//   - A phone number that is not verified never was. Such a number is not written, and one that was is not removed.
//   - A number once known is never taken away: in IDaaS's record it would be absent, which says nothing.
type company struct {
	chooser

	tenant *idaastest.Tenant
	now    func() time.Time
	size   size
	// mark stands in all ids and names, so that one company does not get into the way of another.
	mark   string
	users  []*employee
	units  []*department
	groups []*club
	events []happening

	passwords int
}

type employee struct {
	idaastest.User

	alive, gone bool // gone for good
	// stray: in a unit that never comes. service: out of the scope of the mapping.
	stray, service bool
	joined         bool // was in a group at some time
}

type department struct {
	idaastest.Unit

	alive bool
}

type club struct {
	idaastest.Group

	alive   bool
	members map[string]bool
}

// unknown is part of the ids of those of whom nobody ever says that they exist.
const unknown = "never"

// newCompany makes a company in which nothing has happened yet.
func newCompany(c chooser, tenant *idaastest.Tenant, now func() time.Time, n size, mark string) *company {
	return &company{chooser: c, tenant: tenant, now: now, size: n, mark: mark}
}

// steps is what administrators do, and how often one of it comes about. Where there is nobody to do it with, it is left out.
var steps = []struct {
	weight int
	do     func(c *company) bool
}{
	{14, (*company).hire},
	{7, (*company).found},
	{4, (*company).gather},
	{10, (*company).amend},
	{4, (*company).amendPart},
	{10, (*company).rename},
	{10, (*company).transfer},
	{4, (*company).pushUser},
	{9, (*company).bar},
	{7, (*company).lock},
	{3, (*company).expire},
	{8, (*company).password},
	{5, (*company).dismiss},
	{7, (*company).renameUnit},
	{6, (*company).moveUnit},
	{3, (*company).describeUnit},
	{4, (*company).dissolve},
	{4, (*company).renameGroup},
	{2, (*company).pushGroup},
	{14, (*company).join},
	{8, (*company).leave},
	{2, (*company).disband},
	{2, (*company).hint},
	{1, (*company).hireStray},
	{1, (*company).hireService},
	{1, (*company).leaveScope},
	{1, (*company).passwordOfStranger},
	{1, (*company).joinStranger},
}

// step does one of the possible things.
func (c *company) step() {
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	at := c.pick("step", total)
	for _, s := range steps {
		if at -= s.weight; at < 0 {
			s.do(c)
			return
		}
	}
}

// grow steps until there are so many events.
func (c *company) grow(events int) {
	for len(c.events) < events {
		c.step()
	}
}

func (c *company) say(e idaastest.Event) bool { return c.sayOf(false, e) }

func (c *company) sayOf(back bool, e idaastest.Event) bool {
	c.events = append(c.events, happening{Event: e, back: back})
	return true
}

// living returns those that are there and of whom something holds.
func living[T any](all []T, holds func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !holds(x) })
}

// somebody chooses a user in the scope and in a unit that is there.
func (c *company) somebody(holds ...func(*employee) bool) *employee {
	candidates := living(c.users, func(u *employee) bool {
		ok := u.alive && !u.stray && !u.service
		for _, h := range holds {
			ok = ok && h(u)
		}
		return ok
	})
	if len(candidates) == 0 {
		return nil
	}
	return oneOf(c, "user", candidates)
}

func (c *company) someUnit(holds ...func(*department) bool) *department {
	candidates := living(c.units, func(u *department) bool {
		ok := u.alive
		for _, h := range holds {
			ok = ok && h(u)
		}
		return ok
	})
	if len(candidates) == 0 {
		return nil
	}
	return oneOf(c, "unit", candidates)
}

func (c *company) someGroup(holds ...func(*club) bool) *club {
	candidates := living(c.groups, func(g *club) bool {
		ok := g.alive
		for _, h := range holds {
			ok = ok && h(g)
		}
		return ok
	})
	if len(candidates) == 0 {
		return nil
	}
	return oneOf(c, "group", candidates)
}

// place chooses where somebody or something is: below the root or in a unit.
func (c *company) place(except ...string) string {
	places := []string{event.RootUnitID}
	for _, u := range c.units {
		if u.alive && !slices.Contains(except, u.ID) {
			places = append(places, u.ID)
		}
	}
	return oneOf(c, "place", places)
}

// Names.

// person is a shown name and what it is made of.
type person struct{ shown, given, family string }

var people = []person{
	{"Ann Lee", "Ann", "Lee"},
	{"Zoë O'Brien", "Zoë", "O'Brien"},
	{"诸葛亮", "亮", "诸葛"},
	{"García, José", "José", "García"},
	{"Фёдор Иванов", "Фёдор", "Иванов"},
	{"Ludwig van der Berg", "Ludwig", "van der Berg"},
	{"A=B <Tag>", "A=B", "<Tag>"},
}

var unitNames = []string{"Lab", "LAB", "R&D, Hangzhou", "市场部", "Ops #1", "Legal; Compliance", "Sales + Marketing", `Back\Office`, `"Special" Projects`, "Qualität"}

var clubNames = []string{"Vpn", "Ops, on call", "管理员", "Beta+Testers", "VPN", "Everybody"}

// folded is a name as directories compare it.
func folded(name string) string { return strings.ToLower(name) }

// freeName chooses one of the names that is not taken by others. There are few, so that those that become free are given
// on, and nearly all differ from others in more than upper and lower case.
func freeName(c chooser, names []string, taken func(string) bool) (string, bool) {
	free := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return taken(folded(n)) })
	if len(free) == 0 {
		return "", false
	}
	return oneOf(c, "name", free), true
}

func (c *company) freeUsername(self *employee) (string, bool) {
	var names []string
	for i := range c.size.users + 2 {
		names = append(names, fmt.Sprintf("u%s.%d", c.mark, i))
		if i%4 == 0 {
			names = append(names, fmt.Sprintf("U%s.%d", strings.ToUpper(c.mark), i))
		}
	}
	return freeName(c, names, func(name string) bool {
		return slices.ContainsFunc(c.users, func(u *employee) bool { return u.alive && u != self && folded(u.Username) == name })
	})
}

func (c *company) freeUnitName(self *department, parent string) (string, bool) {
	names := slices.Clone(unitNames)
	for i := range names {
		names[i] += " " + c.mark
	}
	return freeName(c, names, func(name string) bool { return c.unitNameTaken(self, parent, name) })
}

func (c *company) unitNameTaken(self *department, parent, name string) bool {
	return slices.ContainsFunc(c.units, func(u *department) bool {
		return u.alive && u != self && u.Parent == parent && folded(u.Name) == folded(name)
	})
}

func (c *company) freeGroupName(self *club) (string, bool) {
	var names []string
	for i := range c.size.groups {
		names = append(names, fmt.Sprintf("%s %s %d", clubNames[i%len(clubNames)], c.mark, i/len(clubNames)))
	}
	return freeName(c, names, func(name string) bool {
		return slices.ContainsFunc(c.groups, func(g *club) bool { return g.alive && g != self && folded(g.Name) == name })
	})
}

// newPassword is one that was never used and that every directory takes.
func (c *company) newPassword() string {
	c.passwords++
	return fmt.Sprintf("Xq7-%s-%d-zT", c.mark, c.passwords)
}

// id makes an id of the usual length.
func (c *company) id(prefix string, n int) string {
	tail := fmt.Sprintf("x%sx%d", c.mark, n)
	return prefix + strings.Repeat("a", 26-len(tail)) + tail
}

// Users.

// hire makes a user, or takes back one who was deleted.
func (c *company) hire() bool { return c.hireInto(c.place(), "") }

// hireStray makes a user in a unit that never comes.
func (c *company) hireStray() bool {
	return c.hireInto("ou_"+unknown+c.mark, "")
}

// hireService makes a user whom the mapping leaves out.
func (c *company) hireService() bool { return c.hireInto(c.place(), "svc-") }

func (c *company) hireInto(unit, prefix string) bool {
	name, ok := c.freeUsername(nil)
	back := living(c.users, func(u *employee) bool { return !u.alive && !u.gone })
	fresh := len(c.users) < c.size.users
	if !ok || !fresh && len(back) == 0 {
		return false
	}
	u, isBack := &employee{}, false
	if fresh && (len(back) == 0 || often(c, "new", 50)) {
		u.ID = c.id("user_", len(c.users))
		c.users = append(c.users, u)
	} else {
		u, isBack = oneOf(c, "who is back", back), true
	}
	who := oneOf(c, "person", people)
	u.User = idaastest.User{ID: u.ID, Username: name, DisplayName: who.shown, Email: "User@Example.org", Unit: unit, Status: event.StatusEnabled}
	if u.service = prefix != ""; u.service {
		u.Username = prefix + name
	}
	if often(c, "has a phone", 30) {
		u.PhoneRegion, u.PhoneNumber, u.PhoneVerified = "86", "13900000000", true
	}
	u.alive, u.stray = true, strings.Contains(unit, unknown)
	password := ""
	if often(c, "has a password", 60) {
		password = c.newPassword()
	}
	if often(c, "by push", 10) {
		return c.sayOf(isBack, c.tenant.UserEvent(event.TypeUserPush, u.User))
	}
	return c.sayOf(isBack, c.tenant.CreateUser(u.User, password))
}

// amend changes what is in a user's record.
func (c *company) amend() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	c.change(u)
	return c.say(c.tenant.UserEvent(oneOf(c, "as", []event.Type{event.TypeUserUpdateInfo, event.TypeUserPush, event.TypeUserCreate}), u.User))
}

func (c *company) change(u *employee) {
	switch c.pick("field", 4) {
	case 0:
		u.Email = oneOf(c, "email", []string{"new@Example.org", "", "other@example.org"})
	case 1:
		u.DisplayName = oneOf(c, "person", people).shown
	case 2:
		u.Description = oneOf(c, "description", []string{"desk 1", "", "desk 2, 3rd floor"})
	case 3:
		if u.PhoneVerified {
			u.PhoneNumber = "1380000000" + strconv.Itoa(c.pick("digit", 10))
		}
	}
}

// amendPart is an event that carries part of the record.
func (c *company) amendPart() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	c.change(u)
	fields := map[string]any{"userId": u.ID, "email": u.Email, "description": u.Description}
	if often(c, "empty is null", 50) {
		for name, value := range fields {
			if value == "" {
				fields[name] = nil
			}
		}
	}
	full := u.Fields(c.now())
	fields["displayName"] = full["displayName"]
	if u.PhoneVerified {
		fields["phoneNumber"] = full["phoneNumber"]
	}
	return c.say(c.tenant.Event(event.TypeUserUpdateInfo, u.ID, fields))
}

// rename gives a user another name, and sometimes another unit with it.
func (c *company) rename() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	name, ok := c.freeUsername(u)
	if !ok {
		return false
	}
	u.Username = name
	if often(c, "moves too", 30) {
		u.Unit = c.place()
	}
	return c.say(c.tenant.UserEvent(event.TypeUserUpdateInfo, u.User))
}

// transfer moves a user to another unit, also one who was in none that is there.
func (c *company) transfer() bool {
	candidates := living(c.users, func(u *employee) bool { return u.alive && !u.service })
	if len(candidates) == 0 {
		return false
	}
	u := oneOf(c, "user", candidates)
	u.Unit, u.stray = c.place(), false
	return c.say(c.tenant.MoveUser(u.User))
}

// leaveScope gives a user a name that the mapping leaves out.
func (c *company) leaveScope() bool {
	u := c.somebody(func(u *employee) bool { return !u.joined })
	if u == nil {
		return false
	}
	u.Username, u.service, u.gone = "svc-"+u.Username, true, true
	return c.say(c.tenant.UserEvent(event.TypeUserUpdateInfo, u.User))
}

func (c *company) pushUser() bool {
	candidates := living(c.users, func(u *employee) bool { return u.alive })
	if len(candidates) == 0 {
		return false
	}
	u := oneOf(c, "user", candidates)
	return c.say(c.tenant.UserEvent(event.TypeUserPush, u.User))
}

// bar disables a user, or enables one.
func (c *company) bar() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	if u.Status == event.StatusDisabled || often(c, "enabled again", 10) {
		u.Status = event.StatusEnabled
		return c.say(c.tenant.UserStatus(event.TypeUserEnable, u.User))
	}
	u.Status = event.StatusDisabled
	return c.say(c.tenant.UserStatus(event.TypeUserDisable, u.User))
}

// lock locks a user until an hour that the test does not live to see, or unlocks one.
func (c *company) lock() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	if u.LockExpireTime != 0 || often(c, "unlocked again", 10) {
		u.LockExpireTime = 0
		return c.say(c.tenant.UserStatus(event.TypeUserUnlock, u.User))
	}
	until := c.now().Add(time.Duration(1+c.pick("days", 3)) * 24 * time.Hour)
	u.LockExpireTime = until.UnixMilli()
	return c.say(c.tenant.LockUser(u.User, until))
}

// expire lets an account end: long ago, in some days, or never.
func (c *company) expire() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	u.AccountExpireTime = 0
	if days := c.pick("days", 3); days > 0 {
		u.AccountExpireTime = c.now().Add(time.Duration(7*days-10) * 24 * time.Hour).UnixMilli()
	}
	return c.say(c.tenant.UserEvent(event.TypeUserUpdateInfo, u.User))
}

func (c *company) password() bool {
	u := c.somebody()
	if u == nil {
		return false
	}
	return c.say(c.tenant.UpdatePassword(u.User, c.newPassword()))
}

// dismiss deletes a user: right out of the groups, and then for good, or after having been taken out of them.
func (c *company) dismiss() bool {
	candidates := living(c.users, func(u *employee) bool { return u.alive })
	if len(candidates) == 0 {
		return false
	}
	u := oneOf(c, "user", candidates)
	first := often(c, "out of the groups first", 50)
	for _, g := range c.groups {
		if !g.members[u.ID] {
			continue
		}
		if first && g.alive {
			c.say(c.tenant.Membership(event.TypeGroupRemoveUser, g.ID, u.ID))
		}
		u.gone = u.gone || !first
		delete(g.members, u.ID)
	}
	u.alive = false
	return c.say(c.tenant.DeleteUser(u.ID))
}

// hint is one of the events that say nothing.
func (c *company) hint() bool {
	u, unit := c.somebody(), c.someUnit()
	if u == nil || unit == nil {
		return false
	}
	kind := oneOf(c, "as", []event.Type{event.TypeUnitAddUser, event.TypeUnitRemoveUser})
	return c.say(c.tenant.Event(kind, unit.ID, map[string]any{"organizationalUnitId": unit.ID, "userIds": []string{u.ID}}))
}

// passwordOfStranger is a password of somebody of whom nothing else is ever said.
func (c *company) passwordOfStranger() bool {
	id := "user_" + unknown + c.mark
	return c.say(c.tenant.UpdatePassword(idaastest.User{ID: id, Username: unknown}, c.newPassword()))
}

// Units.

// found makes a unit, or one that was deleted again.
func (c *company) found() bool {
	back := living(c.units, func(u *department) bool { return !u.alive })
	fresh := len(c.units) < c.size.units
	if !fresh && len(back) == 0 {
		return false
	}
	parent := c.place()
	name, ok := c.freeUnitName(nil, parent)
	if !ok || c.depth(parent) > 4 {
		return false
	}
	u := &department{}
	if fresh && (len(back) == 0 || often(c, "new", 50)) {
		u.ID = c.id("ou_", len(c.units))
		c.units = append(c.units, u)
	} else {
		u = oneOf(c, "what is back", back)
	}
	u.Unit, u.alive = idaastest.Unit{ID: u.ID, Name: name, Parent: parent, Description: oneOf(c, "description", []string{"", "made up"})}, true
	return c.say(c.tenant.UnitEvent(oneOf(c, "as", []event.Type{event.TypeUnitCreate, event.TypeUnitPush, event.TypeUnitUpdate}), u.Unit))
}

// depth is how many units there are from one to the root.
func (c *company) depth(id string) int {
	n := 0
	for ; id != event.RootUnitID; n++ {
		id = c.units[slices.IndexFunc(c.units, func(u *department) bool { return u.ID == id })].Parent
	}
	return n
}

func (c *company) renameUnit() bool {
	u := c.someUnit()
	if u == nil {
		return false
	}
	name, ok := c.freeUnitName(u, u.Parent)
	if !ok {
		return false
	}
	u.Name = name
	return c.say(c.tenant.UnitEvent(event.TypeUnitUpdate, u.Unit))
}

// moveUnit moves a unit below another one or the root, but not below itself.
func (c *company) moveUnit() bool {
	u := c.someUnit()
	if u == nil {
		return false
	}
	parent := c.place(c.below(u.ID)...)
	if c.unitNameTaken(u, parent, u.Name) || c.depth(parent) > 3 {
		return false
	}
	u.Parent = parent
	if often(c, "part of the record", 30) {
		return c.say(c.tenant.Event(event.TypeUnitUpdateParent, u.ID, map[string]any{"organizationalUnitId": u.ID, "parentId": parent}))
	}
	return c.say(c.tenant.UnitEvent(event.TypeUnitUpdateParent, u.Unit))
}

// below returns the ids of a unit and of all units below it.
func (c *company) below(id string) []string {
	out := []string{id}
	for _, u := range c.units {
		if u.alive && u.Parent == id {
			out = append(out, c.below(u.ID)...)
		}
	}
	return out
}

func (c *company) describeUnit() bool {
	u := c.someUnit()
	if u == nil {
		return false
	}
	u.Description = oneOf(c, "description", []string{"moved in", "", "made up"})
	return c.say(c.tenant.UnitEvent(oneOf(c, "as", []event.Type{event.TypeUnitUpdate, event.TypeUnitPush}), u.Unit))
}

// dissolve deletes a unit that is empty.
func (c *company) dissolve() bool {
	u := c.someUnit(func(u *department) bool {
		return len(c.below(u.ID)) == 1 && !slices.ContainsFunc(c.users, func(e *employee) bool { return e.alive && e.Unit == u.ID })
	})
	if u == nil {
		return false
	}
	u.alive = false
	return c.say(c.tenant.DeleteUnit(u.ID))
}

// Groups.

// gather makes a group, or one that was deleted again.
func (c *company) gather() bool {
	name, ok := c.freeGroupName(nil)
	back := living(c.groups, func(g *club) bool { return !g.alive })
	fresh := len(c.groups) < c.size.groups
	if !ok || !fresh && len(back) == 0 {
		return false
	}
	g, isBack := &club{}, false
	if fresh && (len(back) == 0 || often(c, "new", 50)) {
		g.ID = c.id("group_", len(c.groups))
		c.groups = append(c.groups, g)
	} else {
		g, isBack = oneOf(c, "what is back", back), true
	}
	g.Group, g.alive, g.members = idaastest.Group{ID: g.ID, Name: name, Description: oneOf(c, "description", []string{"", "made up"})}, true, map[string]bool{}
	return c.sayOf(isBack, c.tenant.GroupEvent(oneOf(c, "as", []event.Type{event.TypeGroupCreate, event.TypeGroupPush}), g.Group))
}

func (c *company) renameGroup() bool {
	g := c.someGroup()
	if g == nil {
		return false
	}
	name, ok := c.freeGroupName(g)
	if !ok {
		return false
	}
	g.Name, g.Description = name, oneOf(c, "description", []string{"", "renamed"})
	return c.say(c.tenant.GroupEvent(event.TypeGroupUpdate, g.Group))
}

// pushGroup pushes the record of a group, sometimes with its members.
func (c *company) pushGroup() bool {
	g := c.someGroup()
	if g == nil {
		return false
	}
	e := c.tenant.GroupEvent(event.TypeGroupPush, g.Group)
	if members := c.membersOf(g); len(members) > 0 && often(c, "with members", 30) {
		e.BizData["userIds"] = members
	}
	return c.say(e)
}

func (c *company) membersOf(g *club) []string {
	var out []string
	for _, u := range c.users {
		if g.members[u.ID] {
			out = append(out, u.ID)
		}
	}
	return out
}

// join adds up to three users to a group; some of them may be in it.
func (c *company) join() bool {
	g := c.someGroup()
	if g == nil {
		return false
	}
	var ids []string
	for range 1 + c.pick("how many more", 3) {
		// A stray user joins like everybody else, and is waited for.
		candidates := living(c.users, func(u *employee) bool { return u.alive && !u.service && !slices.Contains(ids, u.ID) })
		if len(candidates) == 0 {
			break
		}
		u := oneOf(c, "user", candidates)
		u.joined, g.members[u.ID] = true, true
		ids = append(ids, u.ID)
	}
	if len(ids) == 0 {
		return false
	}
	return c.say(c.tenant.Membership(event.TypeGroupAddUser, g.ID, ids...))
}

// joinStranger adds somebody to a group of whom nothing else is ever said.
func (c *company) joinStranger() bool {
	g := c.someGroup()
	if g == nil {
		return false
	}
	return c.say(c.tenant.Membership(event.TypeGroupAddUser, g.ID, "user_"+unknown+c.mark))
}

// leave takes somebody out of a group, now and then somebody who is not in it.
func (c *company) leave() bool {
	g := c.someGroup(func(g *club) bool { return len(g.members) > 0 })
	if g == nil {
		return false
	}
	id := oneOf(c, "user", c.membersOf(g))
	if often(c, "anybody", 20) {
		if u := c.somebody(); u != nil {
			id = u.ID
		}
	}
	delete(g.members, id)
	return c.say(c.tenant.Membership(event.TypeGroupRemoveUser, g.ID, id))
}

func (c *company) disband() bool {
	g := c.someGroup()
	if g == nil {
		return false
	}
	g.alive, g.members = false, nil
	return c.say(c.tenant.DeleteGroup(g.ID))
}

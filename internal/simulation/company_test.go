package simulation_test

import (
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// company is IDaaS with what its administrators do. At every moment it is one that IDaaS would allow: names are unique, units are a tree,
// and one that is deleted is empty.
type company struct {
	users  map[int]*person
	units  map[int]*department
	groups map[int]*club
	made   int
	ids    map[string]bool
	at     int64 // of the last word
	// news are the words of the step at hand.
	news []event.Change
	// said is everything that was said, unsaid of what something never arrives.
	said   []event.Change
	unsaid map[event.Ref]bool
}

type person struct {
	id, name, mail, shown string
	unit                  int
	disabled              bool
	locked, expires       int64 // in milliseconds since 1970; 0 for never
	// password is the newest that was not lost; empty where there is none that is sure to be known to the directory.
	password string
	// excluded: out of the scope of the mapping. returned: was so once, so that the password is gone.
	excluded, returned bool
}

type department struct {
	id, name string
	parent   int
}

type club struct {
	id, name string
	// members are those who are in it, by their ids; others are those who once were.
	members, others map[string]bool
}

// root is the number of the unit above all others.
const root = 0

func newCompany() *company {
	return &company{ids: map[string]bool{}, users: map[int]*person{}, units: map[int]*department{}, groups: map[int]*club{}, unsaid: map[event.Ref]bool{}}
}

func user(id string) event.Ref  { return event.Ref{Kind: event.KindUser, ID: id} }
func unit(id string) event.Ref  { return event.Ref{Kind: event.KindUnit, ID: id} }
func group(id string) event.Ref { return event.Ref{Kind: event.KindGroup, ID: id} }

// fresh returns a number that no other has.
func (c *company) fresh() int {
	c.made++
	return c.made
}

// id makes one that no other has.
func (c *company) id(prefix string, n int) string {
	id := fmt.Sprint(prefix, n)
	for c.ids[id] {
		id += "x"
	}
	c.ids[id] = true
	return id
}

// say adds a word about an object.
func (c *company) say(kind event.Type, ref event.Ref, fields event.Values, members ...event.Member) *event.Change {
	c.at = max(c.at+1, time.Now().UnixMilli())
	fields[event.FieldID] = ref.ID
	c.news = append(c.news, event.Change{
		ID: fmt.Sprint("evnt_", c.fresh()), Type: kind, Object: ref, Stamp: event.Stamp{Event: event.Millis(c.at)}, Fields: fields, Members: members,
	})
	return &c.news[len(c.news)-1]
}

// record is all that IDaaS knows of a user.
func (c *company) record(p *person) event.Values {
	status := event.StatusEnabled
	if p.disabled {
		status = event.StatusDisabled
	}
	return event.Values{
		event.FieldUsername: p.name, event.FieldPrimaryUnit: c.unitID(p.unit), "email": p.mail, "displayName": p.shown,
		event.FieldStatus: status, event.FieldLockExpireTime: p.locked, event.FieldAccountExpireTime: p.expires,
	}
}

func (c *company) sayUser(kind event.Type, p *person) bool {
	p.shown = fmt.Sprint("Person ", c.fresh())
	c.say(kind, user(p.id), c.record(p))
	return true
}

func (c *company) unitID(n int) string {
	if n == root {
		return event.RootUnitID
	}
	return c.units[n].id
}

// place returns the number of a unit that is there, or the root.
func (c *company) place(n int) int {
	if c.units[n] == nil {
		return root
	}
	return n
}

// nameTaken reports whether a user has a name.
func (c *company) nameTaken(name string) bool {
	for _, p := range c.users {
		if p.name == name {
			return true
		}
	}
	return false
}

func (c *company) hire(a []int) bool {
	name := fmt.Sprint("name", a[1])
	if c.users[a[0]] != nil || c.nameTaken(name) {
		return false
	}
	p := &person{id: c.id("user_", a[0]), name: name, unit: c.place(a[2]), mail: c.address(a[4])}
	c.users[a[0]] = p
	c.sayUser([]event.Type{event.TypeUserCreate, event.TypeUserUpdateInfo, event.TypeUserPush}[a[3]], p)
	return true
}

// address makes a mail address. The first of twenty is none to the directory.
func (c *company) address(n int) string {
	if n == 0 {
		return fmt.Sprint(refused, c.fresh(), "@example.org")
	}
	return fmt.Sprint("mail", c.fresh(), "@example.org")
}

func (c *company) rename(a []int) bool {
	p, name := c.users[a[0]], fmt.Sprint("name", a[1])
	if p == nil || c.nameTaken(name) {
		return false
	}
	p.returned = p.returned || p.excluded
	p.name, p.excluded = name, false
	return c.sayUser(event.TypeUserUpdateInfo, p)
}

// exclude gives a user a name that the mapping leaves out.
func (c *company) exclude(a []int) bool {
	p := c.users[a[0]]
	if p == nil || p.excluded {
		return false
	}
	p.name, p.excluded = fmt.Sprint("svc-", p.id), true
	return c.sayUser(event.TypeUserUpdateInfo, p)
}

func (c *company) swap(a []int) bool {
	p, q := c.users[a[0]], c.users[a[1]]
	if p == nil || q == nil || p == q || p.excluded || q.excluded {
		return false
	}
	p.name, q.name = q.name, p.name
	return c.sayUser(event.TypeUserUpdateInfo, p) && c.sayUser(event.TypeUserUpdateInfo, q)
}

func (c *company) transfer(a []int) bool {
	p := c.users[a[0]]
	if p == nil {
		return false
	}
	p.unit = c.place(a[1])
	c.say(event.TypeUserUpdatePrimaryOU, user(p.id), event.Values{event.FieldPrimaryUnit: c.unitID(p.unit)})
	return true
}

func (c *company) mail(a []int) bool {
	p := c.users[a[0]]
	if p == nil {
		return false
	}
	p.mail = c.address(a[1])
	return c.sayUser(event.TypeUserUpdateInfo, p)
}

func (c *company) push(a []int) bool {
	p := c.users[a[0]]
	return p != nil && c.sayUser(event.TypeUserPush, p)
}

func (c *company) leave(a []int) bool {
	p := c.users[a[0]]
	if p == nil {
		return false
	}
	delete(c.users, a[0])
	for _, g := range c.groups {
		delete(g.members, p.id)
		delete(g.others, p.id)
	}
	c.say(event.TypeUserDelete, user(p.id), event.Values{})
	return true
}

func (c *company) changePassword(a []int) bool {
	p := c.users[a[0]]
	if p == nil {
		return false
	}
	said := c.say(event.TypeUserUpdatePassword, user(p.id), event.Values{})
	said.Password = secret.New(fmt.Sprint("Correct-Horse-", c.made))
	return true
}

// status says something about whether a user may log in.
func (c *company) status(n int, kind event.Type, field string, value any, set func(*person)) bool {
	p := c.users[n]
	if p == nil {
		return false
	}
	set(p)
	c.say(kind, user(p.id), event.Values{field: value})
	return true
}

func (c *company) disable(a []int) bool {
	return c.status(a[0], event.TypeUserDisable, event.FieldStatus, event.StatusDisabled, func(p *person) { p.disabled = true })
}

func (c *company) enable(a []int) bool {
	return c.status(a[0], event.TypeUserEnable, event.FieldStatus, event.StatusEnabled, func(p *person) { p.disabled = false })
}

// moment is some minutes from now, or two weeks.
func moment(long int) int64 {
	return time.Now().Add([]time.Duration{shortLock, 14 * 24 * time.Hour}[long]).UnixMilli()
}

// shortLock is how long the shorter of all locks last.
const shortLock = 10 * time.Minute

func (c *company) lock(a []int) bool {
	until := moment(a[1])
	return c.status(a[0], event.TypeUserLock, event.FieldLockExpireTime, until, func(p *person) { p.locked = until })
}

func (c *company) unlock(a []int) bool {
	return c.status(a[0], event.TypeUserUnlock, event.FieldLockExpireTime, int64(-1), func(p *person) { p.locked = 0 })
}

func (c *company) expire(a []int) bool {
	p := c.users[a[0]]
	if p == nil {
		return false
	}
	p.expires = 0
	if a[1] > 0 {
		p.expires = moment(a[1] - 1)
	}
	return c.sayUser(event.TypeUserUpdateInfo, p)
}

package simulation_test

import (
	"fmt"

	"idaas-ldap/event"
)

// free reports whether no unit right below another has a name.
func (c *company) free(name string, parent int) bool {
	for _, u := range c.units {
		if u.parent == parent && u.name == name {
			return false
		}
	}
	return true
}

func (c *company) sayUnit(kind event.Type, u *department) bool {
	c.say(kind, unit(u.id), event.Values{event.FieldName: u.name, event.FieldParentID: c.unitID(u.parent)})
	return true
}

// The numbers of units in steps begin at 0, here at 1.

func (c *company) found(a []int) bool {
	n, name, parent := a[0]+1, fmt.Sprint("Unit, ", a[1]), c.place(a[2])
	if c.units[n] != nil || !c.free(name, parent) {
		return false
	}
	c.units[n] = &department{id: c.id("ou_", n), name: name, parent: parent}
	return c.sayUnit(event.TypeUnitCreate, c.units[n])
}

func (c *company) retitle(a []int) bool {
	u, name := c.units[a[0]+1], fmt.Sprint("Unit, ", a[1])
	if u == nil || !c.free(name, u.parent) {
		return false
	}
	u.name = name
	return c.sayUnit(event.TypeUnitUpdate, u)
}

// within reports whether a unit is another one or lies below it.
func (c *company) within(n, above int) bool {
	for ; n != root; n = c.units[n].parent {
		if n == above {
			return true
		}
	}
	return false
}

func (c *company) move(a []int) bool {
	u, to := c.units[a[0]+1], c.place(a[1])
	if u == nil || c.within(to, a[0]+1) || !c.free(u.name, to) {
		return false
	}
	u.parent = to
	return c.sayUnit(event.TypeUnitUpdateParent, u)
}

// trade swaps the names of two units below the same one.
func (c *company) trade(a []int) bool {
	u, v := c.units[a[0]+1], c.units[a[1]+1]
	if u == nil || v == nil || u == v || u.parent != v.parent {
		return false
	}
	u.name, v.name = v.name, u.name
	return c.sayUnit(event.TypeUnitUpdate, u) && c.sayUnit(event.TypeUnitUpdate, v)
}

func (c *company) dissolve(a []int) bool {
	n := a[0] + 1
	u := c.units[n]
	for _, p := range c.users {
		if p.unit == n {
			return false
		}
	}
	for _, below := range c.units {
		if below.parent == n {
			return false
		}
	}
	if u == nil {
		return false
	}
	delete(c.units, n)
	c.say(event.TypeUnitDelete, unit(u.id), event.Values{})
	return true
}

// gather makes a group or renames one.
func (c *company) gather(a []int) bool {
	g, name, kind := c.groups[a[0]], fmt.Sprint("Club ", a[1]), event.TypeGroupUpdate
	for _, other := range c.groups {
		if other.name == name {
			return false
		}
	}
	if g == nil {
		g, kind = &club{id: c.id("group_", a[0]), members: map[string]bool{}, others: map[string]bool{}}, event.TypeGroupCreate
		c.groups[a[0]] = g
	}
	g.name = name
	c.say(kind, group(g.id), event.Values{event.FieldName: name})
	return true
}

func (c *company) disband(a []int) bool {
	g := c.groups[a[0]]
	if g == nil {
		return false
	}
	delete(c.groups, a[0])
	c.say(event.TypeGroupDelete, group(g.id), event.Values{})
	return true
}

func (c *company) join(a []int) bool { return c.membership(a, event.TypeGroupAddUser, true) }

func (c *company) quit(a []int) bool { return c.membership(a, event.TypeGroupRemoveUser, false) }

func (c *company) membership(a []int, kind event.Type, joins bool) bool {
	g, p := c.groups[a[0]], c.users[a[1]]
	if g == nil || p == nil {
		return false
	}
	if joins {
		g.members[p.id] = true
	} else {
		delete(g.members, p.id)
	}
	g.others[p.id] = true
	c.say(kind, group(g.id), event.Values{}, event.Member{User: p.id, Present: joins})
	return true
}

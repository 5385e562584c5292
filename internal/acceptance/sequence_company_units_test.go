package acceptance_test

import (
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

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

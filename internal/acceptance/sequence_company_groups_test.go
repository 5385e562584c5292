package acceptance_test

import (
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

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

package acceptance_test

import (
	"strconv"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

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
	u.User = idaastest.User{ID: u.ID, Username: name, DisplayName: who.shown, Email: c.address(), Unit: unit, Status: event.StatusEnabled}
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
		u.Email = ""
		if !often(c, "no email", 30) {
			u.Email = c.address()
		}
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

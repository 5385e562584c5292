package acceptance_test

import (
	"time"

	"idaas-ldap/event"
)

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

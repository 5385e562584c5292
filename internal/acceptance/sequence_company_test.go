package acceptance_test

import (
	"slices"
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

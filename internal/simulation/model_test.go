package simulation_test

import (
	"fmt"
	"maps"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// take keeps words that arrive, or never do.
func (c *company) take(words []event.Change, lost bool) {
	c.said = append(c.said, words...)
	for _, w := range words {
		if lost {
			c.unsaid[w.Object] = true
		} else if p := c.personOf(w.Object); p != nil && !w.Password.Empty() {
			p.password = w.Password.Reveal()
		}
	}
}

func (c *company) personOf(ref event.Ref) *person {
	for _, p := range c.users {
		if user(p.id) == ref {
			return p
		}
	}
	return nil
}

// madeUp are the words that IDaaS's own API has for everything of which something was lost.
func (c *company) madeUp() []event.Change {
	there := map[event.Ref]bool{}
	for _, n := range slices.Sorted(maps.Keys(c.units)) {
		u := c.units[n]
		c.read(there, unit(u.id), event.Values{event.FieldName: u.name, event.FieldParentID: c.unitID(u.parent)})
	}
	for _, n := range slices.Sorted(maps.Keys(c.users)) {
		p := c.users[n]
		c.read(there, user(p.id), c.record(p))
	}
	for _, n := range slices.Sorted(maps.Keys(c.groups)) {
		g := c.groups[n]
		var members []event.Member
		for _, id := range slices.Sorted(maps.Keys(g.others)) {
			members = append(members, event.Member{User: id, Present: g.members[id]})
		}
		c.read(there, group(g.id), event.Values{event.FieldName: g.name}, members...)
	}
	for ref := range c.unsaid {
		if !there[ref] {
			c.say(event.TypePullAbsent, ref, event.Values{})
		}
	}
	return c.news
}

func (c *company) read(there map[event.Ref]bool, ref event.Ref, fields event.Values, members ...event.Member) {
	there[ref] = true
	if c.unsaid[ref] {
		c.say(event.TypePull, ref, fields, members...)
	}
}

// directory is what the directory has to say in the end, by the ids of IDaaS. Addresses are not in it.
func (c *company) directory() map[string]string {
	var placed func(n int) plan.DN
	placed = func(n int) plan.DN {
		if n == root {
			return plan.MustParseDN(people)
		}
		return placed(c.units[n].parent).Child(plan.RDN{{Type: "ou", Value: c.units[n].name}})
	}
	out, at := map[string]string{}, map[string]plan.DN{}
	for _, p := range c.users {
		if !p.excluded {
			at[p.id] = placed(p.unit).Child(plan.RDN{{Type: "uid", Value: p.name}})
			out[p.id] = fmt.Sprint(at[p.id], " ", p.shown, " ", []string{})
		}
	}
	for n, u := range c.units {
		out[u.id] = fmt.Sprint(placed(n), "  ", []string{})
	}
	for _, g := range c.groups {
		members := []string{}
		for id := range g.members {
			if !at[id].Empty() {
				members = append(members, at[id].String())
			}
		}
		if len(members) == 0 {
			members = append(members, "cn=nobody,"+suffix)
		}
		slices.Sort(members)
		out[g.id] = fmt.Sprint(plan.MustParseDN(groups).Child(plan.RDN{{Type: "cn", Value: g.name}}), "  ", members)
	}
	return out
}

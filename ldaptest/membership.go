package ldaptest

import (
	"slices"

	"idaas-ldap/plan"
)

// What the overlay memberof does: every member of a groupOfNames has the groups that it is a member of in memberOf, from
// the moment on at which the group says so. A member that does not exist at that moment gets nothing later either.

func (d *directory) member() description { return description{typ: d.schema.mustAttribute("member")} }

func (d *directory) memberOf() description {
	return description{typ: d.schema.mustAttribute("memberOf")}
}

// isGroup reports whether memberOf is kept for the members of an entry.
func (d *directory) isGroup(e *entry) bool {
	group := d.schema.mustClass("groupOfNames")
	return d.keepMemberOf && slices.ContainsFunc(d.classesOf(e), func(c *objectClass) bool { return c.within(group) })
}

// valuesOf returns a copy of the values of an attribute.
func valuesOf(e *entry, desc description) []string {
	if a := e.attribute(desc); a != nil {
		return slices.Clone(a.values)
	}
	return nil
}

// groupMembers returns the members of a group, none for other entries.
func (d *directory) groupMembers(e *entry) []string {
	if !d.isGroup(e) {
		return nil
	}
	return valuesOf(e, d.member())
}

// memberships returns the groups that an entry says it is in.
func (d *directory) memberships(e *entry) []string {
	if !d.keepMemberOf {
		return nil
	}
	return valuesOf(e, d.memberOf())
}

// memberChanges returns the members that changes take from and give to a group, before the changes are made. It looks at
// all members only where all of them go: a member more costs the same in a group of any size.
func (d *directory) memberChanges(e *entry, changes []change) (gone, come []string) {
	touches := func(c change) bool { return c.desc == d.member() }
	if !slices.ContainsFunc(changes, touches) || !d.isGroup(e) {
		return nil, nil
	}
	for _, c := range changes {
		switch {
		case !touches(c):
		case c.typ == plan.AddValues:
			come = append(come, c.values...)
		case c.typ == plan.DeleteValues && len(c.values) > 0:
			gone = append(gone, c.values...)
		default:
			gone = append(gone, valuesOf(e, d.member())...)
			come = append(come, c.values...)
		}
	}
	return gone, come
}

// joinGroup lets the members know that they are in a group.
func (d *directory) joinGroup(group plan.DN, members []string) {
	for _, m := range members {
		if e := d.entryNamed(m); e != nil {
			d.putReference(e, d.memberOf(), dnText(group))
		}
	}
}

// leaveGroup lets the members know that they are no longer in a group.
func (d *directory) leaveGroup(group plan.DN, members []string) {
	for _, m := range members {
		if e := d.entryNamed(m); e != nil {
			d.takeReference(e, d.memberOf(), d.schema.keyOf(group))
		}
	}
}

// forgetMember takes a deleted entry out of the groups that it knew it was in. The last member stays: a group must have one.
func (d *directory) forgetMember(member plan.DN, groups []string) {
	for _, g := range groups {
		e := d.entryNamed(g)
		if e == nil {
			continue
		}
		if a := e.attribute(d.member()); a != nil && len(a.values) > 1 {
			d.takeReference(e, d.member(), d.schema.keyOf(member))
		}
	}
}

// renameMember puts a new name in the place of the old one in the groups that an entry knew it was in.
func (d *directory) renameMember(from, to plan.DN, groups []string) {
	for _, g := range groups {
		if e := d.entryNamed(g); e != nil && d.takeReference(e, d.member(), d.schema.keyOf(from)) {
			d.putReference(e, d.member(), dnText(to))
		}
	}
}

func (d *directory) entryNamed(dn string) *entry {
	name, err := plan.ParseDN(dn)
	if err != nil {
		return nil
	}
	if e, found := d.find(name); found {
		return e
	}
	return nil
}

func (d *directory) putReference(e *entry, desc description, dn string) {
	key, err := d.schema.prepareDN(dn)
	if err != nil {
		return
	}
	if a := e.attribute(desc); a == nil || a.find(key) < 0 {
		d.put(e, desc, dn, key)
	}
}

func (d *directory) takeReference(e *entry, desc description, key string) bool {
	a := e.attribute(desc)
	if a == nil || a.find(key) < 0 {
		return false
	}
	d.take(e, a, key)
	return true
}

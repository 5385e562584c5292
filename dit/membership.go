package dit

import (
	"slices"

	"idaas-ldap/plan"
)

// What the overlay memberof does: every member of a groupOfNames has the groups that it is a member of in memberOf, from
// the moment on at which the group says so. A member that does not exist at that moment gets nothing later either. As in the
// overlay every such change stands alone: what cannot be done is left out, and the write that led to it succeeds.

func (d *Directory) member() description { return description{typ: d.schema.mustAttribute("member")} }

func (d *Directory) memberOf() description {
	return description{typ: d.schema.mustAttribute("memberOf")}
}

// isGroup reports whether memberOf is kept for the members of an entry.
func (d *Directory) isGroup(e *Entry) bool {
	group := d.schema.mustClass("groupOfNames")
	return d.keepMemberOf && slices.ContainsFunc(d.classesOf(e), func(c *objectClass) bool { return c.within(group) })
}

// valuesOf returns a copy of the values of an attribute.
func valuesOf(e *Entry, desc description) []string {
	if a := e.attribute(desc); a != nil {
		return slices.Clone(a.values)
	}
	return nil
}

// groupMembers returns the members of a group, none for other entries.
func (d *Directory) groupMembers(e *Entry) []string {
	if !d.isGroup(e) {
		return nil
	}
	return valuesOf(e, d.member())
}

// memberships returns the groups that an entry says it is in.
func (d *Directory) memberships(e *Entry) []string {
	if !d.keepMemberOf {
		return nil
	}
	return valuesOf(e, d.memberOf())
}

// groupAdded lets members know of a new group. That it is its own member it does not get to know.
func (d *Directory) groupAdded(name plan.DN, members []string) {
	for _, m := range members {
		if dn, err := d.schema.parseDN(m); err == nil && !d.schema.same(dn, name) {
			d.replaceName(m, d.memberOf(), nil, name)
		}
	}
}

// memberChanges returns what makes memberOf follow the changes to an entry, to be called once they are made. All members are
// looked at only where all of them go: a member more costs the same in a group of any size.
func (d *Directory) memberChanges(e *Entry, name plan.DN, changes []change) (follow func()) {
	touches := func(c change) bool { return c.desc == d.member() }
	if !slices.ContainsFunc(changes, touches) || !d.isGroup(e) {
		return func() {}
	}
	var before []string
	if slices.ContainsFunc(changes, func(c change) bool { return touches(c) && c.typ != plan.AddValues && !c.someValues() }) {
		before = valuesOf(e, d.member())
	}
	return func() {
		for _, c := range changes {
			if !touches(c) {
				continue
			}
			gone, come := before, c.values
			switch {
			case c.typ == plan.AddValues:
				gone = nil
			case c.someValues():
				gone, come = c.values, nil
			}
			for _, m := range gone {
				d.replaceName(m, d.memberOf(), name, nil)
			}
			for _, m := range come {
				d.replaceName(m, d.memberOf(), nil, name)
			}
		}
	}
}

// someValues reports whether a change deletes certain values.
func (c change) someValues() bool { return c.typ == plan.DeleteValues && len(c.values) > 0 }

// memberRenamed lets members know the new name of a group, and groups that of a member that knows of them.
func (d *Directory) memberRenamed(e *Entry, from, to plan.DN) {
	isMember := len(d.memberships(e)) > 0
	for _, m := range d.groupMembers(e) {
		d.replaceName(m, d.memberOf(), from, to)
	}
	if !isMember {
		return // even if it has become its own member just now
	}
	for _, g := range d.memberships(e) {
		d.replaceName(g, d.member(), from, to)
	}
}

// memberRemoved takes a deleted group from its members, and a deleted member from the groups that it knew of. Of a group that
// would be left without a member it stays one.
func (d *Directory) memberRemoved(name plan.DN, members, groups []string) {
	for _, m := range members {
		d.replaceName(m, d.memberOf(), name, nil)
	}
	for _, g := range groups {
		d.replaceName(g, d.member(), name, nil)
	}
}

// replaceName adds a name to the values of an attribute and then deletes one, each by itself.
func (d *Directory) replaceName(of string, desc description, from, to plan.DN) {
	dn, err := d.schema.parseDN(of)
	if err != nil || d.schema.same(from, to) {
		return
	}
	e, found := d.find(dn)
	if !found {
		return
	}
	if !to.Empty() {
		d.try(e, d.nameChange(desc, plan.AddValues, to))
	}
	if !from.Empty() {
		d.try(e, d.nameChange(desc, plan.DeleteValues, from))
	}
}

func (d *Directory) nameChange(desc description, typ plan.ModificationType, names ...plan.DN) change {
	c := change{draft{desc: desc}, typ}
	for _, dn := range names {
		c.values, c.keys = append(c.values, Text(dn)), append(c.keys, d.schema.keyOf(dn))
	}
	return c
}

// try makes changes within a write, and none of them if one is refused.
func (d *Directory) try(e *Entry, changes ...change) (done bool) {
	mark := len(d.undo)
	if err := d.applyAll(e, changes, false); err != nil {
		d.undoTo(mark)
		return false
	}
	return true
}

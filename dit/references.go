package dit

import (
	"slices"

	"idaas-ldap/plan"
)

// What the overlay refint does: values that name an entry follow it when it is renamed and go when it is deleted, and so do
// values that name what is below it. Each entry that has such values is changed by a modification of its own, which memberof
// sees; one that is refused leaves the entry as it is.

// referrer is an entry that names another one, or several below it, with the values that do.
type referrer struct {
	entry *Entry
	names map[description][]plan.DN
}

// referrers returns the entries that name a DN, or something below it.
func (d *Directory) referrers(to plan.DN) []referrer {
	found := map[*Entry]map[description][]plan.DN{}
	for _, typ := range d.references {
		desc, x := description{typ: typ}, d.indexes[typ]
		for _, key := range x.keysBelow(to) {
			for _, e := range x.with(key) {
				a := e.attribute(desc)
				if a == nil || a.find(key) < 0 {
					continue // one with options
				}
				name, err := plan.ParseDN(a.values[a.find(key)])
				if err != nil {
					continue
				}
				if found[e] == nil {
					found[e] = map[description][]plan.DN{}
				}
				found[e][desc] = append(found[e][desc], name)
			}
		}
	}
	out := make([]referrer, 0, len(found))
	for e, names := range found {
		out = append(out, referrer{e, names})
	}
	slices.SortFunc(out, func(a, b referrer) int { return byID(a.entry, b.entry) })
	return out
}

// followReferences renames what names an entry or something below it, whether that exists or not.
func (d *Directory) followReferences(from, to plan.DN) {
	for _, r := range d.referrers(from) {
		d.repair(r, func(_ description, names []plan.DN) []plan.DN {
			renamed := make([]plan.DN, len(names))
			for i, n := range names {
				renamed[i] = slices.Concat(n[:len(n)-len(from)], to)
			}
			return renamed
		})
	}
}

// dropReferences removes what names a deleted entry or something below it. Where the attribute would be left empty the placeholder takes its place,
// if there is one.
func (d *Directory) dropReferences(gone plan.DN) {
	for _, r := range d.referrers(gone) {
		d.repair(r, func(desc description, names []plan.DN) []plan.DN {
			if len(names) == len(r.entry.attribute(desc).values) && !d.placeholder.Empty() {
				return []plan.DN{d.placeholder}
			}
			return nil
		})
	}
}

// repair puts other names in the place of those that an entry has.
func (d *Directory) repair(r referrer, instead func(description, []plan.DN) []plan.DN) {
	var changes []change
	for _, typ := range d.references {
		desc := description{typ: typ}
		names := r.names[desc]
		if len(names) == 0 {
			continue
		}
		changes = append(changes, d.nameChange(desc, plan.DeleteValues, names...))
		if others := instead(desc, names); len(others) > 0 {
			changes = append(changes, d.nameChange(desc, plan.AddValues, others...))
		}
	}
	follow := d.memberChanges(r.entry, r.entry.DN(), changes)
	if d.try(r.entry, changes...) {
		follow()
	}
}

package ldaptest

import (
	"slices"

	"idaas-ldap/plan"
)

// What the overlay refint does: values that name an entry, or one below it, follow it when it is renamed and go when it is
// deleted.

// followReferences renames what names an entry or lies below it.
func (d *directory) followReferences(from, to plan.DN) {
	d.eachReference(from, func(e *entry, desc description, key string, name plan.DN) {
		d.takeReference(e, desc, key)
		d.putReference(e, desc, dnText(slices.Concat(name[:len(name)-len(from)], to)))
	})
}

// dropReferences removes what names a deleted entry. Where the attribute would be left empty the placeholder takes its
// place, if there is one; if there is none and the entry needs the attribute, the value stays.
func (d *directory) dropReferences(gone plan.DN) {
	d.eachReference(gone, func(e *entry, desc description, key string, _ plan.DN) {
		if len(e.attribute(desc).values) > 1 {
			d.takeReference(e, desc, key)
			return
		}
		if !d.placeholder.Empty() {
			d.takeReference(e, desc, key)
			d.putReference(e, desc, dnText(d.placeholder))
			return
		}
		if d.needs(e, desc) {
			return
		}
		d.takeReference(e, desc, key)
	})
}

func (d *directory) eachReference(to plan.DN, do func(e *entry, desc description, key string, name plan.DN)) {
	for _, typ := range d.references {
		x := d.indexes[typ]
		for _, key := range x.keysBelow(to) {
			for _, e := range x.with(key) {
				for _, a := range attributesWith(e, typ, key) {
					name, err := plan.ParseDN(a.values[a.find(key)])
					if err == nil {
						do(e, a.desc, key, name)
					}
				}
			}
		}
	}
}

// attributesWith returns the attributes of a type, whatever their options, that hold a value.
func attributesWith(e *entry, typ *attributeType, key string) []*attribute {
	var out []*attribute
	for _, a := range e.attributes {
		if a.desc.typ == typ && a.find(key) >= 0 {
			out = append(out, a)
		}
	}
	return out
}

// needs reports whether one of the entry's classes demands the attribute.
func (d *directory) needs(e *entry, desc description) bool {
	for _, c := range d.classesOf(e) {
		if demands(c, desc.typ) {
			return true
		}
	}
	return false
}

func demands(c *objectClass, typ *attributeType) bool {
	for _, m := range c.must {
		if typ == m {
			return true
		}
	}
	for _, above := range c.superiors {
		if demands(above, typ) {
			return true
		}
	}
	return false
}

package dit

import (
	"cmp"
	"slices"
	"strings"

	"idaas-ldap/plan"
)

// What whoever stands in front of the tree has to know of it.

// Suffix returns the DN of the topmost entry.
func (d *Directory) Suffix() plan.DN { return d.suffix }

// Size returns the number of entries.
func (d *Directory) Size() int { return d.size }

// Writes counts the writes that succeeded.
func (d *Directory) Writes() uint64 { return d.writes }

// ParseDN reads a DN and checks its values against the syntaxes of their attribute types.
func (d *Directory) ParseDN(text string) (plan.DN, error) { return d.schema.parseDN(text) }

// ParseRDN reads the new name of an entry.
func (d *Directory) ParseRDN(text string) (plan.RDN, error) { return d.schema.parseRDN(text) }

// Same reports whether two DNs name the same entry.
func (d *Directory) Same(a, b plan.DN) bool { return d.schema.same(a, b) }

// KeyOf returns a text that is the same for DNs that name the same entry.
func (d *Directory) KeyOf(dn plan.DN) string { return d.schema.keyOf(dn) }

// Pretty returns a DN as text in one spelling, whatever the spelling it came in.
func (d *Directory) Pretty(dn plan.DN) string { return Text(d.schema.spell(dn)) }

// NameOf returns a DN in the spelling that the entry has, or would have.
func (d *Directory) NameOf(dn plan.DN) string {
	if e, found := d.Find(dn); found {
		return e.DN().String()
	}
	return d.schema.spell(dn).String()
}

// Holds reports whether there is an entry that is seen.
func (d *Directory) Holds(dn plan.DN) bool {
	e, found := d.Find(dn)
	return found && !d.trouble.hides(e)
}

// HoldsPasswords reports whether the values of an attribute are passwords, clear or hashed.
func (d *Directory) HoldsPasswords(name string) bool {
	desc, err := d.schema.describe(name)
	return err == nil && isPassword(desc.typ)
}

// IsSubschema reports whether a DN is that of the subschema entry.
func (d *Directory) IsSubschema(dn plan.DN) bool { return d.schema.isSubschema(dn) }

// Definitions returns the attribute types and the object classes of the schema (RFC 4512 section 4.1).
func (d *Directory) Definitions() (types, classes []string) {
	for _, a := range d.schema.attributeOrder {
		types = append(types, a.definition)
	}
	for _, c := range d.schema.classOrder {
		classes = append(classes, c.definition)
	}
	return types, classes
}

// Snapshot copies an entry with all that a selection wants, sorted for people: objectClass first.
func (d *Directory) Snapshot(e *Entry, want Selection) *plan.Entry {
	out := &plan.Entry{DN: e.DN(), Attributes: d.Read(e, want, false, true)}
	if id := valuesOf(e, description{typ: d.schema.mustAttribute("entryUUID")}); len(id) > 0 {
		out.Link = id[0]
	}
	for _, a := range out.Attributes {
		slices.Sort(a.Values)
	}
	rank := func(a plan.Attribute) string {
		if a.Name == "objectClass" {
			return ""
		}
		return strings.ToLower(a.Name)
	}
	slices.SortFunc(out.Attributes, func(a, b plan.Attribute) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// All returns every entry, always in the same order: parents first, names sorted.
func (d *Directory) All() []*Entry { return d.withBelow(d.root) }

// Below returns an entry and what is below it, in the order of All; none where there is no such entry.
func (d *Directory) Below(dn plan.DN) []*Entry {
	e, found := d.Find(dn)
	if !found {
		return nil
	}
	return d.withBelow(e)
}

func (d *Directory) withBelow(top *Entry) []*Entry {
	var entries []*Entry
	var visit func(*Entry)
	visit = func(e *Entry) {
		if !e.implied {
			entries = append(entries, e)
		}
		children := e.sortedChildren()
		slices.SortFunc(children, func(a, b *Entry) int { return cmp.Compare(a.key, b.key) })
		for _, c := range children {
			visit(c)
		}
	}
	if top != nil {
		visit(top)
	}
	return entries
}

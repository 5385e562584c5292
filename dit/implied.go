package dit

import "idaas-ldap/plan"

// imply makes what lies above an entry of a sketch, where nobody has told of it.
func (d *Directory) imply(dn plan.DN) {
	if d.schema.sketch {
		d.makeAbove(dn)
	}
}

// makeAbove makes a DN, and what is above it, of implied entries where there are none.
func (d *Directory) makeAbove(dn plan.DN) {
	at, found := d.find(dn)
	for !found {
		next := dn[len(dn)-len(at.DN())-1:]
		d.lastID++
		e := &Entry{id: d.lastID, rdn: next.RDN(), key: d.schema.rdnKey(next.RDN()), implied: true}
		d.link(e, at)
		at, found = d.find(dn)
	}
}

// succeed gives an entry what is below the implied one in whose place it comes, if there is one.
func (d *Directory) succeed(e *Entry, dn plan.DN) {
	there, exists := d.find(dn)
	if !exists || !there.implied {
		return
	}
	for _, child := range there.sortedChildren() {
		d.unlink(child)
		d.link(child, e)
	}
	d.unlink(there)
}

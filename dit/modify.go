package dit

import (
	"math/big"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Increment adds a number to the values of an attribute (RFC 4525). It stands beside the types of RFC 4511.
const Increment plan.ModificationType = "increment"

// change is one modification of a request after its check.
type change struct {
	draft
	typ plan.ModificationType
}

// Modify changes an entry (RFC 4511 section 4.6): all modifications or none.
func (d *Directory) Modify(dn plan.DN, modifications []plan.Modification, terms Terms) error {
	changes, err := d.draftChanges(modifications)
	if err != nil {
		return err
	}
	if err := d.mayWriteAt(dn, terms); err != nil {
		return err
	}
	for _, c := range changes {
		if err := mayChange([]draft{c.draft}); err != nil {
			return err
		}
	}
	e, err := d.told(dn)
	if err != nil {
		return err
	}
	if err := terms.Condition.check(e); err != nil {
		return err
	}
	if changes, err = d.passwordChanges(e, changes); err != nil {
		return err
	}
	if err := terms.mayWrite(); err != nil {
		return err
	}
	return d.atomically(func() error {
		follow := d.memberChanges(e, d.schema.spell(dn), changes)
		if err := d.applyAll(e, changes, terms.Permissive); err != nil {
			return err
		}
		d.modified(e, terms.Who)
		follow()
		return nil
	})
}

// applyAll makes changes and checks what has become of the entry. Who calls it undoes them where one is refused.
func (d *Directory) applyAll(e *Entry, changes []change, permissive bool) error {
	before, _ := structural(d.classesOf(e))
	for _, c := range changes {
		if err := d.apply(e, c, permissive); err != nil {
			return err
		}
	}
	return d.checkModified(e, before)
}

func (d *Directory) draftChanges(modifications []plan.Modification) ([]change, error) {
	changes := make([]change, 0, len(modifications))
	for _, m := range modifications {
		desc, err := d.schema.describeWritten(m.Name)
		if err != nil {
			return nil, err
		}
		if m.Type == Increment && desc.typ.syntax != syntaxInteger {
			return nil, Refuse(ldap.LDAPResultConstraintViolation, "modify/increment: %s: not an integer", desc)
		}
		values, keys, err := d.schema.checkValues(desc, m.Values)
		if err != nil {
			return nil, err
		}
		if desc.typ.single && len(values) > 1 && m.Type != plan.DeleteValues && !d.schema.sketch {
			return nil, Refuse(ldap.LDAPResultConstraintViolation, "%s: multiple values provided", desc)
		}
		if m.Type != plan.DeleteValues {
			if err := checkDistinct(desc, keys); err != nil {
				return nil, err
			}
			if err := d.trouble.takes(desc, values); err != nil {
				return nil, err
			}
		}
		changes = append(changes, change{draft{desc, values, keys}, m.Type})
	}
	return changes, nil
}

// checkModified applies the schema after a modification. Its structural class stays what it was (RFC 4512 section 2.4.2).
func (d *Directory) checkModified(e *Entry, before *objectClass) error {
	if d.schema.sketch {
		if err := d.checkMembers(e); err != nil {
			return err
		}
	}
	classes := d.classesOf(e)
	if len(classes) > 0 && !d.schema.sketch {
		now, err := structural(classes)
		if err != nil {
			return err
		}
		if now != before {
			return Refuse(ldap.LDAPResultObjectClassModsProhibited, "structural object class modification from '%s' to '%s' not allowed", before.name(), now.name())
		}
	}
	return d.checkEntry(e, e.rdn, refuseLackingName)
}

func (d *Directory) apply(e *Entry, c change, permissive bool) error {
	switch c.typ {
	case plan.AddValues:
		return d.addValues(e, c.draft, permissive)
	case plan.DeleteValues:
		return d.deleteValues(e, c.draft, permissive)
	case plan.ReplaceValues:
		if a := e.attribute(c.desc); a != nil {
			d.takeAll(e, a)
		}
		for i := range c.values {
			d.put(e, c.desc, c.values[i], c.keys[i])
		}
		return nil
	case Increment:
		return d.increment(e, c.draft, permissive)
	}
	return Refuse(ldap.LDAPResultProtocolError, "unknown modification %q", c.typ)
}

func (d *Directory) addValues(e *Entry, c draft, permissive bool) error {
	a := e.attribute(c.desc)
	if a != nil && c.desc.typ.equality == nil && !d.schema.sketch {
		return Refuse(ldap.LDAPResultInappropriateMatching, "modify/add: %s: no equality matching rule", c.desc)
	}
	for i, key := range c.keys {
		if a != nil && a.find(key) >= 0 {
			if permissive {
				continue
			}
			return Refuse(ldap.LDAPResultAttributeOrValueExists, "modify/add: %s: value #%d already exists", c.desc, i)
		}
		d.put(e, c.desc, c.values[i], key)
	}
	return nil
}

// deleteValues deletes values. Permissively it is no fault that there is no such attribute. That there is no such value is one
// all the same if it is the last value of the request: slapd 2.5 means it otherwise, and does it so.
func (d *Directory) deleteValues(e *Entry, c draft, permissive bool) error {
	a := e.attribute(c.desc)
	if len(c.keys) > 0 && c.desc.typ.equality == nil && !d.schema.sketch {
		return Refuse(ldap.LDAPResultInappropriateMatching, "modify/delete: %s: no equality matching rule", c.desc)
	}
	if a == nil && permissive {
		return nil
	}
	if a == nil {
		return Refuse(ldap.LDAPResultNoSuchAttribute, "modify/delete: %s: no such attribute", c.desc)
	}
	if len(c.keys) == 0 {
		d.takeAll(e, a)
		return nil
	}
	for i, key := range c.keys {
		if last := i == len(c.keys)-1; a.find(key) < 0 && (!permissive || last) {
			return Refuse(ldap.LDAPResultNoSuchAttribute, "modify/delete: %s: no such value", c.desc)
		}
	}
	for _, key := range c.keys {
		if a.find(key) >= 0 { // to name a value twice is no fault
			d.take(e, a, key)
		}
	}
	return nil
}

// increment adds to all values (RFC 4525). Permissively an attribute that is not there gets the value.
func (d *Directory) increment(e *Entry, c draft, permissive bool) error {
	a := e.attribute(c.desc)
	if a == nil && permissive {
		d.put(e, c.desc, c.values[0], c.keys[0])
		return nil
	}
	if a == nil {
		return Refuse(ldap.LDAPResultNoSuchAttribute, "modify/increment: %s: no such attribute", c.desc)
	}
	values := append([]string(nil), a.values...)
	d.takeAll(e, a)
	for _, v := range values {
		sum := new(big.Int).Add(number(v), number(c.values[0])).String()
		d.put(e, c.desc, sum, sum)
	}
	return nil
}

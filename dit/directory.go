package dit

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"idaas-ldap/plan"
)

// Directory is the data with its rules.
type Directory struct {
	schema *Schema
	suffix plan.DN
	// top is the key of the suffix.
	top     string
	root    *Entry
	size    int
	lastID  uint64
	indexes map[*attributeType]*index
	undo    []func()

	keepMemberOf bool
	references   []*attributeType
	placeholder  plan.DN
	passwords    PasswordPolicy
	clock        func() time.Time
	rand         io.Reader
	trouble      Trouble
	// membersNeeded is as in Config.
	membersNeeded bool
	// changes gives every change a number of its own; writes counts the writes that succeeded.
	changes, writes uint64
}

// indexed are the attributes that are found quickly by their value.
func indexed() []string {
	return []string{
		"uid", "cn", "sn", "mail", "ou", "dc", "employeeNumber", "businessCategory", "entryUUID", "uidNumber", "gidNumber", "memberUid",
		"member", "uniqueMember", "memberOf", "manager", "owner", "secretary", "seeAlso", "roleOccupant",
	}
}

// Config says what directory to make.
type Config struct {
	// Suffix is the DN of the topmost entry.
	Suffix string
	// Schema is what entries are checked against. With that of [ReadSketch] the directory is a sketch: all that is known of a real
	// one of which little is told. Attributes and classes that are not defined are text, nothing is demanded of entries, and what
	// lies above an entry is there, although nobody sees it. Its suffix is empty.
	Schema *Schema
	// Index names attributes that are found quickly by their value, beside the usual ones.
	Index []string
	// NoMemberOf and NoReferences switch off memberOf and the following of references.
	NoMemberOf   bool
	NoReferences bool
	// References names the attributes whose values follow renames and deletes; member, uniqueMember, manager, owner, secretary,
	// seeAlso and roleOccupant if empty.
	References []string
	// Placeholder is the DN that takes the place of the last value of such an attribute when its entry is deleted. If empty the
	// attribute goes, or keeps the value where the entry needs it.
	Placeholder string
	// MembersNeeded: also in a sketch the last member of a groupOfNames or groupOfUniqueNames cannot be taken away.
	MembersNeeded bool
	Passwords     PasswordPolicy
	// Clock and Rand are the time and the randomness.
	Clock func() time.Time
	Rand  io.Reader
}

// New makes an empty directory.
func New(cfg Config) (*Directory, error) {
	s := cfg.Schema
	if s.sketch {
		own := *s
		own.attributes = maps.Clone(s.attributes) // each sketch has its own inventions
		s = &own
	}
	d := &Directory{
		schema: s, indexes: map[*attributeType]*index{}, keepMemberOf: !cfg.NoMemberOf,
		passwords: cfg.Passwords, clock: cfg.Clock, rand: cfg.Rand, membersNeeded: cfg.MembersNeeded,
	}
	var err error
	if d.suffix, err = s.parseDN(cfg.Suffix); err != nil {
		return nil, fmt.Errorf("suffix %q: %w", cfg.Suffix, err)
	}
	d.suffix = s.spell(d.suffix)
	d.top = s.keyOf(d.suffix)
	if d.placeholder, err = s.parseDN(cfg.Placeholder); err != nil {
		return nil, fmt.Errorf("placeholder %q: %w", cfg.Placeholder, err)
	}
	names := cfg.References
	if len(names) == 0 {
		names = []string{"member", "uniqueMember", "manager", "owner", "secretary", "seeAlso", "roleOccupant"}
	}
	if cfg.NoReferences {
		names = nil
	}
	for _, name := range slices.Concat(indexed(), cfg.Index, names) {
		desc, err := s.describe(name)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", name, err)
		}
		if d.indexes[desc.typ] == nil {
			d.indexes[desc.typ] = newIndex(s, desc.typ)
		}
	}
	for _, name := range names {
		d.references = append(d.references, s.mustAttribute(name))
	}
	if s.sketch {
		d.root = &Entry{suffix: plan.DN{}, implied: true}
	}
	return d, nil
}

// MakeSuffix makes the topmost entry.
func (d *Directory) MakeSuffix(who plan.DN) error {
	ava := d.suffix.RDN()[0]
	classes := map[string][]string{
		"dc": {"dcObject", "organization"}, "o": {"organization"}, "ou": {"organizationalUnit"}, "c": {"country"}, "l": {"locality"},
	}[ava.Type]
	if classes == nil {
		return fmt.Errorf("make %s: say in LDIF what it is", d.suffix)
	}
	attributes := []plan.Attribute{{Name: "objectClass", Values: classes}, {Name: ava.Type, Values: []string{ava.Value}}}
	if ava.Type == "dc" {
		attributes = append(attributes, plan.Attribute{Name: "o", Values: []string{ava.Value}})
	}
	return d.Add(d.suffix, attributes, Terms{Who: who, Writer: true})
}

// atomically runs a write. What it changed is undone where it fails.
func (d *Directory) atomically(do func() error) error {
	d.undo = d.undo[:0]
	err := do()
	if err != nil {
		d.undoTo(0)
	} else {
		d.writes++
	}
	clear(d.undo)
	d.undo = d.undo[:0]
	return err
}

// undoTo undoes what was changed since there were as many changes as mark says. Undoing leaves notes of its own, which go too.
func (d *Directory) undoTo(mark int) {
	for i := len(d.undo) - 1; i >= mark; i-- {
		d.undo[i]()
	}
	d.undo = d.undo[:mark]
}

// find returns the entry of a DN, or the deepest entry above it and false.
func (d *Directory) find(dn plan.DN) (*Entry, bool) {
	if d.root == nil || !d.inside(dn) {
		return nil, false
	}
	at := d.root
	for i := len(dn) - len(d.suffix) - 1; i >= 0; i-- {
		next, ok := at.children[d.schema.rdnKey(dn[i])]
		if !ok {
			return at, false
		}
		at = next
	}
	return at, true
}

// inside reports whether a DN is the suffix or lies below it.
func (d *Directory) inside(dn plan.DN) bool {
	above := len(dn) - len(d.suffix)
	return above >= 0 && d.schema.keyOf(dn[above:]) == d.top
}

// Find returns the entry of a DN.
func (d *Directory) Find(dn plan.DN) (*Entry, bool) {
	e, found := d.find(dn)
	if !found || e.implied {
		return nil, false
	}
	return e, true
}

// told is lookup for an entry that somebody has told of.
func (d *Directory) told(dn plan.DN) (*Entry, error) {
	e, err := d.lookup(dn)
	if err == nil && (e.implied || d.trouble.hides(e)) {
		return nil, Refuse(ldap.LDAPResultNoSuchObject, "")
	}
	return e, err
}

// lookup returns the entry of a DN; the refusal names the deepest entry above it that exists.
func (d *Directory) lookup(dn plan.DN) (*Entry, error) {
	e, ok := d.find(dn)
	if ok {
		return e, nil
	}
	r := Refuse(ldap.LDAPResultNoSuchObject, "")
	if e != nil {
		r.Matched = e.DN()
	}
	return nil, r
}

// mayWriteAt refuses changes to what the server says about itself, and outside the suffix.
func (d *Directory) mayWriteAt(dn plan.DN, terms Terms) error {
	if dn.Empty() || d.schema.isSubschema(dn) {
		return Refuse(ldap.LDAPResultUnwillingToPerform, "the root DSE and the subschema cannot be changed")
	}
	return d.mustBeInside(dn, terms)
}

// mustBeInside refuses a write outside the suffix, and one of somebody unknown.
func (d *Directory) mustBeInside(dn plan.DN, terms Terms) error {
	if !d.inside(dn) {
		return Refuse(ldap.LDAPResultUnwillingToPerform, "no global superior knowledge")
	}
	if err := d.trouble.writable(); err != nil {
		return err
	}
	return terms.Authenticated()
}

// link hangs an entry into the tree.
func (d *Directory) link(e, parent *Entry) {
	e.parent = parent
	if parent == nil {
		d.root = e
		d.undo = append(d.undo, func() { d.root = nil })
		return
	}
	if parent.children == nil {
		parent.children = map[string]*Entry{}
	}
	parent.children[e.key] = e
	d.undo = append(d.undo, func() { delete(parent.children, e.key) })
}

// unlink takes an entry out of the tree.
func (d *Directory) unlink(e *Entry) {
	parent, key := e.parent, e.key
	if parent == nil {
		d.root = nil
		d.undo = append(d.undo, func() { d.root = e })
		return
	}
	delete(parent.children, key)
	d.undo = append(d.undo, func() { e.parent = parent; parent.children[key] = e })
}

// put gives an entry one value more, which the caller has checked.
func (d *Directory) put(e *Entry, desc description, value, key string) {
	a := e.attribute(desc)
	if a == nil {
		a = &attribute{desc: desc}
		e.attributes = append(e.attributes, a)
	}
	a.insert(value, key)
	if x := d.indexes[desc.typ]; x != nil {
		x.add(key, value, e)
	}
	d.undo = append(d.undo, func() { d.takeOut(e, e.attribute(desc), key) })
}

// take removes one value of an attribute, and the attribute with its last one. Undoing looks attributes up anew, because one
// that was emptied is another one when it comes back.
func (d *Directory) take(e *Entry, a *attribute, key string) {
	value := a.values[a.find(key)]
	d.takeOut(e, a, key)
	d.undo = append(d.undo, func() { d.put(e, a.desc, value, key) })
}

func (d *Directory) takeOut(e *Entry, a *attribute, key string) {
	a.removeAt(a.find(key))
	if x := d.indexes[a.desc.typ]; x != nil {
		x.remove(key, e)
	}
	if len(a.values) > 0 {
		return
	}
	for i, have := range e.attributes {
		if have == a {
			e.attributes = append(e.attributes[:i:i], e.attributes[i+1:]...)
			return
		}
	}
}

// takeAll removes an attribute.
func (d *Directory) takeAll(e *Entry, a *attribute) {
	for len(a.keys) > 0 {
		d.take(e, a, a.keys[len(a.keys)-1])
	}
}

// set replaces the values of an attribute that the directory itself keeps.
func (d *Directory) set(e *Entry, typ *attributeType, values ...string) {
	desc := description{typ: typ}
	if a := e.attribute(desc); a != nil {
		d.takeAll(e, a)
	}
	for _, v := range values {
		key, err := d.schema.normalise(typ, v)
		if err != nil {
			key = v
		}
		d.put(e, desc, v, key)
	}
}

// created stamps a new entry.
func (d *Directory) created(e *Entry, who plan.DN) error {
	id, err := uuid.NewRandomFromReader(d.rand)
	if err != nil {
		return fmt.Errorf("make an entryUUID: %w", err)
	}
	now := d.Now()
	for name, value := range map[string]string{"entryUUID": id.String(), "createTimestamp": now, "creatorsName": Text(who)} {
		if typ := d.schema.mustAttribute(name); e.attribute(description{typ: typ}) == nil && value != "" {
			d.set(e, typ, value)
		}
	}
	return nil
}

// modified stamps an entry that was written.
func (d *Directory) modified(e *Entry, who plan.DN) {
	d.changes++
	d.set(e, d.schema.mustAttribute("modifyTimestamp"), d.Now())
	if !who.Empty() {
		d.set(e, d.schema.mustAttribute("modifiersName"), Text(who))
	}
	csn := fmt.Sprintf("%s.%06dZ#%06x#000#000000", d.clock().UTC().Format("20060102150405"), d.clock().Nanosecond()/1000, d.changes&0xffffff)
	d.set(e, d.schema.mustAttribute("entryCSN"), csn)
}

// Now returns the time as a generalized time.
func (d *Directory) Now() string { return d.clock().UTC().Format("20060102150405Z") }

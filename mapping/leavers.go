package mapping

import (
	"unicode/utf8"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// leavers reads what depends on more than one key of a section: what becomes of an entry at last, and how it is called among the
// leavers where its name is taken there.
func (r *reader) leavers(c *section) {
	if c.removal.Subtree && c.removal.Action == plan.RemoveDelete {
		c.removal.Action = plan.RemoveSubtree
	}
	if c.renames == nil {
		return
	}
	in := scope{kind: c.kind}
	if c.dn != nil {
		in.decided = c.dn.names()
	}
	c.rename = r.expression(*c.renames, in, forText)
}

// Removal says what becomes of the entry of an object that is gone or outside the scope; false where the mapping has no section for
// its kind. It needs neither the unit of the object nor anything else to be looked up, and no rule that fails keeps it from being told.
func (s *Set) Removal(in Input) (plan.Removal, bool) {
	c := s.sections[in.Object.Ref.Kind]
	if c == nil {
		return plan.Removal{}, false
	}
	removal := c.removal
	if removal.Action == plan.RemoveMove {
		removal.Rename = s.leaverName(c, in)
	}
	return removal, true
}

// leaverName returns the name of an entry among the leavers where its own is taken there: the one that the mapping gives, or else its own
// with the IDaaS id behind it.
func (s *Set) leaverName(c *section, in Input) plan.RDN {
	own := in.DN.RDN()
	if len(own) == 0 {
		own = plan.RDN{{Type: c.dn.names()[0]}}
	}
	name := append(plan.RDN{}, own...)
	if c.rename != nil {
		e := s.evaluation(&section{kind: c.kind, in: scope{kind: c.kind}}, in)
		e.recall(c.dn)
		values, err := e.values(c.rename, "lifecycle.delete.rename")
		if err == nil && len(values) == 1 && utf8.ValidString(values[0]) && values[0] != own[0].Value {
			name[0].Value = values[0]
			return name
		}
	}
	name[0].Value = withID(own[0].Value, in.Object.Ref)
	return name
}

// longestName is how many characters a name among the leavers has at most: Active Directory allows no more in cn.
const longestName = 64

// withID puts the id of an object behind a name, which is cut where both together would be too long.
func withID(name string, ref event.Ref) string {
	if name == "" {
		return ref.ID
	}
	letters := []rune(name)
	room := max(1, longestName-1-utf8.RuneCountInString(ref.ID))
	return string(letters[:min(room, len(letters))]) + "-" + ref.ID
}

// recall fills in what the name of the entry tells of an object whose record was cleared by its deletion: as fields of entry, and as
// the fields of the object that the DN takes as they are.
func (e *evaluation) recall(t *dnTemplate) {
	names := map[string]any{}
	e.env[nameEntry] = names
	record, _ := e.env[e.section.in.own()].(map[string]any)
	for _, ava := range e.in.DN.RDN() {
		for _, template := range t.rdns[0] {
			if !plan.SameAttribute(template.name, ava.Type) {
				continue
			}
			names[template.name] = ava.Value
			if len(template.pieces) != 1 || template.pieces[0].expr == nil {
				continue
			}
			ex := template.pieces[0].expr
			if ex.field != "" && ex.record == e.section.in.own() && record[ex.field] == nil {
				record[ex.field] = ava.Value
			}
		}
	}
}

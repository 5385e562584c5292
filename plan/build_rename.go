package plan

import "slices"

// needsRename reports whether an entry has to be renamed or moved: a parent that is only spelled differently is the same
// place, a name of its own that is spelled differently is not the same name.
func needsRename(m Matching, from, to DN) bool {
	return !SameDN(m, from.Parent(), to.Parent()) || !sameName(m, from.RDN(), to.RDN())
}

// sameName compares names as a person reads them: what the server does not distinguish does not count, but case does.
func sameName(m Matching, a, b RDN) bool {
	if m.RDNKey(a) != m.RDNKey(b) {
		return false
	}
	return !slices.ContainsFunc(a, func(x AVA) bool {
		return slices.ContainsFunc(b, func(y AVA) bool { return SameDescription(m, x.Type, y.Type) && squeeze(x.Value) != squeeze(y.Value) })
	})
}

// rename adds a ModifyDN and returns the entry as it will be after it.
func (b *builder) rename(current *Entry, to DN) (*Entry, error) {
	for _, dn := range []DN{current.DN, to} {
		if err := b.inside(dn); err != nil {
			return nil, err
		}
	}
	if Within(b.matching, to.Parent(), current.DN) {
		return nil, &BelowItself{From: current.DN, To: to}
	}
	op := ModifyDN{DN: current.DN, NewRDN: to.RDN(), DeleteOldRDN: b.sameTypes(current.DN.RDN(), to.RDN())}
	if !SameDN(b.matching, current.DN.Parent(), to.Parent()) {
		op.NewSuperior = to.Parent()
	}
	b.ops = append(b.ops, op)

	after := current.Clone()
	after.DN = op.NewDN()
	if op.DeleteOldRDN {
		for _, ava := range current.DN.RDN() {
			after.remove(b.matching, ava.Type, ava.Value)
		}
	}
	for _, ava := range to.RDN() {
		after.remove(b.matching, ava.Type, ava.Value)
		after.put(b.matching, ava.Type, ava.Value)
	}
	return after, nil
}

// sameTypes reports whether every attribute of an old name stands in the new one as well. Where one does not, its value
// stays with a rename: the entry may need it, or nobody wants it to go. If a rule speaks about it, that decides.
func (b *builder) sameTypes(old, renamed RDN) bool {
	return !slices.ContainsFunc(old, func(o AVA) bool {
		return !slices.ContainsFunc(renamed, func(n AVA) bool { return SameDescription(b.matching, o.Type, n.Type) })
	})
}

// MoveChildren returns the operations that move entries below another one, each with everything below it.
func MoveChildren(children []DN, to DN) []Operation {
	ops := make([]Operation, len(children))
	for i, child := range children {
		ops[i] = ModifyDN{DN: child, NewRDN: child.RDN(), NewSuperior: to, DeleteOldRDN: true}
	}
	return ops
}

package processor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// taken is a value that is wanted once, and an entry that has it.
type taken struct {
	attribute, value string
	// holder is the object whose entry has it, the zero reference where that is not ours.
	holder event.Ref
	dn     plan.DN
	// over: nobody has it any more: it is in the entry of the task itself, which has come along with a unit at this moment, or a
	// leaver has given it up.
	over bool
}

// notUnique handles a value that the directory wants only once and that another entry has. Where that is an object of ours
// it may be about to change, so it is waited for like a place that is taken. Servers do not say whose value it is, and seldom
// which, so the directory is asked.
func (w *work) notUnique(ctx context.Context, d draft, refused *connector.OutcomeError) (again bool) {
	if again, known := w.takenByAnother(ctx, d, refused); known {
		return again
	}
	// Where nobody is found, the one who had it has given it up at this moment, and may not have said so yet.
	self := w.task.Merged.Object.Ref
	holder, err := w.placeHolder(ctx, d.desired.DN)
	switch {
	case err != nil:
		return w.failed(err)
	case !holder.Zero() && holder != self:
		return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s was until now", self, d.desired.DN, holder))
	case !w.refusedOnce:
		w.refusedOnce = true
		return true
	}
	return w.failed(refused)
}

// takenByAnother looks for who has a value that the server has refused. It reports whether somebody was found, and if so, what is
// decided about the task.
func (w *work) takenByAnother(ctx context.Context, d draft, refused *connector.OutcomeError) (again, known bool) {
	found, err := w.whoHas(ctx, d, refused)
	switch {
	case err != nil:
		return w.failed(err), true
	case found == nil:
		return false, w.mayBeHidden(ctx, refused)
	case found.over:
		return true, true
	}
	self := w.task.Merged.Object.Ref
	if !found.holder.Zero() {
		return w.waitForHolder(ctx, d, found.holder,
			fmt.Sprintf("%s is to have the %s %s, and so has %s still, at %s", self, found.attribute, found.value, found.holder, found.dn)), true
	}
	w.wait(event.CodeDNTaken, fmt.Sprintf(
		"%s is to have the %s %s, and %s has it, an entry that is not ours: change or delete that one, or add an adopt rule to match in the mapping; %s",
		self, found.attribute, found.value, found.dn, refused.Reason()))
	return false, true
}

// whoHas looks in the directory for another entry with one of the wanted values that may be there once; nil where there is none. An
// object of ours comes before an entry of others, as it may make room.
func (w *work) whoHas(ctx context.Context, d draft, refused *connector.OutcomeError) (*taken, error) {
	var stranger *taken
	for _, ava := range w.uniqueValues(ctx, d, refused) {
		others, err := w.target.Referring(ctx, domainOf(w.set.Base()), []string{ava.Type}, ava.Value)
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the step.
		}
		for _, other := range others {
			found, err := w.takenAt(ctx, d, ava, other.DN)
			switch {
			case err != nil:
				return nil, err
			case found == nil:
			case found.over || !found.holder.Zero():
				return found, nil
			default:
				stranger = found
			}
		}
	}
	return stranger, nil
}

// takenAt tells whose entry is at a DN where a value was found; nil where it is that of the task, or is there no more.
func (w *work) takenAt(ctx context.Context, d draft, ava plan.AVA, dn plan.DN) (*taken, error) {
	out := &taken{attribute: ava.Type, value: ava.Value, dn: dn}
	var err error
	out.holder, err = w.holder(ctx, dn)
	switch {
	case err != nil:
		return nil, err
	case out.holder == w.task.Merged.Object.Ref:
		return nil, nil
	case !out.holder.Zero():
		return out, nil
	}
	there, err := w.target.Read(ctx, dn, nil)
	if err != nil || there == nil {
		return nil, err //nolint:wrapcheck // It names the entry.
	}
	if d.current != nil && there.Link != "" && there.Link == d.current.Link {
		if plan.SameDN(w.matching(ctx), dn, d.current.DN) {
			return nil, nil // It is not remembered yet.
		}
		out.over = true
		return out, nil
	}
	out.over, err = w.freeLeaver(ctx, there, ava.Type)
	return out, err
}

// uniqueValues returns the wanted values that no other entry may have: of the attributes that such a server wants once, and of those
// that it names where it says that this is the reason. The name of the entry counts only if it is one of them: elsewhere others may have it.
func (w *work) uniqueValues(ctx context.Context, d draft, refused *connector.OutcomeError) []plan.AVA {
	matching := w.matching(ctx)
	wantedOnce := func(attribute string) bool {
		return refused.Kind == connector.KindNotUnique && isWordOf(refused.Message, attribute) ||
			slices.ContainsFunc(d.unique, func(u connector.UniqueAttribute) bool { return plan.SameDescription(matching, u.Name, attribute) })
	}
	var values []plan.AVA
	for _, ava := range d.desired.DN.RDN() {
		if wantedOnce(ava.Type) {
			values = append(values, ava)
		}
	}
	for _, rule := range d.desired.Rules {
		if !wantedOnce(rule.Attribute) {
			continue
		}
		for _, v := range rule.Values {
			values = append(values, plan.AVA{Type: rule.Attribute, Value: v})
		}
	}
	return values
}

// isWordOf reports whether a name stands in a message by itself.
func isWordOf(message, name string) bool {
	words := strings.FieldsFunc(message, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != ';' })
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, name) })
}

// domainOf returns the domain that a DN belongs to, which is as far as a directory wants a value once; the DN itself where it is in
// none.
func domainOf(dn plan.DN) plan.DN {
	for i := len(dn); i > 0; i-- {
		if !plan.SameAttribute(dn[i-1][0].Type, "dc") {
			if i == len(dn) {
				return dn
			}
			return dn[i:]
		}
	}
	return dn
}

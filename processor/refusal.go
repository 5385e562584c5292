package processor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// refusal is an attribute that the server has refused in this task.
type refusal struct {
	attribute string
	plan.Refusal
}

// partsAtMost bounds how often parts of one record are tried.
const partsAtMost = 40

// writeInParts writes what the server takes of a record that it has refused as a whole.
func (w *work) writeInParts(ctx context.Context, d draft, op plan.Operation, refused *connector.OutcomeError) verdict {
	switch op := op.(type) {
	case plan.Modify:
		return w.modifyInParts(ctx, d, op, refused)
	case plan.Add:
		return w.addInParts(ctx, d, op, refused)
	}
	w.failed(refused)
	return w.block()
}

// addInParts makes the entry with what it cannot be without, and then adds the rest.
func (w *work) addInParts(ctx context.Context, d draft, op plan.Add, refused *connector.OutcomeError) verdict {
	least := plan.Add{DN: op.DN}
	rest := plan.Modify{DN: op.DN}
	for _, a := range op.Attributes {
		if w.isNeeded(d, a.Name) {
			least.Attributes = append(least.Attributes, a)
		} else {
			rest.Modifications = append(rest.Modifications, plan.Modification{Type: plan.ReplaceValues, Name: a.Name, Values: a.Values})
		}
	}
	if len(rest.Modifications) == 0 {
		w.failed(refused)
		return w.block()
	}
	err := w.target.Apply(ctx, least)
	if _, isRefused := asRefusal(err); isRefused {
		w.failed(refused)
		return w.block()
	}
	if err != nil {
		return w.applyFailed(ctx, d, least, err)
	}
	w.wrote(least)
	return w.modifyInParts(ctx, d, rest, refused)
}

// isNeeded reports whether an entry cannot be made without an attribute, or should not be: without the id in IDaaS it would look like
// somebody else's where this try ends halfway.
func (w *work) isNeeded(d draft, attribute string) bool {
	schema := w.profile.Schema
	same := func(other string) bool { return plan.SameDescription(w.profile.Matching, other, attribute) }
	if same("objectClass") || slices.ContainsFunc(d.desired.DN.RDN(), func(ava plan.AVA) bool { return same(ava.Type) }) {
		return true
	}
	if slices.ContainsFunc(w.set.Marks(w.ref().Kind), same) || w.speaks(d.status, attribute) || d.desired.Members != nil && same(d.desired.Members.Attribute) {
		return true
	}
	if schema == nil {
		return slices.ContainsFunc(usuallyDemanded(), same)
	}
	return slices.ContainsFunc(d.desired.ObjectClasses, func(class string) bool { return slices.ContainsFunc(schema.Demands(class), same) })
}

// usuallyDemanded are the attributes that the usual object classes for people, units and groups demand, for servers that do not show
// their schema.
func usuallyDemanded() []string {
	return []string{"cn", "sn", "ou", "uid", "uidNumber", "gidNumber", "homeDirectory", "member", "uniqueMember", "sAMAccountName"}
}

// modifyInParts makes the modifications that the server takes. Those of one attribute belong together, and an object class
// comes with what its entry must have.
func (w *work) modifyInParts(ctx context.Context, d draft, op plan.Modify, refused *connector.OutcomeError) verdict {
	parts := w.partsOf(op)
	if v := w.tryParts(ctx, op.DN, parts, refused); v != proceed {
		return v
	}
	for _, refused := range w.refusals {
		if w.speaks(d.status, refused.attribute) {
			w.result.Facets[event.FacetAccess] = event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: refused.Reason}
		}
	}
	return proceed
}

// part holds the modifications of one attribute.
type part []plan.Modification

func (w *work) partsOf(op plan.Modify) []part {
	var parts []part
	for _, m := range op.Modifications {
		i := slices.IndexFunc(parts, func(p part) bool { return plan.SameDescription(w.comparison(), p[0].Name, m.Name) })
		if i < 0 {
			parts = append(parts, part{m})
			continue
		}
		parts[i] = append(parts[i], m)
	}
	return parts
}

// tryParts writes parts that were refused together: without those that the server's words name, or else by halves.
func (w *work) tryParts(ctx context.Context, dn plan.DN, parts []part, refused *connector.OutcomeError) verdict {
	if len(parts) == 1 || w.tries >= partsAtMost {
		for _, p := range parts {
			w.refuse(p, refused)
		}
		return proceed
	}
	named := slices.IndexFunc(parts, func(p part) bool { return names(refused.Message, p[0].Name) })
	if named >= 0 {
		w.refuse(parts[named], refused)
		return w.tryPart(ctx, dn, slices.Delete(slices.Clone(parts), named, named+1))
	}
	half := len(parts) / 2
	if v := w.tryPart(ctx, dn, parts[:half]); v != proceed {
		return v
	}
	return w.tryPart(ctx, dn, parts[half:])
}

func (w *work) tryPart(ctx context.Context, dn plan.DN, parts []part) verdict {
	w.tries++
	op := plan.Modify{DN: dn, Modifications: slices.Concat(parts...)}
	err := w.target.Apply(ctx, op)
	refused, isRefused := asRefusal(err)
	switch {
	case err == nil:
		w.wrote(op)
		return proceed
	case isRefused:
		return w.tryParts(ctx, dn, parts, refused)
	}
	return w.applyFailed(ctx, w.draft, op, err)
}

// refuse notes that the server does not take what an attribute should hold.
func (w *work) refuse(p part, refused *connector.OutcomeError) {
	name := p[0].Name
	w.refusals[w.comparison().AttributeKey(name)] = refusal{attribute: name, Refusal: plan.Refusal{
		Digest: digest(w.wantedValues(name)), Reason: refused.Explain(),
	}}
}

// wantedValues are those that the mapping wants in an attribute.
func (w *work) wantedValues(attribute string) []string {
	i := slices.IndexFunc(w.draft.desired.Rules, func(r plan.Rule) bool { return plan.SameDescription(w.comparison(), r.Attribute, attribute) })
	if i < 0 {
		return nil
	}
	return w.draft.desired.Rules[i].Values
}

// leaveRefused takes out of a draft what the server has refused before, as it stands, unless a person asks for another try. What
// this task has found refused is left out in any case.
func (w *work) leaveRefused(d *draft) {
	if d.desired.Removal != nil {
		return
	}
	d.desired.Rules = slices.DeleteFunc(slices.Clone(d.desired.Rules), func(r plan.Rule) bool {
		key := w.comparison().AttributeKey(r.Attribute)
		if now, refused := w.refusals[key]; refused {
			return now.Digest == digest(r.Values)
		}
		before, refused := w.refusedBefore(r.Attribute)
		if !refused || w.task.TryRefused || before.Digest != digest(r.Values) || w.speaks(d.status, r.Attribute) {
			return false
		}
		w.refusals[key] = refusal{attribute: r.Attribute, Refusal: before}
		return true
	})
}

// refusedBefore returns what the server has refused of an attribute, by whatever name of it that is remembered.
func (w *work) refusedBefore(attribute string) (plan.Refusal, bool) {
	for name, refused := range w.task.Refused {
		if plan.SameDescription(w.comparison(), name, attribute) {
			return refused, true
		}
	}
	return plan.Refusal{}, false
}

// rememberRefusals makes what was refused the outcome of a record that is written otherwise, and keeps it from being tried by
// every event from now on. What decides about the login has an outcome of its own and is tried each time: whether it is refused
// depends on more than its value, such as on a password.
func (w *work) rememberRefusals() {
	if w.blocked {
		return
	}
	w.result.Refused = nil
	var reasons, attributes []string
	byName := func(a, b refusal) int { return strings.Compare(a.attribute, b.attribute) }
	for _, r := range slices.SortedFunc(maps.Values(w.refusals), byName) {
		if w.left || w.speaks(w.draft.status, r.attribute) {
			continue
		}
		if w.result.Refused == nil {
			w.result.Refused = map[string]plan.Refusal{}
		}
		w.result.Refused[strings.ToLower(r.attribute)] = r.Refusal
		attributes = append(attributes, r.attribute)
		reasons = append(reasons, fmt.Sprintf("%s: %s", r.attribute, r.Reason))
		w.result.RefusedFields = append(w.result.RefusedFields, w.set.Reads(w.ref().Kind, r.attribute)...)
	}
	if len(reasons) == 0 {
		return
	}
	w.result.Facets[event.FacetRecord] = event.Outcome{
		State: event.Failed, Code: event.CodeRefused, Message: "everything but this is written: " + strings.Join(reasons, "; "),
	}
	w.addNote("the server has refused " + strings.Join(attributes, ", "))
}

// asRefusal returns an error as one that is about the values of the write.
func asRefusal(err error) (*connector.OutcomeError, bool) {
	var outcome *connector.OutcomeError
	if !errors.As(err, &outcome) {
		return nil, false
	}
	return outcome, outcome.Kind == connector.KindRefused
}

// names reports whether the words of a server name an attribute.
func names(message, attribute string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(message, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-')
	}), func(word string) bool { return strings.EqualFold(word, attribute) })
}

// digest stands for values, whatever their order.
func digest(values []string) string {
	sorted := slices.Sorted(slices.Values(values))
	sum := sha256.New()
	for _, v := range sorted {
		fmt.Fprintf(sum, "%d:%s", len(v), v)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

package mapping

import (
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// rule evaluates the rule of one attribute.
func (e *evaluation) rule(rule *attributeRule, d *plan.Desired) error {
	if rule.decides() { // Its condition has been asked when it was decided.
		if decided, ok := e.decidedValue(rule.name); ok {
			if err := rule.superuserAmong([]string{decided}); err != nil && rule.unique != nil {
				return e.wrong(rule.unique.candidates, e.name(rule.path), err)
			}
			// An entry that has a value keeps it; one that was made before the rule was gets one now.
			d.Rules = append(d.Rules, plan.Rule{Attribute: rule.name, Values: []string{decided}, Authority: plan.Merge})
		}
		return nil
	}
	if e.unitOpen && readAbove(rule.expressions()) {
		return nil
	}
	if rule.when != nil {
		applies, err := e.condition(rule.when, rule.path+".when")
		if err != nil || !applies {
			return err
		}
	}
	values, speaks, err := e.wantedValues(rule)
	if err != nil || !speaks {
		return err
	}
	wanted := plan.Rule{Attribute: rule.name, Values: values, Authority: rule.authority}
	if rule.authority == plan.Merge && e.in.Owned != nil {
		wanted.Owned = e.in.Owned(rule.name)
	}
	d.Rules = append(d.Rules, wanted)
	return nil
}

// wantedValues returns the values of an attribute; speaks is false where the rule leaves it alone.
func (e *evaluation) wantedValues(rule *attributeRule) (values []string, speaks bool, err error) {
	if rule.isConst {
		return rule.constant, true, nil
	}
	if values, err = e.values(rule.value, rule.path); err != nil {
		return nil, false, err
	}
	if len(values) == 0 {
		return nil, !rule.keepEmpty && len(e.unseen(rule.value)) == 0, nil
	}
	if err := rule.superuserAmong(values); err != nil {
		return nil, false, e.wrong(rule.value, e.name(rule.path), err)
	}
	if rule.reference != "" {
		values, speaks = e.references(rule, values)
		return values, speaks, nil
	}
	return values, true, nil
}

// references turns ids into DNs, or asks for them. It returns false where one of them is open: what the attribute holds is left as it
// is until all are known.
func (e *evaluation) references(rule *attributeRule, ids []string) (dns []string, known bool) {
	known = true
	for _, id := range ids {
		ref := event.Ref{Kind: rule.reference, ID: id}
		dn, ok := e.referred(ref)
		switch {
		case ok && !dn.Empty():
			dns = append(dns, dn.String())
		case ok:
		case ref == e.in.Object.Ref || e.in.Open[ref]:
			known = false
			if !slices.Contains(e.open, ref) {
				e.open = append(e.open, ref)
			}
		default:
			known = false
			e.ask(Needed{Ref: ref, Required: rule.required})
		}
	}
	return dns, known
}

// referred returns the DN of an object that a rule refers to, empty for one that is gone; false where that is not known.
func (e *evaluation) referred(ref event.Ref) (plan.DN, bool) {
	switch ref {
	case event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}:
		return e.Root(), true
	case e.in.Object.Ref:
		return e.in.DN, !e.in.DN.Empty()
	}
	dn, ok := e.in.Resolved[ref]
	return dn, ok
}

// ask asks for an object once; it is required where one of the rules that refer to it says so.
func (e *evaluation) ask(needed Needed) {
	i := slices.IndexFunc(e.asked.Objects, func(n Needed) bool { return n.Ref == needed.Ref })
	if i < 0 {
		e.asked.Objects = append(e.asked.Objects, needed)
		return
	}
	e.asked.Objects[i].Required = e.asked.Objects[i].Required || needed.Required
}

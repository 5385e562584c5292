package mapping

import (
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// rule evaluates the rule of one attribute.
func (e *evaluation) rule(rule *attributeRule, d *plan.Desired) error {
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
	switch {
	case rule.decides():
		// An entry that has a value keeps it; one that was made before the rule was gets one now.
		wanted.Authority = plan.Merge
	case rule.authority == plan.Merge:
		wanted.Owned = e.in.Owned[strings.ToLower(rule.name)]
	}
	d.Rules = append(d.Rules, wanted)
	return nil
}

// wantedValues returns the values of an attribute; speaks is false where the rule leaves it alone.
func (e *evaluation) wantedValues(rule *attributeRule) (values []string, speaks bool, err error) {
	switch {
	case rule.isConst:
		return rule.constant, true, nil
	case rule.decides():
		decided, ok := e.decidedValue(rule.name)
		return []string{decided}, ok, nil
	}
	if values, err = e.values(rule.value, rule.path); err != nil {
		return nil, false, err
	}
	if len(values) == 0 {
		return nil, !rule.keepEmpty && len(e.unseen(rule.value)) == 0, nil
	}
	if rule.reference != "" {
		values, speaks = e.references(rule.reference, values)
		return values, speaks, nil
	}
	return values, true, nil
}

// references turns ids into DNs, or asks for them.
func (e *evaluation) references(kind event.Kind, ids []string) (dns []string, complete bool) {
	complete = true
	for _, id := range ids {
		ref := event.Ref{Kind: kind, ID: id}
		dn, ok := e.in.Resolved[ref]
		switch {
		case kind == event.KindUnit && id == event.RootUnitID:
			dn = e.Root()
		case !ok:
			e.asked.Objects = append(e.asked.Objects, ref)
			complete = false
			continue
		}
		if !dn.Empty() {
			dns = append(dns, dn.String())
		}
	}
	return dns, complete
}

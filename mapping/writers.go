package mapping

import (
	"slices"

	"idaas-ldap/plan"
)

// writer is a part of a section that writes an attribute.
type writer struct {
	attribute, part string
	at              position
	// constants are the values that are fixed.
	constants []string
}

const aRule = "a rule"

// checkWriters finds attributes that two parts of a section write: each would undo what the other does.
func (r *reader) checkWriters(c *section) {
	var all []writer
	for _, rule := range c.attributes {
		all = append(all, writer{rule.name, aRule, rule.at, rule.constant})
	}
	all = append(all, c.status...)
	if c.members != nil && c.members.Attribute != "" {
		all = append(all, writer{c.members.Attribute, "members", c.members.at, nil})
	}
	if c.dn != nil {
		for _, w := range all {
			named := slices.ContainsFunc(c.dn.names(), func(name string) bool { return plan.SameAttribute(name, w.attribute) })
			if named && w.part != aRule {
				r.problem(w.at, "%s names the entry, so %s cannot write it", w.attribute, w.part)
			}
		}
	}
	for i, w := range all {
		j := slices.IndexFunc(all[:i], func(other writer) bool {
			return other.part != w.part && plan.SameAttribute(other.attribute, w.attribute)
		})
		if j < 0 {
			continue
		}
		hint := ""
		if all[j].part == aRule && w.part != "members" {
			hint = "leave the rule out, and name the usual value under off"
		}
		r.report(w.at, hint, "%s is written by %s as well", w.attribute, all[j].part)
	}
}

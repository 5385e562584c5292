package mapping

import (
	"slices"
	"strings"

	"idaas-ldap/event"
)

// Reads returns the fields of the object itself on which the values of an attribute depend; none where the attribute has no
// rule, or one that reads nothing of the object.
func (s *Set) Reads(kind event.Kind, attribute string) []string {
	c := s.sections[kind]
	if c == nil {
		return nil
	}
	var fields []string
	for _, rule := range c.attributes {
		if !strings.EqualFold(rule.name, attribute) {
			continue
		}
		for _, e := range rule.expressions() {
			for _, read := range e.reads {
				if field, own := strings.CutPrefix(read, c.in.own()+"."); own && !slices.Contains(fields, field) {
					fields = append(fields, field)
				}
			}
		}
	}
	return fields
}

package mapping

import "idaas-ldap/event"

// Evaluate returns the value that the user section gives an attribute for a user of whom only the id is known.
func Evaluate(s *Set, attribute string) (string, error) {
	ref := event.Ref{Kind: event.KindUser, ID: "u"}
	result, err := s.Desired(Input{Object: event.Object{Ref: ref, Existence: event.Existence{Present: true}}, Above: s.RootAbove()})
	if err != nil {
		return "", err
	}
	for _, rule := range result.Rules {
		if rule.Attribute == attribute && len(rule.Values) > 0 {
			return rule.Values[0], nil
		}
	}
	return "", nil
}

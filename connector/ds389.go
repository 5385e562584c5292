package connector

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// ds389 is 389 Directory Server. It keeps users out by nsAccountLock.
type ds389 struct{}

func (ds389) Name() string { return DS389 }

func (ds389) LinkAttribute() string { return "nsUniqueId" }

func (ds389) StatusAttributes() []string { return []string{"nsAccountLock"} }

func (ds389) AccountRules(want plan.Account, current *plan.Entry, now event.Millis) ([]plan.Rule, []string, error) {
	s := statusOf(want, now)
	rules := s.rules
	switch {
	case s.barred(), s.expired:
		rules = append(rules, plan.Rule{Attribute: "nsAccountLock", Values: []string{"TRUE"}})
	case current != nil && (s.said || s.expirySaid):
		rules = append(rules, plan.Rule{Attribute: "nsAccountLock"})
	}
	return rules, nil, nil
}

func (ds389) StatusAfterPassword() bool { return false }

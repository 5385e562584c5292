package connector

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// openLDAP is OpenLDAP's slapd. It keeps users out by its password policy overlay (slapo-ppolicy), if that is there.
type openLDAP struct {
	policy bool // the schema knows pwdAccountLockedTime
	ends   bool // the schema knows pwdEndTime
}

// lockedForGood is the value of pwdAccountLockedTime that no time unlocks.
const lockedForGood = "000001010000Z"

func (openLDAP) Name() string { return OpenLDAP }

func (openLDAP) LinkAttribute() string { return "entryUUID" }

func (f openLDAP) StatusAttributes() []string {
	var out []string
	if f.policy {
		out = append(out, "pwdAccountLockedTime")
	}
	if f.ends {
		out = append(out, "pwdEndTime")
	}
	return out
}

func (f openLDAP) AccountRules(want plan.Account, current *plan.Entry, now event.Millis) ([]plan.Rule, []string, error) {
	s := statusOf(want, now)
	if !f.policy {
		return s.rules, s.lacking(), nil
	}
	rules := s.rules
	if s.expirySaid && f.ends {
		end := plan.Rule{Attribute: "pwdEndTime"}
		if s.expiresAt > 0 {
			end.Values = []string{s.expiresAt.Time().Format("20060102150405Z")}
		}
		rules = append(rules, end)
	}
	switch {
	case s.barred(), s.expired && !f.ends:
		rules = append(rules, plan.Rule{Attribute: "pwdAccountLockedTime", Values: []string{lockedForGood}})
	case current != nil && s.said && (want.Unlock || current.Value("pwdAccountLockedTime") == lockedForGood):
		// A lock that the server has set itself after wrong passwords stays, unless an unlock was asked for.
		rules = append(rules, plan.Rule{Attribute: "pwdAccountLockedTime"})
	}
	return rules, nil, nil
}

func (openLDAP) StatusAfterPassword() bool { return false }

package connector

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// generic is a server of which nothing is assumed beyond the RFCs. It has no means to keep users out, so the mapping has
// to say how.
type generic struct {
	link bool // the schema knows entryUUID (RFC 4530)
}

func (generic) Name() string { return Generic }

func (f generic) LinkAttribute() string {
	if f.link {
		return "entryUUID"
	}
	return ""
}

func (generic) StatusAttributes() []string { return nil }

func (generic) AccountRules(want plan.Account, _ *plan.Entry, now event.Millis) ([]plan.Rule, []string, error) {
	s := statusOf(want, now)
	return s.rules, s.lacking(), nil
}

func (generic) StatusAfterPassword() bool { return false }

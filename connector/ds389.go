package connector

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// ds389 is 389 Directory Server. It keeps users out by nsAccountLock, which carries all of being disabled, locked and
// expired: it has no attribute for the end of an account that it looks at by itself.
type ds389 struct{ standard }

func (ds389) Name() string { return DS389 }

func (ds389) LinkAttribute() string { return "nsUniqueId" }

func (ds389) UniqueAttributes() []UniqueAttribute { return uniqueNames }

// failures are the attributes by which the server locks an account itself after wrong passwords.
var failures = []string{"accountUnlockTime", "passwordRetryCount"}

func (ds389) Rights() RightsMeans { return RightsByEffectiveRights }

func (ds389) StatusAttributes() []string { return append([]string{"nsAccountLock"}, failures...) }

func (ds389) Status(want plan.Account, current *plan.Entry, now event.Millis) (Status, error) {
	w := wantedOf(want, now)
	s := Status{Rules: w.rules}
	switch {
	case w.barred(), w.expired:
		s.Rules = append(s.Rules, plan.Rule{Attribute: "nsAccountLock", Values: []string{"TRUE"}})
	case (w.barringSaid || w.expirySaid) && strings.EqualFold(value(current, "nsAccountLock"), "TRUE"):
		s.Rules = append(s.Rules, plan.Rule{Attribute: "nsAccountLock"})
	}
	if want.Unlock {
		for _, name := range failures {
			if value(current, name) != "" {
				s.Rules = append(s.Rules, plan.Rule{Attribute: name})
			}
		}
	}
	return s, nil
}

func (ds389) OwnLock(now event.Millis) []plan.Attribute {
	return []plan.Attribute{{Name: failures[0], Values: []string{generalizedTime(now)}}, {Name: failures[1], Values: []string{"3"}}}
}

// Interpret knows that the server names the reason of every refusal of a password, in the control for password policies,
// but for one: that it is the one in use.
func (ds389) Interpret(refused *OutcomeError) {
	if refused.Kind == KindPasswordRefused && refused.Message == "Failed to update password" {
		refused.History, refused.MaybeInUse = true, true
	}
	aboutOperationsError(refused)
	if refused.Kind == KindIncomplete && (cutByLimit(refused.Code) || refused.Code == ldap.LDAPResultUnwillingToPerform) {
		refused.Advice = "lift the limits for the bind account: nsSizeLimit, nsPagedSizeLimit, nsTimeLimit, nsLookThroughLimit and nsIDListScanLimit of its entry, all -1, " +
			"in the place of nsslapd-sizelimit, nsslapd-pagedsizelimit, nsslapd-timelimit, nsslapd-lookthroughlimit and nsslapd-idlistscanlimit of the server; or index what is searched for"
	}
}

// Password: the password modify operation is refused without TLS. That it has to be changed at the next login is a matter
// of the server's own policy (passwordMustChange).
func (ds389) Password(plan.SetPassword) PasswordMeans { return PasswordMeans{Secure: true} }

// AddedClasses are all of them: the server lets an entry have several structural classes, and change them.
func (ds389) AddedClasses(_ *plan.Schema, classes []string) []string { return classes }

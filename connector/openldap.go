package connector

import (
	"context"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// openLDAP is OpenLDAP's slapd. It keeps users out by its password policy overlay (slapo-ppolicy), if that is there.
type openLDAP struct {
	standard

	// locked, ended and reset: the schema knows pwdAccountLockedTime, pwdEndTime (from 2.5 on) and pwdReset.
	locked, ended, reset bool
	// policy: there is a password policy, without which slapd looks at none of them. lockout: one has pwdLockout TRUE,
	// without which it does not look at pwdAccountLockedTime.
	policy, lockout bool
	// unseen: slapd does not show its schema, so what it lacks may be there all the same.
	unseen bool
}

// lockedForGood is the value of pwdAccountLockedTime that no time unlocks.
const lockedForGood = "000001010000Z"

// lastEnd is from when on slapd misreads pwdEndTime: it counts seconds in 32 bits, knows nothing of the day on which they end,
// 2106-02-07, and starts again after it. An account that ends then would be closed today, so it gets no end.
const lastEnd event.Millis = 4294944000 * 1000

// generalizedTime writes a moment as LDAP has it (RFC 4517 section 3.3.13).
func generalizedTime(at event.Millis) string { return at.Time().Format("20060102150405Z") }

func (openLDAP) Name() string { return OpenLDAP }

func (openLDAP) LinkAttribute() string { return "entryUUID" }

func (openLDAP) UniqueAttributes() []UniqueAttribute { return uniqueNames }

func (f openLDAP) StatusAttributes() []string {
	var out []string
	if f.locked {
		out = append(out, "pwdAccountLockedTime")
	}
	if f.ended {
		out = append(out, "pwdEndTime")
	}
	return out
}

func (f openLDAP) Status(want plan.Account, current *plan.Entry, now event.Millis) (Status, error) {
	w := wantedOf(want, now)
	s := Status{Rules: w.rules}
	ends := f.ended && f.policy
	if w.expirySaid && ends {
		end := plan.Rule{Attribute: "pwdEndTime"}
		if w.expiresAt > 0 && w.expiresAt < lastEnd {
			end.Values = []string{generalizedTime(w.expiresAt)}
		}
		s.Rules = append(s.Rules, end)
		w.expired, w.expirySaid = false, false
	}
	barred := w.barred() || w.expired
	said := w.barringSaid || w.expirySaid
	has := value(current, "pwdAccountLockedTime")
	switch {
	case barred && !(f.locked && f.lockout):
		if s.Lacking = w.lacking(); len(s.Lacking) == 0 {
			break
		}
		s.Note = "slapd keeps users out by the overlay ppolicy, where a policy with pwdLockout TRUE applies to them, and none is to be seen; " +
			"make one that the bind account may read"
		if f.unseen {
			s.Note = "slapd does not show its schema to the bind account, so whether it has the overlay ppolicy is not known; give the bind account the right " +
				`to read it (access to dn.base="cn=Subschema" by * read, in cn=config olcAccess of the database {-1}frontend)`
		}
	case barred:
		s.Rules = append(s.Rules, plan.Rule{Attribute: "pwdAccountLockedTime", Values: []string{lockedForGood}})
		// With a new password slapd takes every lock away.
		s.AfterPassword = true
	case said && (has == lockedForGood || has != "" && want.Unlock):
		// A lock that the server has set itself after wrong passwords stays, unless an unlock was asked for. Only where it is
		// deleted does slapd forget the wrong passwords as well; else the next one would lock the account again. They cannot be
		// removed by themselves (pwdFailureTime is NO-USER-MODIFICATION), and to set a lock and delete it in one modify, where
		// there is none, would leave it on replicas: those drop the deletion of what they do not have.
		s.Rules = append(s.Rules, plan.Rule{Attribute: "pwdAccountLockedTime", ByDeletion: true})
	}
	return s, nil
}

func (f openLDAP) OwnLock(now event.Millis) []plan.Attribute {
	if !f.locked {
		return nil
	}
	return []plan.Attribute{{Name: "pwdAccountLockedTime", Values: []string{generalizedTime(now)}}}
}

func (f openLDAP) Password(op plan.SetPassword) PasswordMeans {
	if op.MustChange && f.reset {
		return PasswordMeans{After: []plan.Modification{{Type: plan.ReplaceValues, Name: "pwdReset", Values: []string{"TRUE"}}}}
	}
	return PasswordMeans{}
}

// Interpret knows how slapd refuses a password that is the one in use already, where a history is kept, and by which setting it
// limits searches.
func (openLDAP) Interpret(refused *OutcomeError) {
	if refused.Kind == KindIncomplete && cutByLimit(refused.Code) {
		refused.Advice = "lift slapd's limits for the bind account, which count over all pages: " +
			`limits dn.exact="<bind_dn>" size=unlimited time=unlimited (olcLimits of the database; otherwise olcSizeLimit and olcTimeLimit count)`
	}
	if refused.Kind == KindPasswordRefused && strings.HasPrefix(refused.Message, "Password is not being changed from existing value") {
		refused.Kind = KindAlreadySo
	}
}

// mostPolicies are how many password policies are looked at: nobody has more.
const mostPolicies = 100

func (d *Directory) policies(ctx context.Context, base plan.DN) (found []*ldap.Entry, err error) {
	err = d.ask(ctx, base, func(a asking) error {
		var err error
		q := query{base: base, scope: ldap.ScopeWholeSubtree, filter: "(objectClass=pwdPolicy)", attributes: []string{"pwdLockout"}}
		found, _, err = a.some(q, mostPolicies)
		return err
	})
	return found, err
}

// nothingToSee reports whether a server has answered that a place is not for us to look at. One that is busy, that cuts its answers or
// that has forgotten who we are has not said so, nor one that lets nobody in at the moment, and the next look may find something.
func nothingToSee(err error) bool {
	var refused *OutcomeError
	if !errors.As(err, &refused) || refused.Verb != verbRead || refused.Code == 0 || cutByLimit(refused.Code) {
		return false
	}
	switch refused.Kind {
	case KindRetry, KindUnavailable, KindUnseen, KindReadOnly, KindElsewhere:
		return false
	}
	return true
}

// knowsUnseen finds out whether a server that does not show its schema knows an attribute. Of one that it knows it says of an entry
// that it lacks it; of any other it says nothing at all (RFC 4511 section 4.5.1.7).
func (d *Directory) knowsUnseen(ctx context.Context, bases []plan.DN, attribute string) (bool, error) {
	for _, base := range bases {
		var found []*ldap.Entry
		err := d.ask(ctx, base, func(a asking) error {
			q := entryAt(base, nothing)
			q.filter = "(!(" + attribute + "=*))"
			var err error
			found, err = a.all(q)
			return err
		})
		switch {
		case nothingToSee(err):
			continue
		case err != nil:
			return false, err
		case len(found) > 0:
			return true, nil
		}
	}
	return false, nil
}

// openLDAP finds out what slapd can do. That its schema knows an attribute, and that it announces the control for
// password policies, only shows that a module is loaded; so the policies themselves are looked for.
func (d *Directory) openLDAP(ctx context.Context, root *ldap.Entry, schema *plan.Schema) (Flavour, error) {
	var bases []plan.DN
	for _, context := range root.GetEqualFoldAttributeValues("namingContexts") {
		if base, err := plan.ParseDN(context); err == nil {
			bases = append(bases, base) // a place of which nobody can say where it is holds no policy for us
		}
	}
	f := openLDAP{unseen: schema == nil}
	for attribute, known := range map[string]*bool{"pwdAccountLockedTime": &f.locked, "pwdEndTime": &f.ended, "pwdReset": &f.reset} {
		if schema != nil {
			_, *known = schema.Attribute(attribute)
			continue
		}
		var err error
		if *known, err = d.knowsUnseen(ctx, bases, attribute); err != nil {
			return nil, err
		}
	}
	if !f.locked {
		return f, nil
	}
	for _, base := range bases {
		found, err := d.policies(ctx, base)
		switch {
		case nothingToSee(err):
			continue
		case err != nil:
			return nil, err
		}
		for _, policy := range found {
			f.policy = true
			f.lockout = f.lockout || strings.EqualFold(policy.GetEqualFoldAttributeValue("pwdLockout"), "TRUE")
		}
	}
	return f, nil
}

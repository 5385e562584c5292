package ldaptest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// PasswordPolicy is what the directory asks of passwords, as the overlay ppolicy does. The zero value asks nothing.
type PasswordPolicy struct {
	// MinLength is the smallest number of characters (pwdMinLength).
	MinLength int
	// History is the number of former passwords that may not come back (pwdInHistory). An administrator's reset is checked
	// as well, as slapd does unless the administrator is the root DN.
	History int
	// HashClearText stores clear text passwords of add and modify hashed (ppolicy_hash_cleartext).
	HashClearText bool
	// RefuseHashed refuses what cannot be checked because it is hashed already (pwdCheckQuality 2).
	RefuseHashed bool
}

func (d *directory) userPassword() description {
	return description{typ: d.schema.mustAttribute("userPassword")}
}

// passwordsOf applies the policy to the passwords of a new entry.
func (d *directory) passwordsOf(drafts []draft) error {
	for i := range drafts {
		if drafts[i].desc != d.userPassword() {
			continue
		}
		for j, v := range drafts[i].values {
			stored, err := d.acceptPassword(nil, v)
			if err != nil {
				return err
			}
			drafts[i].values[j], drafts[i].keys[j] = stored, stored
		}
	}
	return nil
}

// passwordChanges applies the policy to the passwords of a modification.
func (d *directory) passwordChanges(e *entry, changes []change) ([]change, error) {
	changed := false
	for i, c := range changes {
		if c.desc != d.userPassword() || c.typ == plan.DeleteValues {
			continue
		}
		changed = changed || len(c.values) > 0
		changes[i].values, changes[i].keys = slices.Clone(c.values), slices.Clone(c.keys)
		for j, v := range c.values {
			stored, err := d.acceptPassword(e, v)
			if err != nil {
				return nil, err
			}
			changes[i].values[j], changes[i].keys[j] = stored, stored
		}
	}
	if changed {
		changes = append(changes, d.remember(e)...)
	}
	return changes, nil
}

// acceptPassword checks a password against the policy and returns what is stored.
func (d *directory) acceptPassword(e *entry, value string) (string, error) {
	p := d.passwords
	if isHashed(value) {
		if p.RefuseHashed {
			return "", refuse(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
		}
		return value, nil
	}
	password := secret.New(value)
	if len([]rune(value)) < p.MinLength {
		return "", refuse(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
	}
	if e != nil && p.History > 0 && d.usedBefore(e, password) {
		return "", refuse(ldap.LDAPResultConstraintViolation, "Password is in history of old passwords")
	}
	if !p.HashClearText {
		return value, nil
	}
	return hashPassword(d.rand, password)
}

func (d *directory) usedBefore(e *entry, password secret.Text) bool {
	for _, stored := range append(valuesOf(e, d.userPassword()), d.history(e)...) {
		if passwordMatches(stored, password) {
			return true
		}
	}
	return false
}

// history returns the stored forms of former passwords, oldest first.
func (d *directory) history(e *entry) []string {
	values := valuesOf(e, description{typ: d.schema.mustAttribute("pwdHistory")})
	slices.Sort(values) // they begin with the time
	var out []string
	for _, v := range values {
		if parts := strings.SplitN(v, "#", 4); len(parts) == 4 {
			out = append(out, parts[3])
		}
	}
	return out
}

// remember returns the changes that keep the book of passwords: the time, the history, and no failures any more.
func (d *directory) remember(e *entry) []change {
	desc := func(name string) description { return description{typ: d.schema.mustAttribute(name)} }
	replace := func(desc description, values ...string) change {
		return change{draft{desc, values, slices.Clone(values)}, plan.ReplaceValues}
	}
	changes := []change{replace(desc("pwdChangedTime"), d.now())}
	if e.attribute(desc("pwdAccountLockedTime")) != nil && d.passwords.History > 0 {
		changes = append(changes, replace(desc("pwdAccountLockedTime")))
	}
	old := valuesOf(e, d.userPassword())
	if d.passwords.History == 0 || len(old) == 0 {
		return changes
	}
	kept := valuesOf(e, desc("pwdHistory"))
	slices.Sort(kept)
	for _, stored := range old {
		d.changes++ // several changes within a second need an order too
		kept = append(kept, fmt.Sprintf("%s.%09dZ#%s40#%d#%s", d.clock().UTC().Format("20060102150405"), d.changes, syntaxes, len(stored), stored))
	}
	if excess := len(kept) - d.passwords.History; excess > 0 {
		kept = kept[excess:]
	}
	return append(changes, replace(desc("pwdHistory"), kept...))
}

// authenticate checks the password of an entry and that the entry may bind.
func (d *directory) authenticate(dn plan.DN, password secret.Text) bool {
	e, found := d.find(dn)
	if !found || d.locked(e) {
		return false
	}
	return slices.ContainsFunc(valuesOf(e, d.userPassword()), func(stored string) bool { return passwordMatches(stored, password) })
}

// locked reports whether an entry may not bind now: pwdAccountLockedTime, pwdStartTime and pwdEndTime
// (draft-behera-ldap-password-policy section 5.3).
func (d *directory) locked(e *entry) bool {
	value := func(name string) string {
		if v := valuesOf(e, description{typ: d.schema.mustAttribute(name)}); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	now := d.clock()
	if v := value("pwdAccountLockedTime"); v != "" {
		return true
	}
	if t, err := parseTime(value("pwdStartTime")); err == nil && now.Before(t) {
		return true
	}
	if t, err := parseTime(value("pwdEndTime")); err == nil && !now.Before(t) {
		return true
	}
	return false
}

// generatePassword makes a password for one who asked for a new one without saying which (RFC 3062 section 2).
func (d *directory) generatePassword() (secret.Text, error) {
	raw := make([]byte, 12)
	if _, err := d.rand.Read(raw); err != nil {
		return secret.Text{}, fmt.Errorf("generate a password: %w", err)
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(raw)), nil
}

// setPassword replaces the password of an entry (RFC 3062). The old one, where it is given, must be right.
func (d *directory) setPassword(dn plan.DN, old, password secret.Text, who plan.DN) error {
	if err := d.mustBeInside(dn); err != nil {
		return err
	}
	e, err := d.lookup(dn)
	if err != nil {
		return err
	}
	if !old.Empty() && !slices.ContainsFunc(valuesOf(e, d.userPassword()), func(stored string) bool { return passwordMatches(stored, old) }) {
		return refuse(ldap.LDAPResultUnwillingToPerform, "unwilling to verify old password")
	}
	if _, err := d.acceptPassword(e, password.Reveal()); err != nil {
		return err
	}
	stored, err := hashPassword(d.rand, password)
	if err != nil {
		return err
	}
	changes := append([]change{{draft{d.userPassword(), []string{stored}, []string{stored}}, plan.ReplaceValues}}, d.remember(e)...)
	return d.atomically(func() error {
		for _, c := range changes {
			if err := d.apply(e, c, false); err != nil {
				return err
			}
		}
		if err := d.checkEntry(e, e.rdn, refuseLackingName); err != nil {
			return err
		}
		d.modified(e, who)
		return nil
	})
}

package connector

import (
	"fmt"
	"strconv"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// activeDirectory is Active Directory, and Samba as its domain controller. It keeps users out by a bit of
// userAccountControl; it cannot be told to lock an account, so a lock is expressed by the same bit.
type activeDirectory struct{}

// Bits of userAccountControl (MS-ADTS section 2.2.16).
const (
	uacDisabled = 0x2
	uacNormal   = 0x200
)

// neverExpires is the value of accountExpires for an account that does not expire.
const neverExpires = "9223372036854775807"

func (activeDirectory) Name() string { return ActiveDirectory }

func (activeDirectory) LinkAttribute() string { return objectGUID }

func (activeDirectory) StatusAttributes() []string {
	return []string{"userAccountControl", "accountExpires", "lockoutTime"}
}

func (activeDirectory) AccountRules(want plan.Account, current *plan.Entry, now event.Millis) ([]plan.Rule, []string, error) {
	s := statusOf(want, now)
	rules := s.rules
	if s.expirySaid {
		expires := neverExpires
		if s.expiresAt > 0 {
			expires = fileTime(s.expiresAt)
		}
		if has := entryValue(current, "accountExpires"); !(expires == neverExpires && (has == "" || has == "0")) {
			rules = append(rules, plan.Rule{Attribute: "accountExpires", Values: []string{expires}})
		}
	}
	if current == nil {
		// It is switched on in a second step, when its password is set: before, the server would refuse.
		return append(rules, plan.Rule{Attribute: "userAccountControl", Values: []string{strconv.Itoa(uacNormal | uacDisabled)}}), nil, nil
	}
	if want.Unlock && entryValue(current, "lockoutTime") != "" && entryValue(current, "lockoutTime") != "0" {
		rules = append(rules, plan.Rule{Attribute: "lockoutTime", Values: []string{"0"}})
	}
	if !s.said && !want.HasPassword {
		return rules, nil, nil
	}
	has := entryValue(current, "userAccountControl")
	bits, err := strconv.ParseInt(has, 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("userAccountControl of %s is %q, which is no number", current.DN, has)
	}
	bits &^= uacDisabled
	if s.barred() {
		bits |= uacDisabled
	}
	return append(rules, plan.Rule{Attribute: "userAccountControl", Values: []string{strconv.FormatInt(bits, 10)}}), nil, nil
}

func (activeDirectory) StatusAfterPassword() bool { return true }

func entryValue(e *plan.Entry, name string) string {
	if e == nil {
		return ""
	}
	return e.Value(name)
}

// fileTime writes a moment as 100 ns steps since 1601.
func fileTime(at event.Millis) string {
	const from1601To1970 = 11644473600000
	return strconv.FormatInt((int64(at)+from1601To1970)*10_000, 10)
}

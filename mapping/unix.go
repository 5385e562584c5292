package mapping

import (
	"math/big"
	"strings"

	"idaas-ldap/plan"
)

// The numbers of users and groups on UNIX have 32 bits. The largest is none: a call that is to become the user with that number changes
// nothing, and leaves a program with the rights that it had (setresuid(2)).
const largestUnixNumber = 1<<32 - 2

// isUnixNumber reports whether an attribute holds the number of a user or group of UNIX (RFC 2307).
func isUnixNumber(attribute string) bool {
	name, _, _ := strings.Cut(plan.AttributeKey(attribute), ";")
	return name == "uidnumber" || name == "gidnumber"
}

// isSuperuser reports whether a system may take a number for that of the superuser: zero, what is zero in 32 bits, and what is all
// ones there.
func isSuperuser(value string) bool {
	n, isNumber := new(big.Int).SetString(strings.TrimSpace(value), 10)
	if !isNumber {
		return false
	}
	low := new(big.Int).And(n, big.NewInt(1<<32-1)).Uint64()
	return low == 0 || low == 1<<32-1
}

// superuserAmong returns why values are not written by a rule, nil where they may be.
func (a *attributeRule) superuserAmong(values []string) error {
	if !a.unixNumber {
		return nil
	}
	for _, v := range values {
		if isSuperuser(v) {
			return wrongValue("%.40q is, or becomes, the number of the superuser, which nobody else gets", v)
		}
	}
	return nil
}

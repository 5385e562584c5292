package ldaptest

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// refusal is an operation that was not done: a result code other than success (RFC 4511 section 4.1.9).
type refusal struct {
	code    uint16
	matched plan.DN
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s (%d): %s", ldap.LDAPResultCodeMap[r.code], r.code, r.message)
}

func refuse(code uint16, format string, args ...any) *refusal {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

// asRefusal returns what an error means on the wire. Every error that is made here is a refusal already.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return &refusal{code: ldap.LDAPResultOther, message: err.Error()}
}

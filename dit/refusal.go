package dit

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Refusal is an operation that was not done: a result code other than success (RFC 4511 section 4.1.9).
type Refusal struct {
	Code uint16
	// Matched is the deepest entry that exists on the way to one that does not.
	Matched plan.DN
	Message string
}

// Error tells the code by name and number.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s (%d): %s", ldap.LDAPResultCodeMap[r.Code], r.Code, r.Message)
}

// Refuse makes a refusal.
func Refuse(code uint16, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsRefusal returns what an error means on the wire. Every error that is made here is a refusal already.
func AsRefusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Code: ldap.LDAPResultOther, Message: err.Error()}
}

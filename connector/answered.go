package connector

import (
	"errors"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Answered returns the error of an operation that a server of this kind has answered with a result code: the one that
// [Directory.Apply] and searches return, for who stands in for a server without the wire between.
func Answered(f Flavour, verb string, dn plan.DN, code uint16, message string) error {
	err := outcome(verb, dn, ldap.NewError(code, errors.New(message)), secret.Text{})
	var refused *OutcomeError
	if errors.As(err, &refused) {
		f.Interpret(refused)
	}
	return err
}

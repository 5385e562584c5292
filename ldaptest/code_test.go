package ldaptest_test

import (
	"errors"

	"github.com/go-ldap/ldap/v3"
)

// asLDAP reports whether an error is a result code of the server, and which.
func asLDAP(err error, to **ldap.Error) bool {
	return errors.As(err, to) && (*to).ResultCode < ldap.ErrorNetwork
}

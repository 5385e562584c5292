package connector

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// AccountName returns the name of the account in a login name of Active Directory: that behind the domain in the form
// DOMAIN\account, or before it in the form account@domain. Another text is returned as it is.
func AccountName(login string) string {
	if _, account, hasDomain := strings.Cut(login, `\`); hasDomain {
		return account
	}
	account, _, _ := strings.Cut(login, "@")
	return account
}

// LoginFilter returns a search filter (RFC 4515) that finds the account with a login name of Active Directory.
func LoginFilter(login string) string {
	return fmt.Sprintf("(|(userPrincipalName=%s)(sAMAccountName=%s))", ldap.EscapeFilter(login), ldap.EscapeFilter(AccountName(login)))
}

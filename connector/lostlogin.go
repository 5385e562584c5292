package connector

import (
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// errLoginLost says that a connection is nobody's any more, although it was opened with our login: it was idle for long, or a
// proxy has put it together anew.
var errLoginLost = errors.New("the connection has lost its login")

// mayLackLogin reports whether what came of a search is what a connection without a login gets as well. To look again on a new
// one does no harm.
func mayLackLogin(err error) bool {
	var unsure *OutcomeError
	if errors.As(err, &unsure) {
		return unsure.Kind == KindUnseen
	}
	return isCode(err, ldap.LDAPResultOperationsError) || isCode(err, ldap.LDAPResultStrongAuthRequired) ||
		isCode(err, ldap.LDAPResultInappropriateAuthentication) || isCode(err, ldap.LDAPResultInsufficientAccessRights)
}

// extensionWhoAmI asks whose a connection is (RFC 4532).
const extensionWhoAmI = ldap.ControlTypeWhoAmI

// lacksLogin reports whether a write was refused because the connection has lost its login, and not because of what was asked
// for. It is made again then, so there must be no doubt: the server says that the connection is nobody's.
func (d *Directory) lacksLogin(conn *pooled, err error) bool {
	var refused *ldap.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.ResultCode {
	case ldap.LDAPResultOperationsError, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultNoSuchObject:
	default:
		return false
	}
	if saysUnbound(refused.Error()) {
		return true
	}
	profile := d.known()
	if profile == nil || !profile.Extensions[extensionWhoAmI] || d.cfg.BindDN == "" && !d.cfg.External {
		return false
	}
	who, err := conn.WhoAmI(nil)
	if err != nil {
		return isCode(err, ldap.LDAPResultOperationsError) || isCode(err, ldap.LDAPResultInappropriateAuthentication)
	}
	return who.AuthzID == ""
}

// saysUnbound recognises the words of Active Directory, of Samba and of others.
func saysUnbound(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "000004dc") || strings.Contains(message, "successful bind must") || strings.Contains(message, "without authentication") ||
		strings.Contains(message, "unauthenticated") || strings.Contains(message, "bind required") || strings.Contains(message, "authentication required")
}

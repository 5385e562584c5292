package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
)

// vocabulary is what entries look like in a directory, written down without a look at how the mapping says it.
type vocabulary struct {
	uniqueID string // the attribute with the server's own stable id
	// userID, unitID and groupID hold the ids of IDaaS.
	userID, unitID, groupID string
	login                   string
	member, placeholder     string
	// spare are attributes that no mapping speaks about.
	userSpare, unitSpare, groupSpare string
	rdnByHand                        string // a name that somebody gives an entry by hand
	// thing is an entry that is neither user, unit nor group.
	thing map[string][]string
	// handmade is a user as somebody else makes one, with an id or, if that is empty, with none; handmadeGroup a group.
	handmade      func(u idaastest.User, id string) map[string][]string
	handmadeGroup func(name string) map[string][]string
	userDN        func(u idaastest.User, unit string) string
	groupDN       func(name string) string
	userIs        func(u idaastest.User) map[string][]string
	memberIs      func(u idaastest.User, dn string) string
}

// inetOrgPerson is the vocabulary of OpenLDAP and 389 DS.
func inetOrgPerson(uniqueID string) vocabulary {
	return vocabulary{
		uniqueID: uniqueID, userID: "employeeNumber", unitID: "businessCategory", groupID: "businessCategory", login: "uid",
		member: "member", placeholder: "cn=nobody," + testBase,
		rdnByHand: "cn=by hand", thing: map[string][]string{"objectClass": {"device"}, "cn": {"printer"}},
		userSpare: "roomNumber", unitSpare: "l", groupSpare: "o",
		userDN: func(u idaastest.User, unit string) string { return "uid=" + ldap.EscapeDN(u.Username) + "," + unit },
		groupDN: func(name string) string {
			return "cn=" + ldap.EscapeDN(name) + ",ou=groups," + testBase
		},
		userIs: func(u idaastest.User) map[string][]string {
			is := map[string][]string{
				"uid": {u.Username}, "employeeNumber": {u.ID}, "cn": {u.DisplayName}, "displayName": {u.DisplayName},
				"mail": {strings.ToLower(u.Email)}, "description": {u.Description},
			}
			for name, values := range is {
				if values[0] == "" {
					is[name] = []string{}
				}
			}
			if u.PhoneVerified {
				is["mobile"] = []string{"+" + u.PhoneRegion + u.PhoneNumber}
			}
			return is
		},
		handmade: func(u idaastest.User, id string) map[string][]string {
			is := map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {u.Username}, "cn": {"By Hand"}, "sn": {"Hand"}}
			if id != "" {
				is["employeeNumber"] = []string{id}
			}
			return is
		},
		handmadeGroup: func(name string) map[string][]string {
			return map[string][]string{"objectClass": {"groupOfNames"}, "cn": {name}}
		},
		memberIs: func(_ idaastest.User, dn string) string { return dn },
	}
}

func (v vocabulary) unitDN(name, above string) string {
	return "ou=" + ldap.EscapeDN(name) + "," + above
}

// attributeOf returns one of three attributes by the kind of object that an id belongs to.
func attributeOf(id, user, unit, group string) string {
	switch {
	case strings.HasPrefix(id, "user_"):
		return user
	case strings.HasPrefix(id, "ou_"):
		return unit
	default:
		return group
	}
}

// byID returns the filter that finds the entry of an object.
func (v vocabulary) byID(id string) string {
	return fmt.Sprintf("(%s=%s)", attributeOf(id, v.userID, v.unitID, v.groupID), ldap.EscapeFilter(id))
}

func (v vocabulary) spareOf(id string) string {
	return attributeOf(id, v.userSpare, v.unitSpare, v.groupSpare)
}

// means are what a server offers beyond what the RFCs ask of all, and which rows behave differently for it.
type means struct {
	// status: it can keep users out by means of its own.
	status bool
	// history: a password that was used before is refused, also where somebody else than the user sets it.
	history bool
	// minLength: a password of less than eight characters is refused.
	minLength bool
	// tooShort and usedBefore are what the server says to such passwords.
	tooShort, usedBefore string
	// lockout: wrong passwords lock an account.
	lockout bool
	// ends: the server itself ends an account at its time.
	ends bool
	// posix: the ready mapping for logins to UNIX is for this server too.
	posix bool
}

// removeTree deletes an entry with everything below it, by hand.
func (d *directory) removeTree(tb testing.TB, dn string) {
	tb.Helper()
	conn := d.reader(tb)
	result, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
	if err != nil {
		if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			return
		}
		tb.Errorf("look below %s: %v", dn, err)
		return
	}
	for _, e := range result.Entries {
		d.removeTree(tb, e.DN)
	}
	if err := conn.Del(ldap.NewDelRequest(dn, nil)); err != nil {
		tb.Errorf("delete %s by hand: %v", dn, err)
	}
}

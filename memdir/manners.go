package memdir

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Definitions returns what the schema of a kind of server has beside that of the RFCs, as far as it is of use here.
func Definitions(kind string) []string {
	switch kind {
	case connector.DS389:
		return []string{
			"attributeTypes: ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE USAGE directoryOperation )",
		}
	case connector.ActiveDirectory:
		return []string{
			attributeOfAD("1.2.840.113556.1.4.8", "userAccountControl", "integerMatch", "27"),
			attributeOfAD("1.2.840.113556.1.4.159", "accountExpires", "integerMatch", "27"),
			attributeOfAD("1.2.840.113556.1.4.662", "lockoutTime", "integerMatch", "27"),
			attributeOfAD("1.2.840.113556.1.4.96", "pwdLastSet", "integerMatch", "27"),
			attributeOfAD("1.2.840.113556.1.4.750", "groupType", "integerMatch", "27"),
			attributeOfAD("1.2.840.113556.1.4.221", "sAMAccountName", "caseIgnoreMatch", "15"),
			attributeOfAD("1.2.840.113556.1.4.656", "userPrincipalName", "caseIgnoreMatch", "15"),
		}
	}
	return nil
}

func attributeOfAD(oid, name, rule, syntax string) string {
	return "attributeTypes: ( " + oid + " NAME '" + name + "' EQUALITY " + rule + " SYNTAX 1.3.6.1.4.1.1466.115.121.1." + syntax + " SINGLE-VALUE )"
}

// Login reports whether somebody can log in with a password.
func (d *Directory) Login(dn plan.DN, password secret.Text) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, found := d.tree.Find(dn)
	return found && !d.barred(d.copies([]*dit.Entry{e}, "*", "+")[0]) && d.tree.Authenticate(dn, password)
}

// barred reports whether a kind of server keeps somebody out by what is no part of the password policy of slapd.
func (d *Directory) barred(e *plan.Entry) bool {
	switch d.profile.Flavour.Name() {
	case connector.DS389:
		return strings.EqualFold(e.Value("nsAccountLock"), "TRUE")
	case connector.ActiveDirectory:
		const disabled = 2
		control, _ := strconv.Atoi(e.Value("userAccountControl")) // what is no number bars nobody
		return control&disabled != 0 || d.ended(e.Value("accountExpires"))
	}
	return false
}

// ended reports whether a moment of Active Directory, in steps of 100 ns since 1601, has come. Two values mean never.
func (d *Directory) ended(moment string) bool {
	const never, toUnix = 1<<63 - 1, 11_644_473_600
	n, err := strconv.ParseInt(moment, 10, 64)
	if err != nil || n == 0 || n == never {
		return false
	}
	return !time.Unix(n/10_000_000-toUnix, 0).After(d.clock())
}

// Schema returns the schema of a kind of server.
func Schema(kind string) (*dit.Schema, error) {
	return dit.ReadSchema(Definitions(kind)...) //nolint:wrapcheck // It says what was tried.
}

// Sketch returns the schema for a sketch of a server of any kind; see [dit.Config].
func Sketch() (*dit.Schema, error) {
	return dit.ReadSketch(slices.Concat(Definitions(connector.DS389), Definitions(connector.ActiveDirectory))...) //nolint:wrapcheck // It says what was tried.
}

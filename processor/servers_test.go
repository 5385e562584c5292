package processor_test

import (
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
)

func TestOpenLDAPRules(t *testing.T) {
	checkRules(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", subtree...), peopleOf(connector.OpenLDAP, "uid"))
}

func Test389DSRules(t *testing.T) {
	checkRules(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml", subtree...), peopleOf(connector.DS389, "uid"))
}

func TestSambaRules(t *testing.T) {
	w := enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml", subtree...)
	checkRules(t, w, peopleOf(connector.ActiveDirectory, "cn"))
	t.Run("what a domain protects is spared", func(t *testing.T) { w.in(t).sparesWhatADomainProtects() })
}

func TestOpenLDAPStatus(t *testing.T) {
	checkStatus(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml"))
}

func Test389DSStatus(t *testing.T) {
	checkStatus(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml"))
}

func TestSambaStatus(t *testing.T) {
	checkStatus(t, enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml"))
}

func TestOpenLDAPPasswords(t *testing.T) {
	a := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access
	checkPasswords(t, a, "openldap.yaml", true)
}

func Test389DSPasswords(t *testing.T) {
	a := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	checkPasswords(t, a, "389ds.yaml", true)
}

// Where an administrator sets a password, the history of a domain is not asked.
func TestSambaPasswords(t *testing.T) {
	a := ldaptest.StartSamba(t).Access
	checkPasswords(t, a, "active-directory.yaml", false)
}

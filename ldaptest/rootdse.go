package ldaptest

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// subschemaDN is the name of the subschema entry, the one that OpenLDAP gives it.
const subschemaDN = "cn=Subschema"

// What is not in go-ldap.
const (
	oidCancel        = "1.3.6.1.1.8"
	oidAssertion     = "1.3.6.1.1.12"
	oidPreRead       = "1.3.6.1.1.13.1"
	oidPostRead      = "1.3.6.1.1.13.2"
	oidPermissive    = "1.2.840.113556.1.4.1413"
	oidIncrement     = "1.3.6.1.1.14"
	oidAllAttributes = "1.3.6.1.4.1.4203.1.5.1"
	oidByClass       = "1.3.6.1.4.1.4203.1.5.2"
	oidTrueFalse     = "1.3.6.1.4.1.4203.1.5.3"
	oidStartTLS      = "1.3.6.1.4.1.1466.20037"
	oidPasswordMod   = "1.3.6.1.4.1.4203.1.11.1"
	oidWhoAmI        = "1.3.6.1.4.1.4203.1.11.3"
)

// supportedControls are the controls that a request may carry.
func supportedControls() []string {
	return []string{ldap.ControlTypePaging, ldap.ControlTypeManageDsaIT, oidAssertion, oidPreRead, oidPostRead, oidPermissive}
}

// rootDSE returns what the server says about itself (RFC 4512 section 5.1).
func (s *Server) rootDSE() []plan.Attribute {
	extensions := []string{oidPasswordMod, oidWhoAmI, oidCancel}
	if s.cfg.TLS != nil {
		extensions = append(extensions, oidStartTLS)
	}
	return []plan.Attribute{
		{Name: "objectClass", Values: []string{"top"}},
		{Name: "structuralObjectClass", Values: []string{"top"}},
		{Name: "namingContexts", Values: []string{s.dir.suffix.String()}},
		{Name: "subschemaSubentry", Values: []string{subschemaDN}},
		{Name: "supportedControl", Values: supportedControls()},
		{Name: "supportedExtension", Values: extensions},
		{Name: "supportedFeatures", Values: []string{oidIncrement, oidAllAttributes, oidByClass, oidTrueFalse}},
		{Name: "supportedLDAPVersion", Values: []string{"3"}},
		{Name: "vendorName", Values: []string{s.cfg.VendorName}},
		{Name: "entryDN", Values: []string{""}},
	}
}

// subschema returns the subschema entry (RFC 4512 section 4.2).
func (s *schema) subschema() []plan.Attribute {
	types := plan.Attribute{Name: "attributeTypes"}
	for _, a := range s.attributeOrder {
		types.Values = append(types.Values, a.definition)
	}
	classes := plan.Attribute{Name: "objectClasses"}
	for _, c := range s.classOrder {
		classes.Values = append(classes.Values, c.definition)
	}
	return []plan.Attribute{
		{Name: "objectClass", Values: []string{"top", "subentry", "subschema", "extensibleObject"}},
		{Name: "structuralObjectClass", Values: []string{"subentry"}},
		{Name: "cn", Values: []string{"Subschema"}},
		types,
		classes,
		{Name: "entryDN", Values: []string{subschemaDN}},
		{Name: "subschemaSubentry", Values: []string{subschemaDN}},
	}
}

// selected returns those attributes of an entry outside the tree that a search asks for. Its filter counts as matching: clients
// read these entries with "(objectClass=*)" or "(objectClass=subschema)".
func (s *schema) selected(attributes []plan.Attribute, r searchRequest) []plan.Attribute {
	var out []plan.Attribute
	for _, a := range attributes {
		desc, err := s.describe(a.Name)
		if err == nil && !r.want.wants(desc) || err != nil && !r.want.operational {
			continue
		}
		if r.typesOnly {
			a.Values = nil
		}
		out = append(out, a)
	}
	return out
}

func isSubschema(dn plan.DN) bool { return strings.EqualFold(dn.String(), subschemaDN) }

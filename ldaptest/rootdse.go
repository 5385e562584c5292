package ldaptest

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

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

// supportedControls are the controls that are announced. As slapd, the server takes the one for permissive modify without
// saying so.
func supportedControls() []string {
	return []string{ldap.ControlTypePaging, ldap.ControlTypeManageDsaIT, oidAssertion, oidPreRead, oidPostRead}
}

// aside returns the entries that are in no tree: what the server says about itself (RFC 4512 section 5.1), and the schema
// (section 4.2). It is nil for every other DN.
func (s *Server) aside(dn plan.DN) *dit.Entry {
	switch {
	case dn.Empty():
		return s.rootDSE
	case s.dir.IsSubschema(dn):
		return s.subschema
	}
	return nil
}

func (s *Server) makeRootDSE() (*dit.Entry, error) {
	extensions := []string{oidPasswordMod, oidWhoAmI, oidCancel}
	if s.cfg.TLS != nil {
		extensions = append(extensions, oidStartTLS)
	}
	return s.dir.Aside(nil,
		plan.Attribute{Name: "objectClass", Values: []string{"top"}},
		plan.Attribute{Name: "structuralObjectClass", Values: []string{"top"}},
		plan.Attribute{Name: "namingContexts", Values: []string{dit.Text(s.dir.Suffix())}},
		plan.Attribute{Name: "subschemaSubentry", Values: []string{dit.SubschemaDN}},
		plan.Attribute{Name: "supportedControl", Values: supportedControls()},
		plan.Attribute{Name: "supportedExtension", Values: extensions},
		plan.Attribute{Name: "supportedFeatures", Values: []string{oidIncrement, oidAllAttributes, oidByClass, oidTrueFalse}},
		plan.Attribute{Name: "supportedLDAPVersion", Values: []string{"3"}},
		plan.Attribute{Name: "vendorName", Values: []string{s.cfg.VendorName}},
		plan.Attribute{Name: "entryDN", Values: []string{""}})
}

func (s *Server) makeSubschema() (*dit.Entry, error) {
	types, classes := s.dir.Definitions()
	now := s.dir.Now()
	return s.dir.Aside(plan.MustParseDN(dit.SubschemaDN),
		plan.Attribute{Name: "objectClass", Values: []string{"top", "subentry", "subschema", "extensibleObject"}},
		plan.Attribute{Name: "structuralObjectClass", Values: []string{"subentry"}},
		plan.Attribute{Name: "cn", Values: []string{"Subschema"}},
		plan.Attribute{Name: "createTimestamp", Values: []string{now}},
		plan.Attribute{Name: "modifyTimestamp", Values: []string{now}},
		plan.Attribute{Name: "attributeTypes", Values: types},
		plan.Attribute{Name: "objectClasses", Values: classes},
		plan.Attribute{Name: "entryDN", Values: []string{dit.SubschemaDN}},
		plan.Attribute{Name: "subschemaSubentry", Values: []string{dit.SubschemaDN}})
}

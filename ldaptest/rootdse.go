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

// supportedControls are the controls that are announced. As slapd, the server takes the one for permissive modify without
// saying so.
func supportedControls() []string {
	return []string{ldap.ControlTypePaging, ldap.ControlTypeManageDsaIT, oidAssertion, oidPreRead, oidPostRead}
}

// aside returns the entries that are in no tree: what the server says about itself (RFC 4512 section 5.1), and the schema
// (section 4.2). It is nil for every other DN.
func (s *Server) aside(dn plan.DN) *entry {
	switch {
	case dn.Empty():
		return s.rootDSE
	case s.dir.schema.isSubschema(dn):
		return s.subschema
	}
	return nil
}

func (s *schema) isSubschema(dn plan.DN) bool { return s.keyOf(dn) == strings.ToLower(subschemaDN) }

func (s *Server) makeRootDSE() (*entry, error) {
	extensions := []string{oidPasswordMod, oidWhoAmI, oidCancel}
	if s.cfg.TLS != nil {
		extensions = append(extensions, oidStartTLS)
	}
	return s.dir.schema.makeAside(nil,
		plan.Attribute{Name: "objectClass", Values: []string{"top"}},
		plan.Attribute{Name: "structuralObjectClass", Values: []string{"top"}},
		plan.Attribute{Name: "namingContexts", Values: []string{dnText(s.dir.suffix)}},
		plan.Attribute{Name: "subschemaSubentry", Values: []string{subschemaDN}},
		plan.Attribute{Name: "supportedControl", Values: supportedControls()},
		plan.Attribute{Name: "supportedExtension", Values: extensions},
		plan.Attribute{Name: "supportedFeatures", Values: []string{oidIncrement, oidAllAttributes, oidByClass, oidTrueFalse}},
		plan.Attribute{Name: "supportedLDAPVersion", Values: []string{"3"}},
		plan.Attribute{Name: "vendorName", Values: []string{s.cfg.VendorName}},
		plan.Attribute{Name: "entryDN", Values: []string{""}})
}

func (s *Server) makeSubschema() (*entry, error) {
	types := plan.Attribute{Name: "attributeTypes"}
	for _, a := range s.dir.schema.attributeOrder {
		types.Values = append(types.Values, a.definition)
	}
	classes := plan.Attribute{Name: "objectClasses"}
	for _, c := range s.dir.schema.classOrder {
		classes.Values = append(classes.Values, c.definition)
	}
	now := s.dir.now()
	return s.dir.schema.makeAside(plan.MustParseDN(subschemaDN),
		plan.Attribute{Name: "objectClass", Values: []string{"top", "subentry", "subschema", "extensibleObject"}},
		plan.Attribute{Name: "structuralObjectClass", Values: []string{"subentry"}},
		plan.Attribute{Name: "cn", Values: []string{"Subschema"}},
		plan.Attribute{Name: "createTimestamp", Values: []string{now}},
		plan.Attribute{Name: "modifyTimestamp", Values: []string{now}},
		types,
		classes,
		plan.Attribute{Name: "entryDN", Values: []string{subschemaDN}},
		plan.Attribute{Name: "subschemaSubentry", Values: []string{subschemaDN}})
}

// makeAside makes an entry outside the tree. It has all its attributes: none is computed.
func (s *schema) makeAside(dn plan.DN, attributes ...plan.Attribute) (*entry, error) {
	e := &entry{suffix: dn, aside: true}
	for _, a := range attributes {
		desc, err := s.describe(a.Name)
		if err != nil {
			return nil, err
		}
		made := &attribute{desc: desc}
		for _, v := range a.Values {
			key, err := s.normalise(desc.typ, v)
			if err != nil {
				return nil, err
			}
			made.insert(v, key)
		}
		e.attributes = append(e.attributes, made)
	}
	return e, nil
}

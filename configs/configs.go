// Package configs holds the ready mapping files, so that the demonstration needs nothing but the binary.
package configs

import _ "embed"

// OpenLDAP is the ready mapping for OpenLDAP with inetOrgPerson.
//
//go:embed mappings/openldap.yaml
var OpenLDAP []byte // Embedded files can only be globals.

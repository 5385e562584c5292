// Package configs holds the ready mapping files, so that the demonstration and the first configuration need nothing but the binary.
package configs

import _ "embed"

// The ready mappings: for OpenLDAP with inetOrgPerson, for OpenLDAP with accounts for UNIX, for Active Directory, and for 389 Directory
// Server. Embedded files can only be globals.
var (
	//go:embed mappings/openldap.yaml
	OpenLDAP []byte
	//go:embed mappings/openldap-posix.yaml
	OpenLDAPPosix []byte
	//go:embed mappings/active-directory.yaml
	ActiveDirectory []byte
	//go:embed mappings/389ds.yaml
	DS389 []byte
)

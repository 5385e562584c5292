package ldaptest

// Access is how a running directory is reached, and as whom.
type Access struct {
	// URL and TLSURL are where it listens. The first is ldap://, where it also does StartTLS, the second ldaps://.
	URL, TLSURL string
	// CAFile holds the certificate that vouches for the server's, as PEM.
	CAFile string
	// BindDN and Password are those of an account that may write where it has to and nowhere else. AdminDN is the
	// administrator's, with the same password.
	BindDN, Password, AdminDN string
}

// What the directories have in common that tests start.
const (
	testSuffix    = "dc=example,dc=org"
	testConnector = "cn=connector,ou=system,dc=example,dc=org"
	testPassword  = "secret"
)

// Content is what slapd and 389 DS hold when they start, as LDIF, so that the directory in memory can be given the same. The
// password of cn=connector,ou=system is "secret".
const Content = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=system,dc=example,dc=org
objectClass: organizationalUnit
ou: system

dn: cn=connector,ou=system,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: connector
userPassword: ` + testPassword + `

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=leavers,dc=example,dc=org
objectClass: organizationalUnit
ou: leavers
`

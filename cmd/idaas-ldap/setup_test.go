package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// mappingsFolder returns the folder of the ready mappings.
func mappingsFolder(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../configs/mappings")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	suffix   = "dc=example,dc=org"
	adminDN  = "cn=admin," + suffix
	password = "the admin's"
)

// startDirectory starts a directory in memory with people and groups.
func startDirectory(t *testing.T, more string) *ldaptest.Server {
	t.Helper()
	return startDirectoryWith(t, ldaptest.Config{LDIF: more})
}

// startDirectoryWith does the same with settings of the directory; its content comes on top of people and groups.
func startDirectoryWith(t *testing.T, cfg ldaptest.Config) *ldaptest.Server {
	t.Helper()
	cfg.AdminDN, cfg.AdminPassword, cfg.Placeholder = adminDN, secret.New(password), "cn=nobody,"+suffix
	cfg.LDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=example,dc=org
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE

` + cfg.LDIF
	server, err := ldaptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// writeConfig writes a configuration with an application that the caller describes, and returns its path.
func writeConfig(t *testing.T, folder, receiver, application, url string) string {
	t.Helper()
	text := fmt.Sprintf(`receiver: { %s }
applications:
%s
store: { url: "sqlite:store.db", key_file: store.key }
directories:
  - name: corp
    urls: [%q]
    bind_dn: %q
    bind_password: %q
    mapping: %q
    timeout: 5s
admin: { listen: "127.0.0.1:0" }
`, receiver, application, url, adminDN, password, filepath.Join(mappingsFolder(t), "openldap.yaml"))
	path := filepath.Join(folder, "idaas-ldap.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// call runs a command line in this process.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), terminal{In: bytes.NewReader(nil), Out: &stdout, Err: &stderr}, args)
	return code, stdout.String(), stderr.String()
}

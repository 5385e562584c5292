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
func mappingsFolder(tb testing.TB) string {
	tb.Helper()
	path, err := filepath.Abs("../../configs/mappings")
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

const (
	suffix   = "dc=example,dc=org"
	adminDN  = "cn=admin," + suffix
	password = "the admin's"
)

// startDirectory starts a directory in memory with people and groups.
func startDirectory(tb testing.TB, more string) *ldaptest.Server {
	tb.Helper()
	return startDirectoryWith(tb, ldaptest.Config{LDIF: more})
}

// startDirectoryWith does the same with settings of the directory; its content comes on top of people and groups.
func startDirectoryWith(tb testing.TB, cfg ldaptest.Config) *ldaptest.Server {
	tb.Helper()
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
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

// writeConfig writes a configuration with an application that the caller describes, and returns its path.
func writeConfig(tb testing.TB, folder, receiver, application, url string) string {
	tb.Helper()
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
    timeout: 1m
admin: { listen: "127.0.0.1:0" }
`, receiver, application, url, adminDN, password, filepath.Join(mappingsFolder(tb), "openldap.yaml"))
	path := filepath.Join(folder, "idaas-ldap.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
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

package acceptance_test

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// directory is a directory that the product is tried on, and how the truth about it is read.
type directory struct {
	vocabulary
	can     means
	kind    ldaptest.ServerKind // the program, empty for the directory in memory
	url, ca string
	// through is where the product connects to, where that is not the server itself.
	through          string
	bindDN, password string
	// readDN is who reads the truth and writes by hand: somebody whom no limit holds back.
	readDN, readPassword string
	mapping              string // path of the mapping file
	edits, adopting      []edit // adopting lets units and groups be taken over by their names
	base, people, groups string
	leavers              string // where those are kept who are not deleted
	// posix is the same directory for the mapping of logins to UNIX, nil where there is none for the server.
	posix *directory
	// writes returns what the connector's account has written since the start, nil where the server keeps no such log.
	writes func(tb testing.TB) []ldaptest.Write
	// troubles are what can go wrong with it for a while; a directory with troubles refuses one address in twenty.
	troubles []trouble

	mu   sync.Mutex
	conn *ldap.Conn
}

// dial opens a connection of its own.
func (d *directory) dial(tb testing.TB) *ldap.Conn {
	tb.Helper()
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.ca != "" {
		pem, err := os.ReadFile(d.ca)
		if err != nil {
			tb.Fatal(err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	conn, err := ldap.DialURL(d.url, ldap.DialWithTLSConfig(config))
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

// reader returns the connection for looking at the truth, and for what an administrator does by hand.
func (d *directory) reader(tb testing.TB) *ldap.Conn {
	tb.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && !d.conn.IsClosing() {
		return d.conn
	}
	d.conn = d.dial(tb)
	if err := d.conn.Bind(d.readDN, d.readPassword); err != nil {
		tb.Fatal(err)
	}
	return d.conn
}

// close ends the connection of reader.
func (d *directory) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.Close() // it was only read from
	}
}

// search returns what a filter finds below the base.
func (d *directory) search(tb testing.TB, filter string, attributes ...string) []*ldap.Entry {
	tb.Helper()
	request := ldap.NewSearchRequest(d.base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, append(attributes, "*"), nil)
	result, err := d.reader(tb).SearchWithPaging(request, 500)
	if err != nil {
		tb.Fatalf("search %s: %v", filter, err)
	}
	return result.Entries
}

// find returns the one entry that a filter finds, nil if there is none.
func (d *directory) find(tb testing.TB, filter string, attributes ...string) *ldap.Entry {
	tb.Helper()
	entries := d.search(tb, filter, attributes...)
	switch len(entries) {
	case 0:
		return nil
	case 1:
		return entries[0]
	}
	tb.Fatalf("%d entries match %s: %s and %s", len(entries), filter, entries[0].DN, entries[1].DN)
	return nil
}

// user returns the entry of a user, by the IDaaS id.
func (d *directory) user(tb testing.TB, id string, attributes ...string) *ldap.Entry {
	tb.Helper()
	return d.find(tb, d.byID(id), attributes...)
}

// canBind reports whether somebody can log in with a password.
func (d *directory) canBind(tb testing.TB, dn, password string) bool {
	tb.Helper()
	conn := d.dial(tb)
	defer func() { _ = conn.Close() }()
	err := conn.Bind(dn, password)
	// 389 tells in its own way that it has locked an account: 19.
	if err != nil && !ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultConstraintViolation, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInappropriateAuthentication) {
		tb.Fatalf("bind as %s: %v", dn, err)
	}
	return err == nil
}

// tree returns everything in the units that are ours to fill, by DN.
func (d *directory) tree(tb testing.TB) map[string]map[string][]string {
	tb.Helper()
	out := map[string]map[string][]string{}
	for _, base := range []string{d.people, d.groups, d.leavers} {
		request := ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"*"}, nil)
		result, err := d.reader(tb).SearchWithPaging(request, 500)
		if err != nil {
			tb.Fatalf("read %s: %v", base, err)
		}
		for _, e := range result.Entries {
			attributes := map[string][]string{}
			for _, a := range e.Attributes {
				attributes[strings.ToLower(a.Name)] = slices.Sorted(slices.Values(a.Values))
			}
			maps.DeleteFunc(attributes, func(name string, _ []string) bool { return slices.Contains(volatile, name) })
			out[e.DN] = attributes
		}
	}
	return out
}

// volatile are attributes of Active Directory that change whenever something is written, and come without being asked for.
var volatile = []string{"usnchanged", "whenchanged", "dscorepropagationdata"}

const testBase = "dc=example,dc=org"

// sameDN compares DNs as directories do.
func sameDN(a, b string) bool {
	x, errX := ldap.ParseDN(a)
	y, errY := ldap.ParseDN(b)
	return errX == nil && errY == nil && x.EqualFold(y)
}

func wantDN(tb testing.TB, e *ldap.Entry, dn string) {
	tb.Helper()
	if e == nil {
		tb.Fatalf("there is no entry; want %s", dn)
	}
	if !sameDN(e.DN, dn) {
		tb.Fatalf("the entry is %s; want %s", e.DN, dn)
	}
}

func wantValues(tb testing.TB, e *ldap.Entry, attribute string, want ...string) {
	tb.Helper()
	got := e.GetEqualFoldAttributeValues(attribute)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		tb.Fatalf("%s of %s is %q; want %q", attribute, e.DN, got, want)
	}
}

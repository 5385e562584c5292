package ldaptest_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// requests are what go-ldap sends for operations of every kind, as seeds.
func requests(tb testing.TB) [][]byte {
	tb.Helper()
	const dn = "uid=ann,ou=people,dc=example,dc=org"
	add := ldap.NewAddRequest("uid=cid,"+peopleDN, []ldap.Control{ldap.NewControlManageDsaIT(true)})
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("cn", []string{"Cid", "王伟"})
	modify := ldap.NewModifyRequest(dn, []ldap.Control{ldap.NewControlString(permissive, true, ""), entryControl(postRead, true, "*", "+")})
	modify.Replace("mail", []string{"ann@example.org"})
	modify.Increment("uidNumber", "1")
	modify.Delete("title", nil)
	const filter = "(&(|(cn=a*b*c)(!(uid>=x)))(sn~=y)(:dn:caseExactMatch:=z)(objectClass=*)(&))"
	search := ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, 0, 10, 10, true, filter, []string{"*", "+", "@person", "1.1"}, []ldap.Control{ldap.NewControlPaging(2)})
	var out [][]byte
	for _, do := range []func(*ldap.Conn){
		func(c *ldap.Conn) { _ = c.Bind(adminDN, adminPW) }, // what comes of any of these is of no interest
		func(c *ldap.Conn) { _ = c.Add(add) },
		func(c *ldap.Conn) { _ = c.Modify(modify) },
		func(c *ldap.Conn) {
			_ = c.ModifyDN(ldap.NewModifyDNRequest(dn, "uid=bo\\2Cb", true, "dc=example,dc=org"))
		},
		func(c *ldap.Conn) { _ = c.Del(ldap.NewDelRequest(dn, nil)) },
		func(c *ldap.Conn) { _, _ = c.Compare(dn, "cn", "Ann") },
		func(c *ldap.Conn) { _, _ = c.Search(search) },
		func(c *ldap.Conn) { _, _ = c.WhoAmI(nil) },
		func(c *ldap.Conn) { _, _ = c.PasswordModify(ldap.NewPasswordModifyRequest(dn, "old", "new")) },
	} {
		out = append(out, sent(tb, do))
	}
	return out
}

// sent returns the first request that a client sends.
func sent(tb testing.TB, do func(*ldap.Conn)) []byte {
	tb.Helper()
	ours, theirs := net.Pipe()
	c := ldap.NewConn(theirs, false)
	c.Start()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(c)
	}()
	buffer := make([]byte, 4096)
	n, err := ours.Read(buffer)
	if err != nil {
		tb.Fatal(err)
	}
	_ = ours.Close() // the client is left without an answer
	<-done
	_ = c.Close()
	return buffer[:n]
}

// FuzzRequests sends anything to the server after a good bind: it answers or ends the connection, and goes on serving others.
func FuzzRequests(f *testing.F) {
	seeds := requests(f)
	bind := seeds[0]
	for i, s := range seeds {
		f.Add(s)
		f.Add(append(append([]byte{}, s...), seeds[(i+1)%len(seeds)]...))
		f.Add(s[:len(s)-1])
	}
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02})               // long
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x01, 0x00, 0x00})               // of no certain length
	f.Add(append([]byte{0x30, 0x82, 0x02, 0x00}, make([]byte, 0x200)...)) // of nothing
	nested := []byte{0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x01, 0x63, 0x82, 0x03, 0xf0}
	f.Add(append(nested, strings.Repeat("\xa2\x7f", 500)...)) // not not not
	s, err := ldaptest.Start(ldaptest.Config{AdminPassword: secret.New(adminPW), LDIF: small, MaxMessage: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	other, err := ldap.DialURL(s.URL())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		_ = other.Close()
		s.Close()
	})
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "ldap://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()                            // it was read to its end
		_, _ = conn.Write(append(append([]byte{}, bind...), input...)) // the server may have ended it before all was sent
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn) // to the end
		if _, err := other.WhoAmI(nil); err != nil {
			t.Fatalf("the server does not serve others any more: %v", err)
		}
	})
}

// FuzzLoadLDIF loads any text: all of it or nothing.
func FuzzLoadLDIF(f *testing.F) {
	f.Add(small)
	f.Add("version: 1\n# a comment\n folded\ndn:: Y249YQ==\nobjectClass: device\ncn: a\n")
	f.Add("dn: cn=a,dc=example,dc=org\nobjectClass: device\ncn: a\n\ndn: cn=b,cn=none,dc=example,dc=org\nobjectClass: device\n")
	f.Add("dn: cn=a,dc=example,dc=org\nobjectClass: groupOfNames\nmember: \nmember: cn=a,dc=example,dc=org\njpegPhoto:< file:///etc/passwd\n")
	f.Add("dn: uid=a+cn=b,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: a\nsn;lang-de: s\nuserPassword: {SSHA}x\nentryUUID: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ldaptest.Start(ldaptest.Config{AdminPassword: secret.New(adminPW)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		before := s.LDIF("entryUUID", "memberOf")
		if err := s.LoadLDIF(text); err != nil && s.LDIF("entryUUID", "memberOf") != before {
			t.Errorf("after %v there is something of it:\n%s", err, s.LDIF())
		}
	})
}

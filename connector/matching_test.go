package connector_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// asked is a server that says itself what it takes for one, beside what our code says of it.
type asked struct {
	*testing.T
	conn     *ldap.Conn
	matching plan.Matching
	class    string
	probe    string
}

func TestOpenLDAPMatching(t *testing.T) {
	a := ask(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, "inetOrgPerson")
	a.text("description", "labeledURI")
	a.names()
	a.letters("description")
	a.values("telephoneNumber", "+1 555-1234", "+15551234")
	a.values("x121Address", "12 34", "1234")
	a.values("postalAddress", "A $ b", "a$b")
	a.values("mail", "A@example.org", "a@example.org")
	a.values("seeAlso", "gn=A,dc=example,dc=org", "givenName=a,dc=example,dc=org")
	a.values("seeAlso", "cn=A+sn=B,dc=example,dc=org", "sn=b+cn=a,dc=example,dc=org")
	a.values("seeAlso", "telephoneNumber=1-2,dc=example,dc=org", "telephoneNumber=12,dc=example,dc=org")
	a.values("seeAlso", "labeledURI=A,dc=example,dc=org", "labeledURI=a,dc=example,dc=org")
	a.values("preferredLanguage", "EN", "en")
	a.class = "extensibleObject"
	a.values("pwdEndTime", "20260101000000Z", "20260101000000.0Z")
	a.values("pwdEndTime", "20260101000000Z", "20260101013000+0130")
	a.values("pwdEndTime", "20260101000000Z", "202601010000Z")
	a.values("pwdEndTime", "20260101000000Z", "20260101000001Z")
	a.values("memberUid", "Ann", "ann")
	a.values("uniqueMember", "cn=A,dc=example,dc=org", "cn=a,dc=example,dc=org")
	a.values("uniqueMember", "cn=A,dc=example,dc=org#'01'B", "cn=a,dc=example,dc=org#'01'B")
	a.comparable("facsimileTelephoneNumber", "+1 555", "+1 556")
	a.comparable("jpegPhoto", "\xff\xd8\xff\xe0a", "\xff\xd8\xff\xe0b")
	a.comparable("telephoneNumber", "+1 555", "+1 556")
}

func Test389DSMatching(t *testing.T) {
	a := ask(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, "inetOrgPerson")
	a.text("description", "labeledURI")
	a.names()
	a.letters("description")
	a.values("telephoneNumber", "+1 555-1234", "+15551234")
	a.values("postalAddress", "A $ b", "a$b")
	a.values("mail", "A@example.org", "a@example.org")
	a.values("seeAlso", "gn=A,dc=example,dc=org", "givenName=A,dc=example,dc=org")
	a.values("seeAlso", "telephoneNumber=1-2,dc=example,dc=org", "telephoneNumber=12,dc=example,dc=org")
	a.values("seeAlso", "labeledURI=A,dc=example,dc=org", "labeledURI=a,dc=example,dc=org")
	a.class = "extensibleObject"
	a.values("pwdEndTime", "20260101000000Z", "20260101000000.0Z")
	a.values("pwdEndTime", "20260101000000Z", "202601010000Z")
	a.values("memberUid", "Ann", "ann")
	a.values("nsAccountLock", "TRUE", "true")
}

func TestSambaMatching(t *testing.T) {
	a := ask(t, ldaptest.StartSamba(t).Access, "user")
	a.text("url")
	a.names()
	a.letters("url")
	a.values("gecos", "Ann", "ann")
	a.values("gecos", "a  b", "a b")
	a.values("unixHomeDirectory", "/Home", "/home")
	a.values("telephoneNumber", "+1 555-1234", "+15551234")
	a.values("postalAddress", "A $ b", "a$b")
	a.values("x121Address", "12 34", "1234")
	a.values("uid", "Ann", "ann")
	a.values("seeAlso", "cn=krbtgt,cn=users,dc=example,dc=org", "CN=KRBTGT, cn=Users,dc=example,dc=org")
	a.values("mail", "A@example.org", "a@example.org")
	a.values("jpegPhoto", "abc", "abC")
}

// isToldApart checks that a server has a stable id of the base by which it is told from another one.
func isToldApart(t *testing.T, cfg connector.Config) {
	t.Helper()
	remembered := &identities{}
	cfg.Identities = remembered
	for range 2 {
		if err := openDirectory(t, cfg).Check(t.Context(), baseDN); err != nil {
			t.Fatal(err)
		}
	}
	remembered.id.Store("of-before")
	wantKind(t, openDirectory(t, cfg).Check(t.Context(), baseDN), connector.KindUnseen)
}

func ask(t *testing.T, access ldaptest.Access, class string) *asked {
	t.Helper()
	cfg := connector.Config{
		Type: "auto", URLs: []string{access.URL}, BindDN: access.AdminDN, StartTLS: true,
		Credentials: connector.Fixed(connector.Credentials{TLS: trusting(t, access), BindPassword: secret.New(access.Password)}),
	}
	isToldApart(t, cfg)
	d := openDirectory(t, cfg)
	profile, err := d.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ldap.DialURL(access.TLSURL, ldap.DialWithTLSConfig(trusting(t, access)))
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
		err = conn.Bind(access.AdminDN, access.Password)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &asked{T: t, conn: conn, matching: profile.Matching, class: class, probe: "cn=probe," + people}
}

// pairs are spellings that some server takes for one.
func pairs() [][2]string {
	return [][2]string{
		{"Lee", "lee"},
		{"É", "é"},
		{"\u00e9", "e\u0301"},
		{"É", "e\u0301"},
		{"研发（一）", "研发(一)"},
		{"ｶ", "カ"},
		{"Ａ", "ａ"},
		{"Ａ", "a"},
		{"a  b", "a b"},
		{"a \t b", "a b"},
		{"a\tb", "a b"},
		{"a\nb", "a b"},
		{" a", "a"},
		{"a ", "a"},
		{"a   b", "a  b"},
		{"a\u00a0b", "a b"},
		{"a\u3000b", "a b"},
		{"a\u2003b", "a b"},
		{"ß", "ss"},
		{"ß", "ẞ"},
		{"İ", "i"},
		{"İ", "i\u0307"},
		{"ı", "i"},
		{"ı", "I"},
		{"Σ", "ς"},
		{"σ", "ς"},
		{"Σ", "σ"},
		{"a\u200db", "ab"},
		{"a\u200bb", "ab"},
		{"a\u00adb", "ab"},
		{"a\ufeffb", "ab"},
		{"a\ufe0fb", "ab"},
		{"a\u180eb", "ab"},
		{"a\u200eb", "ab"},
		{"ﬁ", "fi"},
		{"\u212a", "k"},
		{"\u212b", "å"},
		{"Ä", "A"},
		{"Ǆ", "ǆ"},
		{"ǅ", "ǆ"},
		{"Ⅷ", "viii"},
		{"Ⅷ", "ⅷ"},
		{"™", "tm"},
		{"™", "TM"},
		{"あ", "ア"},
		{"Ж", "ж"},
		{"Ա", "ա"},
		{"𐐀", "𐐨"},
		{"Ω", "ω"},
		{"Ⓐ", "ⓐ"},
		{"ſ", "s"},
		{"µ", "μ"},
		{"①", "1"},
		{"㈱", "(株)"},
		{"a\u0301\u0323", "a\u0323\u0301"},
		{"한", "\u1112\u1161\u11ab"},
		{"\uf900", "\u8c48"},
		{"\ufa10", "\u585a"},
		{"e\u0301", "e"},
		{"ǰ", "J\u030c"},
		{"𝟎", "0"},
		{"①\uf900①", "1\uf9001"},
	}
}

// hold makes the probe have one value, and reports whether the server takes it.
func (a *asked) hold(attribute, value string) bool {
	a.Helper()
	_ = a.conn.Del(ldap.NewDelRequest(a.probe, nil))
	add := ldap.NewAddRequest(a.probe, nil)
	classes := []string{a.class}
	if a.class == "extensibleObject" {
		classes = append(classes, "inetOrgPerson")
	}
	add.Attribute("objectClass", classes)
	add.Attribute("sn", []string{"x"})
	add.Attribute(attribute, []string{value})
	return a.conn.Add(add) == nil
}

// finds reports whether the server finds the probe by a value.
func (a *asked) finds(attribute, value string) bool {
	a.Helper()
	filter := fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(value))
	found, err := a.conn.Search(ldap.NewSearchRequest(a.probe, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"1.1"}, nil))
	if err != nil {
		a.Fatalf("%s: %v", filter, err)
	}
	return len(found.Entries) > 0
}

// values compares what the server says of two values with what we say.
func (a *asked) values(attribute, x, y string) {
	a.Helper()
	if !a.hold(attribute, x) {
		a.Errorf("%s: %q is refused", attribute, x)
		return
	}
	if server, ours := a.finds(attribute, y), a.matching.Equal(attribute, x, y); server != ours {
		a.Errorf("%s: %q and %q are one to the server: %t; to us: %t", attribute, x, y, server, ours)
	}
}

func (a *asked) text(attributes ...string) {
	a.Helper()
	for _, attribute := range attributes {
		for _, p := range pairs() {
			a.values(attribute, p[0], p[1])
		}
	}
}

// names compares what the server says of two names with what we say, and that [plan.DN.Equal] claims no more, and [plan.DN.Key] no
// less.
func (a *asked) names() {
	a.Helper()
	for _, p := range pairs() {
		var dns [2]plan.DN
		var errs [2]error
		for i, name := range p {
			dns[i] = plan.MustParseDN(people).Child(plan.RDN{{Type: "ou", Value: name}})
			add := ldap.NewAddRequest(dns[i].String(), nil)
			add.Attribute("objectClass", []string{"organizationalUnit"})
			errs[i] = a.conn.Add(add)
		}
		for _, dn := range dns {
			_ = a.conn.Del(ldap.NewDelRequest(dn.String(), nil))
		}
		server := ldap.IsErrorWithCode(errs[1], ldap.LDAPResultEntryAlreadyExists)
		if errs[0] != nil || errs[1] != nil && !server {
			a.Errorf("ou=%q and ou=%q: %v, %v", p[0], p[1], errs[0], errs[1])
			continue
		}
		if ours := plan.SameDN(a.matching, dns[0], dns[1]); server != ours {
			a.Errorf("ou=%q and ou=%q are one to the server: %t; to us: %t", p[0], p[1], server, ours)
		}
		if dns[0].Equal(dns[1]) && !server {
			a.Errorf("ou=%q and ou=%q are two to the server, and Equal takes them for one everywhere", p[0], p[1])
		}
		if sigma := p[1] == "ς"; server && dns[0].Key() != dns[1].Key() && !sigma {
			a.Errorf("ou=%q and ou=%q are one to the server and have two keys", p[0], p[1])
		}
	}
}

// letters asks about every character that has another case or another composition.
func (a *asked) letters(attribute string) {
	a.Helper()
	wrong := 0
	for c := rune(0x80); c < 0x20000; c++ {
		if !unicode.IsPrint(c) || c >= 0xac00 && c < 0xd7a4 {
			continue
		}
		others := map[string]bool{string(unicode.ToLower(c)): true, string(unicode.ToUpper(c)): true, norm.NFKC.String(string(c)): true, norm.NFD.String(string(c)): true}
		delete(others, string(c))
		if len(others) == 0 {
			continue
		}
		replace := ldap.NewModifyRequest(a.probe, nil)
		replace.Replace(attribute, []string{"q" + string(c) + "q"})
		if err := a.conn.Modify(replace); err != nil {
			a.Fatal(err)
		}
		for other := range others {
			if strings.ContainsAny(other, `*()\`) {
				continue // Samba makes a filter of an assertion.
			}
			server, err := a.conn.Compare(a.probe, attribute, "q"+other+"q")
			if err != nil {
				a.Fatal(err)
			}
			ours := a.matching.Equal(attribute, "q"+string(c)+"q", "q"+other+"q")
			if wrong += b2i(server != ours); server != ours && wrong < 50 {
				a.Errorf("%s: %U (%c) and %+q (%s) are one to the server: %t; to us: %t", attribute, c, c, other, other, server, ours)
			}
		}
	}
	if wrong > 0 {
		a.Errorf("%d characters are compared otherwise than by the server", wrong)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// comparable compares whether the server adds a value beside another one with what we say.
func (a *asked) comparable(attribute, x, y string) {
	a.Helper()
	if !a.hold(attribute, x) {
		a.Errorf("%s: %q is refused", attribute, x)
		return
	}
	add := ldap.NewModifyRequest(a.probe, nil)
	add.Add(attribute, []string{y})
	err := a.conn.Modify(add)
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultInappropriateMatching) {
		a.Errorf("%s: %v", attribute, err)
	}
	if ours := a.matching.Comparable(attribute); ours != (err == nil) {
		a.Errorf("%s: a second value gives %v; we say that it can be compared: %t", attribute, err, ours)
	}
}

func trusting(t *testing.T, access ldaptest.Access) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(access.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	return config
}

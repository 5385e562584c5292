package ldaptest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	adminDN  = "cn=admin,dc=example,dc=org"
	adminPW  = "admin-password"
	peopleDN = "ou=people,dc=example,dc=org"
)

// small is a directory with a unit, two people and a group.
const small = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Lee
mail: ann@example.org
userPassword: ann-password

dn: uid=bob,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Ray
manager: uid=ann,ou=people,dc=example,dc=org
userPassword: bob-password

dn: cn=team,dc=example,dc=org
objectClass: groupOfNames
cn: team
member: uid=ann,ou=people,dc=example,dc=org
member: uid=bob,ou=people,dc=example,dc=org
`

// start serves a directory until the test ends.
func start(t *testing.T, cfg ldaptest.Config) *ldaptest.Server {
	t.Helper()
	if cfg.AdminPassword.Empty() {
		cfg.AdminPassword = secret.New(adminPW)
	}
	s, err := ldaptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// dial connects and binds as the administrator.
func dial(t *testing.T, url string) *ldap.Conn {
	t.Helper()
	return connect(t, url, adminDN, adminPW)
}

func connect(t *testing.T, url, dn, password string) *ldap.Conn {
	t.Helper()
	c := anonymous(t, url)
	if err := c.Bind(dn, password); err != nil {
		t.Fatal(err)
	}
	return c
}

func anonymous(t *testing.T, url string) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func wantCode(t *testing.T, err error, code uint16) {
	t.Helper()
	got := uint16(0)
	var e *ldap.Error
	if err != nil && !asLDAP(err, &e) {
		t.Fatalf("got %v, want code %d", err, code)
	}
	if e != nil {
		got = e.ResultCode
	}
	if got != code {
		t.Fatalf("got %d (%v), want %d", got, err, code)
	}
}

func search(t *testing.T, c *ldap.Conn, filter string, attributes ...string) []*ldap.Entry {
	t.Helper()
	r, err := c.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil))
	if err != nil {
		t.Fatalf("search %s: %v", filter, err)
	}
	return r.Entries
}

// names returns the first RDN values of entries, sorted.
func names(entries []*ldap.Entry) string {
	var out []string
	for _, e := range entries {
		rdn, _, _ := strings.Cut(e.DN, ",")
		_, value, _ := strings.Cut(rdn, "=")
		out = append(out, value)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestADirectoryAnswersOverARealSocket(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	c := dial(t, s.URL())

	add := ldap.NewAddRequest("uid=cid,"+peopleDN, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("cn", []string{"Cid, the 3rd"})
	add.Attribute("sn", []string{"王"})
	if err := c.Add(add); err != nil {
		t.Fatal(err)
	}
	modify := ldap.NewModifyRequest("UID=cid,"+peopleDN, nil)
	modify.Replace("mail", []string{"cid@example.org"})
	modify.Add("title", []string{"chief"})
	if err := c.Modify(modify); err != nil {
		t.Fatal(err)
	}
	got := search(t, c, "(&(objectClass=person)(mail=CID@example.org))", "*", "+")
	if names(got) != "cid" || got[0].GetAttributeValue("uid") != "cid" || got[0].GetAttributeValue("entryUUID") == "" || got[0].GetAttributeValue("sn") != "王" {
		t.Fatalf("search found %v", got)
	}
	if err := c.ModifyDN(ldap.NewModifyDNRequest("uid=cid,"+peopleDN, "uid=sid", true, "dc=example,dc=org")); err != nil {
		t.Fatal(err)
	}
	after := s.Entry("uid=sid,dc=example,dc=org")
	if after == nil || after.Link != got[0].GetAttributeValue("entryUUID") || !slices.Equal(after.Values("uid"), []string{"sid"}) {
		t.Fatalf("after modrdn: %+v", after)
	}
	if err := c.Del(ldap.NewDelRequest("uid=sid,dc=example,dc=org", nil)); err != nil {
		t.Fatal(err)
	}
	var journal []string
	for _, r := range s.Journal() {
		journal = append(journal, r.String())
	}
	want := []string{
		"add uid=cid,ou=people,dc=example,dc=org",
		"modify uid=cid,ou=people,dc=example,dc=org replace:mail add:title",
		"modrdn uid=cid,ou=people,dc=example,dc=org -> uid=sid,dc=example,dc=org",
		"delete uid=sid,dc=example,dc=org",
	}
	if !slices.Equal(journal, want) {
		t.Errorf("journal:\n%s", strings.Join(journal, "\n"))
	}
}

func TestBind(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	c := anonymous(t, s.URL())
	wantCode(t, c.Bind("uid=ann,"+peopleDN, "ann-password"), 0)
	wantCode(t, c.Bind("uid=ann,"+peopleDN, "wrong"), ldap.LDAPResultInvalidCredentials)
	wantCode(t, c.Bind("uid=nobody,"+peopleDN, "ann-password"), ldap.LDAPResultInvalidCredentials)
	wantCode(t, c.Bind("no DN", "x"), ldap.LDAPResultInvalidDNSyntax)
	wantCode(t, c.UnauthenticatedBind(""), 0)
	wantCode(t, c.Del(ldap.NewDelRequest("uid=ann,"+peopleDN, nil)), ldap.LDAPResultStrongAuthRequired)

	wantCode(t, c.Bind("uid=ann,"+peopleDN, "ann-password"), 0)
	wantCode(t, c.Del(ldap.NewDelRequest("uid=ann,"+peopleDN, nil)), ldap.LDAPResultInsufficientAccessRights)
	who, err := c.WhoAmI(nil)
	if err != nil || who.AuthzID != "dn:uid=ann,"+peopleDN {
		t.Errorf("who am I: %+v, %v", who, err)
	}
	if got := search(t, c, "(uid=bob)"); names(got) != "bob" || got[0].GetAttributeValue("userPassword") != "" {
		t.Errorf("an ordinary account reads %v", got)
	}
}

func TestPasswordModify(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small, Passwords: ldaptest.PasswordPolicy{MinLength: 8, History: 2}})
	c := dial(t, s.URL())
	if _, err := c.PasswordModify(ldap.NewPasswordModifyRequest("uid=ann,"+peopleDN, "", "new-password")); err != nil {
		t.Fatal(err)
	}
	user := anonymous(t, s.URL())
	wantCode(t, user.Bind("uid=ann,"+peopleDN, "new-password"), 0)
	wantCode(t, user.Bind("uid=ann,"+peopleDN, "ann-password"), ldap.LDAPResultInvalidCredentials)
	if stored := s.Entry("uid=ann," + peopleDN).Value("userPassword"); !strings.HasPrefix(stored, "{SSHA512}") {
		t.Error("the password is not hashed")
	}
	_, err := c.PasswordModify(ldap.NewPasswordModifyRequest("uid=ann,"+peopleDN, "", "short"))
	wantCode(t, err, ldap.LDAPResultConstraintViolation)
	_, err = c.PasswordModify(ldap.NewPasswordModifyRequest("uid=ann,"+peopleDN, "", "ann-password"))
	wantCode(t, err, ldap.LDAPResultConstraintViolation)

	made, err := c.PasswordModify(ldap.NewPasswordModifyRequest("uid=bob,"+peopleDN, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, user.Bind("uid=bob,"+peopleDN, made.GeneratedPassword), 0)
	_, err = user.PasswordModify(ldap.NewPasswordModifyRequest("", made.GeneratedPassword, "my-own-choice"))
	wantCode(t, err, 0)
	wantCode(t, user.Bind("uid=bob,"+peopleDN, "my-own-choice"), 0)
	_, err = user.PasswordModify(ldap.NewPasswordModifyRequest("uid=ann,"+peopleDN, "", "her-password"))
	wantCode(t, err, ldap.LDAPResultInsufficientAccessRights)
}

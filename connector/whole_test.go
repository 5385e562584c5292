package connector_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// reach opens a real directory as its connector account.
func reach(t *testing.T, a ldaptest.Access, urls ...string) *connector.Directory {
	t.Helper()
	if len(urls) == 0 {
		urls = []string{a.URL}
	}
	d := openDirectory(t, connector.Config{URLs: urls, BindDN: a.BindDN, Credentials: login(a, nil), Base: func() plan.DN { return baseDN }})
	if err := d.Check(t.Context(), baseDN); err != nil {
		t.Fatal(err)
	}
	return d
}

// login is that of the connector account, or of the administrator, who has the same password.
func login(a ldaptest.Access, trusted *tls.Config) func(bool) connector.Credentials {
	return connector.Fixed(connector.Credentials{TLS: trusted, BindPassword: secret.New(a.Password)})
}

// trustOf returns settings that trust the certificate of a real server.
func trustOf(t *testing.T, a ldaptest.Access) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(pem)
	return config
}

// fill adds people with a manager, as an administrator, and returns how many.
func fill(t *testing.T, a ldaptest.Access, n int) int {
	t.Helper()
	conn, err := ldap.DialURL(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(a.AdminDN, a.Password); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		add := ldap.NewAddRequest(fmt.Sprintf("uid=p%d,%s", i, people), nil)
		for name, value := range map[string]string{"objectClass": "inetOrgPerson", "cn": "p", "sn": "p", "employeeNumber": "7", "manager": annDN.String()} {
			add.Attribute(name, []string{value})
		}
		if err := conn.Add(add); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// checkLimited makes sure that every look that the server cuts short is an error that names the setting.
func checkLimited(t *testing.T, d *connector.Directory, setting string) {
	t.Helper()
	for _, l := range looks[:4] {
		n, err := l.look(t.Context(), d)
		if err == nil {
			t.Errorf("%s finds %d where the server hands out only a part", l.name, n)
			continue
		}
		if o := failure(t, err, connector.KindIncomplete); !strings.Contains(o.Explain(), setting) {
			t.Errorf("%s: %s", l.name, o.Explain())
		}
	}
	if obstacle, err := d.Obstacle(t.Context(), baseDN); err != nil || !strings.Contains(obstacle, setting) {
		t.Errorf("the obstacle is %q, %v", obstacle, err)
	}
	if occupied, err := d.Occupied(t.Context(), baseDN, "employeeNumber", []string{"7"}); err != nil || !occupied["7"] {
		t.Errorf("a number that many have: %v, %v", occupied, err)
	}
}

func checkWhole(t *testing.T, d *connector.Directory, n int) {
	t.Helper()
	for _, l := range looks[:4] {
		if got, err := l.look(t.Context(), d); err != nil || got != n {
			t.Errorf("%s finds %d, %v; want %d", l.name, got, err, n)
		}
	}
	if obstacle, err := d.Obstacle(t.Context(), baseDN); err != nil || obstacle != "" {
		t.Errorf("the obstacle is %q, %v", obstacle, err)
	}
}

// checkHidden makes sure that an entry that is hidden is not taken for one that is gone.
func checkHidden(t *testing.T, d *connector.Directory, hide, show func()) {
	t.Helper()
	first := plan.MustParseDN("uid=p0," + people)
	there, err := d.Read(t.Context(), first, nil)
	if err != nil || there == nil {
		t.Fatalf("%+v, %v", there, err)
	}
	key := plan.Key{Base: baseDN, Link: there.Link}
	hide()
	for d.Check(t.Context(), baseDN) == nil { // 389 DS takes a moment
	}
	_, err = d.Find(t.Context(), key)
	wantKind(t, err, connector.KindUnseen)
	_, err = d.Read(t.Context(), first, nil)
	wantKind(t, err, connector.KindUnseen)
	wantKind(t, d.Check(t.Context(), baseDN), connector.KindUnseen)
	show()
	if err := d.Check(t.Context(), baseDN); err != nil {
		t.Error(err)
	}
	if found, err := d.Find(t.Context(), key); err != nil || found == nil {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestOpenLDAPNothingIsConcludedFromWhatWasCutOrHidden(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true})
	d := reach(t, server.Access)
	n := fill(t, server.Access, 501) // one more than slapd hands out
	checkLimited(t, d, "olcLimits")
	server.Configure(t, "olcSizeLimit", "5")
	checkLimited(t, d, "olcLimits")
	server.Configure(t, "olcSizeLimit")
	server.Configure(t, "olcLimits", fmt.Sprintf("dn.exact=%q size.unchecked=100", server.BindDN))
	_, err := d.Children(t.Context(), plan.MustParseDN(people))
	if o := failure(t, err, connector.KindIncomplete); o.Code != ldap.LDAPResultAdminLimitExceeded {
		t.Errorf("the limit on candidates is %v", o)
	}
	server.Configure(t, "olcLimits", fmt.Sprintf("dn.exact=%q size=unlimited", server.BindDN))
	checkWhole(t, d, n)
	many := newFiveHundred(t, connector.Config{URLs: []string{server.URL}, BindDN: server.BindDN, Credentials: login(server.Access, nil)})
	many.takeOneSearch()
	server.Configure(t, "olcLimits")
	many.areFound() // however few are handed out at a time
	server.Configure(t, "olcSizeLimit", "5")
	many.areFound()
	server.Configure(t, "olcSizeLimit")
	login := "to attrs=userPassword by anonymous auth"
	rules := []string{login, fmt.Sprintf("to * by dn.exact=%q manage", server.BindDN)}
	checkHidden(t, d, func() { server.Configure(t, "olcAccess", login, "to * by * none") }, func() { server.Configure(t, "olcAccess", rules...) })
	child := plan.MustParseDN("uid=p1,uid=p0," + people)
	if err := d.Apply(t.Context(), person(child.String())); err != nil {
		t.Fatal(err)
	}
	server.Configure(t, "olcAccess", append([]string{fmt.Sprintf("to dn.exact=%q by * none", child)}, rules...)...)
	wantKind(t, d.Apply(t.Context(), plan.Delete{DN: child.Parent()}), connector.KindHiddenBelow)
}

func Test389DSNothingIsConcludedFromWhatWasCutOrHidden(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	d := reach(t, server.Access)
	n := fill(t, server.Access, 501)
	checkWhole(t, d, n)
	server.Configure(t, "cn=config", "nsslapd-sizelimit", "5")
	server.Configure(t, "cn=config", "nsslapd-pagedsizelimit", "5")
	checkLimited(t, d, "nsPagedSizeLimit")
	server.Configure(t, server.BindDN, "nsSizeLimit", "-1")
	server.Configure(t, server.BindDN, "nsPagedSizeLimit", "-1")
	many := newFiveHundred(t, connector.Config{URLs: []string{server.URL}, BindDN: server.BindDN, Credentials: login(server.Access, nil)})
	many.takeOneSearch() // the server reads the limits of an account when it binds
	d = reach(t, server.Access)
	checkWhole(t, d, n)
	aci := `(targetattr!="userPassword")(version 3.0; acl "read"; allow (read, search, compare) userdn="ldap:///all";)`
	server.Configure(t, suffix, "aci")
	server.Configure(t, people, "aci")
	server.Configure(t, suffix, "aci", aci)
	checkHidden(t, d, func() { server.Configure(t, suffix, "aci") }, func() { server.Configure(t, suffix, "aci", aci) })
}

// Samba keeps to no limit on sizes, and its domain has other partitions below, to which it refers.
func TestSambaSearchesAreWhole(t *testing.T) {
	server := ldaptest.StartSamba(t)
	d := openDirectory(t, connector.Config{URLs: []string{server.TLSURL}, BindDN: server.AdminDN, Credentials: login(server.Access, trustOf(t, server.Access))})
	if err := d.Check(t.Context(), baseDN); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		add := plan.Add{DN: plan.MustParseDN(fmt.Sprintf("cn=p%d,%s", i, people)), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"user"}}, {Name: "employeeNumber", Values: []string{"7"}}}}
		if err := d.Apply(t.Context(), add); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := d.Scan(t.Context(), baseDN, "(employeeNumber=7)", nil, func(page []*plan.Entry) error { n += len(page); return nil }); err != nil || n != 12 {
		t.Errorf("a scan of the domain finds %d, %v", n, err)
	}
	if found, more, err := d.FirstChildren(t.Context(), plan.MustParseDN(people), 5); err != nil || len(found) != 5 || !more {
		t.Errorf("five children are %v, more %t, %v", found, more, err)
	}
	newFiveHundred(t, connector.Config{URLs: []string{server.TLSURL}, BindDN: server.AdminDN, Credentials: login(server.Access, trustOf(t, server.Access))}).takeOneSearch()
	if found, err := d.Find(t.Context(), plan.Key{Base: baseDN, Link: "00000000-0000-0000-0000-000000000000"}); err != nil || found != nil {
		t.Errorf("what is not there is %+v, %v", found, err)
	}
}

package plan_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"

	"idaas-ldap/plan"
)

func TestParseDN(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"", ""},
		{"dc=example,dc=org", "dc=example,dc=org"},
		{"UID=ann , OU = People,dc=org", "UID=ann,OU=People,dc=org"},
		{`cn=Lee\, Ann,dc=org`, `cn=Lee\, Ann,dc=org`},
		{`cn=Lee\2C Ann,dc=org`, `cn=Lee\, Ann,dc=org`},
		{`cn="Lee, Ann",dc=org`, `cn=Lee\, Ann,dc=org`},
		{`cn=\20x\20,dc=org`, `cn=\ x\ ,dc=org`},
		{`cn=\#1;dc=org`, `cn=\#1,dc=org`},
		{`cn=A\=B`, `cn=A\=B`},
		{`cn=#0402c3a9`, "cn=é"},
		{`cn=ann+uid=1,dc=org`, "cn=ann+uid=1,dc=org"},
		{"cn=诸葛亮 🚀,dc=org", "cn=诸葛亮 🚀,dc=org"},
	} {
		dn, err := plan.ParseDN(c.in)
		if err != nil || dn.String() != c.out {
			t.Errorf("%q: %q, %v; want %q", c.in, dn, err, c.out)
		}
	}
	for _, wrong := range []string{"ann", "=x", "cn=a,", "cn=a,,dc=b", `cn=a\`, `cn=a\g0`, `cn="a`, `cn="a"b`, "cn=#0", "cn=#04ff61", "c n=a", "cn=a<b", "cn=\xff", `cn=\ff`} {
		if dn, err := plan.ParseDN(wrong); err == nil {
			t.Errorf("%q is read as %q", wrong, dn)
		}
	}
}

func TestDNsAsDirectoriesCompareThem(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"cn=Ann Lee,dc=org", "CN=ann  lee,DC=ORG", true},
		{"2.5.4.3=Ann,dc=org", "cn=ann,dc=org", true},
		{"cn=ÉVA Ж,dc=org", "cn=éva ж,dc=org", true},
		{"cn=Zoe\u0301,dc=org", "cn=Zo\u00e9,dc=org", false},
		{"ou=研发（一）,dc=org", "ou=研发(一),dc=org", false},
		{`cn=\ Ann,dc=org`, "cn=Ann,dc=org", false},
		{"cn=a+uid=b,dc=org", "uid=b+cn=a,dc=org", true},
		{"cn=Ann,dc=org", "cn=Anne,dc=org", false},
		{"cn=Ann,dc=org", "cn=Ann", false},
		{`cn=a\,b,dc=org`, "cn=a,dc=b,dc=org", false},
	} {
		if got := plan.MustParseDN(c.a).Equal(plan.MustParseDN(c.b)); got != c.equal {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
	}
}

// What one server distinguishes and another does not has one key and is not equal.
func TestKeysLeadToCandidates(t *testing.T) {
	for _, c := range [][2]string{
		{"cn=Zoe\u0301,dc=org", "cn=Zo\u00e9,dc=org"}, {"ou=研发（一）,dc=org", "ou=研发(一),dc=org"}, {`cn=\ Ann,dc=org`, "cn=ANN,dc=org"},
	} {
		a, b := plan.MustParseDN(c[0]), plan.MustParseDN(c[1])
		if a.Key() != b.Key() || a.Equal(b) {
			t.Errorf("%s and %s: keys %q and %q, equal: %t", a, b, a.Key(), b.Key(), a.Equal(b))
		}
	}
}

func TestPlacesOfDNs(t *testing.T) {
	base := plan.MustParseDN("ou=a,dc=org")
	in := plan.MustParseDN("cn=x,OU=A,dc=org")
	if !in.Below(base) || !in.Within(base) || !base.Within(base) || base.Below(base) || base.Within(in) || plan.MustParseDN("cn=x,ou=b,dc=org").Within(base) {
		t.Error("Within or Below is wrong")
	}
	if got := in.Rebase(base, plan.MustParseDN("ou=b,ou=c,dc=org")).String(); got != "cn=x,ou=b,ou=c,dc=org" {
		t.Errorf("Rebase gives %q", got)
	}
	if got := plan.MustParseDN("cn=y,dc=org").Rebase(base, base).String(); got != "cn=y,dc=org" {
		t.Errorf("Rebase of another entry gives %q", got)
	}
}

// Whatever a value holds, it survives the way through a DN, in our own reader and in the one of the LDAP library.
func TestEveryValueSurvivesADN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune(` ,+"\<>;=#*()`+"\x00\n\té诸🚀ab")))).Draw(t, "value")
		if value == "" {
			return
		}
		dn := plan.MustParseDN("ou=people,dc=example,dc=org").Child(plan.RDN{{Type: "uid", Value: value}})
		back, err := plan.ParseDN(dn.String())
		if err != nil || len(back) != 4 || back[0][0].Value != value || !back.Exactly(dn) {
			t.Fatalf("%q becomes %q: %v, %v", value, dn, back, err)
		}
		theirs, err := ldap.ParseDN(dn.String())
		if err != nil || len(theirs.RDNs) != 4 || theirs.RDNs[0].Attributes[0].Value != value {
			t.Fatalf("%q: the library reads %q as %+v, %v", value, dn, theirs, err)
		}
	})
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{"", "cn=a,dc=b", `cn="x\"y",dc=b`, "cn=#0401ff", `a=\2c`, strings.Repeat("ou=x,", 50) + "dc=y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dn, err := plan.ParseDN(s)
		if err != nil {
			return
		}
		back, err := plan.ParseDN(dn.String())
		if err != nil || !back.Exactly(dn) || !back.Equal(dn) {
			t.Fatalf("%q is written as %q and read as %q: %v", s, dn, back, err)
		}
	})
}

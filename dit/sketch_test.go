package dit_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// anybody may write everything.
var anybody = dit.Terms{Who: plan.MustParseDN("cn=a"), Writer: true}

func sketch(t *testing.T, ldif string) *dit.Directory {
	t.Helper()
	schema, err := dit.ReadSketch()
	if err != nil {
		t.Fatal(err)
	}
	return directory(t, dit.Config{Schema: schema}, ldif)
}

func directory(t *testing.T, cfg dit.Config, ldif string) *dit.Directory {
	t.Helper()
	cfg.Clock, cfg.Rand = time.Now, rand.NewChaCha8([32]byte{})
	d, err := dit.New(cfg)
	if err == nil {
		err = d.LoadLDIF(ldif, anybody.Who)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// found returns the names that a filter finds below a base.
func found(t *testing.T, d *dit.Directory, base, filter string) string {
	t.Helper()
	f, err := d.ParseFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := d.Search(dit.Search{Base: plan.MustParseDN(base), Scope: ldap.ScopeWholeSubtree, Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

const corp = `dn: CN=Ann,OU=Staff,DC=corp
objectClass: somePerson
sAMAccountName: ann
userAccountControl: 514
badge: 12
note: not@all <valid>
telephoneNumber: émoji?

dn: CN=Bob,OU=Staff,DC=corp
badge: 9
managerOf;x-option: cn=ann, ou=staff,dc=corp
`

// Nothing is known of the servers that a mapping is for: what the schema does not define is text, and nothing is demanded.
func TestASketchTakesWhatNobodyHasDefined(t *testing.T) {
	d := sketch(t, corp)
	for filter, want := range map[string]string{
		"(badge=12)":                   "CN=Ann,OU=Staff,DC=corp",
		"(SAMACCOUNTNAME=ANN)":         "CN=Ann,OU=Staff,DC=corp",
		"(objectClass=SOMEPERSON)":     "CN=Ann,OU=Staff,DC=corp",
		"(badge>=10)":                  "CN=Ann,OU=Staff,DC=corp",
		"(badge<=9)":                   "CN=Bob,OU=Staff,DC=corp",
		"(note=*@all*)":                "CN=Ann,OU=Staff,DC=corp",
		"(nothing=x)":                  "",
		"(!(sAMAccountName=*))":        "CN=Bob,OU=Staff,DC=corp",
		"(telephoneNumber=ém oji?)":    "CN=Ann,OU=Staff,DC=corp",
		"(&(cn=bob)(!(nothing=more)))": "CN=Bob,OU=Staff,DC=corp",
	} {
		if got := found(t, d, "DC=corp", filter); !strings.EqualFold(got, want) {
			t.Errorf("%s finds %q, want %q", filter, got, want)
		}
	}
	one := plan.MustParseDN("cn=bob,ou=staff,dc=corp")
	for _, m := range []plan.Modification{
		{Type: plan.AddValues, Name: "color", Values: []string{"red", "blue"}},
		{Type: plan.DeleteValues, Name: "COLOR", Values: []string{"Red"}},
		{Type: plan.ReplaceValues, Name: "objectClass", Values: []string{"anything"}},
	} {
		if err := d.Modify(one, []plan.Modification{m}, anybody); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if got := found(t, d, "", "(color=blue)"); !strings.EqualFold(got, one.String()) {
		t.Errorf("the entry that was modified is %q", got)
	}
}

// What lies above an entry that somebody has told of is there, but nobody sees it.
func TestInASketchWhatIsAboveAnEntryIsImplied(t *testing.T) {
	d := sketch(t, corp)
	staff := plan.MustParseDN("ou=staff,dc=corp")
	if got := found(t, d, "", "(objectClass=*)"); strings.Count(got, "cn=") != 2 || strings.Count(got, " ") != 1 {
		t.Errorf("all that is seen is %q", got)
	}
	if _, there := d.Find(staff); there {
		t.Error("an implied entry is seen")
	}
	refused := func(what string, code uint16, err error) {
		t.Helper()
		if got := dit.AsRefusal(err); err == nil || got.Code != code {
			t.Errorf("%s: %v, want code %d", what, err, code)
		}
	}
	refused("delete what is implied", ldap.LDAPResultNoSuchObject, d.Delete(staff, anybody))
	if err := d.Add(staff, []plan.Attribute{{Name: "description", Values: []string{"told of"}}}, anybody); err != nil {
		t.Fatal(err)
	}
	refused("add it twice", ldap.LDAPResultEntryAlreadyExists, d.Add(staff, []plan.Attribute{{Name: "cn", Values: []string{"a"}}}, anybody))
	refused("delete what has entries below", ldap.LDAPResultNotAllowedOnNonLeaf, d.Delete(staff, anybody))
	if got := found(t, d, "ou=staff,dc=corp", "(cn=ann)"); got == "" {
		t.Error("what was below an implied entry is not below the one that was added in its place")
	}
	to := plan.ModifyDN{DN: staff, NewRDN: plan.MustParseDN("ou=lab")[0], NewSuperior: plan.MustParseDN("ou=new,dc=corp"), DeleteOldRDN: true}
	if err := d.Rename(to, anybody); err != nil {
		t.Fatal(err)
	}
	if got := found(t, d, "ou=new,dc=corp", "(cn=ann)"); !strings.EqualFold(got, "cn=ann,ou=lab,ou=new,dc=corp") {
		t.Errorf("after the move it is %q", got)
	}
}

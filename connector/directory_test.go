package connector_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// opened returns a directory in memory with some people, and how to reach it.
func opened(t *testing.T, cfg ldaptest.Config) (*ldaptest.Server, *connector.Directory) {
	t.Helper()
	server := startServer(t, cfg)
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 2})
	for _, add := range []plan.Add{person("uid=ann,"+people, "employeeNumber=1"), person("uid=bob,"+people, "employeeNumber=2"), person("uid=eve,"+people, "employeeNumber=2")} {
		if err := d.Apply(t.Context(), add); err != nil {
			t.Fatal(err)
		}
	}
	return server, d
}

func TestFind(t *testing.T) {
	_, d := opened(t, ldaptest.Config{})
	entry, err := d.Read(t.Context(), annDN, nil)
	if err != nil || entry == nil || entry.Link == "" {
		t.Fatalf("%+v, %v", entry, err)
	}
	match := func(filters ...string) []plan.Match {
		var out []plan.Match
		for _, f := range filters {
			out = append(out, plan.Match{Filter: f})
		}
		return out
	}
	for _, c := range []struct {
		name string
		key  plan.Key
		want string
	}{
		{"by its link", plan.Key{Link: entry.Link, Match: match("(employeeNumber=2)")}, annDN.String()},
		{"by match where the link leads nowhere", plan.Key{Link: "00000000-0000-0000-0000-000000000000", Match: match("(employeeNumber=1)")}, annDN.String()},
		{"by match where the link is none", plan.Key{Link: "*)(uid=*", Match: match("(employeeNumber=1)")}, annDN.String()},
		{"by the first rule with a hit", plan.Key{Match: match("(employeeNumber=9)", "(uid=bob)", "(uid=eve)")}, "uid=bob," + people},
		{"nothing", plan.Key{Match: match("(employeeNumber=9)")}, ""},
		{"nothing below another base", plan.Key{Base: plan.MustParseDN(groups), Match: match("(employeeNumber=1)")}, ""},
	} {
		if c.key.Base.Empty() {
			c.key.Base = plan.MustParseDN(suffix)
		}
		c.key.Attributes = []string{"employeeNumber"}
		found, err := d.Find(t.Context(), c.key)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case (found == nil) != (c.want == ""), found != nil && found.DN.String() != c.want:
			t.Errorf("%s: %+v; want %q", c.name, found, c.want)
		case found != nil && (len(found.Attributes) != 1 || found.Link == ""):
			t.Errorf("%s: read is %+v", c.name, found)
		}
	}
	_, err = d.Find(t.Context(), plan.Key{Base: plan.MustParseDN("ou=none," + suffix), Match: match("(employeeNumber=1)")})
	wantKind(t, err, connector.KindUnseen)
	_, err = d.Find(t.Context(), plan.Key{Base: plan.MustParseDN(suffix), Match: match("(employeeNumber=2)")})
	var ambiguous *connector.AmbiguousError
	if !errors.As(err, &ambiguous) || len(ambiguous.Found) != 2 || !strings.Contains(err.Error(), "uid=bob,"+people) || !strings.Contains(err.Error(), "uid=eve,"+people) {
		t.Errorf("two hits: %v", err)
	}
}

func TestReadAndChildren(t *testing.T) {
	_, d := opened(t, ldaptest.Config{})
	if e, err := d.Read(t.Context(), plan.MustParseDN("uid=none,"+people), nil); err != nil || e != nil {
		t.Errorf("what is not there is %+v, %v", e, err)
	}
	if children, err := d.Children(t.Context(), plan.MustParseDN(people)); err != nil || len(children) != 3 {
		t.Errorf("the children are %v, %v", children, err)
	}
	for most, want := range map[int]int{2: 2, 3: 3, 5: 3} {
		if children, more, err := d.FirstChildren(t.Context(), plan.MustParseDN(people), most); err != nil || len(children) != want || more != (most < 3) {
			t.Errorf("at most %d children: %v, more %t, %v", most, children, more, err)
		}
	}
}

// A few values are asked about one by one; many are compared with all that the attribute has.
func TestHolding(t *testing.T) {
	_, d := opened(t, ldaptest.Config{})
	members := plan.Attribute{Name: "member"}
	for i := range 300 {
		members.Values = append(members.Values, fmt.Sprintf(`cn=Member\, %d,%s`, i, suffix))
	}
	vpn := plan.MustParseDN("cn=Vpn," + groups)
	if err := d.Apply(t.Context(), plan.Add{DN: vpn, Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"groupOfNames"}}, {Name: "cn", Values: []string{"Vpn"}}, members}}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 250} {
		asked := slices.Clone(members.Values[:n])
		for i := range asked {
			asked[i] = strings.ToUpper(strings.Replace(asked[i], `\,`, `\2C`, 1)) // another spelling of the same
		}
		absent := "cn=absent," + suffix
		present, err := d.Holding(t.Context(), vpn, "member", append(asked, absent))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range asked {
			if !present[v] {
				t.Fatalf("of %d values %s is not found", n, v)
			}
		}
		if present[absent] {
			t.Errorf("of %d values one is found that is not there", n)
		}
	}
	refs, err := d.Referring(t.Context(), plan.MustParseDN(suffix), []string{"member", "manager", "noSuchAttribute"}, members.Values[7])
	if err != nil || len(refs) != 1 || !refs[0].DN.Equal(vpn) || refs[0].Attribute != "member" {
		t.Errorf("referring are %+v, %v", refs, err)
	}
}

func TestApply(t *testing.T) {
	server, d := opened(t, ldaptest.Config{})
	do := func(op plan.Operation) error { return d.Apply(t.Context(), op) }
	modify := func(changes ...plan.Modification) plan.Operation {
		return plan.Modify{DN: annDN, Modifications: changes}
	}
	sales, lab := plan.MustParseDN("ou=Sales,"+people), plan.MustParseDN("ou=Lab,ou=Sales,"+people)
	ou := func(dn plan.DN) plan.Add {
		return plan.Add{DN: dn, Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{dn.RDN()[0].Value}}}}
	}
	for _, c := range []struct {
		name string
		op   plan.Operation
		kind connector.Kind // where it fails
		fail bool
	}{
		{"add what is there", person(annDN.String()), connector.KindExists, true},
		{"add where no parent is", ou(lab), connector.KindMissingParent, true},
		{"add", ou(sales), 0, false},
		{"add below it", ou(lab), 0, false},
		{"add against the schema", plan.Add{DN: plan.MustParseDN("cn=x," + people), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: "cn", Values: []string{"x"}}}}, connector.KindRefused, true},
		{"modify", modify(
			plan.Modification{Type: plan.AddValues, Name: "title", Values: []string{"one", "two"}}, plan.Modification{Type: plan.ReplaceValues, Name: "sn", Values: []string{"Lee"}},
			plan.Modification{Type: plan.DeleteValues, Name: "title", Values: []string{"one"}}, plan.Modification{Type: plan.ReplaceValues, Name: "mail"}), 0, false},
		{"add a value that is there", modify(plan.Modification{Type: plan.AddValues, Name: "title", Values: []string{"two"}}), connector.KindConflict, true},
		{"delete a value that is not there", modify(plan.Modification{Type: plan.DeleteValues, Name: "title", Values: []string{"three"}}), connector.KindConflict, true},
		{"modify what is not there", plan.Modify{DN: plan.MustParseDN("uid=none," + people), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "sn", Values: []string{"x"}}}}, connector.KindConflict, true},
		{"rename to what is there", plan.ModifyDN{DN: annDN, NewRDN: plan.RDN{{Type: "uid", Value: "bob"}}, DeleteOldRDN: true}, connector.KindExists, true},
		{"move to where no parent is", plan.ModifyDN{DN: annDN, NewRDN: annDN.RDN(), NewSuperior: plan.MustParseDN("ou=none," + people), DeleteOldRDN: true}, connector.KindMissingParent, true},
		{"move", plan.ModifyDN{DN: annDN, NewRDN: plan.RDN{{Type: "uid", Value: "ann, kim"}}, NewSuperior: lab, DeleteOldRDN: true}, 0, false},
		{"move what is not there", plan.ModifyDN{DN: annDN, NewRDN: annDN.RDN(), NewSuperior: lab}, connector.KindConflict, true},
		{"delete what is not there", plan.Delete{DN: annDN}, connector.KindConflict, true},
		{"delete what is not empty", plan.Delete{DN: sales}, connector.KindNotEmpty, true},
		{"delete with everything below", plan.Delete{DN: sales, Subtree: true}, 0, false},
	} {
		err := do(c.op)
		if c.fail {
			if got := failure(t, err, c.kind); !got.DN.Equal(c.op.Target()) || got.Verb != c.op.Verb() {
				t.Errorf("%s: the error is about %s %s", c.name, got.Verb, got.DN)
			}
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var written []string
	for _, r := range server.Journal()[3:] {
		written = append(written, r.String())
	}
	below := `uid=ann\, kim,ou=Lab,ou=Sales,` + people
	want := []string{
		"add " + sales.String(), "add " + lab.String(), "modify " + annDN.String() + " add:title replace:sn delete:title replace:mail",
		"modrdn " + annDN.String() + " -> " + below, "delete " + below, "delete " + lab.String(), "delete " + sales.String(),
	}
	if !slices.Equal(written, want) {
		t.Errorf("written is\n%s\nwant\n%s", strings.Join(written, "\n"), strings.Join(want, "\n"))
	}
}

func TestPasswordsAreSetByTheServerOrAsAHash(t *testing.T) {
	server, d := opened(t, ldaptest.Config{})
	for i, hash := range []plan.HashMethod{plan.HashNone, plan.HashSSHA, plan.HashSSHA256, plan.HashSSHA512, plan.HashPBKDF2, plan.HashArgon2id, plan.HashCleartext} {
		text := fmt.Sprint("correct horse ", i)
		if err := d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New(text), Hash: hash}); err != nil {
			t.Fatalf("%s: %v", hash, err)
		}
		if !canBind(t, server, annDN.String(), text) {
			t.Errorf("%s: the password does not work", hash)
		}
		stored := server.Entry(annDN.String()).Value("userPassword")
		if readable := strings.Contains(stored, text); readable != (hash == plan.HashCleartext) {
			t.Errorf("%s: the directory holds %q", hash, stored)
		}
	}
	if err := d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New("x"), Hash: "rot13"}); err == nil {
		t.Error("there is no such hash")
	}
}

func TestAPasswordAgainstThePolicy(t *testing.T) {
	_, d := opened(t, ldaptest.Config{Passwords: ldaptest.PasswordPolicy{MinLength: 8, History: 3}})
	o := failure(t, d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New("short")}), connector.KindPasswordRefused)
	if o.History || o.Code != ldap.LDAPResultConstraintViolation {
		t.Errorf("a short password is %+v", o)
	}
	for _, text := range []string{"battery staple 1", "battery staple 2"} {
		if err := d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if o := failure(t, d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New("battery staple 1")}), connector.KindPasswordRefused); !o.History {
		t.Errorf("a former password is %+v", o)
	}
}

func canBind(t *testing.T, server *ldaptest.Server, dn, text string) bool {
	t.Helper()
	conn, err := ldap.DialURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.Bind(dn, text) == nil
}

// What a server says of a password is not repeated where it repeats the password.
func TestAServerThatRepeatsThePassword(t *testing.T) {
	server, d := opened(t, ldaptest.Config{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "password" {
			return ldaptest.Fault{Code: ldap.LDAPResultConstraintViolation, Message: "c4n4ry is too short"}
		}
		return ldaptest.Fault{}
	})
	err := d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New("c4n4ry")})
	if err == nil || strings.Contains(err.Error(), "c4n4ry") || strings.Contains(fmt.Sprintf("%+v", err), "c4n4ry") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheServerSaysWhatItIs(t *testing.T) {
	_, d := opened(t, ldaptest.Config{})
	profile, err := d.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if profile.Flavour.Name() != connector.OpenLDAP || profile.Schema == nil || !profile.Extensions["1.3.6.1.4.1.4203.1.11.1"] || !profile.Controls[ldap.ControlTypePaging] {
		t.Errorf("the profile is %+v", profile)
	}
	if !profile.Matching.Equal("member", "UID=Ann, "+people, "uid=ann,"+people) || profile.Matching.Equal("memberUid", "Ann", "ann") {
		t.Error("values are not compared by the rules of the schema")
	}
	if err := d.Check(t.Context(), plan.MustParseDN("dc=other,dc=org")); err == nil || !strings.Contains(err.Error(), "base of the mapping is not to be seen") {
		t.Errorf("a base that is not there: %v", err)
	}
}

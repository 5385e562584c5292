package ldaptest_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"

	"idaas-ldap/ldaptest"
)

// company is the small world for what a directory does by itself: people with managers, units that move, groups, passwords
// and locks. Few names, so that memberships and references meet renames and deletes all the time.
type company struct {
	t *rapid.T
	// made are the names that people have or had.
	made []string
}

const (
	people = "ou=people,dc=example,dc=org"
	groups = "ou=groups,dc=example,dc=org"
)

// longAgo are times that lock an account. The first is how an administrator locks one for good.
var longAgo = []string{"000001010000Z", "20200101000000Z"}

func (c *company) unit() string {
	return pick(c.t, "unit", people, people, "ou=a,"+people, "ou=b,"+people, "ou=c,ou=a,"+people)
}

func (c *company) person() string {
	if len(c.made) > 0 && pick(c.t, "known", true, true, true, false) {
		return pick(c.t, "known person", c.made...)
	}
	return c.newPerson()
}

func (c *company) newPerson() string {
	return "uid=" + pick(c.t, "person", "ann", "bob", "cid", "dee") + "," + c.unit()
}

func (c *company) group() string { return "cn=" + pick(c.t, "group", "team", "board") + "," + groups }

// somebody is a name that can be referred to: mostly a person, who may exist.
func (c *company) somebody() string {
	return pick(c.t, "somebody", c.person(), c.person(), c.person(), c.group(), c.unit(), "cn=nobody,dc=example,dc=org", "uid=far,dc=elsewhere")
}

// writable is a name that the connector has the right to write.
func (c *company) writable() string {
	return pick(c.t, "writable", c.person(), c.person(), c.group(), "ou=a,"+people, "ou=b,"+people, "ou=c,ou=a,"+people)
}

func (c *company) password() string {
	if pick(c.t, "odd password", true, false, false, false, false, false) {
		return pick(c.t, "which odd", "short", "ümläut", "{SSHA}nonsense", "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3")
	}
	return pick(c.t, "password", "first-password", "second-password", "third-password", "fourth-password", "fifth-password")
}

func (c *company) step() step {
	switch pick(c.t, "operation", "person", "person", "unit", "group", "members", "members", "references", "rename", "rename", "move", "delete",
		"lock", "password") {
	case "person":
		r := ldap.NewAddRequest(c.newPerson(), nil)
		r.Attribute("objectClass", []string{"inetOrgPerson"})
		r.Attribute("cn", []string{"x"})
		r.Attribute("sn", []string{"y"})
		if pick(c.t, "with password", true, false) {
			r.Attribute("userPassword", []string{c.password()})
		}
		if pick(c.t, "with manager", true, false) {
			r.Attribute("manager", []string{c.somebody()})
		}
		return addStep(r)
	case "unit":
		r := ldap.NewAddRequest(pick(c.t, "new unit", "ou=a,"+people, "ou=b,"+people, "ou=c,ou=a,"+people), nil)
		r.Attribute("objectClass", []string{"organizationalUnit"})
		return addStep(r)
	case "group":
		r := ldap.NewAddRequest(c.group(), nil)
		r.Attribute("objectClass", []string{"groupOfNames"})
		r.Attribute("member", rapid.SliceOfNDistinct(rapid.Custom(c.drawn), 1, 3, rapid.ID).Draw(c.t, "members"))
		return addStep(r)
	case "members":
		return c.change(c.group(), "member")
	case "references":
		return c.change(c.person(), pick(c.t, "reference", "manager", "secretary", "seeAlso", "memberOf"))
	case "rename":
		return c.rename(c.writable(), pick(c.t, "new name", "uid=ann", "uid=bob", "cn=team", "ou=a", "ou=b", "UID=Ann"), "")
	case "move":
		dn := c.writable()
		rdn, _, _ := strings.Cut(dn, ",")
		return c.rename(dn, rdn, c.unit())
	case "delete":
		dn := c.writable()
		return step{what: "delete " + dn, do: func(c *ldap.Conn) (any, error) { return nil, c.Del(ldap.NewDelRequest(dn, nil)) }}
	case "lock":
		return c.change(c.person(), pick(c.t, "lock", "pwdAccountLockedTime", "pwdAccountLockedTime", "pwdStartTime", "pwdEndTime"),
			append(longAgo, "29990101000000Z")...)
	}
	return c.change(c.person(), "userPassword", c.password())
}

// drawn is somebody, for rapid.
func (c *company) drawn(t *rapid.T) string { return (&company{t, c.made}).somebody() }

// change adds, deletes or replaces values of an attribute: somebody, unless it is said what.
func (c *company) change(dn, attribute string, values ...string) step {
	value := c.somebody()
	if len(values) > 0 {
		value = pick(c.t, "value", values...)
	}
	r := ldap.NewModifyRequest(dn, nil)
	how := pick(c.t, "change", "add", "delete", "replace", "delete all", "replace all", "two")
	if how == "add" && attribute == "userPassword" {
		how = "replace" // a second password beside the first: what slapd then keeps as history depends on the second of the clock
	}
	switch how {
	case "add":
		r.Add(attribute, []string{value})
	case "delete":
		r.Delete(attribute, []string{value})
	case "replace":
		r.Replace(attribute, []string{value})
	case "delete all":
		r.Delete(attribute, nil)
	case "replace all":
		r.Replace(attribute, nil)
	case "two":
		r.Delete(attribute, nil)
		r.Add(attribute, []string{value})
	}
	return step{what: fmt.Sprintf("modify %q %+v", dn, r.Changes), do: func(c *ldap.Conn) (any, error) { return nil, c.Modify(r) }}
}

func (c *company) bind() step {
	dn, password := c.person(), c.password()
	return step{what: fmt.Sprintf("bind %q %q", dn, password), do: func(c *ldap.Conn) (any, error) { return nil, c.Bind(dn, password) }}
}

// setPassword is a password modify (RFC 3062): of a person, or the own one, and to one that the server makes up now and then.
func (c *company) setPassword(own bool) step {
	r := ldap.NewPasswordModifyRequest(c.person(), "", c.password())
	if own {
		r.UserIdentity = ""
	}
	if pick(c.t, "with old", true, false) {
		r.OldPassword = c.password()
	}
	if pick(c.t, "made up", true, false, false, false) {
		r.NewPassword = ""
	}
	return step{what: fmt.Sprintf("password %+v", *r), do: func(c *ldap.Conn) (any, error) {
		made, err := c.PasswordModify(r)
		return err == nil && made.GeneratedPassword != "", err
	}}
}

func addStep(r *ldap.AddRequest) step {
	return step{makes: r.DN, what: fmt.Sprintf("add %q %v", r.DN, r.Attributes), do: func(c *ldap.Conn) (any, error) { return nil, c.Add(r) }}
}

func (c *company) rename(dn, rdn, superior string) step {
	r := ldap.NewModifyDNRequest(dn, rdn, true, superior)
	_, parent, _ := strings.Cut(dn, ",")
	return step{
		makes: rdn + "," + cmp.Or(superior, parent),
		what:  fmt.Sprintf("modrdn %q %q %q", dn, rdn, superior),
		do:    func(c *ldap.Conn) (any, error) { return nil, c.ModifyDN(r) },
	}
}

func TestOpenLDAPOverlaysDoTheSame(t *testing.T) {
	slapd := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{NotUnique: true})
	w := newTwins(t, slapd, ldaptest.Config{
		Writers:     []string{slapd.BindDN},
		References:  []string{"member", "manager", "owner", "secretary", "seeAlso"},
		Placeholder: "cn=nobody,dc=example,dc=org",
		Passwords:   ldaptest.PasswordPolicy{MinLength: 8, History: 3, HashClearText: true, RefuseHashed: true, MaxFailure: 5},
	})
	// The administrator stands above the password policy, so the connector writes. Binds are those of somebody else.
	connector, somebody := w.as(t, slapd.BindDN, slapd.Password), w.as(t, slapd.BindDN, slapd.Password)
	nobody := step{what: "bind as nobody", do: func(c *ldap.Conn) (any, error) { return nil, c.UnauthenticatedBind("") }}
	rapid.Check(t, func(t *rapid.T) {
		w.clear(t)
		w.settle(t)
		somebody.same(t, nobody)
		c := &company{t: t}
		for range 40 {
			switch pick(t, "about", "data", "data", "data", "data", "bind", "password", "own password") {
			case "data":
				if s := c.step(); connector.same(t, s) && strings.HasPrefix(s.makes, "uid=") {
					c.made = append(c.made, s.makes)
				}
			case "bind":
				somebody.same(t, c.bind())
			case "password":
				connector.same(t, c.setPassword(false))
			case "own password":
				somebody.same(t, c.bind())
				somebody.same(t, c.setPassword(pick(t, "own", true, true, false)))
			}
			w.settle(t)
		}
	})
}

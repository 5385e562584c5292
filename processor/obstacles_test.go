package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

func TestOpenLDAPEndsAccessFirst(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", userEdits("openldap.yaml")...)
	checkObstacles(t, w, peopleOf(connector.OpenLDAP, "uid"), event.Values{"email": "买@example.org"})
}

func Test389DSEndsAccessFirst(t *testing.T) {
	w := enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml", userEdits("389ds.yaml")...)
	checkObstacles(t, w, peopleOf(connector.DS389, "uid"), event.Values{"email": "买@example.org"})
}

func TestSambaEndsAccessFirst(t *testing.T) {
	w := enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml", userEdits("active-directory.yaml")...)
	checkObstacles(t, w, peopleOf(connector.ActiveDirectory, "cn"), event.Values{"displayName": strings.Repeat("x", 300)})
}

// userEdits give the section for users a rule that can fail and a reference.
func userEdits(string) []string {
	return []string{
		"    description: user.description\n",
		"    description: 'user.description == \"boom\" ? fail(\"a rule that fails\") : user.description'\n    manager: { reference: user.custom.manager }\n",
	}
}

// obstacle is something that keeps a part of a user's record from being written.
type obstacle struct {
	name string
	// before is said of the user when the entry is made, and put in the way is done once there is one.
	before event.Values
	put    func(w *world, ref event.Ref) []event.Change
}

// act is something that is said of a user whatever stands in the way.
type act struct {
	name string
	say  func(w *world, ref event.Ref) event.Change
	// leaves: the user is in no group any more.
	leaves bool
	// facet is the one that is settled.
	facet event.Facet
}

func acts() []act {
	return []act{
		{"disable", func(w *world, ref event.Ref) event.Change {
			return w.say(event.TypeUserDisable, ref, event.Values{event.FieldStatus: event.StatusDisabled})
		}, false, event.FacetAccess},
		{"lock", func(w *world, ref event.Ref) event.Change {
			return w.say(event.TypeUserLock, ref, event.Values{event.FieldLockExpireTime: w.at + 3_600_000})
		}, false, event.FacetAccess},
		{"expiry", func(w *world, ref event.Ref) event.Change {
			return w.say(event.TypeUserUpdateInfo, ref, event.Values{event.FieldAccountExpireTime: w.at - 3_600_000})
		}, false, event.FacetAccess},
		{"delete", func(w *world, ref event.Ref) event.Change { return w.say(event.TypeUserDelete, ref, nil) }, true, event.FacetExistence},
		{"leaving the scope", func(w *world, ref event.Ref) event.Change {
			return w.say(event.TypeUserUpdateInfo, ref, event.Values{event.FieldUsername: "svc-" + ref.ID})
		}, true, event.FacetExistence},
		{"new password", func(w *world, ref event.Ref) event.Change {
			c := w.say(event.TypeUserUpdatePassword, ref, nil)
			c.Password = secretText("Tr0ub4dor+Three")
			return c
		}, false, event.FacetSecret},
	}
}

func obstacles(refused event.Values) []obstacle {
	says := func(fields event.Values) func(w *world, ref event.Ref) []event.Change {
		return func(w *world, ref event.Ref) []event.Change {
			return []event.Change{w.say(event.TypeUserUpdateInfo, ref, fields)}
		}
	}
	return []obstacle{
		{"a refused attribute of a change", nil, says(refused)},
		{"a refused attribute of a new entry", refused, says(event.Values{})},
		{"an unknown manager", nil, says(event.Values{"custom.manager": "emp-999"})},
		{"an unknown unit", nil, func(w *world, ref event.Ref) []event.Change {
			return []event.Change{w.say(event.TypeUserUpdatePrimaryOU, ref, event.Values{event.FieldPrimaryUnit: "never"})}
		}},
		{"a name that is taken", nil, says(event.Values{event.FieldUsername: "holder"})},
		{"a rule that fails", nil, says(event.Values{"description": "boom"})},
		{"an entry below", nil, func(w *world, ref event.Ref) []event.Change {
			w.childBelow(ref)
			return nil
		}},
	}
}

// childBelow makes an entry below that of a user, which keeps it from being deleted.
func (w *world) childBelow(ref event.Ref) {
	w.Helper()
	w.asAdmin(func(conn *ldap.Conn) error {
		add := ldap.NewAddRequest("cn=phone,"+w.dn(ref).String(), nil)
		class := "device"
		if profile, err := w.dir.Profile(w.Context()); err == nil && profile.Flavour.Name() == connector.ActiveDirectory {
			class = "nTFRSSubscriptions"
		}
		add.Attribute("objectClass", []string{class})
		return conn.Add(add)
	})
}

// checkObstacles shows that whatever keeps a record from being written keeps nobody's access from being ended, and no password
// from being set.
func checkObstacles(t *testing.T, w *world, s server, refused event.Values) {
	t.Helper()
	w.create(user("holder"), "holder", "", nil)
	for i, o := range obstacles(refused) {
		for j, a := range acts() {
			t.Run(o.name+"/"+a.name, func(t *testing.T) {
				w := w.in(t)
				ref, name := user(fmt.Sprintf("u%d%d", i, j)), fmt.Sprintf("u%d%d", i, j)
				c := w.say(event.TypeUserCreate, ref, record(name, o.before))
				c.Password = secretText("Correct-Horse-1")
				w.process(ref, c)
				w.login(ref, "Correct-Horse-1", true)
				staff := group("g" + name)
				w.must(event.CodeApplied, staff, w.say(event.TypeGroupCreate, staff, event.Values{event.FieldName: "g" + name}), w.joins(staff, ref))
				at := w.dn(ref)
				if changes := o.put(w, ref); len(changes) > 0 {
					w.process(ref, changes...)
				}
				r := w.process(ref, a.say(w, ref))
				if got := r.Of(a.facet); got.State != event.Done && !(a.leaves && r.Left) {
					t.Errorf("%s is %+v", a.facet, got)
				}
				if a.facet == event.FacetSecret {
					w.login(ref, "Tr0ub4dor+Three", true)
				}
				if w.bindsAs(at, "Correct-Horse-1") || !w.dn(ref).Empty() && w.bindsAs(w.dn(ref), "Correct-Horse-1") {
					t.Error("the user can still log in")
				}
				if a.leaves && w.isIn(staff, at) {
					t.Error("the user is still in the group")
				}
			})
		}
	}
	_ = s
}

func (w *world) joins(g, member event.Ref) event.Change {
	c := w.say(event.TypeGroupAddUser, g, nil)
	c.Members = []event.Member{{User: member.ID, Present: true}}
	return c
}

func (w *world) isIn(g event.Ref, member plan.DN) bool {
	return slices.ContainsFunc(w.values(w.dn(g), "member"), func(v string) bool {
		dn, err := plan.ParseDN(v)
		return err == nil && dn.Equal(member)
	})
}

// bindsAs reports whether somebody can log in.
func (w *world) bindsAs(dn plan.DN, password string) bool {
	w.Helper()
	return w.bind(dn, password) == nil
}

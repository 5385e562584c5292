package processor_test

import (
	"encoding/json"
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
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	w := enter(t, server.Access, ldaps, "openldap.yaml", userEdits("openldap.yaml")...)
	checkObstacles(t, w, event.Values{"email": "买@example.org"}, func(w *world) { deleteNothing(w.T, server) })
}

// Without a password policy slapd keeps out whom the rights to the password tell it to, by an attribute of the mapping's own.
func TestOpenLDAPBareEndsAccessFirst(t *testing.T) {
	keptOut := fmt.Sprintf("to filter=(|(employeeType=disabled)(departmentNumber=locked)(carLicense=expired)) attrs=userPassword by dn.exact=%q write by * none",
		"cn=connector,ou=system,"+suffix)
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true, AccessRules: []string{keptOut}})
	edits := append(userEdits("openldap.yaml"),
		"disable: auto", "disable: { on: { employeeType: disabled }, off: { employeeType: staff } }",
		"lock: auto", "lock: { on: { departmentNumber: locked } }", "expire: auto", "expire: { on: { carLicense: expired } }")
	w := enter(t, server.Access, ldaps, "openldap.yaml", edits...)
	checkObstacles(t, w, event.Values{"email": "买@example.org"}, func(w *world) { deleteNothing(w.T, server, keptOut) })
}

func Test389DSEndsAccessFirst(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	w := enter(t, server.Access, ldaps, "389ds.yaml", userEdits("389ds.yaml")...)
	checkObstacles(t, w, event.Values{"email": "买@example.org"}, func(w *world) {
		server.Configure(w.T, people, "aci", fmt.Sprintf(
			`(targetattr="*")(version 3.0; acl "connector"; allow (read, search, compare, write, add) userdn="ldap:///%s";)`, server.BindDN))
	})
}

func TestSambaEndsAccessFirst(t *testing.T) {
	w := enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml", userEdits("active-directory.yaml")...)
	checkObstacles(t, w, event.Values{"displayName": strings.Repeat("x", 300)}, (*world).delegateNoDeletion)
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
	// unreadable: what is said of the user has fields that cannot be read.
	unreadable bool
	// keeps: the entry cannot be removed.
	keeps bool
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

// obstacles are what may be in the way, with a record that the server refuses. The last takes the right to delete users away for good.
func obstacles(refused event.Values, forbid func(w *world)) []obstacle {
	says := func(fields event.Values) func(w *world, ref event.Ref) []event.Change {
		return func(w *world, ref event.Ref) []event.Change {
			return []event.Change{w.say(event.TypeUserUpdateInfo, ref, fields)}
		}
	}
	return []obstacle{
		{name: "a refused attribute of a change", put: says(refused)},
		{name: "a refused attribute of a new entry", before: refused, put: says(event.Values{})},
		{name: "an unknown manager", put: says(event.Values{"custom.manager": "emp-999"})},
		{name: "an unknown unit", put: func(w *world, ref event.Ref) []event.Change {
			return []event.Change{w.say(event.TypeUserUpdatePrimaryOU, ref, event.Values{event.FieldPrimaryUnit: "never"})}
		}},
		{name: "a name that is taken", put: says(event.Values{event.FieldUsername: "holder"})},
		{name: "a rule that fails", put: says(event.Values{"description": "boom"})},
		{name: "an entry below", keeps: true, put: func(w *world, ref event.Ref) []event.Change {
			w.childBelow(ref)
			return nil
		}},
		{name: "a unit whose place is not confirmed", keeps: true, put: func(w *world, ref event.Ref) []event.Change {
			w.unconfirm(ref)
			return nil
		}},
		{name: "a name that is taken among the leavers", keeps: true, put: func(w *world, ref event.Ref) []event.Change {
			w.maps("delete: delete", "delete: { move: \"ou=leavers,{base}\" }")
			w.takeAmongLeavers(ref)
			return nil
		}},
		{name: "fields that cannot be read", unreadable: true, put: says(event.Values{})},
		{name: "no right to delete", keeps: true, put: func(w *world, _ event.Ref) []event.Change {
			forbid(w)
			return nil
		}},
	}
}

// unconfirm brings a user into a unit that then gets another name, without that being remembered, as after a rename that ended halfway.
func (w *world) unconfirm(ref event.Ref) {
	w.Helper()
	ou := unit("of-" + ref.ID)
	w.must(event.CodeApplied, ou, w.say(event.TypeUnitCreate, ou, event.Values{event.FieldName: ou.ID, event.FieldParentID: event.RootUnitID}))
	w.must(event.CodeApplied, ref, w.say(event.TypeUserUpdatePrimaryOU, ref, event.Values{event.FieldPrimaryUnit: ou.ID}))
	at, rdn := w.dn(ou), plan.RDN{{Type: "ou", Value: "renamed " + ou.ID}}
	w.make(plan.ModifyDN{DN: at, NewRDN: rdn, NewSuperior: at.Parent(), DeleteOldRDN: true})
}

// takeAmongLeavers makes an entry of somebody else where that of a user is kept when the user is gone.
func (w *world) takeAmongLeavers(ref event.Ref) {
	w.Helper()
	rdn := w.dn(ref).RDN()
	class := map[string]string{"uid": "account", "cn": "device"}[rdn[0].Type]
	if w.file == "active-directory.yaml" {
		class = "contact"
	}
	w.make(plan.Add{DN: plan.MustParseDN("ou=leavers," + suffix).Child(rdn), Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{class}}, {Name: rdn[0].Type, Values: []string{rdn[0].Value}},
	}})
}

// unreadable is an event as it comes from the wire with fields of another kind than they should have.
func (w *world) unreadable(c event.Change) event.Change {
	w.Helper()
	payload := c.Payload()
	payload["email"], payload["displayName"], payload["phoneVerified"] = []int{1}, map[string]any{"x": 1}, "perhaps"
	document, err := json.Marshal(map[string]any{"eventData": []any{map[string]any{
		"eventId": c.ID, "eventType": c.Type.URN(), "eventTime": int64(c.Stamp.Event), "bizId": c.Object.ID, "bizData": payload,
	}}})
	if err != nil {
		w.Fatal(err)
	}
	read, err := event.Decode(document)
	if err != nil || len(read.Changes) != 1 || len(read.Changes[0].Unread) != 3 {
		w.Fatalf("read: %+v, %v", read, err)
	}
	return read.Changes[0]
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
func checkObstacles(t *testing.T, w *world, refused event.Values, forbid func(w *world)) {
	t.Helper()
	w.create(user("holder"), "holder", "", nil)
	for i, o := range obstacles(refused, forbid) {
		for j, a := range acts() {
			t.Run(o.name+"/"+a.name, func(t *testing.T) { w.in(t).meets(fmt.Sprintf("u%d%d", i, j), o, a) })
		}
	}
}

// meets makes a user who is in a group, puts an obstacle in the way, and looks at what comes of an act.
func (w *world) meets(name string, o obstacle, a act) {
	w.Helper()
	ref := user(name)
	c := w.say(event.TypeUserCreate, ref, record(name, o.before))
	c.Password = secretText("Correct-Horse-1")
	w.process(ref, c)
	w.login(ref, "Correct-Horse-1", true)
	staff := group("g" + name)
	w.must(event.CodeApplied, staff, w.say(event.TypeGroupCreate, staff, event.Values{event.FieldName: "g" + name}), w.joins(staff, ref))
	places := []plan.DN{w.dn(ref)}
	if changes := o.put(w, ref); len(changes) > 0 {
		w.process(ref, changes...)
	}
	places = append(places, w.dn(ref), w.reallyAt(ref))
	if !w.bindsAs(w.reallyAt(ref), "Correct-Horse-1") {
		w.Fatal("the user cannot log in before the act")
	}
	said := a.say(w, ref)
	if o.unreadable {
		said = w.unreadable(said)
	}
	r := w.process(ref, said)
	if got := r.Of(a.facet); got.State != event.Done && !(a.leaves && r.Left) {
		w.Errorf("%s is %+v", a.facet, got)
	}
	now := w.reallyAt(ref)
	if a.leaves && now.Empty() == o.keeps {
		w.Errorf("the entry is at %q; is it kept: want %t", now, o.keeps)
	}
	if a.facet == event.FacetSecret && !w.bindsAs(now, "Tr0ub4dor+Three") {
		w.Error("the user cannot log in with the new password")
	}
	for _, at := range append(places, now) {
		if !at.Empty() && w.bindsAs(at, "Correct-Horse-1") {
			w.Errorf("the user can still log in as %s", at)
		}
		if a.leaves && !at.Empty() && w.isIn(staff, at) {
			w.Errorf("%s is still in the group", at)
		}
	}
}

// reallyAt is where the entry of an object is, whatever is remembered; empty where it is gone.
func (w *world) reallyAt(ref event.Ref) plan.DN {
	w.Helper()
	found, err := w.dir.Find(w.Context(), plan.Key{Link: w.memory.objects[ref].Link, Base: plan.MustParseDN(suffix)})
	switch {
	case err != nil:
		w.Fatal(err)
	case found == nil:
		return plan.DN{}
	}
	return found.DN
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

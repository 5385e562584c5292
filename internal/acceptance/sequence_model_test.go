package acceptance_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// model is what is true when everything is over. It is computed from the events alone, in the order of time, by the rules
// that the contract states: the newest word on each field counts, and on each membership; a deletion takes everything
// along; what is said of somebody who is not there says nothing.
//
// It shares no code with the product, and with the company that makes the events only the form of the events.
type model struct {
	users   map[string]map[string]any // fields by their names on the wire; nil for one that is gone
	units   map[string]map[string]any
	groups  map[string]map[string]any
	members map[string]map[string]bool // by group, then by user
	// passwords are all that a user ever had in this life, the newest last.
	passwords map[string][]string
	// addresses are all that were said of a user in this life, the newest last.
	addresses map[string][]string
	// refused are those of whom an address was said at any time that a directory in trouble refuses.
	refused map[string]bool
	// waits are the objects with events that can never be applied: they name somebody or something of whom nobody ever said
	// that it exists.
	waits map[string]bool
}

// theEnd returns what is true after events, which are given in the order of time.
func theEnd(events []happening) model {
	m := model{
		users: map[string]map[string]any{}, units: map[string]map[string]any{}, groups: map[string]map[string]any{},
		members: map[string]map[string]bool{}, passwords: map[string][]string{}, addresses: map[string][]string{}, refused: map[string]bool{}, waits: map[string]bool{},
	}
	for _, e := range events {
		m.hear(e.Event)
	}
	for id, fields := range m.users {
		if fields != nil && !m.outOfScope(id) && !m.placed(text(fields, "primaryOrganizationalUnitId")) {
			m.waits[id] = true
		}
	}
	for group, members := range m.members {
		for id := range members {
			m.waits[group] = m.waits[group] || !m.hasEntry(id)
		}
	}
	maps.DeleteFunc(m.waits, func(_ string, waits bool) bool { return !waits })
	return m
}

// hear takes in one event.
func (m *model) hear(e idaastest.Event) {
	switch e.Type {
	case event.TypeUserCreate, event.TypeUserUpdateInfo, event.TypeUserPush, event.TypeUserUpdatePrimaryOU:
		asserted(m.users, e)
	case event.TypeUserDisable, event.TypeUserEnable, event.TypeUserLock:
		maps.Copy(m.users[e.BizID], e.BizData)
	case event.TypeUserUnlock:
		m.users[e.BizID]["lockExpireTime"] = "-1"
	case event.TypeUserUpdatePassword:
		if m.users[e.BizID] == nil {
			m.waits[e.BizID] = true
		}
	case event.TypeUserDelete:
		m.users[e.BizID] = nil
		delete(m.passwords, e.BizID)
		delete(m.addresses, e.BizID)
		for _, members := range m.members {
			delete(members, e.BizID)
		}
	case event.TypeUnitCreate, event.TypeUnitUpdate, event.TypeUnitPush, event.TypeUnitUpdateParent:
		asserted(m.units, e)
	case event.TypeUnitDelete:
		m.units[e.BizID] = nil
	case event.TypeGroupCreate, event.TypeGroupUpdate, event.TypeGroupPush:
		asserted(m.groups, e)
		m.join(e)
	case event.TypeGroupAddUser:
		m.join(e)
	case event.TypeGroupRemoveUser:
		for _, id := range e.BizData["userIds"].([]string) {
			delete(m.members[e.BizID], id)
		}
	case event.TypeGroupDelete:
		m.groups[e.BizID] = nil
		delete(m.members, e.BizID)
	}
	if address, ok := e.BizData["email"]; ok {
		text, _ := address.(string)
		m.addresses[e.BizID] = append(m.addresses[e.BizID], text)
		m.refused[e.BizID] = m.refused[e.BizID] || isRefused(text)
	}
	if password, ok := e.BizData["password"].(string); ok {
		m.passwords[e.BizID] = append(m.passwords[e.BizID], password)
	}
}

// addressRefused reports whether a directory in trouble refuses the newest address of a user.
func (m *model) addressRefused(id string) bool {
	all := m.addresses[id]
	return len(all) > 0 && isRefused(all[len(all)-1])
}

// mayHave reports whether a user whose newest address was refused may have another one: one from before, or none.
func (m *model) mayHave(id, address string) bool {
	return address == "" || !isRefused(address) && slices.ContainsFunc(m.addresses[id], func(said string) bool { return strings.EqualFold(said, address) })
}

// forgiveAddresses lets users whose newest address was refused have what they may have in its place.
func (m *model) forgiveAddresses(d *directory, want, got entries) {
	for _, id := range present(m.users) {
		if !m.addressRefused(id) || !m.hasEntry(id) {
			continue
		}
		dn := dnKey(m.userDN(d, id))
		delete(want[dn], "mail")
		if has := got[dn]["mail"]; len(has) == 1 && m.mayHave(id, has[0]) {
			want[dn]["mail"] = has
		}
	}
}

// asserted takes in what an event says that speaks for the existence of its object.
func asserted(objects map[string]map[string]any, e idaastest.Event) {
	if objects[e.BizID] == nil {
		objects[e.BizID] = map[string]any{}
	}
	maps.Copy(objects[e.BizID], e.BizData)
}

func (m *model) join(e idaastest.Event) {
	ids, _ := e.BizData["userIds"].([]string)
	for _, id := range ids {
		if m.members[e.BizID] == nil {
			m.members[e.BizID] = map[string]bool{}
		}
		m.members[e.BizID][id] = true
	}
}

func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}

// moment returns a moment in milliseconds, 0 for none.
func moment(fields map[string]any, name string) int64 {
	ms, _ := strconv.ParseInt(text(fields, name), 10, 64)
	return max(0, ms)
}

func (m *model) outOfScope(id string) bool {
	return strings.HasPrefix(text(m.users[id], "username"), "svc-")
}

// placed reports whether there is a place for what belongs into a unit.
func (m *model) placed(unit string) bool { return unit == event.RootUnitID || m.units[unit] != nil }

// hasEntry reports whether a user is in the directory.
func (m *model) hasEntry(id string) bool {
	return m.users[id] != nil && !m.outOfScope(id) && !m.waits[id]
}

func (m *model) user(id string) idaastest.User {
	f := m.users[id]
	verified, _ := f["phoneVerified"].(bool)
	return idaastest.User{
		ID: id, Username: text(f, "username"), DisplayName: text(f, "displayName"), Email: text(f, "email"), Description: text(f, "description"),
		PhoneRegion: text(f, "phoneRegion"), PhoneNumber: text(f, "phoneNumber"), PhoneVerified: verified,
		Unit: text(f, "primaryOrganizationalUnitId"), Status: text(f, "status"),
		LockExpireTime: moment(f, "lockExpireTime"), AccountExpireTime: moment(f, "accountExpireTime"),
	}
}

func (m *model) unit(id string) idaastest.Unit {
	f := m.units[id]
	return idaastest.Unit{ID: id, Name: text(f, "organizationalUnitName"), Parent: text(f, "parentId"), Description: text(f, "description")}
}

func (m *model) group(id string) idaastest.Group {
	f := m.groups[id]
	return idaastest.Group{ID: id, Name: text(f, "groupName"), Description: text(f, "description")}
}

// present returns the ids of those that are there, in alphabetical order.
func present(objects map[string]map[string]any) []string {
	var out []string
	for id, fields := range objects {
		if fields != nil {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// membersOf returns those members of a group who have an entry.
func (m *model) membersOf(group string) []string {
	var out []string
	for id := range m.members[group] {
		if m.hasEntry(id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// usable reports whether somebody may log in.
func usable(u idaastest.User, now int64) bool {
	return u.Status == event.StatusEnabled && u.LockExpireTime <= now && (u.AccountExpireTime == 0 || u.AccountExpireTime > now)
}

// entries are what stands in a directory: by DN, in a form that can be compared, the values of each attribute in order.
type entries map[string]map[string][]string

// put adds an entry with those of its attributes that have a value.
func (e entries) put(dn string, attributes map[string][]string) {
	for name, values := range attributes {
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
		slices.Sort(values)
		attributes[name] = values
	}
	maps.DeleteFunc(attributes, func(_ string, values []string) bool { return len(values) == 0 })
	e[dnKey(dn)] = attributes
}

// dnKey writes a DN in one form only. Upper and lower case do not count in it: what they are in a name shows in the
// attribute that the name is made of.
func dnKey(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return dn + " (" + err.Error() + ")"
	}
	names := make([]string, len(parsed.RDNs))
	for i, rdn := range parsed.RDNs {
		for _, a := range rdn.Attributes {
			names[i] += strings.ToLower(fmt.Sprintf("%s=%q", a.Type, a.Value))
		}
	}
	return strings.Join(names, ",")
}

// directory returns what has to stand below the people and the groups in a directory of some vocabulary.
func (m *model) directory(d *directory) entries {
	out := entries{}
	for _, id := range present(m.units) {
		u := m.unit(id)
		out.put(m.unitDN(d, id), map[string][]string{"ou": {u.Name}, d.unitID: {id}, "description": {u.Description}})
	}
	for _, id := range present(m.users) {
		if !m.hasEntry(id) {
			continue
		}
		u := m.user(id)
		is := maps.Clone(d.userIs(u))
		for _, p := range people {
			if p.shown == u.DisplayName {
				is["sn"], is["givenName"] = []string{p.family}, []string{p.given}
			}
		}
		out.put(m.userDN(d, id), is)
	}
	for _, id := range present(m.groups) {
		g := m.group(id)
		var members []string
		for _, user := range m.membersOf(id) {
			members = append(members, dnKey(d.memberIs(m.user(user), m.userDN(d, user))))
		}
		if len(members) == 0 && d.placeholder != "" {
			members = []string{dnKey(d.placeholder)}
		}
		out.put(d.groupDN(g.Name), map[string][]string{"cn": {g.Name}, d.groupID: {id}, "description": {g.Description}, d.member: members})
	}
	return out
}

func (m *model) unitDN(d *directory, id string) string {
	if id == event.RootUnitID {
		return d.people
	}
	u := m.unit(id)
	return d.unitDN(u.Name, m.unitDN(d, u.Parent))
}

func (m *model) userDN(d *directory, id string) string {
	u := m.user(id)
	return d.userDN(u, m.unitDN(d, u.Unit))
}

package idaastest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"idaas-ldap/event"
)

// Organization is a made-up company.
type Organization struct {
	Units  []Unit // each after the one above it
	Users  []User
	Groups []Group
	// Members are the users of each group, by its id.
	Members map[string][]string
}

// The names are made up, in many scripts and with everything that has a meaning in a DN.
var (
	givenNames = []string{
		"Ann", "Björn", "Chloé", "伟", "芳", "娜", "秀英", "Dmitri", "Ελένη", "José", "Фёдор", "さくら", "민준", "فاطمة", "Ng'ang'a", "Anne-Marie", "Zoë", "亮", "Kelechi", "Łucja",
	}
	lastNames = []string{
		"Lee", "Müller", "O'Brien", "王", "李", "诸葛", "欧阳", "García, Jr.", `"Buddy" Holly`, "Иванов", "Παπαδόπουλος", "田中", "김", "الخطيب", "van der Berg", "Smith + Sons", "<Tag>", "A=B", "Back\\slash", "Sørensen 🚀", "#hash", "Semi;colon",
	}
	unitNames = []string{
		"Research", "R&D, Hangzhou", "市场部", "销售", "Vertrieb & Service", "Finance", "人力资源", "Ops #1", "Legal; Compliance", "Qualität", "Support (24/7)", "Données", "Platform 🚀", "Sales + Marketing", "Back\\Office", "\"Special\" Projects",
	}
	groupNames = []string{"Vpn users", "管理员", "Ops, on call", "Everybody", "Budget=2026", "Beta+Testers"}
)

// Generate makes an organisation of so many people in a tree of so many units, always the same one for a seed.
func Generate(seed uint64, people, units int) Organization {
	random := rand.New(rand.NewPCG(seed, 1))                                                              // Made-up people need no secrecy.
	id := func(prefix string, n int) string { return fmt.Sprintf("%s%026x", prefix, seed<<32|uint64(n)) } // Never negative.
	org := Organization{Members: map[string][]string{}}
	for i := range units {
		unit := Unit{ID: id("ou_", i), Name: fmt.Sprintf("%s %d", unitNames[random.IntN(len(unitNames))], i)}
		if i > 0 && random.IntN(4) > 0 {
			unit.Parent = org.Units[random.IntN(i)].ID
		}
		org.Units = append(org.Units, unit)
	}
	for i := range people {
		family, given := lastNames[random.IntN(len(lastNames))], givenNames[random.IntN(len(givenNames))]
		user := User{
			ID: id("user_", i), Username: fmt.Sprintf("user%05d", i), DisplayName: given + " " + family,
			Email: fmt.Sprintf("User%05d@example.org", i), Unit: event.RootUnitID, Description: fmt.Sprintf("desk %d", random.IntN(1000)),
		}
		if units > 0 {
			user.Unit = org.Units[random.IntN(units)].ID
		}
		if random.IntN(2) == 0 {
			user.PhoneRegion, user.PhoneNumber, user.PhoneVerified = "86", fmt.Sprintf("139%08d", i), random.IntN(3) > 0
		}
		org.Users = append(org.Users, user)
	}
	for i, name := range groupNames {
		group := Group{ID: id("group_", i), Name: name}
		org.Groups = append(org.Groups, group)
		for _, user := range org.Users {
			if random.IntN(10) == 0 {
				org.Members[group.ID] = append(org.Members[group.ID], user.ID)
			}
		}
	}
	return org
}

// Push makes the events of a full push of everything, the units first.
func (o Organization) Push(t *Tenant) []Event {
	var events []Event
	for _, unit := range o.Units {
		events = append(events, t.UnitEvent(event.TypeUnitPush, unit))
	}
	for _, user := range o.Users {
		events = append(events, t.UserEvent(event.TypeUserPush, user))
	}
	for _, group := range o.Groups {
		events = append(events, t.GroupEvent(event.TypeGroupPush, group))
		if members := o.Members[group.ID]; len(members) > 0 {
			events = append(events, t.Membership(event.TypeGroupAddUser, group.ID, members...))
		}
	}
	return events
}

// Remove makes the events that delete everything again: groups and users first, and then the units, each before the one above it.
func (o Organization) Remove(t *Tenant) []Event {
	var events []Event
	for _, group := range o.Groups {
		events = append(events, t.DeleteGroup(group.ID))
	}
	for _, user := range o.Users {
		events = append(events, t.DeleteUser(user.ID))
	}
	for _, unit := range slices.Backward(o.Units) {
		events = append(events, t.DeleteUnit(unit.ID))
	}
	return events
}

// Shuffled returns events in another order, always the same one for a seed.
func Shuffled(seed uint64, events []Event) []Event {
	random := rand.New(rand.NewPCG(seed, 2)) // As above.
	out := slices.Clone(events)
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

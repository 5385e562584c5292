package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
)

// person is a shown name and what it is made of.
type person struct{ shown, given, family string }

var people = []person{
	{"Ann Lee", "Ann", "Lee"},
	{"Zoë O'Brien", "Zoë", "O'Brien"},
	{"诸葛亮", "亮", "诸葛"},
	{"García, José", "José", "García"},
	{"Фёдор Иванов", "Фёдор", "Иванов"},
	{"Ludwig van der Berg", "Ludwig", "van der Berg"},
	{"A=B <Tag>", "A=B", "<Tag>"},
}

var unitNames = []string{"Lab", "LAB", "R&D, Hangzhou", "市场部", "Ops #1", "Legal; Compliance", "Sales + Marketing", `Back\Office`, `"Special" Projects`, "Qualität"}

var clubNames = []string{"Vpn", "Ops, on call", "管理员", "Beta+Testers", "VPN", "Everybody"}

// folded is a name as directories compare it.
func folded(name string) string { return strings.ToLower(name) }

// freeName chooses one of the names that is not taken by others. There are few, so that those that become free are given
// on, and nearly all differ from others in more than upper and lower case.
func freeName(c chooser, names []string, taken func(string) bool) (string, bool) {
	free := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return taken(folded(n)) })
	if len(free) == 0 {
		return "", false
	}
	return oneOf(c, "name", free), true
}

func (c *company) freeUsername(self *employee) (string, bool) {
	var names []string
	for i := range c.size.users + 2 {
		names = append(names, fmt.Sprintf("u%s.%d", c.mark, i))
		if i%4 == 0 {
			names = append(names, fmt.Sprintf("U%s.%d", strings.ToUpper(c.mark), i))
		}
	}
	return freeName(c, names, func(name string) bool {
		return slices.ContainsFunc(c.users, func(u *employee) bool { return u.alive && u != self && folded(u.Username) == name })
	})
}

func (c *company) freeUnitName(self *department, parent string) (string, bool) {
	names := slices.Clone(unitNames)
	for i := range names {
		names[i] += " " + c.mark
	}
	return freeName(c, names, func(name string) bool { return c.unitNameTaken(self, parent, name) })
}

func (c *company) unitNameTaken(self *department, parent, name string) bool {
	return slices.ContainsFunc(c.units, func(u *department) bool {
		return u.alive && u != self && u.Parent == parent && folded(u.Name) == folded(name)
	})
}

func (c *company) freeGroupName(self *club) (string, bool) {
	var names []string
	for i := range c.size.groups {
		names = append(names, fmt.Sprintf("%s %s %d", clubNames[i%len(clubNames)], c.mark, i/len(clubNames)))
	}
	return freeName(c, names, func(name string) bool {
		return slices.ContainsFunc(c.groups, func(g *club) bool { return g.alive && g != self && folded(g.Name) == name })
	})
}

// newPassword is one that was never used and that every directory takes.
func (c *company) newPassword() string {
	c.passwords++
	return fmt.Sprintf("Xq7-%s-%d-zT", c.mark, c.passwords)
}

// id makes an id of the usual length.
func (c *company) id(prefix string, n int) string {
	tail := fmt.Sprintf("x%sx%d", c.mark, n)
	return prefix + strings.Repeat("a", 26-len(tail)) + tail
}

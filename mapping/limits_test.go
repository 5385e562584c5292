package mapping_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/mapping"
)

const guarded = `version: 1
base: dc=example,dc=org
group: { dn: "cn={group.name},{base}", match: [ { attribute: description, value: group.id } ] }
`

// The documentation shows the limits that hold where a file says nothing, all of them.
func TestGuardsOfTheDocumentationAreTheDefaults(t *testing.T) {
	page, err := os.ReadFile("../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^guards:\n(  .*\n){4}").FindString(string(page))
	if diff := cmp.Diff(compile(t, guarded).Guards(), compile(t, guarded+shown).Guards()); diff != "" || shown == "" {
		t.Errorf("%q (-default +documentation)\n%s", shown, diff)
	}
}

// A limit that a file gives replaces its default and no other, and a key that it leaves out keeps it.
func TestGuardsAreReadOneByOne(t *testing.T) {
	usual := compile(t, guarded).Guards()
	for name, of := range map[string]func(*mapping.Guards) *mapping.Limit{
		"deletes": func(g *mapping.Guards) *mapping.Limit { return &g.Deletes }, "disables": func(g *mapping.Guards) *mapping.Limit { return &g.Disables },
		"adoptions": func(g *mapping.Guards) *mapping.Limit { return &g.Adoptions }, "renames": func(g *mapping.Guards) *mapping.Limit { return &g.Renames },
		"changes": func(g *mapping.Guards) *mapping.Limit { return &g.Changes }, "vanished": func(g *mapping.Guards) *mapping.Limit { return &g.Vanished },
	} {
		want := usual
		of(&want).Max = 7
		if diff := cmp.Diff(want, compile(t, guarded+"guards: { "+name+": { max: 7 } }\n").Guards()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	for _, c := range []struct {
		limit mapping.Limit
		known int
		want  int
	}{
		{mapping.Limit{Max: 20, Percent: 5}, 0, 1},
		{mapping.Limit{Max: 20, Percent: 5}, 39, 1},
		{mapping.Limit{Max: 20, Percent: 5}, 200, 10},
		{mapping.Limit{Max: 20, Percent: 5}, 10000, 20},
		{mapping.Limit{Max: 50, Percent: 100}, 3, 50},
	} {
		if got := c.limit.Allows(c.known); got != c.want {
			t.Errorf("%+v allows %d of %d; want %d", c.limit, got, c.known, c.want)
		}
	}
}

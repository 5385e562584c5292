package acceptance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// row is one promise of the contract. It is tried on every kind of directory.
type row struct {
	event string // what it is about: the event, as people call it
	says  string // what the directory says afterwards
	play  func(s *scene)
}

func (r row) title() string { return r.event + ": " + r.says }

// chapter is a part of the table.
type chapter struct {
	title string
	rows  []row
}

// goodPassword is one that every directory takes.
const goodPassword = "Correct-Horse-1"

// withManager makes users name their managers, which no ready mapping does: IDaaS has no field for it.
var withManager = []edit{{"description: user.description", "description: user.description\nmanager: { reference: user.custom.manager }"}}

// adoptingByName takes units and groups over by their names.
var adoptingByName = []edit{
	{"- { attribute: businessCategory, value: ou.id }", `- { attribute: businessCategory, value: ou.id }
- { filter: "(&(objectClass=organizationalUnit)(ou={ou.name})(!(businessCategory=*)))", adopt: true }`},
	{"- { attribute: businessCategory, value: group.id }", `- { attribute: businessCategory, value: group.id }
- { filter: "(&(objectClass=groupOfNames)(cn={group.name})(!(businessCategory=*)))", adopt: true }`},
}

// suiteSetup is one product for all rows: the ready mapping, and beside it the same directory once for each way of the
// mapping that a row needs.
func suiteSetup(dir *directory, unencrypted bool, atOnce int) setup {
	variant := func(name string, edits ...edit) configured {
		return configured{name: name, dir: dir, edits: edits, connections: 1}
	}
	deletes := func(by string) edit { return edit{"delete: delete", "delete: " + by} }
	units := func(by string) edit {
		return edit{"on_delete: { when_not_empty: wait }", "on_delete: { when_not_empty: " + by + " }"}
	}
	out := setup{unencrypted: unencrypted, atOnce: atOnce, directories: []configured{
		{name: "corp", dir: dir},
		variant("leavers-disabled", deletes("disable")),
		variant("leavers-moved", deletes(`{ move: "`+dir.leavers+`" }`)),
		variant("leavers-purged", deletes(`{ move: "`+dir.leavers+`", purge_after: 1h }`)),
		variant("units-fail", units("fail")),
		variant("units-children", units("move_children")),
		variant("units-subtree", units("subtree")),
		variant("adopting", dir.adopting...),
		{name: "no-passwords", dir: dir, connections: 1, passwordsOff: true},
	}}
	if dir.posix != nil {
		out.directories = append(out.directories, configured{name: "posix", dir: dir.posix, connections: 1})
	}
	return out
}

// oneAtOnce and manyAtOnce are how many objects are worked on at a time beside the usual number: as few and as many as can be.
const (
	oneAtOnce  = 1
	manyAtOnce = 500
)

// runRows tries every row on a directory, twice in a row: once with encrypted events and once without, and then with another number
// of objects at a time; and once more with each further number. No run may leave anything behind, and all must be what docs/events.md
// says in a column, of the release that it names.
func runRows(t *testing.T, column string, dir *directory, atOnce int, further ...int) {
	t.Helper()
	t.Cleanup(dir.close)
	dir.edits = withManager
	if dir.can.posix {
		dir.posix = dir.forUNIX()
		t.Cleanup(dir.posix.close)
	}
	before := dir.tree(t)
	cells := map[string]string{}
	rounds := []string{"encrypted", "unencrypted"}
	numbers := append([]int{0, atOnce}, further...)
	for _, number := range further {
		rounds = append(rounds, fmt.Sprint(number, " at once"))
	}
	for i, round := range rounds {
		t.Run(round, func(t *testing.T) {
			p := startProductWith(t, suiteSetup(dir, round == "unencrypted", numbers[i]))
			seen := 0
			for _, c := range chapters {
				for _, r := range c.rows {
					cell := ""
					held := t.Run(strings.ReplaceAll(r.title(), "/", " or "), func(t *testing.T) {
						s := newScene(t, p.feed, &seen)
						r.play(s)
						if cell = holds; s.cell != "" {
							cell = s.cell
						}
					})
					switch earlier, twice := cells[r.title()]; {
					case !held:
						cells[r.title()] = "" // whatever it did in the other round
					case cell == "", twice && earlier == "": // it was not asked for, or has failed before
					case twice && earlier != cell:
						t.Errorf("%s: %q in an earlier round, and now %q", r.title(), earlier, cell)
						cells[r.title()] = ""
					default:
						cells[r.title()] = cell
					}
				}
			}
		})
		if diff := cmp.Diff(before, dir.tree(t)); diff != "" {
			t.Errorf("the round %s left something behind (-before +after):\n%s", round, diff)
		}
	}
	compareColumn(t, column, cells)
	if dir.kind != "" {
		compareVersion(t, column, dir.kind)
	}
}

// eventually waits until something holds that the product does by itself.
func (s *scene) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(settleWithin)
	for !holds() {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never happened that %s", what)
		}
		<-time.After(10 * time.Millisecond) // between two looks, never in place of one
	}
}

// chapters is the table.
var chapters = []chapter{
	{"Users", userRows},
	{"Who may log in", statusRows},
	{"Passwords", passwordRows},
	{"Organizational units", unitRows},
	{"Groups", groupRows},
	{"Members who come and go", membershipRows},
	{"Logins to UNIX", posixRows},
	{"Order, repeats and names that are taken", orderRows},
	{"When something is in the way", obstacleRows},
	{"Existing directories and references", adoptionRows},
	{"Names", nameRows},
}

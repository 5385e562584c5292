package acceptance_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was seen of a directory into its column of docs/events.md")

const eventsDocument = "../../docs/events.md"

// columns are the directories of the table, in its order.
var columns = []string{"OpenLDAP", "OpenLDAP, bare", "389 DS", "Active Directory", "in memory"}

// holds is the cell of a row that is as it says, with nothing to add.
const holds = "✓"

// table is what the document says of each row, by the titles of the rows and the directories.
type table map[string]map[string]string

// The document is written by hand but for the tables, each of which stands between two marks.
func opening(c chapter) string { return "<!-- rows: " + c.title + " -->\n" }

const closing = "<!-- end of rows -->\n"

// readTable reads the tables of the document.
func readTable(document string) (table, error) {
	out := table{}
	for _, c := range chapters {
		_, text, found := strings.Cut(document, opening(c))
		text, _, closed := strings.Cut(text, closing)
		if !found || !closed {
			return nil, fmt.Errorf("the document has no place for the rows of %q", c.title)
		}
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for _, line := range lines[min(2, len(lines)):] {
			cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " |")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i]) // empty where nothing was seen yet
			}
			if len(cells) != 2+len(columns) {
				return nil, fmt.Errorf("%q: a row has an event, a promise and %d directories", line, len(columns))
			}
			r := row{event: strings.Trim(cells[0], "`"), says: cells[1]}
			out[r.title()] = map[string]string{}
			for i, column := range columns {
				out[r.title()][column] = cells[2+i]
			}
		}
	}
	return out, nil
}

// write puts the rows as they are now into the document. What was never seen of a directory is left empty.
func (t table) write(document string) string {
	for _, c := range chapters {
		before, rest, _ := strings.Cut(document, opening(c))
		_, after, _ := strings.Cut(rest, closing)
		var b strings.Builder
		fmt.Fprintf(&b, "| Event | The directory afterwards | %s |\n|---|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		for _, r := range c.rows {
			fmt.Fprintf(&b, "| %s | %s |", r.event, r.says)
			for _, column := range columns {
				fmt.Fprintf(&b, " %s |", t[r.title()][column])
			}
			b.WriteString("\n")
		}
		document = before + opening(c) + b.String() + closing + after
	}
	return document
}

// compareColumn fails where the document says anything else of a directory than what was seen of it. With -update it is
// written anew instead.
func compareColumn(t *testing.T, column string, seen map[string]string) {
	t.Helper()
	source, err := os.ReadFile(eventsDocument)
	if err != nil {
		t.Fatal(err)
	}
	says, err := readTable(string(source))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		for title, cell := range seen {
			if says[title] == nil {
				says[title] = map[string]string{}
			}
			says[title][column] = cell
		}
		if err := os.WriteFile(eventsDocument, []byte(says.write(string(source))), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	documented := map[string]string{}
	for title := range seen {
		documented[title] = says[title][column]
	}
	if diff := cmp.Diff(documented, seen); diff != "" {
		t.Errorf("docs/events.md is not what %s does; see what has changed, then run 'make events' (-documented +seen):\n%s", column, diff)
	}
}

// The document has each row once, in the order of the suite, and says of each what every directory does.
func TestEveryRowIsInTheDocument(t *testing.T) {
	source, err := os.ReadFile(eventsDocument)
	if err != nil {
		t.Fatal(err)
	}
	says, err := readTable(string(source))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(says.write(string(source)), string(source)); diff != "" {
		t.Errorf("docs/events.md does not have the rows of the suite; run 'make events' (-suite +document):\n%s", diff)
	}
	titles := map[string]bool{}
	for _, c := range chapters {
		for _, r := range c.rows {
			if titles[r.title()] {
				t.Errorf("two rows are called %q", r.title())
			}
			titles[r.title()] = true
			if strings.Contains(r.title(), "|") {
				t.Errorf("%q cannot be a row of a table", r.title())
			}
			for _, column := range columns {
				if strings.TrimSpace(says[r.title()][column]) == "" {
					t.Errorf("docs/events.md does not say what %s does for %q; run 'make events'", column, r.title())
				}
			}
		}
	}
}

// A table that is read and written is the same table.
func TestTheTableIsReadAsItIsWritten(t *testing.T) {
	var document strings.Builder
	for _, c := range chapters {
		document.WriteString(opening(c) + closing)
	}
	says := table{}
	for i, c := range chapters {
		for _, r := range c.rows {
			says[r.title()] = map[string]string{}
			for j, column := range columns {
				says[r.title()][column] = "" // a new row, of which only one directory was seen yet
				if j == i%len(columns) {
					says[r.title()][column] = fmt.Sprintf("%d, %d", i, j)
				}
			}
		}
	}
	written := says.write(document.String())
	again, err := readTable(written)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(says, again); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if !slices.Contains(strings.Split(written, "\n"), "| Event | The directory afterwards | "+strings.Join(columns, " | ")+" |") {
		t.Error("the table has no heading")
	}
}

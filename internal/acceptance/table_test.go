package acceptance_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was seen of a directory into its column of docs/events.md")

// eventsDocument has the tables; inChinese has them in the words of chineseWords.
const (
	eventsDocument = "../../docs/events.md"
	inChinese      = "../../docs/zh-CN/events.md"
	chineseWords   = "testdata/events.zh-CN.yaml"
)

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

// asItIs is for the language in which the rows are written.
func asItIs(words string) string { return words }

// write puts the rows as they are now into the document, each in the words of its language. What was never seen of a directory is left empty.
func (t table) write(document string, say func(string) string) string {
	for _, c := range chapters {
		before, rest, _ := strings.Cut(document, opening(c))
		_, after, _ := strings.Cut(rest, closing)
		var b strings.Builder
		fmt.Fprintf(&b, "| %s | %s | %s |\n|---|---|%s\n", say("Event"), say("The directory afterwards"), strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
		for _, r := range c.rows {
			fmt.Fprintf(&b, "| %s | %s |", say(r.event), say(r.says))
			for _, column := range columns {
				fmt.Fprintf(&b, " %s |", say(t[r.title()][column]))
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
		if err := os.WriteFile(eventsDocument, []byte(says.write(string(source), asItIs)), 0o600); err != nil {
			t.Fatal(err)
		}
		chineseTables(t, says)
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

// chineseTables compares the tables of the Chinese page with those in English, or writes them with -update. Names of events are the same in both.
func chineseTables(t *testing.T, says table) {
	t.Helper()
	text, err := os.ReadFile(chineseWords)
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := yaml.Unmarshal(text, &words); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(inChinese)
	if err != nil {
		t.Fatal(err)
	}
	isEvent := regexp.MustCompile(`^[a-z_]+:[a-z_]+(, [a-z_]+)*$|^$`)
	written := says.write(string(page), func(text string) string {
		if isEvent.MatchString(text) {
			return text
		}
		if words[text] == "" {
			t.Errorf("%s does not say what %q is in Chinese", chineseWords, text)
		}
		return words[text]
	})
	if *update {
		if err := os.WriteFile(inChinese, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(page), written); diff != "" {
		t.Errorf("%s does not have the tables of %s; run 'go test ./internal/acceptance -run TestEveryRow -update' (-page +tables):\n%s", inChinese, eventsDocument, diff)
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
	chineseTables(t, says)
	if diff := cmp.Diff(says.write(string(source), asItIs), string(source)); diff != "" {
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
	written := says.write(document.String(), asItIs)
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

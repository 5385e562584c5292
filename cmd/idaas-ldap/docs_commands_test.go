package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/idaastest"
)

// commandRows lists what the page has of every command: how it is called, and its help. The marks of the table are in the first place.
func commandRows(t *testing.T) (rows [][2]string) {
	t.Helper()
	for _, c := range commandTree(docsParser(t).Model.Node, nil)[1:] {
		usage := strings.Join(c.path, " ")
		for _, p := range c.node.Positional {
			name := strings.ToUpper(p.Name)
			if !p.Required {
				name = "[" + name + "]"
			}
			usage += " " + name
		}
		rows = append(rows, [2]string{"`" + usage + "`", c.node.Help})
	}
	return rows
}

// flagRows lists every flag once for all commands in which it means the same.
func flagRows(t *testing.T) (rows [][2]string) {
	t.Helper()
	type meaning struct{ flag, help string }
	var order []meaning
	of := map[meaning][]string{}
	for _, c := range commandTree(docsParser(t).Model.Node, nil) {
		for _, f := range c.node.Flags {
			m := meaning{"--" + f.Name, f.Help}
			if values := enum(f.Value); len(values) > 0 {
				m.flag += "=" + strings.Join(values, "\\|")
			} else if f.PlaceHolder != "" {
				m.flag += "=" + f.PlaceHolder
			} else if f.HasDefault && !f.IsBool() {
				m.flag += "=" + f.Default
			}
			if of[m] == nil {
				order = append(order, m)
			}
			name := "all"
			if len(c.path) > 0 {
				name = strings.Join(c.path, " ")
			}
			of[m] = append(of[m], "`"+name+"`")
		}
	}
	for _, m := range order {
		rows = append(rows, [2]string{"`" + m.flag + "` | " + strings.Join(of[m], ", "), strings.TrimSpace(m.help)})
	}
	return rows
}

// The page has every command and every flag as they are. In Chinese, where the page itself is the place of what they mean, it has them too.
func TestEveryCommandAndFlagIsOnThePage(t *testing.T) {
	tables := map[string][][2]string{"commands": commandRows(t), "flags": flagRows(t)}
	for language, where := range languages {
		path := filepath.Join("..", "..", where[1], "commands.md")
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(source)
		for name, rows := range tables {
			part := regexp.MustCompile(`(?s)<!-- ` + name + ` -->\n(\|[^\n]*\n\|[-|]*\n)(.*?)<!-- end of ` + name + ` -->`).FindStringSubmatchIndex(page)
			if part == nil {
				t.Fatalf("%s has no table of %s", path, name)
			}
			var b strings.Builder
			for _, row := range rows {
				text := row[1]
				if language != "English" {
					text = "?"
					first, _, _ := strings.Cut(row[0], ", ") // others may have come to have the flag
					if old := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(first) + `(?:, [^|]*)? \| (.*) \|$`).FindStringSubmatch(page[part[4]:part[5]]); old != nil {
						text = old[1]
					}
					if text == "?" {
						t.Errorf("%s: say in Chinese what %s means, in the place of the question mark: %s", path, row[0], row[1])
					}
				}
				fmt.Fprintf(&b, "| %s | %s |\n", row[0], strings.ReplaceAll(text, "\n", " "))
			}
			page = page[:part[4]] + b.String() + page[part[5]:]
		}
		if *update {
			if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(string(source), page); diff != "" {
			t.Errorf("%s: -update writes it anew (-page +program)\n%s", path, diff)
		}
	}
}

// What a service, a backup, a restore and a simulation leave in their folders is in the table of files.
func TestEveryFileIsOnThePage(t *testing.T) {
	s, log := audited(t, startDirectory(t, ""))
	s.start()
	user := idaastest.User{ID: s.client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	if answer, err := send(s.client, s.client.Tenant.CreateUser(user, "c4n4ry-Pass-1")); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	folder := filepath.Dir(s.config)
	backup := filepath.Join(filepath.Dir(log), "idaas-ldap-2026-11-28.db")
	calls := [][]string{
		{"backup", "--config", s.config, backup},
		{"restore", "--config", s.config, "--yes", backup},
		{"simulate", "--signing-key", filepath.Join(folder, "simulate.key"), "--url", "http://127.0.0.1:1/accounts/provision", "--test"},
	}
	for i, args := range calls {
		if i == 1 {
			s.kill()
		}
		if code, out, errs := call(t, args...); code != 0 && args[0] != "simulate" { // nobody is there to be sent to
			t.Fatalf("%v: exit %d: %s%s", args, code, out, errs)
		}
	}
	var made []string
	for _, where := range []string{folder, filepath.Dir(log)} {
		err := filepath.WalkDir(where, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				made = append(made, filepath.Base(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stamp := regexp.MustCompile(`\d{8}T\d{6}Z(-\w+)?`)              // with the endings of a database
	given := []string{"jwks.json", "mapping.yaml", "openldap.yaml"} // by the test, in the place of whoever sets a service up
	for language := range languages {
		page := documentation(t, language)["commands.md"]
		for _, name := range made {
			name = strings.Replace(stamp.ReplaceAllString(name, "TIME"), "store.db", "idaas-ldap.db", 1)
			if !slices.Contains(given, name) && !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s: the page does not say what the file %s is", language, name)
			}
		}
	}
	if len(made) < 8 {
		t.Errorf("there is only %v", made)
	}
}

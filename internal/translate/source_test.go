package translate_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idaas-ldap/internal/translate"
)

// spoken are the files whose messages are seen in the console.
var spoken = []string{
	"connector/*.go", "console/*.go", "dispatch/*.go", "event/*.go", "internal/audit/*.go", "internal/config/*.go", "internal/explain/*.go", "internal/jsonscan/*.go",
	"internal/mappingtest/*.go", "internal/reload/*.go", "internal/workbench/*.go", "mapping/*.go", "plan/*.go", "processor/*.go", "store/*.go",
	// Of these only what is told of files and key sets, and of what IDaaS says when it is asked about somebody.
	"internal/app/admin.go", "internal/app/certificates.go", "internal/app/change.go", "internal/app/credentials.go", "internal/app/directories.go",
	"internal/app/files.go", "internal/app/setup.go", "receiver/key*.go",
	"pull/client.go", "pull/problem.go", "pull/read.go", "pull/token.go",
}

// unseen are files of these that speak to commands, to whoever starts the service, or to the log only.
var unseen = []string{
	"internal/audit/after.go", "internal/audit/verify.go", "internal/config/schema.go", "internal/reload/folders.go", "internal/reload/watch.go",
	"store/backup.go", "store/carry.go", "store/carry_rows.go", "store/database.go", "store/dialect_postgres.go", "store/dialect_sqlite.go", "store/doctor.go",
	"store/doctor_read.go", "store/doctor_rows.go", "store/key.go", "store/lease_postgres.go", "store/migrate.go", "store/network_linux.go", "store/open.go",
	"store/postgres.go", "store/prune.go", "store/reserve.go", "store/rounds.go", "store/sqlite.go", "store/upkeep.go", "store/upkeep_postgres.go",
}

// Every message of these packages has a Chinese text, and no text is there for a message that none of them makes. What is missing is
// written as a line of JSON, to be filled in.
func TestEveryMessageIsThereInChinese(t *testing.T) {
	made := map[string]string{}
	for _, files := range spoken {
		maps.Copy(made, formsOf(t, filepath.Join("..", "..", filepath.FromSlash(files))))
	}
	if len(made) < 700 {
		t.Errorf("%d messages were found", len(made))
	}
	var catalogue struct{ Messages map[string]string }
	raw, err := os.ReadFile("zh.json")
	if err == nil {
		err = json.Unmarshal(raw, &catalogue)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range slices.Sorted(maps.Keys(made)) {
		if _, ok := catalogue.Messages[form]; !ok && !slices.Contains(notShown, form) {
			t.Errorf("%s: no Chinese for\n%s: \"\",", made[form], encoded(form))
		}
	}
	for form := range catalogue.Messages {
		if made[form] == "" {
			t.Errorf("nothing says %s", encoded(form))
		}
	}
	if _, err := translate.Chinese(); err != nil {
		t.Error(err)
	}
}

// Every form is recognised in a message that was made by it, but for one that has too little of its own.
func TestEveryFormIsRecognised(t *testing.T) {
	var catalogue struct{ Messages map[string]string }
	raw, err := os.ReadFile("zh.json")
	if err == nil {
		err = json.Unmarshal(raw, &catalogue)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := inChinese(t)
	for form := range catalogue.Messages {
		message := regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`).ReplaceAllStringFunc(form, func(verb string) string {
			switch verb[len(verb)-1] {
			case 'q':
				return `"x y"`
			case 'd':
				return "7"
			}
			return "X1"
		})
		if got := c.Of(message); got == message && form != "%s: %q is no id" {
			t.Errorf("%q is %q", message, got)
		}
	}
}

func encoded(form string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(form) // a text can be encoded
	return strings.TrimSpace(b.String())
}

// notShown is what looks like a message and is none that anybody sees in the console.
var notShown = []string{
	// What only the command test says.
	"%s: the tests cannot be rewritten without changing others",
	"%s:%d: the expect of %q is not written as a block of lines (expect: |), so it is not rewritten",
	// Examples of functions, and a default of the schema.
	"Zoe Muller wang", "yan fa bu", `not (%s.name startsWith "tmp-")`,
	// Readings of family names.
	"mo qi", "tan tai", "yu chi", "yue zheng", "zai fu", "zhang sun",
	// Words of servers, of protocols and of the system.
	"Failed to update password", "cn=referential integrity postoperation,cn=plugins,cn=config", "operation restricted", "read only", "shadow context",
	`Bearer realm="idaas-ldap"`, "to dn.subtree=%q attrs=%s by dn.exact=%q write by * break", "write to", `dsacls "%s" %s /G`,
	`aci: (target="ldap:///%s")(targetattr="%s")(version 3.0; acl "idaas-ldap %s"; allow (%s) userdn="ldap:///%s";)`,
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"attachment; filename=%q", "text/css; charset=utf-8", "text/html; charset=utf-8", "text/javascript; charset=utf-8", "data: %s",
	// The name of a note in the store.
	"down %s",
	// What is sealed is named so, and what is written in the audit log.
	"%s of object", "facts", "idaas-ldap keyed digest", "outside %s", "owned values", "password of event", "tie of object", "in doubt",
	// What stands in the place of words of IDaaS, which stay, and what is said in quotes of keys that are left out.
	"(left out, as it repeats a secret)",
	"it has %d bits, not between %d and %d", "it has no kid", "it is not a public RSA key", "it is not understood: %.100q", "its algorithm is %.20q",
	"its use is %.20q", "number %d (%.60q): %v",
	// What only the log and commands say, and what happens where nobody looks.
	"it is there already, and nothing is replaced: name another file",
	"nothing in it opens with the key, so nothing can be saved: put back the key file that it was made with",
	"units %.500q, groups %.500q", "it is not sealed by this program", "restore %s to %s: %w", "save what can be read of the store %s in %s: %w",
	"the mapping file is refused as it is now; the mapping from before stays in force",
	// A part of SQL, and what a page has words for: a decision, and the states of a directory.
	"state IN ('pending', 'waiting', 'held', 'failed')", "accept directory",
	"down: %s", "held: %s", "not tried yet", "refuses our login: %s",
	// LDIF, and the sample of the workbench.
	"dn: %s", "%s: add", "%s: modify", "type: user:create", "id: user_sample", "username: jo.park", "email: Jo.Park@example.org", "phoneVerified: true",
	"status: enabled", "ou: { id: ou_sample, name: Research }",
}

// code is a call as the language of mappings has it.
var code = regexp.MustCompile(`^\w+\(.*\)$`)

// sentence recognises a text of several words, or of one and a place.
var sentence = regexp.MustCompile(`(?:^|[^%\w.-])[a-z]{2,}:? .|\S [a-z]{2,}(?:$|\W)`)

// statement recognises SQL, and quoted the messages that it writes.
var (
	statement = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|AND|ON|CASE|BEGIN|SAVEPOINT|RELEASE|ROLLBACK|CREATE|ORDER|VALUES|COUNT|JOIN|EXISTS)\b|= \?|excluded\.|^\w+(?:, \w+){3,}$`)
	quoted    = regexp.MustCompile(`'([^']*)'`)
)

// formsIn returns the messages in a text: its lines, or what SQL writes.
func formsIn(text string) []string {
	if !statement.MatchString(text) {
		return strings.Split(text, "\n")
	}
	var all []string
	for _, message := range quoted.FindAllStringSubmatch(strings.ReplaceAll(text, "' || ? || '", "%s"), -1) {
		all = append(all, message[1])
	}
	return all
}

// formsOf finds the texts of files that are for a person, by where they are: all that have several words, but those of the log, of
// patterns and of what is compared.
func formsOf(t *testing.T, pattern string) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal(pattern, err)
	}
	found := map[string]string{}
	for _, path := range paths {
		named := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if strings.HasSuffix(path, "_test.go") || slices.Contains(unseen, named) {
			continue
		}
		source, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.CallExpr:
				return !speaksToNobody(n)
			case *ast.Field:
				n.Tag = nil
			case ast.Expr:
				form, ok := formOf(n)
				if !ok {
					return true
				}
				for _, line := range formsIn(form) {
					line = strings.TrimRight(strings.Trim(line, "; "), ".")
					if strings.HasSuffix(line, "..") {
						line += "."
					}
					if sentence.MatchString(line) && !code.MatchString(line) {
						found[line] = files.Position(n.Pos()).String()
					}
				}
				return false
			}
			return true
		})
	}
	return found
}

// speaksToNobody reports whether what a call takes is for no page: the log, a pattern, something that is compared.
func speaksToNobody(call *ast.CallExpr) bool {
	called, ok := call.Fun.(*ast.SelectorExpr)
	return ok && len(call.Args) > 0 && slices.Contains([]string{
		"Debug", "Info", "Warn", "Error", "MustCompile", "Contains", "HasPrefix", "HasSuffix",
	}, called.Sel.Name)
}

// formOf returns a text as the source has it, with %s for what is put in.
func formOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.ParenExpr:
		return formOf(e.X)
	case *ast.BinaryExpr:
		left, isLeft := formOf(e.X)
		right, isRight := formOf(e.Y)
		if !isLeft {
			left = "%s"
		}
		if !isRight {
			right = "%s"
		}
		return left + right, e.Op == token.ADD && (isLeft || isRight)
	}
	return "", false
}

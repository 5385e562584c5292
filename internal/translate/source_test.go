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

// spoken are the packages whose messages are seen in the console.
var spoken = []string{
	"connector", "console", "dispatch", "event", "internal/explain", "internal/mappingtest", "internal/workbench", "mapping", "plan", "processor",
}

// Every message of these packages has a Chinese text, and no text is there for a message that none of them makes. What is missing is
// written as a line of JSON, to be filled in.
func TestEveryMessageIsThereInChinese(t *testing.T) {
	made := map[string]string{}
	for _, folder := range spoken {
		maps.Copy(made, formsOf(t, filepath.Join("..", "..", filepath.FromSlash(folder))))
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
	// LDIF, and the sample of the workbench.
	"dn: %s", "%s: add", "%s: modify", "type: user:create", "id: user_sample", "username: jo.park", "email: Jo.Park@example.org", "phoneVerified: true",
	"status: enabled", "ou: { id: ou_sample, name: Research }",
}

// code is a call as the language of mappings has it.
var code = regexp.MustCompile(`^\w+\(.*\)$`)

// sentence recognises a text of several words, or of one and a place.
var sentence = regexp.MustCompile(`(?:^|[^%\w.-])[a-z]{2,}:? .|\S [a-z]{2,}(?:$|\W)`)

// formsOf finds the texts of a package that are for a person, by where they are: all that have several words, but those of the log, of
// patterns and of what is compared.
func formsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
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
				for line := range strings.SplitSeq(form, "\n") {
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

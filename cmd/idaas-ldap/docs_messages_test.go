package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The troubleshooting page goes by message. Which messages there are is taken from the source, by the calls that make them:
// what the service logs as a warning or an error, what validate finds in a directory, why a callback is refused, what /readyz says, what
// opening the store can end with, and what is said of a directory's answers beside the server's own words.
func TestEveryMessageIsOnTheTroubleshootingPage(t *testing.T) {
	messages := map[string]string{}
	for _, pattern := range []string{"connector", "console", "dispatch", "internal/app", "internal/notify", "internal/online", "internal/reload", "internal/telemetry", "internal/workbench", "processor", "pull", "receiver", "store"} {
		for at, message := range messagesOf(t, filepath.Join("..", "..", filepath.FromSlash(pattern))) {
			messages[at] = message
		}
	}
	if len(messages) < 100 {
		t.Errorf("%d messages were found", len(messages))
	}
	for language := range languages {
		page := strings.Join(strings.Fields(documentation(t, language)["troubleshooting.md"]), " ")
		for at, message := range messages {
			if !strings.Contains(page, message) {
				t.Errorf("%s: %s: the page does not say what to do about %q", language, at, message)
			}
		}
	}
}

// Codes, alerts and exit statuses are on the page too.
func TestEveryCodeIsOnTheTroubleshootingPage(t *testing.T) {
	outcomes, err := os.ReadFile(filepath.Join("..", "..", "event", "outcome.go"))
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile(filepath.Join("..", "..", "configs", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(`Code = "([A-Z_]+)"`).FindAllStringSubmatch(string(outcomes), -1) {
		names = append(names, found[1])
	}
	for _, found := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		names = append(names, found[1])
	}
	statuses, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^\texit[A-Z]\w* += (\d+)`).FindAllStringSubmatch(string(statuses), -1) {
		names = append(names, found[1])
	}
	if len(names) < 40 {
		t.Errorf("%d names were found", len(names))
	}
	isNamedOn(t, "troubleshooting.md", names)
}

// verb is a place in a message where something else stands.
var verb = regexp.MustCompile(`%[-+#.0-9]*[a-zA-Z]`)

// messagesOf finds the messages of a package, by where they are made. Of each it returns the longest part that is always the same.
func messagesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	note := func(text ast.Expr) {
		for both, is := text.(*ast.BinaryExpr); is; both, is = text.(*ast.BinaryExpr) {
			text = both.X // the beginning of a text that is put together
		}
		literal, is := text.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return
		}
		message, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		parts := verb.Split(message, -1)
		longest := slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
		if longest = strings.Trim(longest, " :;,.()\""); len(longest) > 1 {
			found[files.Position(literal.Pos()).String()] = longest
		}
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if makesMessage(n) && len(n.Args) > 0 {
					note(n.Args[0])
				}
			case *ast.FuncDecl:
				if slices.Contains([]string{"State", "state", "stateOf", "reloadState"}, n.Name.Name) {
					ast.Inspect(n, func(n ast.Node) bool {
						if text, is := n.(ast.Expr); is {
							note(text)
						}
						return true
					})
				}
			case *ast.KeyValueExpr:
				if key, is := n.Key.(*ast.Ident); is && filepath.Base(folder) == "connector" && (key.Name == "Message" || key.Name == "Advice") {
					note(n.Value)
				}
			case *ast.AssignStmt:
				if field, is := n.Lhs[0].(*ast.SelectorExpr); is && field.Sel.Name == "Advice" {
					note(n.Rhs[0])
				}
			case *ast.ValueSpec:
				if table, is := n.Values, n.Names[0].Name == "advices"; is {
					for _, advice := range table[0].(*ast.CompositeLit).Elts {
						note(advice.(*ast.KeyValueExpr).Value)
					}
				}
				if strings.HasPrefix(n.Names[0].Name, "Err") && filepath.Base(folder) == "store" && len(n.Values) == 1 {
					if call, is := n.Values[0].(*ast.CallExpr); is {
						note(call.Args[0])
					}
				}
			}
			return true
		})
	}
	return found
}

// makesMessage reports whether a call makes a message that is for a person.
func makesMessage(call *ast.CallExpr) bool {
	switch called := call.Fun.(type) {
	case *ast.Ident:
		return slices.Contains([]string{"invalidToken", "badRequest", "unavailable"}, called.Name)
	case *ast.SelectorExpr:
		return slices.Contains([]string{"Error", "Warn", "problem", "note"}, called.Sel.Name)
	}
	return false
}

// Whoever adds a kind of server finds every method that it takes on the page for that.
func TestEveryMethodOfAFlavourIsOnThePage(t *testing.T) {
	source, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "connector", "flavour.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	ast.Inspect(source, func(n ast.Node) bool {
		if spec, is := n.(*ast.TypeSpec); is && spec.Name.Name == "Flavour" {
			for _, method := range spec.Type.(*ast.InterfaceType).Methods.List {
				methods = append(methods, method.Names[0].Name)
			}
		}
		return true
	})
	if len(methods) < 10 {
		t.Errorf("there are %d methods", len(methods))
	}
	isNamedOn(t, "extending.md", methods)
}

// isNamedOn checks that a page has each of some names as code, in every language.
func isNamedOn(t *testing.T, file string, names []string) {
	t.Helper()
	for language := range languages {
		page := documentation(t, language)[file]
		for _, name := range names {
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s: %s does not say anything of %s", language, file, name)
			}
		}
	}
}

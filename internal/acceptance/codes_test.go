package acceptance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Every code that an administrator can meet is explained in the document, once.
func TestEveryCodeIsInTheDocument(t *testing.T) {
	document, err := os.ReadFile(eventsDocument)
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "../../event/outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(source, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes++
		if n := strings.Count(string(document), "| `"+code+"` |"); n != 1 {
			t.Errorf("docs/events.md explains %s %d times", code, n)
		}
		return true
	})
	if codes < 20 {
		t.Errorf("only %d codes were found in the source", codes)
	}
}

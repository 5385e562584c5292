package workbench_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"idaas-ldap/internal/workbench"
)

const simple = `version: 1
base: dc=example,dc=org
user:
  dn: "uid={user.username},{base}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  object_classes: [person]
  attributes:
    employeeNumber: user.id
`

// A mapping that writes one long text very often is told to write too much, and holds no memory while it is tried.
func TestATestThatWritesTooMuchIsToldSo(t *testing.T) {
	const long, often = 15 << 10, 1200
	var source strings.Builder
	source.WriteString(simple)
	for i := range often {
		fmt.Fprintf(&source, "    a%d: user.displayName\n", i)
	}
	fmt.Fprintf(&source, "tests:\n  - name: long\n    event: { type: user:create, user: { id: u, username: ann, displayName: %s } }\n    expect_writes: 0\n", strings.Repeat("a", long))
	checked := new(workbench.Compiler).Check(context.Background(), "mapping.yaml", source.String())
	if len(checked.Tests) != 1 || checked.Tests[0].Err == nil || !strings.Contains(checked.Tests[0].Err.Error(), "at most 16777216 are shown") {
		t.Errorf("%v %.300v", checked.Problems, checked.Tests)
	}
}

// What a test says is shown up to a length that somebody can read.
func TestWhatATestSaysIsBounded(t *testing.T) {
	source := simple + "    description: user.displayName\n    cn: user.displayName\ntests:\n  - name: long\n    event: { type: user:create, user: { id: u, username: ann, displayName: " +
		strings.Repeat("王", 5<<10) + " } }\n    expect_writes: 0\n"
	checked := new(workbench.Compiler).Check(context.Background(), "mapping.yaml", source)
	if len(checked.Tests) != 1 || checked.Tests[0].Err == nil {
		t.Fatal(checked.Problems, checked.Tests)
	}
	if said := checked.Tests[0].Err.Error(); len(said) > 17<<10 || !strings.HasSuffix(said, " bytes more") || !strings.Contains(said, "+ changetype: add") {
		t.Errorf("it says %d bytes: %.100s", len(said), said)
	}
}

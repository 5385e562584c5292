package mapping_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"idaas-ldap/mapping"
)

// numbered repeats a line with its number.
func numbered(line string, size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// wide are files of about so many bytes that are as wide as can be, in each way that YAML has.
func wide(size int) map[string]string {
	filled := func(before, part, after string) string { return before + strings.Repeat(part, size/len(part)) + after }
	stairs := strings.Builder{}
	for i := range 150 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return map[string]string{
		"documents": filled("", "---\n", ""), "documents with values": filled("", "---\na\n", ""), "ends of documents": filled("a: 1\n", "...\n", ""),
		"comments": filled("a: 1\n", "#\n", ""), "comments first": filled("", "#\n", "a: 1\n"), "comments behind": filled("", "a: 1 #\n", ""),
		"keys": numbered("k%d: 1\n", size), "the same key": filled("", "a: 1\n", ""), "keys without values": filled("", "a:\n", ""), "keys below a key": filled("a: # b: |\n", "  a:\n", ""),
		"keys in parts": strings.Repeat("b:\n"+strings.Repeat(" a:\n", 2900), size/(4*2900)), "question marks": filled("", "? a\n: b\n", ""), "quoted": filled("", "\"a\": 'x'\n", ""),
		"items": filled("a:\n", "- a\n", ""), "empty items": filled("a:\n", "-\n", ""), "keys in items": filled("a:\n", "- a: 1\n", ""),
		"brackets": filled("a: [", "a,\n", "]\n"), "braces": filled("a: {", "a: 1,\n", "}\n"), "names in braces": filled("a: {", "a,\n", "}\n"), "empty in brackets": filled("a: [", "[],\n", "]\n"),
		"anchors": numbered("k%[1]d: &a%[1]d 1\n", size), "aliases": filled("a: &a 1\n", "b: *a\n", ""), "tags": filled("", "b: !!str a\n", ""), "merged": filled("x: &x {a: 1}\n", "y: {<<: *x}\n", ""),
		"blocks of text": filled("", "a: |\n x\n", ""), "a block of text": filled("a: |\n", " x: y\n", ""), "folded": filled("a: >\n", "   x\n  y\n\n", ""), "plain lines": filled("a: x\n", "  x\n", ""),
		"quoted lines": filled("a: \"", "\\x41\n ", "\"\n"), "open quotes": filled("", "a: 'x\n", ""), "empty lines": filled("a: 1\n", "\n", "b: 1\n"), "stairs": filled("", stairs.String(), ""),
		"tabs": filled("a:\n", "\t\n", ""), "colons": filled("", ": \n", ""), "dashes": filled("", "-\n", ""), "directives": filled("", "%YAML 1.2\n", "---\na: 1\n"),
	}
}

// mostPerByte is how many bytes may be taken for each of a file. The race detector makes them more.
const mostPerByte = 8 << 10

// What a file costs does not grow with the square of its length, whatever it is made of: it is refused before, or what is taken for it is bounded.
func TestNoFileCostsTheSquareOfItsLength(t *testing.T) {
	const size = 128 << 10
	for name, source := range wide(size) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := mapping.Compile("mapping.yaml", []byte(source))
		runtime.ReadMemStats(&after)
		taken := after.TotalAlloc - before.TotalAlloc
		if taken > mostPerByte*uint64(len(source)) {
			t.Errorf("%s: %d bytes take %d", name, len(source), taken)
		}
		if err == nil {
			t.Errorf("%s: it is a mapping", name)
		}
	}
}

// A block of text may be as long as it wants, and one document may say where it begins.
func TestLongBlocksOfTextAndOneMarkAreTaken(t *testing.T) {
	source := "---\n" + guarded + "tests:\n  - name: long\n    event: { type: group:create, group: { id: g, name: staff } }\n    expect_writes: 0\n    directory: |\n" +
		numbered("      dn: ou=u%d,dc=example,dc=org\n      objectClass: organizationalUnit\n\n", 100<<10)
	if _, err := mapping.Compile("mapping.yaml", []byte(source)); err != nil {
		t.Errorf("it is refused: %v", err)
	}
}

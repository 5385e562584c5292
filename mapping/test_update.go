package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/plan"
)

// ReadableLDIF returns operations as a person writes them into a test: in their order, with text as it is.
func ReadableLDIF(operations []plan.Operation) (string, error) {
	if err := tooLong(operations); err != nil {
		return "", err
	}
	var written bytes.Buffer
	if err := plan.WriteLDIF(&written, operations...); err != nil {
		return "", err //nolint:wrapcheck // It says what was tried.
	}
	var out strings.Builder
	err := plan.ReadLDIF(&written, func(line plan.LDIFLine) error {
		if line.Name == "" {
			out.WriteString("\n")
			return nil
		}
		parsed, err := lineOf(line)
		out.WriteString(parsed.shown + "\n")
		return err
	})
	return strings.TrimRight(out.String(), "\n") + "\n", err //nolint:wrapcheck // It names the line.
}

// expectBlock is where the expect of a test stands: the line and the column of its key, both zero where it is no block of lines.
func expectBlock(keys *ast.MappingNode) position {
	for _, entry := range keys.Values {
		if _, isBlock := entry.Value.(*ast.LiteralNode); isBlock && keyName(entry) == "expect" && !keys.IsFlowStyle {
			return positionOf(entry.Key.GetToken())
		}
	}
	return position{}
}

// WithExpectations returns the source of a mapping file with other expectations in some of its tests, by their numbers in [Set.Tests].
// Everything else stays as it is.
func (s *Set) WithExpectations(source []byte, expectations map[int]string) ([]byte, error) {
	lines := strings.SplitAfter(string(source), "\n")
	var out strings.Builder
	next := 0
	for number, t := range s.tests {
		text, changes := expectations[number]
		if !changes {
			continue
		}
		at := t.expectAt
		if at.line == 0 || at.line > len(lines) || at.line <= next {
			return nil, fmt.Errorf("%s:%d: the expect of %q is not written as a block of lines (expect: |), so it is not rewritten", s.file, t.Line, t.Name)
		}
		out.WriteString(strings.Join(lines[next:at.line], ""))
		end := blockEnd(lines, at)
		out.WriteString(indented(text, lines[at.line:end], at))
		next = end
	}
	out.WriteString(strings.Join(lines[next:], ""))
	return []byte(out.String()), s.verify([]byte(out.String()))
}

// verify checks that a source is a mapping with the same tests.
func (s *Set) verify(source []byte) error {
	again, err := Compile(s.file, source)
	if err != nil {
		return err
	}
	same := len(again.tests) == len(s.tests)
	for i := range s.tests {
		same = same && again.tests[i].Name == s.tests[i].Name
	}
	if !same {
		return errors.New(s.file + ": the tests cannot be rewritten without changing others")
	}
	return nil
}

// blockEnd returns the number of lines up to the end of a block, without the empty ones after it.
func blockEnd(lines []string, key position) int {
	end := key.line
	for i := key.line; i < len(lines); i++ {
		content := strings.TrimLeft(lines[i], " ")
		switch {
		case strings.TrimSpace(content) == "":
			continue
		case len(lines[i])-len(content) < key.column:
			return end
		}
		end = i + 1
	}
	return end
}

// indented returns the lines of a block as far in as those before, with the same ends.
func indented(text string, before []string, key position) string {
	space, newline := strings.Repeat(" ", key.column+1), "\n"
	for _, line := range before {
		if content := strings.TrimLeft(line, " "); strings.TrimSpace(content) != "" {
			space = line[:len(line)-len(content)]
			break
		}
	}
	if len(before) > 0 && strings.HasSuffix(before[0], "\r\n") {
		newline = "\r\n"
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" {
			line = space + line
		}
		b.WriteString(line + newline)
	}
	return b.String()
}

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is where something was said: somewhere in the file, or in an environment variable. The zero Position is
// nowhere in particular.
type Position struct {
	File string
	// Line and Column count from 1, Column in characters. Both are zero for the file as a whole.
	Line, Column int
	// Variable is the name of an environment variable, empty for the file.
	Variable string
}

// String returns the position as compilers write it, such as idaas-ldap.yaml:3:5.
func (p Position) String() string {
	switch {
	case p.Variable != "":
		return "environment variable " + p.Variable
	case p.Line > 0:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	default:
		return p.File
	}
}

// Problem is one thing that is wrong.
type Problem struct {
	Position Position
	// Path is the key that the problem is about, such as directories[0].urls, empty for the file as a whole.
	Path string
	// Message says what is wrong and what to do.
	Message string
	// Excerpt is the line of the file with a mark below, without secrets; empty where there is none.
	Excerpt string
}

// String returns the problem with its position and its key, and its excerpt below.
func (p Problem) String() string {
	s := p.Position.String() + ": "
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Message
	if p.Excerpt != "" {
		s += "\n" + p.Excerpt
	}
	return s
}

// Problems is everything that is wrong with a configuration, in the order of the file; what the environment says comes
// last. It has at least one entry.
type Problems struct {
	List []Problem
}

// Error returns all problems, one below the other.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Position.Variable, b.Position.Variable),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
		)
	})
}

// Warning is something that works and that an administrator should know.
type Warning struct {
	Position Position
	Message  string
}

// String returns the warning with its position.
func (w Warning) String() string { return w.Position.String() + ": " + w.Message }

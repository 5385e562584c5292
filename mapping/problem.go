package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a mapping file.
type Problem struct {
	File string
	// Line and Column count from 1, Column in characters; both are zero for the file as a whole.
	Line, Column int
	// Message says what is wrong.
	Message string
	// Hint says what was probably meant or what to do; empty where the message says it all.
	Hint string
	// Excerpt is the line with a mark below.
	Excerpt string
}

// String returns the problem as compilers write it, with the excerpt below.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	s += ": " + p.Message
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	if p.Excerpt != "" {
		s += "\n" + p.Excerpt
	}
	return s
}

// Errors is everything that is wrong with a mapping file, in the order of the file.
type Errors struct {
	List []Problem
}

// Error returns all problems, one below the other.
func (e *Errors) Error() string {
	lines := make([]string, len(e.List))
	for i, p := range e.List {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems keeps the answer to a file that is no mapping at all readable.
const maxProblems = 100

func (e *Errors) finish() {
	slices.SortStableFunc(e.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	e.List = slices.Compact(e.List)
	if more := len(e.List) - maxProblems; more > 0 {
		e.List = append(e.List[:maxProblems], Problem{File: e.List[0].File, Message: fmt.Sprintf("and %d more problems", more)})
	}
}

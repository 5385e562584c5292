package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Problem is one mistake in a mapping file.
type Problem struct {
	File string
	// Line and Column count from 1, Column in characters; both are zero for the file as a whole.
	Line, Column int
	// Message says what is wrong and what to do.
	Message string
	// Excerpt is the line with a mark below.
	Excerpt string
}

// String returns the problem as compilers write it.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	s += ": " + p.Message
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

func (e *Errors) sort() {
	slices.SortStableFunc(e.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	e.List = slices.Compact(e.List)
}

// errOutOfScope is the type of ErrOutOfScope, so that the value is a constant.
type errOutOfScope struct{}

func (errOutOfScope) Error() string { return "the scope of the mapping leaves it out" }

// ErrOutOfScope says that the section's scope is not for the object.
var ErrOutOfScope error = errOutOfScope{} // A sentinel error.

// Skipped says that a rule called skip(): the object is left alone.
type Skipped struct{ Rule string }

// Error names the rule.
func (e *Skipped) Error() string { return "the rule for " + e.Rule + " in the mapping says to skip it" }

// Number asks for a number that is given out once.
type Number struct {
	// Pool is the attribute in lower case.
	Pool     string
	From, To int64
}

// Unresolved asks the caller to look something up and to call again with the answer in the Input.
type Unresolved struct {
	Objects []event.Ref
	Numbers []Number
}

// Error lists what is asked for.
func (e *Unresolved) Error() string {
	var names []string
	for _, ref := range e.Objects {
		names = append(names, ref.String())
	}
	for _, n := range e.Numbers {
		names = append(names, "a number for "+n.Pool)
	}
	return "the mapping needs " + strings.Join(names, " and ")
}

// EvaluationError says that a rule cannot be evaluated for an object.
type EvaluationError struct {
	File         string
	Line, Column int
	// Rule names the rule, such as "user.attributes.mail".
	Rule string
	Err  error
}

// Error names the rule and its place.
func (e *EvaluationError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %v", e.File, e.Line, e.Column, e.Rule, e.Err)
}

// Unwrap returns the reason.
func (e *EvaluationError) Unwrap() error { return e.Err }

// Result is what a mapping wants for an object.
type Result struct {
	plan.Desired
	// Missing names the fields without which the DN cannot be told; Desired.DN is empty then.
	Missing []string
}

package mapping

import (
	"fmt"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Result is what a mapping wants for an object.
type Result struct {
	plan.Desired
	// Missing names the fields without which the DN cannot be told, as "user.username"; Desired.DN is empty then, so an
	// entry that exists is updated where it is and none is made.
	Missing []string
	// Open are the objects of Input.Open that something is left unsaid for: attributes that refer to them, what depends on the unit.
	Open []event.Ref
	// Failed are the rules that cannot be evaluated, in the order of the file. Nothing is said of what they are for, and everything else is as if
	// they were not there. Without the DN no entry is made; where an attribute is lacking it is better not made either.
	Failed []*EvaluationError
	// Undecided: nobody can tell whether the object is within the scope, because the scope fails or reads a unit that is not
	// known. Of the entry nothing is said then but how it is found, and whether its user may log in.
	Undecided bool
}

// errOutOfScope is the type of ErrOutOfScope, so that the value is a constant.
type errOutOfScope struct{}

func (errOutOfScope) Error() string { return "the scope of the mapping leaves it out" }

// ErrOutOfScope says that the section's scope is not for the object, or that there is no section for its kind.
var ErrOutOfScope error = errOutOfScope{} //nolint:gochecknoglobals // A sentinel error.

// Skipped says that a rule called skip(): the object is left alone.
type Skipped struct{ Rule string }

// Error names the rule.
func (e *Skipped) Error() string { return "the rule for " + e.Rule + " in the mapping says to skip it" }

// Needed is an object whose entry a mapping refers to.
type Needed struct {
	event.Ref
	// Required: the mapping says to wait for the entry. Otherwise what refers to it follows when it is there.
	Required bool
}

// Unresolved asks the caller to look something up and to call again with the answer in the Input.
type Unresolved struct {
	// Objects are to be answered in Input.Resolved, or in Input.Open where there is no answer yet. The unit that an object belongs to
	// is among them where something reads it and Input.Above is nil; the answer to that goes into Input.Above.
	Objects []Needed
	// Numbers and Names are to be answered in Input.Numbers and Input.Names: with what the entry of the object has
	// already, or else with something new. Match finds that entry.
	Numbers []Number
	Names   []Name
	Match   []plan.Match
}

// Error lists what is asked for.
func (e *Unresolved) Error() string {
	names := make([]string, 0, len(e.Objects)+len(e.Numbers)+len(e.Names))
	for _, needed := range e.Objects {
		names = append(names, needed.String())
	}
	for _, n := range e.Numbers {
		names = append(names, "a number for "+n.Pool)
	}
	for _, n := range e.Names {
		names = append(names, "a free value for "+n.Pool)
	}
	return "the mapping needs " + strings.Join(names, " and ")
}

// EvaluationError says that a rule cannot be evaluated for an object.
type EvaluationError struct {
	File         string
	Line, Column int
	// Rule names the rule, such as "user.attributes.mail".
	Rule string
	// Attribute is the one that the rule is for; empty for a DN, a match rule, a scope.
	Attribute string
	Err       error
}

// Error names the rule and its place.
func (e *EvaluationError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %v", e.File, e.Line, e.Column, e.Rule, e.Err)
}

// Unwrap returns the reason.
func (e *EvaluationError) Unwrap() error { return e.Err }

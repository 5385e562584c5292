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

// Unresolved asks the caller to look something up and to call again with the answer in the Input.
type Unresolved struct {
	// Objects are to be answered in Input.Resolved. The unit that an object belongs to is among them where a rule reads
	// it and Input.Above is nil; the answer to that goes into Input.Above.
	Objects []event.Ref
	// Numbers and Names are to be answered in Input.Numbers and Input.Names: with what the entry of the object has
	// already, or else with something new. Match finds that entry.
	Numbers []Number
	Names   []Name
	Match   []plan.Match
}

// Error lists what is asked for.
func (e *Unresolved) Error() string {
	names := make([]string, 0, len(e.Objects)+len(e.Numbers)+len(e.Names))
	for _, ref := range e.Objects {
		names = append(names, ref.String())
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
	Err  error
}

// Error names the rule and its place.
func (e *EvaluationError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %v", e.File, e.Line, e.Column, e.Rule, e.Err)
}

// Unwrap returns the reason.
func (e *EvaluationError) Unwrap() error { return e.Err }

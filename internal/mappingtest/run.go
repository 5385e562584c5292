package mappingtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Result is the result of one test.
type Result struct {
	Name string
	// Line is where the test begins in the file.
	Line int
	// Err says what was different, nil if nothing was.
	Err error
}

// Run runs the tests of a mapping. What is written by the server's own means is not seen in them: passwords, and the login
// status where the lifecycle section says auto.
func Run(set *mapping.Set) []Result { return slices.Collect(Each(set)) }

// Each runs the tests one after the other, as long as somebody asks for the next.
func Each(set *mapping.Set) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		schema, err := memdir.Sketch()
		for _, t := range set.Tests() {
			result := Result{Name: t.Name, Line: t.Line, Err: err}
			if err == nil {
				result.Err = compared(set, schema, t)
			}
			if !yield(result) {
				return
			}
		}
	}
}

// Trial is what the event of a test leads to.
type Trial struct {
	Operations []plan.Operation
	// Message says why not all is written that the event asks for, empty where it is. Ended: nothing was, because of that.
	Message string
	Ended   bool
	// Before and After are what the directory holds before the event and afterwards.
	Before, After []*plan.Entry
}

// Try plays a test.
func Try(set *mapping.Set, t mapping.Test) (Trial, error) {
	schema, err := memdir.Sketch()
	if err != nil {
		return Trial{}, err //nolint:wrapcheck // It says what was tried.
	}
	return try(set, schema, t)
}

func try(set *mapping.Set, schema *dit.Schema, t mapping.Test) (Trial, error) {
	s, err := newStage(set, schema, t)
	if err != nil {
		return Trial{}, err
	}
	trial := Trial{Before: s.directory.Entries()}
	result := processor.New(s.directory, func() *mapping.Set { return set }).Process(context.Background(), s.task())
	trial.Operations, trial.After = result.Operations, s.directory.Entries()
	if result.Outcome.State != event.Done {
		trial.Message, trial.Ended = result.Outcome.Message, len(result.Operations) == 0
		return trial, nil
	}
	for _, m := range t.Members {
		if o, ok := result.MemberOutcomes[idOf(m)]; ok && o.State != event.Done {
			trial.Message = strings.TrimPrefix(trial.Message+"; "+o.Message, "; ")
		}
	}
	return trial, nil
}

func compared(set *mapping.Set, schema *dit.Schema, t mapping.Test) error {
	trial, err := try(set, schema, t)
	if err != nil {
		return err
	}
	if t.ExpectMessage != "" {
		return unexpectedMessage(t.ExpectMessage, trial)
	}
	if trial.Ended {
		return errors.New(trial.Message)
	}
	got, err := mapping.ChangesOf(trial.Operations)
	if err != nil {
		return fmt.Errorf("read what would be written: %w", err)
	}
	different := mapping.Difference(t.Expect, got)
	switch {
	case different == "":
		return nil
	case trial.Message != "":
		return fmt.Errorf("%s\n  %s", different, trial.Message)
	}
	return errors.New(different)
}

// Expectation returns what a test that expects a change should expect, as LDIF.
func Expectation(set *mapping.Set, t mapping.Test) (string, error) {
	trial, err := Try(set, t)
	switch {
	case err != nil:
		return "", err
	case trial.Ended:
		return "", errors.New(trial.Message)
	case len(trial.Operations) == 0:
		return "", errors.New("nothing would be written: say 'expect_writes: 0' in place of expect")
	}
	return mapping.ReadableLDIF(trial.Operations) //nolint:wrapcheck // It says what was tried.
}

// unexpectedMessage compares a message with the one that a test expects.
func unexpectedMessage(want string, trial Trial) error {
	switch {
	case trial.Message == "":
		ldif, err := ldifOf(trial.Operations)
		return errors.Join(fmt.Errorf("an error with %q is expected, and there is none:\n%s", want, ldif), err)
	case !strings.Contains(trial.Message, want):
		return fmt.Errorf("an error with %q is expected, and this one came: %s", want, trial.Message)
	}
	return nil
}

func ldifOf(operations []plan.Operation) (string, error) {
	var b strings.Builder
	err := plan.WriteLDIF(&b, operations...)
	text := b.String()
	if text == "" {
		text = "(nothing would be written)"
	}
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    "), err //nolint:wrapcheck // It says what was tried.
}

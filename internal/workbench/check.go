package workbench

import (
	"context"
	"errors"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// Checked is what there is to say about a mapping as it is while somebody edits it.
type Checked struct {
	// Set is what it means, nil where anything is wrong with it.
	Set *mapping.Set
	// Problems is what is wrong, in the order of the file.
	Problems []mapping.Problem
	// Tests are those of the file. Where the time was over, the rest were not run.
	Tests []mappingtest.Result
	Unrun int
}

// Good reports whether it may be put in force.
func (c Checked) Good() bool { return c.Set != nil && c.Failed() == 0 && c.Unrun == 0 }

// Failed is how many tests have failed.
func (c Checked) Failed() (n int) {
	for _, t := range c.Tests {
		if t.Err != nil {
			n++
		}
	}
	return n
}

// Check compiles a mapping and runs its tests until ctx ends. Name is what the file is called in messages.
func Check(ctx context.Context, name, source string) Checked {
	set, problems := Compile(name, source)
	if set == nil {
		return Checked{Problems: problems}
	}
	c := Checked{Set: set}
	for result := range mappingtest.Each(set) {
		if result.Err != nil {
			result.Err = errors.New(begun(result.Err.Error()))
		}
		c.Tests = append(c.Tests, result)
		if ctx.Err() != nil {
			break
		}
	}
	c.Unrun = len(set.Tests()) - len(c.Tests)
	return c
}

// Compile compiles a mapping, or returns what is wrong with it.
func Compile(name, source string) (*mapping.Set, []mapping.Problem) {
	if len(source) > MaxSource {
		return nil, []mapping.Problem{{File: name, Message: ErrTooLong.Error()}}
	}
	set, err := mapping.Compile(name, []byte(source))
	var wrong *mapping.Errors
	switch {
	case errors.As(err, &wrong):
		return nil, wrong.List
	case err != nil:
		return nil, []mapping.Problem{{File: name, Message: err.Error()}}
	}
	return set, nil
}

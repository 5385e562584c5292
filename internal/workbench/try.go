package workbench

import (
	"context"
	"errors"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Directory is a directory whose mapping is worked on.
type Directory struct {
	Name string
	// Path is that of the mapping file, InForce what it said when it was read last and was good, since Since.
	Path    string
	InForce *mapping.Set
	Since   time.Time
	// Refused says why the file as it is now is not in force, nil where it is. Refusal is the last one, also where it is mended.
	Refused error
	Refusal Refusal
	Server  dispatch.Scanner
	// Reload reads the file again at once.
	Reload func()
}

// Refusal is that a file was not put in force.
type Refusal struct {
	At  time.Time
	Err error
}

// Trial is what a mapping leads to.
type Trial struct {
	// Lines is what would be written, marked where the mapping in force would write something else.
	Lines []mapping.MarkedLine `json:"lines"`
	// Message says why not everything would be written, empty where it would.
	Message string `json:"message,omitempty"`
	// Differs: the mapping in force would write something else.
	Differs bool `json:"differs"`
}

func trialOf(former, edited []plan.Operation, message string) (Trial, error) {
	was, err := mapping.ChangesOf(former)
	if err != nil {
		return Trial{}, err //nolint:wrapcheck // It says what was tried.
	}
	is, err := mapping.ChangesOf(edited)
	if err != nil {
		return Trial{}, err //nolint:wrapcheck // It says what was tried.
	}
	t := Trial{Lines: mapping.Marked(was, is), Message: message}
	for _, line := range t.Lines {
		t.Differs = t.Differs || line.Mark != mapping.InBoth
	}
	return t, nil
}

// Sample plays an event, which is written as in the tests of a mapping, on an empty directory.
func Sample(inForce, edited *mapping.Set, sample mapping.Test) (Trial, error) {
	is, err := mappingtest.Try(edited, sample)
	if err != nil {
		return Trial{}, err //nolint:wrapcheck // It says what was tried.
	}
	was, err := mappingtest.Try(inForce, sample)
	if err != nil {
		was = mappingtest.Trial{} // by the mapping in force it leads to nothing
	}
	return trialOf(was.Operations, is.Operations, is.Message)
}

// ErrBase says that nobody can be tried.
var ErrBase = errors.New("the base is another one than that of the mapping in force, so nobody can be looked for before it is in force; a sample can be tried")

// onlyRead is a directory in which nothing is written, whatever is asked for.
type onlyRead struct{ dispatch.Scanner }

// Apply refuses to write.
func (onlyRead) Apply(context.Context, plan.Operation) error {
	return errors.New("nothing is written for a trial")
}

// Object looks what would be written for an object that is known, with its events that wait.
func (d Directory) Object(ctx context.Context, s store.Store, edited *mapping.Set, ref event.Ref, now event.Millis) (Trial, error) {
	if !edited.Base().Equal(d.InForce.Base()) {
		return Trial{}, ErrBase
	}
	look := func(set *mapping.Set) (dispatch.Look, error) {
		inspector := processor.New(onlyRead{d.Server}, func() *mapping.Set { return set })
		return dispatch.LookAt(ctx, s, store.Key{Directory: d.Name, Object: ref}, inspector, now) //nolint:wrapcheck // It names the object.
	}
	is, err := look(edited)
	if err != nil {
		return Trial{}, err
	}
	was, err := look(d.InForce)
	if err != nil {
		return Trial{}, err
	}
	message := ""
	if is.Outcome.State != event.Done {
		message = is.Outcome.Message
	}
	return trialOf(was.Operations, is.Operations, message)
}

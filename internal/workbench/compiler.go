package workbench

import (
	"context"
	"errors"
	"slices"
	"sync"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// Compiler compiles mappings while somebody edits them. At a pause in typing the same one is asked for several times, to be checked, tried and
// compared, and compiled once. The zero value is ready.
type Compiler struct {
	mu   sync.Mutex
	kept []*compiled
}

// compiled is what came of a mapping, once anybody has asked.
type compiled struct {
	name, source string
	once         sync.Once
	set          *mapping.Set
	problems     []mapping.Problem
}

// mostCompiled is how many mappings are kept.
const mostCompiled = 4

// Compile returns what a mapping means, or what is wrong with it. Name is what the file is called in messages.
func (c *Compiler) Compile(name, source string) (*mapping.Set, []mapping.Problem) {
	if len(source) > MaxSource {
		return nil, []mapping.Problem{{File: name, Message: ErrTooLong.Error()}}
	}
	known := c.known(name, source)
	known.once.Do(func() { known.set, known.problems = compile(name, source) })
	return known.set, known.problems
}

// known returns what is kept of a mapping, or a new place for it instead of the one that was asked for longest ago.
func (c *Compiler) known(name, source string) *compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.kept, func(k *compiled) bool { return k.name == name && k.source == source })
	k := &compiled{name: name, source: source}
	if at >= 0 {
		k = c.kept[at]
		c.kept = slices.Delete(c.kept, at, at+1)
	}
	c.kept = slices.Insert(c.kept, 0, k)
	c.kept = c.kept[:min(len(c.kept), mostCompiled)]
	return k
}

func compile(name, source string) (*mapping.Set, []mapping.Problem) {
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

// Check compiles a mapping and runs its tests until ctx ends.
func (c *Compiler) Check(ctx context.Context, name, source string) Checked {
	set, problems := c.Compile(name, source)
	if set == nil {
		return Checked{Problems: problems}
	}
	checked := Checked{Set: set}
	for result := range mappingtest.Each(set) {
		if result.Err != nil {
			result.Err = errors.New(begun(result.Err.Error()))
		}
		checked.Tests = append(checked.Tests, result)
		if ctx.Err() != nil {
			break
		}
	}
	checked.Unrun = len(set.Tests()) - len(checked.Tests)
	return checked
}

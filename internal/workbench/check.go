package workbench

import (
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

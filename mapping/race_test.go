//go:build race

package mapping_test

// poolsLeak: under the race detector sync.Pool drops what it is given now and then, so the machines of regular expressions
// are made anew, and what is allocated says nothing.
const poolsLeak = true

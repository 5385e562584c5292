//go:build linux && !race

package attacks_test

// measured says that memory and processor time of the service mean something.
const measured = true

//go:build linux && race

package attacks_test

// measured is false with the race detector, which multiplies memory and time. The same attacks run without it.
const measured = false

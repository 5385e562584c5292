//go:build !race

package mapping_test

const poolsLeak = false

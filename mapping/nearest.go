package mapping

import (
	"maps"
	"slices"
	"strings"
)

// didYouMean returns a hint at the name that was probably meant, or nothing.
func didYouMean(name string, candidates []string) string {
	best, bestDistance := "", len(name)/3+2
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		if len(candidates) <= 12 && len(candidates) > 0 {
			return "; known are " + orList(candidates)
		}
		return ""
	}
	return "; did you mean " + best + "?"
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// distance is the number of characters to insert, remove or replace on the way from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	last := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			substitute := last[j]
			if x[i] != y[j] {
				substitute++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, substitute)
		}
		last = row
	}
	return last[len(y)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

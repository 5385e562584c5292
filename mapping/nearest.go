package mapping

import (
	"maps"
	"slices"
	"strings"
)

// didYouMean returns a hint at the name that was probably meant, or the few that are known, or nothing.
func didYouMean(name string, candidates []string) string {
	name = plain(name)
	best, bestDistance := "", len(name)/3+1
	for _, c := range candidates {
		d := distance(name, plain(c))
		if longEnough := min(len(name), len(c)) > 3; longEnough && (strings.HasPrefix(name, plain(c)) || strings.HasPrefix(plain(c), name)) {
			d = 1
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(candidates) > 0 && len(candidates) <= 12:
		return "known are " + list(candidates, "and")
	}
	return ""
}

// plain makes names comparable that differ only in the style of writing: objectClass, object-class and object_class.
func plain(name string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
}

// list joins words as a sentence does.
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// distance counts the insertions, removals, replacements and swaps of neighbours that lead from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			row[j+1] = min(last[j+1]+1, row[j]+1)
			switch {
			case x[i] == y[j]:
				row[j+1] = min(row[j+1], last[j])
			case i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j]:
				row[j+1] = min(row[j+1], last[j]+1, before[j-1]+1)
			default:
				row[j+1] = min(row[j+1], last[j]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

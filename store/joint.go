package store

import (
	"slices"
	"strings"
)

// What waits for the writer at the same moment is not only committed together: where it is of the same kind, the same statements are
// run for all of it. Statements are prepared for a few numbers of rows, so that there are few of them.

// jointSizes are the numbers of rows of such statements.
var jointSizes = []int{64, 16, 4, 1}

// jointFrom is how many pieces of a kind there have to be at least.
const jointFrom = 2

// piece is work of which several are done together. Alone does one by itself, and is what counts where anything of that fails.
type piece interface {
	alone(t *tx) error
}

// together does pieces of work. An error says that one of them has failed, and not which: all of it has to be undone.
func (t *tx) together(pieces []piece, from int) error {
	var arrivals []*arrival
	var endings []*ending
	for _, p := range pieces {
		switch p := p.(type) {
		case *arrival:
			arrivals = append(arrivals, p)
		case *ending:
			endings = append(endings, p)
		}
	}
	if err := t.arrive(arrivals, from); err != nil {
		return err
	}
	return t.end(endings, from)
}

// inList is the end of a statement that looks for some of many values, and its arguments: a list is filled up with its last value.
func inList[T any](values []T) (list string, args []any) {
	size := jointSizes[0]
	for _, s := range jointSizes {
		if s >= len(values) {
			size = s
		}
	}
	args = make([]any, size)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return "(?" + strings.Repeat(", ?", size-1) + ")", args
}

// inRows calls insert with so many rows at a time as there are statements for.
func inRows(rows [][]any, insert func(values string, args []any) error) error {
	for len(rows) > 0 {
		size := jointSizes[slices.IndexFunc(jointSizes, func(s int) bool { return s <= len(rows) })]
		row := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
		if err := insert(row+strings.Repeat(", "+row, size-1), slices.Concat(rows[:size]...)); err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}

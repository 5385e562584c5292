package store

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// What waits for the writer at the same moment is not only committed together: where it is of the same kind, the same statements are
// run for all of it. Statements are prepared for a few numbers of rows, so that there are few of them.

// jointUsual is how many rows such a statement is about at most.
const jointUsual = 64

// jointSizes returns the numbers of rows of such statements, where most is the largest; zero for what is usual.
func jointSizes(most int) []int {
	most = cmp.Or(most, jointUsual)
	return append([]int{most}, slices.DeleteFunc([]int{64, 16, 4, 1}, func(size int) bool { return size >= most })...)
}

// together lets statements be about so many rows at most.
func (d *dialect) together(most int) *dialect {
	d.sizes = jointSizes(most)
	return d
}

// jointFrom returns how many pieces of a kind there have to be at least, where so many are done together at most.
func jointFrom(most int) int {
	if most == 1 {
		return math.MaxInt
	}
	return 2
}

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

// oneOf is the end of a condition that a column has one of several values, and its arguments.
func oneOf[T any](d *dialect, values []T) (condition string, args []any) {
	args = make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return d.oneOf(d.sizes, args)
}

// inRows calls insert with so many rows at a time as there are statements for. Their source is what an INSERT has behind the columns.
func (d *dialect) inRows(rows [][]any, insert func(source string, args []any) error) error {
	for len(rows) > 0 {
		source, args, n := d.source(d.sizes, rows)
		if err := insert(source, args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// named names each value: the list is filled up with its last value to one of the sizes.
func named(sizes []int, values []any) (condition string, args []any) {
	size := sizes[0]
	for _, s := range sizes {
		if s >= len(values) {
			size = s
		}
	}
	args = make([]any, size)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return "IN (?" + strings.Repeat(", ?", size-1) + ")", args
}

// valued names each value of as many rows as the largest of the sizes has.
func valued(sizes []int, rows [][]any) (source string, args []any, n int) {
	n = sizes[slices.IndexFunc(sizes, func(s int) bool { return s <= len(rows) })]
	row := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	return "VALUES " + row + strings.Repeat(", "+row, n-1), slices.Concat(rows[:n]...), n
}

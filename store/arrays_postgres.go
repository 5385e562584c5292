package store

import "strings"

// PostgreSQL takes many values as one array, and many rows as an array for each column: however many there are, the statement is the same, so
// it is parsed and planned once, and few arguments go over the network.

// anyOf is the condition that a column has one of the values.
func anyOf(_ []int, values []any) (condition string, args []any) {
	array, _ := arrayOf(values)
	return "= ANY (?)", []any{array}
}

// unnested makes rows of an array for each column.
func unnested(_ []int, rows [][]any) (source string, args []any, n int) {
	args, types := make([]any, len(rows[0])), make([]string, len(rows[0]))
	column := make([]any, len(rows))
	for i := range args {
		for j, row := range rows {
			column[j] = row[i]
		}
		args[i], types[i] = arrayOf(column)
	}
	return "SELECT * FROM unnest(?::" + strings.Join(types, "[], ?::") + "[])", args, len(rows)
}

// arrayOf returns values of one type as an array, and the name of their type.
func arrayOf(values []any) (array any, name string) {
	switch values[0].(type) {
	case string:
		return sliceOf[string](values), "TEXT"
	case int, int64:
		numbers := make([]int64, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case int:
				numbers[i] = int64(v)
			case int64:
				numbers[i] = v
			}
		}
		return numbers, "BIGINT"
	case bool:
		return sliceOf[bool](values), "BOOLEAN"
	default:
		return sliceOf[[]byte](values), "BYTEA"
	}
}

func sliceOf[T any](values []any) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = v.(T)
	}
	return out
}

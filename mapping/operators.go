package mapping

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// operations take the place of operators (see makeTotal). Each is defined on absent values.
var operations = map[string]func(m *meter, args []any) (any, error){
	opPlus:    func(_ *meter, args []any) (any, error) { return plus(args[0], args[1]) },
	opNumber:  func(_ *meter, args []any) (any, error) { return calculate(word(args[0]), args[1], args[2]) },
	opEqual:   func(_ *meter, args []any) (any, error) { return same(args[0], args[1]), nil },
	opCompare: func(_ *meter, args []any) (any, error) { return compare(word(args[0]), args[1], args[2]) },
	opIn:      func(_ *meter, args []any) (any, error) { return within(args[0], args[1]) },
	opText:    func(_ *meter, args []any) (any, error) { return compareText(word(args[0]), args[1], args[2]) },
	opMatches: matches,
	opTrue:    func(_ *meter, args []any) (any, error) { return isTrue(args[0]) },
	opList:    func(_ *meter, args []any) (any, error) { return asList(args[0]) },
	opGet:     func(_ *meter, args []any) (any, error) { return get(args[0], args[1]) },
}

func word(v any) string {
	s, _ := v.(string)
	return s
}

// valueError is an error that a value of an event causes, in words for a person.
type valueError struct{ message string }

func (e *valueError) Error() string { return e.message }

func wrongValue(format string, args ...any) error {
	return &valueError{fmt.Sprintf(format, args...)}
}

// kindOf names what a value is, for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	case int, int64, float64:
		return "a number"
	case []any, []string:
		return "a list"
	case map[string]any:
		return "a record"
	}
	return "something else"
}

// plus joins texts and adds numbers. Nothing plus something is nothing: a text that lacks a part is no text.
func plus(a, b any) (any, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	x, xIsText := a.(string)
	y, yIsText := b.(string)
	switch {
	case xIsText && yIsText:
		return x + y, nil
	case !xIsText && !yIsText && isNumber(a) && isNumber(b):
		return calculate("+", a, b)
	}
	return nil, wrongValue("+ takes two texts or two numbers, and here are %s and %s; text(x) makes a number text", kindOf(a), kindOf(b))
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int64, float64:
		return true
	}
	return false
}

// whole returns a whole number.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

func float(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

var (
	errOverflow = &valueError{"the number is too large"}
	errByZero   = &valueError{"a division by zero"}
)

// calculate does arithmetic. Whole numbers stay whole, so a division drops the remainder.
func calculate(operator string, a, b any) (any, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	if !isNumber(a) || !isNumber(b) {
		return nil, wrongValue("%s takes two numbers, and here are %s and %s", operator, kindOf(a), kindOf(b))
	}
	x, xWhole := whole(a)
	y, yWhole := whole(b)
	if xWhole && yWhole {
		return calculateWhole(operator, x, y)
	}
	var result float64
	switch operator {
	case "+":
		result = float(a) + float(b)
	case "-":
		result = float(a) - float(b)
	case "*":
		result = float(a) * float(b)
	case "/":
		result = float(a) / float(b)
	default:
		result = math.Mod(float(a), float(b))
	}
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return nil, errOverflow
	}
	return result, nil
}

func calculateWhole(operator string, x, y int64) (any, error) {
	switch operator {
	case "+":
		if sum := x + y; (sum > x) == (y > 0) {
			return sum, nil
		}
	case "-":
		if difference := x - y; (difference < x) == (y > 0) {
			return difference, nil
		}
	case "*":
		if x == 0 || y == 0 {
			return int64(0), nil
		}
		if product := x * y; product/y == x && (x != -1 || y != math.MinInt64) && (y != -1 || x != math.MinInt64) {
			return product, nil
		}
	default:
		switch {
		case y == 0:
			return nil, errByZero
		case x == math.MinInt64 && y == -1:
			return nil, errOverflow
		case operator == "/":
			return x / y, nil
		default:
			return x % y, nil
		}
	}
	return nil, errOverflow
}

// same compares two values. Nothing and the empty text are the same.
func same(a, b any) bool {
	if a == "" {
		a = nil
	}
	if b == "" {
		b = nil
	}
	if isNumber(a) && isNumber(b) {
		x, xWhole := whole(a)
		y, yWhole := whole(b)
		if xWhole && yWhole {
			return x == y
		}
		return float(a) == float(b)
	}
	x, xIsList := items(a)
	y, yIsList := items(b)
	if xIsList && yIsList {
		return slices.EqualFunc(x, y, same)
	}
	switch a.(type) {
	case nil, string, bool:
		return a == b
	}
	return false
}

// compare orders two numbers or two texts; with nothing on a side it does not hold.
func compare(operator string, a, b any) (any, error) {
	if a == nil || b == nil {
		return false, nil
	}
	var order int
	x, xIsText := a.(string)
	y, yIsText := b.(string)
	switch {
	case xIsText && yIsText:
		order = strings.Compare(x, y)
	case isNumber(a) && isNumber(b):
		order = compareNumbers(a, b)
	default:
		return nil, wrongValue("%s takes two numbers or two texts, and here are %s and %s", operator, kindOf(a), kindOf(b))
	}
	switch operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

func compareNumbers(a, b any) int {
	x, xWhole := whole(a)
	y, yWhole := whole(b)
	switch {
	case xWhole && yWhole && x < y, !(xWhole && yWhole) && float(a) < float(b):
		return -1
	case xWhole && yWhole && x > y, !(xWhole && yWhole) && float(a) > float(b):
		return 1
	}
	return 0
}

// within reports whether a value is in a list.
func within(a, list any) (any, error) {
	values, isList := items(list)
	if !isList && list != nil {
		return nil, wrongValue("'in' looks into a list, and this is %s", kindOf(list))
	}
	return slices.ContainsFunc(values, func(v any) bool { return same(a, v) }), nil
}

func compareText(operator string, a, b any) (any, error) {
	if a == nil || b == nil {
		return false, nil
	}
	x, xOK := scalarText(a)
	y, yOK := scalarText(b)
	if !xOK || !yOK {
		return nil, wrongValue("%s takes two texts, and here are %s and %s", operator, kindOf(a), kindOf(b))
	}
	switch operator {
	case "startsWith":
		return strings.HasPrefix(x, y), nil
	case "endsWith":
		return strings.HasSuffix(x, y), nil
	default:
		return strings.Contains(x, y), nil
	}
}

func matches(m *meter, args []any) (any, error) {
	p, ok := args[1].(*pattern)
	if !ok {
		return nil, errors.New("a pattern that was not compiled")
	}
	if args[0] == nil {
		return false, nil
	}
	text, ok := scalarText(args[0])
	if !ok {
		return nil, wrongValue("'matches' takes text, and this is %s", kindOf(args[0]))
	}
	if err := m.spend(len(text) * p.size); err != nil {
		return nil, err
	}
	return p.expression.MatchString(text), nil
}

// isTrue is a condition; nothing is false.
func isTrue(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return nil, wrongValue("a condition is true or false, and this is %s", kindOf(v))
}

// items returns the items of a list.
func items(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

// asList gives a loop its list; nothing is the empty one.
func asList(v any) (any, error) {
	values, isList := items(v)
	switch {
	case v == nil:
		return []any{}, nil
	case !isList:
		return nil, wrongValue("a loop goes through a list, and this is %s", kindOf(v))
	case len(values) > maxList:
		return nil, errTooMany
	}
	return values, nil
}

// get returns a field of a record or an item of a list, nothing where it is not there.
func get(from, what any) (any, error) {
	switch record := from.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		name, ok := what.(string)
		if !ok {
			return nil, wrongValue("a record has fields with names, not with numbers")
		}
		if record[name] == "" {
			return nil, nil
		}
		return record[name], nil
	}
	values, isList := items(from)
	n, isIndex := whole(what)
	switch {
	case !isList:
		return nil, wrongValue("%s has no fields", kindOf(from))
	case !isIndex:
		return nil, wrongValue("a list has items with numbers, not with names")
	case n < 0:
		n += int64(len(values))
	}
	if n < 0 || n >= int64(len(values)) {
		return nil, nil
	}
	return values[n], nil
}

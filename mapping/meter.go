package mapping

import "fmt"

// Bounds on what an evaluation may make: more than a directory takes, and little enough that nothing grows.
const (
	maxText   = 64 << 10 // bytes of a text that a function returns
	maxBinary = 1 << 20  // bytes of a value
	maxList   = 10_000   // items of a list
	maxWork   = 4 << 20  // bytes that one evaluation of one expression may look at and make
)

var (
	errTooLong = &valueError{fmt.Sprintf("the text is longer than %d bytes", maxText)}
	errTooMany = &valueError{fmt.Sprintf("the list has more than %d items", maxList)}
	errTooMuch = &valueError{"the expression does too much work on this value"}
)

// meter counts what one evaluation looks at and makes. The expression language bounds neither the growth of texts nor the
// time, so every operation passes here.
type meter struct{ left int }

func (m *meter) refill() { m.left = maxWork }

// spend takes something away, and fails where nothing is left.
func (m *meter) spend(n int) error {
	if m.left -= n; m.left < 0 {
		return errTooMuch
	}
	return nil
}

// metered makes an operation count, and bounds its result.
func metered(f func(m *meter, args []any) (any, error)) func(args ...any) (any, error) {
	return func(all ...any) (any, error) {
		m, ok := all[0].(*meter)
		if !ok {
			return nil, errTooMuch
		}
		args := all[1:]
		const each = 16 // what a call costs by itself
		cost := each
		for _, a := range args {
			cost += weight(a)
		}
		if err := m.spend(cost); err != nil {
			return nil, err
		}
		result, err := f(m, args)
		if err != nil {
			return nil, err
		}
		switch r := result.(type) {
		case string:
			if len(r) > maxText {
				return nil, errTooLong
			}
		case []any:
			if len(r) > maxList {
				return nil, errTooMany
			}
		}
		return result, m.spend(weight(result))
	}
}

// weight is the size of a value in bytes, about.
func weight(v any) int {
	const item = 16
	switch v := v.(type) {
	case string:
		return len(v)
	case octets:
		return len(v)
	case []any:
		n := item * len(v)
		for _, x := range v {
			if s, ok := x.(string); ok {
				n += len(s)
			}
		}
		return n
	}
	return item
}

package mapping

import (
	"slices"
	"strings"

	"idaas-ldap/event"
)

// unseen returns the fields that an expression reads and of which nothing was ever said.
func (e *evaluation) unseen(ex *expression) []string {
	var out []string
	for _, read := range ex.reads {
		attribute, decided := strings.CutPrefix(read, nameEntry+".")
		switch {
		case e.seen(read):
		case decided:
			out = append(out, e.undecided(attribute)...)
		default:
			out = append(out, read)
		}
	}
	return out
}

// seen reports whether anything was ever said about a field.
func (e *evaluation) seen(read string) bool {
	root, field, isField := strings.Cut(read, ".")
	switch {
	case !isField:
		return root != nameDN || !e.in.DN.Empty()
	case root == nameEntry:
		_, decided := e.decidedValue(field)
		return decided
	case field == event.FieldID:
		return root == e.section.in.own() || e.in.Above != nil
	case root == e.section.in.own():
		_, seen := e.in.Object.Value(field)
		return seen
	case e.in.Above == nil:
		return false
	case field == nameDN:
		return true
	}
	_, seen := e.in.Above.Object.Value(field)
	return seen
}

// values evaluates an expression to the values of an attribute: none for nothing and for an empty text.
func (e *evaluation) values(ex *expression, rule string) ([]string, error) {
	result, err := ex.run(&e.machine, e.env)
	if err != nil {
		return nil, e.wrong(ex, e.name(rule), err)
	}
	if s, ok := result.(string); ok && s != "" && len(s) <= maxBinary {
		return []string{s}, nil
	}
	values, err := valuesOf(result)
	if err != nil {
		return nil, e.wrong(ex, e.name(rule), err)
	}
	return values, nil
}

func valuesOf(result any) ([]string, error) {
	if result == nil {
		return nil, nil
	}
	list, isList := items(result)
	if !isList {
		list = []any{result}
	}
	if len(list) > maxList {
		return nil, errTooMany
	}
	var values []string
	size := 0
	for _, v := range list {
		if v == nil {
			continue
		}
		text, ok := scalarText(v)
		size += len(text)
		switch {
		case !ok:
			return nil, wrongValue("it gives %s where text is needed; name the field of it that is meant", kindOf(v))
		case len(text) > maxBinary:
			return nil, wrongValue("it gives a value of more than %d bytes", maxBinary)
		case size > maxWork:
			return nil, wrongValue("its values have more than %d bytes together", maxWork)
		case text == "":
			continue
		}
		values = append(values, text)
	}
	return distinct(values), nil
}

// distinct returns values without repetition, in their order.
func distinct(values []string) []string {
	const few = 8
	if len(values) <= few {
		out := values[:0]
		for _, v := range values {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
		return out
	}
	seen := make(map[string]bool, len(values))
	return slices.DeleteFunc(values, func(v string) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}

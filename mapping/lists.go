package mapping

import "strings"

// listArgument returns an argument as a list; one value is a list of one, an absent one the empty list.
func listArgument(v any) ([]any, error) {
	values, isList := items(v)
	switch {
	case v == nil:
		return nil, nil
	case !isList:
		return []any{v}, nil
	case len(values) > maxList:
		return nil, errTooMany
	}
	return values, nil
}

func split(_ *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	if err != nil || s == "" {
		return nil, err
	}
	separator, err := textArgument(args[1])
	if err != nil {
		return nil, err
	}
	parts := strings.SplitN(s, separator, maxList+1)
	if len(parts) > maxList {
		return nil, errTooMany
	}
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out, nil
}

func join(_ *meter, args []any) (any, error) {
	values, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	separator, err := textArgument(args[1])
	if err != nil {
		return nil, err
	}
	var parts []string
	size := 0
	for _, v := range values {
		part, err := textArgument(v)
		if err != nil {
			return nil, err
		}
		if part == "" {
			continue
		}
		if size += len(part) + len(separator); size > maxText {
			return nil, errTooLong
		}
		parts = append(parts, part)
	}
	return orNothing(strings.Join(parts, separator)), nil
}

func unique(_ *meter, args []any) (any, error) {
	values, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	out := []any{}
	seen := map[string]bool{}
	for _, v := range values {
		text, err := textArgument(v)
		if err != nil {
			return nil, err
		}
		if text == "" || seen[text] {
			continue
		}
		seen[text] = true
		out = append(out, v)
	}
	return out, nil
}

func first(_ *meter, args []any) (any, error) {
	values, err := listArgument(args[0])
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return values[0], nil
}

func last(_ *meter, args []any) (any, error) {
	values, err := listArgument(args[0])
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return values[len(values)-1], nil
}

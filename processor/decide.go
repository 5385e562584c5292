package processor

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// candidatesAtOnce is how many values are looked for with one search, once the first one was not free.
const candidatesAtOnce = 50

// decide answers what the mapping decides once. An entry keeps what it has, so an object is asked about again only until
// its entry is made; the memory gives it the same answer then.
func (w *work) decide(ctx context.Context, in *mapping.Input, asked *mapping.Unresolved) bool {
	if len(asked.Numbers)+len(asked.Names) == 0 {
		return true
	}
	current, err := w.find(ctx, asked.Match)
	if err != nil {
		return w.failed(err)
	}
	for _, n := range asked.Numbers {
		number, err := w.number(ctx, n, current)
		if err != nil {
			return w.failed(err)
		}
		in.Numbers[n.Pool] = number
	}
	for _, n := range asked.Names {
		name, err := w.name(ctx, n, current)
		switch {
		case err != nil:
			return w.failed(err)
		case name == "":
			w.end(event.Failed, event.CodeMapping, fmt.Sprintf(
				"%s cannot get a %s: %s and all values after it are taken", w.task.Merged.Object.Ref, n.Pool, n.Candidates(0, 1)[0]))
			return false
		}
		in.Names[n.Pool] = name
		w.chose = current == nil
	}
	return true
}

// number returns the number that the entry has, or one that was never given out and that no entry has. Numbers that stand
// in entries which are not ours are stepped over, many with one search.
func (w *work) number(ctx context.Context, n mapping.Number, current *plan.Entry) (int64, error) {
	if current != nil {
		if kept, ok := n.Kept(w.comparison(), current); ok {
			return kept, nil
		}
	}
	var taken []int64
	for count := int64(1); ; count = candidatesAtOnce {
		number, err := w.task.Memory.Allocate(ctx, mapping.Number{Pool: w.pool(n.Pool), From: n.From, To: n.To}, taken...)
		if err != nil {
			return 0, fmt.Errorf("allocate a number: %w", err)
		}
		var candidates []string
		for i := number; i < number+count && (i <= n.To || i == number); i++ {
			candidates = append(candidates, strconv.FormatInt(i, 10))
		}
		occupied, err := w.target.Occupied(ctx, w.set.Base(), n.Pool, candidates)
		if err != nil {
			return 0, fmt.Errorf("look for entries with %s %d: %w", n.Pool, number, err)
		}
		taken = taken[:0]
		for i, c := range candidates {
			if occupied[c] {
				taken = append(taken, number+int64(i))
			}
		}
		if !slices.Contains(taken, number) {
			return number, nil
		}
	}
}

// name returns the value that the entry has, or the first candidate that neither an entry nor another object has; the
// empty text where there is none.
func (w *work) name(ctx context.Context, n mapping.Name, current *plan.Entry) (string, error) {
	if current != nil {
		// A temporary name is none that the entry keeps.
		if kept := n.Kept(w.comparison(), current); kept != "" && kept != temporaryName(w.task.Merged.Object.Ref) {
			return kept, nil
		}
	}
	count := 1
	for from := 0; ; from, count = from+count, candidatesAtOnce {
		candidates := n.Candidates(from, count)
		if len(candidates) == 0 {
			return "", nil
		}
		occupied, err := w.target.Occupied(ctx, w.set.Base(), n.Pool, candidates)
		if err != nil {
			return "", fmt.Errorf("look for entries with %s %s: %w", n.Pool, candidates[0], err)
		}
		free := slices.DeleteFunc(candidates, func(c string) bool { return occupied[c] })
		if len(free) == 0 {
			continue
		}
		name, err := w.task.Memory.Claim(ctx, w.pool(n.Pool), free)
		if err != nil || name != "" {
			return name, err //nolint:wrapcheck // It names the object and the attribute.
		}
	}
}

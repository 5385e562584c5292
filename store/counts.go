package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"idaas-ldap/event"
)

// Failures is how many events have failed in a directory for one reason.
type Failures struct {
	Directory string     `json:"directory"`
	Code      event.Code `json:"code"`
	Count     int        `json:"count"`
	// Newest is the largest Seq of them.
	Newest int64 `json:"newest"`
}

// CountsUpTo returns the same as Counts, and counts no further than a number in each state.
func (s *database) CountsUpTo(ctx context.Context, directory string, most int) (map[event.State]int64, error) {
	counts := map[event.State]int64{}
	err := s.readers.read(ctx, func(r *session) error {
		for _, state := range []event.State{event.Pending, event.Waiting, event.Held, event.Failed} {
			var n int64
			if _, err := r.row("SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE state = ? AND directory = ? AND "+unfinished+" LIMIT ?) AS counted",
				[]any{string(state), directory, countedTo(most)}, &n); err != nil {
				return err
			}
			counts[state] = n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count events of %s: %w", directory, err)
	}
	return counts, nil
}

func countedTo(most int) int {
	if most <= 0 {
		return math.MaxInt32
	}
	return most
}

// reason is what some deliveries of a state have in common: the columns of an index over that state, and what they hold.
type reason struct {
	state   string
	columns []string
	values  []string
	// count is how many there are, counted up to most, and newest the largest seq of them.
	count  int
	newest int64
}

// next goes on to the next reason, and reports false where there is none. It looks for the next value of the last column, and of the
// one before where that has no more: what has the same reason is passed over by the index, which a comparison of rows would not do.
func (r *reason) next(s *session) (bool, error) {
	for n := len(r.columns); n > 0; n-- {
		query := "SELECT " + strings.Join(r.columns, ", ") + " FROM delivery WHERE state = '" + r.state + "'"
		var args, into []any
		for i, column := range r.columns {
			switch {
			case i < n-1:
				query += " AND " + column + " = ?"
				args = append(args, r.values[i])
			case i == n-1:
				query += " AND " + column + " > ?"
				args = append(args, r.values[i])
			}
			into = append(into, &r.values[i])
		}
		found, err := s.row(query+" ORDER BY "+strings.Join(r.columns, ", ")+" LIMIT 1", args, into...)
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// tally counts what has the reason.
func (r *reason) tally(s *session, most int) error {
	where := " FROM delivery WHERE state = '" + r.state + "'"
	var args []any
	for i, column := range r.columns {
		where += " AND " + column + " = ?"
		args = append(args, r.values[i])
	}
	if _, err := s.row("SELECT seq"+where+" ORDER BY seq DESC LIMIT 1", args, &r.newest); err != nil {
		return err
	}
	_, err := s.row("SELECT COUNT(*) FROM (SELECT 1"+where+" LIMIT ?) AS counted", append(args, countedTo(most)), &r.count)
	return err
}

// byReason calls yield for every reason that deliveries of a state have.
func (s *database) byReason(ctx context.Context, state event.State, columns []string, most int, yield func(r reason)) error {
	return s.readers.view(ctx, func(session *session) error {
		for at := (reason{state: string(state), columns: columns, values: make([]string, len(columns))}); ; {
			found, err := at.next(session)
			if err == nil && found {
				err = at.tally(session, most)
			}
			if err != nil || !found {
				return err
			}
			yield(at)
		}
	})
}

// FailuresByReason returns what has failed and is kept, by directory and reason, the most first.
func (s *database) FailuresByReason(ctx context.Context, most int) ([]Failures, error) {
	var all []Failures
	err := s.byReason(ctx, event.Failed, []string{"directory", "code"}, most, func(r reason) {
		all = append(all, Failures{Directory: r.values[0], Code: event.Code(r.values[1]), Count: r.count, Newest: r.newest})
	})
	if err != nil {
		return nil, fmt.Errorf("count what has failed: %w", err)
	}
	slices.SortStableFunc(all, func(a, b Failures) int { return cmp.Compare(b.Count, a.Count) })
	return all, nil
}

// HeldSets returns what is held by reason, the largest set first.
func (s *database) HeldSets(ctx context.Context, most int) ([]HeldSet, error) {
	var sets []HeldSet
	err := s.byReason(ctx, event.Held, []string{"directory", "code", "act"}, most, func(r reason) {
		sets = append(sets, HeldSet{Directory: r.values[0], Code: event.Code(r.values[1]), Act: r.values[2], Count: r.count, Newest: r.newest})
	})
	if err != nil {
		return nil, fmt.Errorf("count what is held: %w", err)
	}
	slices.SortStableFunc(sets, func(a, b HeldSet) int { return cmp.Compare(b.Count, a.Count) })
	return sets, nil
}

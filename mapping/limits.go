package mapping

import (
	"math"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Limit is one guard: how many of something may happen within a window.
type Limit struct {
	Max int
	// Percent is of the known objects of the kind.
	Percent float64
	Window  time.Duration
}

// Zero reports whether there is no limit.
func (l Limit) Zero() bool { return l.Max == 0 }

// Allows returns how many may happen where so many objects are known: the smaller of the two bounds, at least one. The whole of
// the known objects is no bound, as there may be none yet.
func (l Limit) Allows(known int) int {
	if l.Percent >= 100 {
		return l.Max
	}
	return max(1, min(l.Max, int(l.Percent*float64(known)/100)))
}

// Enough returns from how many known objects on it makes no difference how many more there are, as Max is the smaller bound then.
func (l Limit) Enough() int {
	if l.Percent >= 100 || l.Percent <= 0 {
		return 1
	}
	return int(min(math.MaxInt32, math.Ceil(float64(l.Max)*100/l.Percent)+1))
}

// Guards are the limits on what happens to entries without a person's approval.
type Guards struct {
	// Deletes is on entries that are deleted or moved to the leavers, Disables on users who cannot log in any more.
	Deletes, Disables Limit
	// Adoptions is on entries that are taken over, Renames on entries that get another name or place, Changes on entries that are
	// changed in any way. The last two have no limit unless the mapping gives one.
	Adoptions, Renames, Changes Limit
	// Vanished is on entries that are gone from the directory although nobody here has deleted them.
	Vanished Limit
}

// defaultGuards hold where a mapping says nothing. What takes nothing away has no limit: a company may well be reorganised in one
// day. What is taken over is bounded by its number alone, as nobody is known at first.
var defaultGuards = Guards{
	Deletes:   Limit{Max: 20, Percent: 5, Window: time.Hour},
	Disables:  Limit{Max: 50, Percent: 10, Window: time.Hour},
	Adoptions: Limit{Max: 50, Percent: 100, Window: time.Hour},
	Renames:   Limit{Percent: 100, Window: time.Hour},
	Changes:   Limit{Percent: 100, Window: time.Hour},
	Vanished:  Limit{Max: 20, Percent: 100, Window: time.Hour},
}

func (r *reader) guards(s *Set, n ast.Node) {
	limit := func(into *Limit, what string) func(ast.Node) {
		return func(n ast.Node) {
			r.each(r.keys(n, what), map[string]func(ast.Node){
				"max": func(n ast.Node) {
					if v, ok := r.number(n, what+".max", 1); ok {
						into.Max = int(min(v, 1<<31-1))
					}
				},
				"percent": func(n ast.Node) { r.percent(n, what+".percent", &into.Percent) },
				"window":  func(n ast.Node) { into.Window = r.duration(n, what+".window", "1h or 30m") },
			})
		}
	}
	r.each(r.keys(n, "guards"), map[string]func(ast.Node){
		"deletes":   limit(&s.guards.Deletes, "guards.deletes"),
		"disables":  limit(&s.guards.Disables, "guards.disables"),
		"adoptions": limit(&s.guards.Adoptions, "guards.adoptions"),
		"renames":   limit(&s.guards.Renames, "guards.renames"),
		"changes":   limit(&s.guards.Changes, "guards.changes"),
		"vanished":  limit(&s.guards.Vanished, "guards.vanished"),
	})
}

func (r *reader) percent(n ast.Node, what string, into *float64) {
	v, ok := r.scalar(n, what)
	if !ok {
		return
	}
	p, err := strconv.ParseFloat(v.text, 64)
	if err != nil || !(p > 0 && p <= 100) {
		r.problem(v.at(), "%s is a number above 0 and up to 100", what)
		return
	}
	*into = p
}

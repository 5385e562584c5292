package simulation_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// script is all that happens in one simulation.
type script struct {
	// seed decides about what no step says: which operations fail in bad weather, and which of those that wait goes first.
	seed      uint64
	instances int
	// loose lets operations go as they come, so that several are under way at the same time.
	loose bool
	// narrow has guards that let few deletions pass.
	narrow bool
	steps  []step
}

// step is one thing that happens.
type step struct {
	verb string
	args []int
	// late is after how many steps arrives what the step says; again is after how many it arrives once more, 0 for never.
	late, again int
	// lost: it never arrives.
	lost bool
	// gap is how much time passes before the next step.
	gap time.Duration
}

// arg is a number of a step, from 0 to below n.
type arg struct {
	name string
	n    int
}

// verb is what steps of one kind do: in the company, which says so by events, or to the world around it. A step for which there is no
// occasion does nothing, so that a script is one still when steps are left out.
type verb struct {
	name    string
	weight  int
	args    []arg
	company func(c *company, args []int) bool
	world   func(w *world, args []int)
}

func verbs() []verb {
	user, unit, group := arg{"user", 10}, arg{"unit", 6}, arg{"group", 3}
	name, place := arg{"name", 14}, arg{"in", 7}
	instance, mail := arg{"instance", 3}, arg{"mail", 20}
	return []verb{
		{"hire", 16, []arg{user, name, place, {"as", 3}, mail}, (*company).hire, nil},
		{"rename", 12, []arg{user, name}, (*company).rename, nil},
		{"swap", 4, []arg{user, {"with", 10}}, (*company).swap, nil},
		{"transfer", 8, []arg{user, place}, (*company).transfer, nil},
		{"mail", 4, []arg{user, mail}, (*company).mail, nil},
		{"leave", 5, []arg{user}, (*company).leave, nil},
		{"exclude", 3, []arg{user}, (*company).exclude, nil},
		{"password", 8, []arg{user}, (*company).changePassword, nil},
		{"disable", 7, []arg{user}, (*company).disable, nil},
		{"enable", 6, []arg{user}, (*company).enable, nil},
		{"lock", 4, []arg{user, {"long", 2}}, (*company).lock, nil},
		{"unlock", 3, []arg{user}, (*company).unlock, nil},
		{"expire", 3, []arg{user, {"when", 3}}, (*company).expire, nil},
		{"found", 8, []arg{unit, {"name", 8}, place}, (*company).found, nil},
		{"retitle", 4, []arg{unit, {"name", 8}}, (*company).retitle, nil},
		{"move", 6, []arg{unit, place}, (*company).move, nil},
		{"trade", 3, []arg{unit, {"with", 6}}, (*company).trade, nil},
		{"dissolve", 3, []arg{unit}, (*company).dissolve, nil},
		{"gather", 5, []arg{group, {"name", 5}}, (*company).gather, nil},
		{"disband", 1, []arg{group}, (*company).disband, nil},
		{"join", 12, []arg{group, user}, (*company).join, nil},
		{"quit", 5, []arg{group, user}, (*company).quit, nil},
		{"push", 3, []arg{user}, (*company).push, nil},
		{"weather", 10, []arg{{"sky", int(worst) + 1}}, nil, (*world).turns},
		{"wind", 12, nil, nil, func(w *world, _ []int) { w.turns([]int{int(windy)}) }},
		{"calm", 5, nil, nil, func(w *world, _ []int) { w.turns([]int{int(calm)}) }},
		{"full", 2, []arg{{"seconds", 30}}, nil, (*world).fills},
		{"approve", 4, nil, nil, func(w *world, _ []int) { w.approve(false) }},
		{"crash", 8, []arg{instance, {"at", len(moments)}, {"writes", 8}, {"after", 2}}, nil, (*world).crashes},
		{"stop", 4, []arg{instance, {"at", len(moments)}, {"writes", 6}, {"seconds", 60}}, nil, (*world).stops},
		{"clock", 2, []arg{instance, {"minutes", 9}}, nil, (*world).sets},
	}
}

func verbNamed(name string) (verb, bool) {
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return all[i], true
}

// drawn returns the script of a seed.
func drawn(seed uint64, steps int) script {
	r := rand.New(rand.NewPCG(seed, 11))
	s := script{seed: seed, instances: []int{1, 1, 2, 3}[r.IntN(4)], loose: r.IntN(4) == 0, narrow: r.IntN(3) == 0}
	// Some scripts come nearly in order, others in none at all.
	d := drawing{Rand: r, all: verbs(), far: []int{1, 3, 20, steps}[r.IntN(4)], company: newCompany()}
	for _, v := range d.all {
		d.total += v.weight
	}
	for range steps {
		s.steps = append(s.steps, d.step())
	}
	return s
}

// drawing is a script that is being drawn.
type drawing struct {
	*rand.Rand

	all     []verb
	total   int
	far     int      // how many steps a word may be late
	company *company // so that there is an occasion for most steps
}

func (d *drawing) step() step {
	const tries = 10
	var st step
	for range tries {
		v := d.verb()
		st = step{verb: v.name}
		for _, a := range v.args {
			st.args = append(st.args, d.IntN(a.n))
		}
		if v.company == nil {
			break
		}
		if d.company.news = nil; v.company(d.company, st.args) {
			d.arrival(&st)
			break
		}
	}
	switch n := d.IntN(60); {
	case n < 25:
	case n < 56:
		st.gap = time.Duration(d.IntN(5000)) * time.Millisecond
	case n < 59:
		st.gap = time.Duration(d.IntN(120)) * time.Second
	default:
		st.gap = time.Duration(d.IntN(900)) * time.Second
	}
	return st
}

func (d *drawing) verb() verb {
	at, i := d.IntN(d.total), 0
	for ; at >= d.all[i].weight; i++ {
		at -= d.all[i].weight
	}
	return d.all[i]
}

func (d *drawing) arrival(st *step) {
	st.late = d.IntN(d.far)
	if d.IntN(5) == 0 {
		st.again = 1 + d.IntN(d.far)
	}
	st.lost = d.IntN(40) == 0
}

// String writes a script down, a line for each step, in the form that readScript reads.
func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "simulation seed=%d instances=%d loose=%t narrow=%t\n", s.seed, s.instances, s.loose, s.narrow)
	for _, st := range s.steps {
		fmt.Fprintln(&b, st)
	}
	return b.String()
}

// String writes a step down. What it does not say is nothing.
func (st step) String() string {
	words := []string{st.verb}
	v, _ := verbNamed(st.verb)
	for i, a := range v.args {
		words = append(words, fmt.Sprint(a.name, "=", st.args[i]))
	}
	if st.late > 0 {
		words = append(words, fmt.Sprint("late=", st.late))
	}
	if st.again > 0 {
		words = append(words, fmt.Sprint("again=", st.again))
	}
	if st.lost {
		words = append(words, "lost=true")
	}
	if st.gap > 0 {
		words = append(words, "gap="+st.gap.String())
	}
	return strings.Join(words, " ")
}

// readScript reads what script.String has written.
func readScript(text string) (script, error) {
	var s script
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		values := map[string]string{}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			values[key] = value
		}
		var err error
		if words[0] == "simulation" {
			err = s.head(values)
		} else {
			var st step
			st, err = readStep(words[0], values)
			s.steps = append(s.steps, st)
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	if s.instances == 0 {
		return s, errors.New("the line is missing that begins with simulation")
	}
	return s, nil
}

func (s *script) head(values map[string]string) (err error) {
	var errs [4]error
	s.seed, errs[0] = strconv.ParseUint(values["seed"], 10, 64)
	s.instances, errs[1] = strconv.Atoi(values["instances"])
	s.loose, errs[2] = strconv.ParseBool(values["loose"])
	s.narrow, errs[3] = strconv.ParseBool(values["narrow"])
	return errors.Join(errs[:]...)
}

func readStep(name string, values map[string]string) (step, error) {
	st := step{verb: name, lost: values["lost"] == "true"}
	v, known := verbNamed(name)
	if !known {
		return st, fmt.Errorf("%q is no step", name)
	}
	var errs []error
	number := func(key string, below int) int {
		n, err := strconv.Atoi(cmp.Or(values[key], "0"))
		if err == nil && (n < 0 || below > 0 && n >= below) {
			err = fmt.Errorf("%s=%d is out of range", key, n)
		}
		errs = append(errs, err)
		return n
	}
	for _, a := range v.args {
		st.args = append(st.args, number(a.name, a.n))
	}
	st.late, st.again = number("late", 0), number("again", 0)
	gap, err := time.ParseDuration(cmp.Or(values["gap"], "0s"))
	st.gap = gap
	return st, errors.Join(append(errs, err)...)
}

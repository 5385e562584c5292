package simulation_test

import "slices"

// shrink returns a script that fails as another one does, with as few steps as are found in a number of tries: pieces of it are left out for as
// long as the rest still fails, and then what is said about each step.
func shrink(s script, tries int, fails func(script) bool) script {
	shrinking := &shrinking{script: s, tries: tries, fails: fails}
	shrinking.simplifyAll()
	for size := max(1, len(s.steps)/2); size > 0; size /= 2 {
		shrinking.leaveOut(size)
	}
	for shrinking.simplify() || shrinking.leaveOut(1) {
		// Until nothing more can be left out.
	}
	return shrinking.script
}

type shrinking struct {
	script

	tries int
	fails func(script) bool
}

// try takes a script that is simpler if it fails as well.
func (s *shrinking) try(simpler script) bool {
	if s.tries == 0 {
		return false
	}
	s.tries--
	if !s.fails(simpler) {
		return false
	}
	s.script = simpler
	return true
}

// leaveOut leaves out pieces of a size, and reports whether any could be.
func (s *shrinking) leaveOut(size int) bool {
	some := false
	for at := len(s.steps) - size; at > -size; at -= size {
		simpler := s.script
		simpler.steps = slices.Delete(slices.Clone(s.steps), max(0, at), min(len(s.steps), at+size))
		some = s.try(simpler) || some
	}
	return some
}

// simplifyAll leaves out what is said about the script as a whole.
func (s *shrinking) simplifyAll() {
	for _, change := range []func(*script){
		func(c *script) { c.instances = 1 }, func(c *script) { c.instances = min(2, c.instances) },
		func(c *script) { c.loose = false }, func(c *script) { c.narrow = false },
	} {
		simpler := s.script
		if change(&simpler); simpler.instances != s.instances || simpler.loose != s.loose || simpler.narrow != s.narrow {
			s.try(simpler)
		}
	}
}

// simplify leaves out what is said about single steps, and makes numbers smaller that count something. It reports whether it could.
func (s *shrinking) simplify() bool {
	some := false
	changes := []func(*step){
		func(st *step) { st.again = 0 }, func(st *step) { st.late = 0 }, func(st *step) { st.lost = false }, func(st *step) { st.gap = 0 },
	}
	for _, counted := range []string{"writes", "seconds"} {
		changes = append(changes, argument(counted, func(int) int { return 0 }), argument(counted, func(n int) int { return n - 1 }))
	}
	for i := range s.steps {
		for _, change := range changes {
			simpler := s.script
			simpler.steps = slices.Clone(s.steps)
			simpler.steps[i].args = slices.Clone(s.steps[i].args)
			if change(&simpler.steps[i]); simpler.steps[i].String() != s.steps[i].String() {
				some = s.try(simpler) || some
			}
		}
	}
	return some
}

// argument changes an argument of a step.
func argument(name string, to func(int) int) func(*step) {
	return func(st *step) {
		v, _ := verbNamed(st.verb)
		for i, a := range v.args {
			if a.name == name {
				st.args[i] = max(0, to(st.args[i]))
			}
		}
	}
}

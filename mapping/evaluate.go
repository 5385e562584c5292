package mapping

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Above is the unit that a user or a unit belongs to, with the place of its entry.
type Above struct {
	Object event.Object
	DN     plan.DN
}

// Input is what a mapping is evaluated for.
type Input struct {
	// Object is everything that is known of the object.
	Object event.Object
	// Above is the primary unit of a user, the unit above a unit; nil while it is not known or not there.
	Above *Above
	// DN is where the entry is now, empty if that is not known.
	DN plan.DN
	// Resolved are the DNs of objects that rules refer to, empty for one that is gone.
	Resolved map[event.Ref]plan.DN
	// Open are objects that were asked for and that nobody can tell anything of now. What refers to them is left as it is,
	// and is written when they are resolved; where it is the unit above, the entry stays where it is.
	Open map[event.Ref]bool
	// Numbers and Names are what was decided for the object, by pool.
	Numbers map[string]int64
	Names   map[string]string
	// Owned returns the values that we added before to an attribute with authority merge; nil for none at all.
	Owned func(attribute string) []string
	// Deleted: the object is gone.
	Deleted bool
}

// Desired evaluates the mapping for one object. It is pure: the same input gives the same result.
//
// The error is [ErrOutOfScope], [*Skipped], or [*Unresolved] where the caller has to look something up and call again. A rule
// that fails is no error: it is in the result, with everything that does not depend on it.
func (s *Set) Desired(in Input) (Result, error) {
	c := s.sections[in.Object.Ref.Kind]
	if c == nil {
		return Result{}, ErrOutOfScope
	}
	e := s.evaluation(c, in)
	if in.Deleted {
		return e.removed()
	}
	return e.wanted()
}

// evaluation is the evaluation of one section for one object.
type evaluation struct {
	*Set
	section *section
	in      Input
	env     environment
	machine vm.VM
	asked   Unresolved
	open    []event.Ref
	failed  []*EvaluationError
	// unitOpen: the unit that the object belongs to is known by its id only, so nothing that reads it can be told.
	unitOpen bool
	// blind: a match rule fails, so nobody can tell whether there is an entry already, and none is to be made.
	blind bool
}

func (s *Set) evaluation(c *section, in Input) *evaluation {
	env := environment{nameBase: s.baseText, nameDN: nil, meterName: &meter{}, c.in.own(): record(in.Object)}
	if !in.DN.Empty() {
		env[nameDN] = in.DN.String()
	}
	if above := c.in.aboveName(); above != "" {
		unit := map[string]any{nameCustom: map[string]any{}, nameRaw: map[string]any{}}
		if in.Above != nil {
			unit = record(in.Above.Object)
			if c.readsAboveDN {
				unit[nameDN] = in.Above.DN.String()
			}
		}
		env[above] = unit
	}
	return &evaluation{Set: s, section: c, in: in, env: env}
}

// record returns what expressions see of an object.
func record(o event.Object) map[string]any {
	custom, raw := map[string]any{}, map[string]any{}
	out := make(map[string]any, len(o.Facts)+3)
	for name, fact := range o.Facts {
		if rest, ok := strings.CutPrefix(name, nameCustom+"."); ok {
			custom[rest] = value(fact)
		} else if rest, ok := strings.CutPrefix(name, nameRaw+"."); ok {
			raw[rest] = value(fact)
		} else {
			out[name] = value(fact)
		}
	}
	out[event.FieldID], out[nameCustom], out[nameRaw] = o.Ref.ID, custom, raw
	return out
}

func (e *evaluation) desired() plan.Desired {
	return plan.Desired{Object: e.in.Object.Ref, Base: e.base}
}

// removed says what becomes of the entry of an object that is gone. Match rules that need more than the id find nothing,
// as a deletion clears the record.
func (e *evaluation) removed() (Result, error) {
	d := e.desired()
	removal, _ := e.Removal(e.in)
	d.Removal = &removal
	var err error
	if d.Match, err = e.matches(); err != nil {
		return Result{}, err
	}
	if removal.Action == plan.RemoveDisable || removal.Action == plan.RemoveMove {
		d.Account = e.account()
	}
	return e.result(d, nil), nil
}

func (e *evaluation) wanted() (Result, error) {
	in, err := e.inScope()
	if err != nil && !e.noted(err, "") {
		return Result{}, err
	}
	if unit, unknown := e.unitUnknown(); unknown && len(e.failed) == 0 {
		if !e.in.Open[unit] {
			return Result{}, &Unresolved{Objects: []Needed{{Ref: unit, Required: true}}}
		}
		e.unitOpen, e.open = true, append(e.open, unit)
	}
	d := e.desired()
	if d.Match, err = e.matches(); err != nil {
		return Result{}, err
	}
	d.Account = e.account()
	if !in {
		result := e.result(d, e.unseen(e.section.scope))
		result.Undecided = true
		return result, nil
	}
	return e.within(d)
}

// within says what the entry of an object should be that is within the scope.
func (e *evaluation) within(d plan.Desired) (Result, error) {
	if err := e.decide(d.Match); err != nil {
		return Result{}, err
	}
	d.ObjectClasses = e.section.objectClasses
	var missing []string
	var err error
	if d.DN, missing, err = e.place(); err != nil && !e.noted(err, "") {
		return Result{}, err
	}
	if e.blind {
		d.DN = nil
	}
	for i := range e.section.attributes {
		rule := &e.section.attributes[i]
		if err := e.rule(rule, &d); err != nil && !e.noted(err, rule.name) {
			return Result{}, err
		}
	}
	if len(e.asked.Objects) > 0 {
		return Result{}, &e.asked
	}
	return e.result(d, missing), nil
}

// result puts together what was found out.
func (e *evaluation) result(d plan.Desired, missing []string) Result {
	slices.SortFunc(e.failed, func(a, b *EvaluationError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return Result{Desired: d, Missing: missing, Open: e.open, Failed: e.failed}
}

// noted takes note of a rule that fails, so that the evaluation goes on without it. It returns false for any other error.
func (e *evaluation) noted(err error, attribute string) bool {
	var failed *EvaluationError
	if !errors.As(err, &failed) {
		return false
	}
	failed.Attribute = attribute
	e.failed = append(e.failed, failed)
	return true
}

// account says whether the user may log in; nil for what is no user.
func (e *evaluation) account() *plan.Account {
	account, ok := e.Account(e.in)
	if !ok {
		return nil
	}
	return &account
}

func (e *evaluation) name(rule string) string { return string(e.section.kind) + "." + rule }

// wrong gives an error of an expression its place.
func (e *evaluation) wrong(ex *expression, rule string, err error) error {
	if errors.Is(err, errSkip) {
		return &Skipped{Rule: rule}
	}
	at := ex.at
	var inside *failure
	if errors.As(err, &inside) {
		at, err = ex.source.within(inside.from), inside.err
	}
	return e.wrongAt(at, rule, err)
}

func (e *evaluation) wrongAt(at position, rule string, err error) error {
	return &EvaluationError{File: e.file, Line: at.line, Column: at.column, Rule: rule, Err: err}
}

// condition evaluates a condition; without one it holds.
func (e *evaluation) condition(ex *expression, rule string) (bool, error) {
	if ex == nil {
		return true, nil
	}
	result, err := ex.run(&e.machine, e.env)
	if err == nil {
		result, err = isTrue(result)
	}
	if err != nil {
		return false, e.wrong(ex, e.name(rule), err)
	}
	return result == true, nil
}

// place evaluates the DN. Where a field was never seen that it needs, the DN is empty and the fields are named.
func (e *evaluation) place() (plan.DN, []string, error) {
	const rule = "dn"
	t := e.section.dn
	if e.unitOpen && readAbove(t.expressions()) {
		return nil, []string{e.section.in.aboveName()}, nil
	}
	dn := make(plan.DN, 0, len(t.rdns)+len(e.base)+4)
	var missing []string
	for _, rdn := range t.rdns {
		out := make(plan.RDN, 0, len(rdn))
		for _, ava := range rdn {
			value, lacks, err := e.text(ava.pieces, rule)
			switch {
			case err != nil:
				return nil, nil, err
			case len(lacks) == 0 && strings.TrimSpace(value) == "":
				return nil, nil, e.wrongAt(t.at, e.name(rule), wrongValue("%s would be empty, and an entry needs a name", ava.name))
			case !utf8.ValidString(value):
				return nil, nil, e.wrongAt(t.at, e.name(rule), wrongValue("%s would be no text", ava.name))
			}
			missing = append(missing, lacks...)
			out = append(out, plan.AVA{Type: ava.name, Value: value})
		}
		dn = append(dn, out)
	}
	switch t.tail {
	case tailBase:
		dn = append(dn, e.base...)
	case tailAbove:
		if e.in.Above == nil {
			missing = append(missing, e.section.in.aboveName())
			break
		}
		dn = append(dn, e.in.Above.DN...)
	case tailLiteral:
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	if !dn.Below(e.base) {
		return nil, nil, e.wrongAt(t.at, e.name(rule), &plan.OutsideBase{DN: dn, Base: e.base})
	}
	return dn, nil, nil
}

// text evaluates pieces to one text; missing are the fields without which it cannot be told.
func (e *evaluation) text(pieces []piece, rule string) (text string, missing []string, err error) {
	var b strings.Builder
	for _, p := range pieces {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		values, err := e.values(p.expr, rule)
		switch {
		case err != nil:
			return "", nil, err
		case len(values) == 0:
			missing = append(missing, e.unseen(p.expr)...)
		case len(values) > 1:
			return "", nil, e.wrong(p.expr, e.name(rule), wrongValue("it gives %d values where one is needed", len(values)))
		default:
			b.WriteString(values[0])
		}
	}
	return b.String(), missing, nil
}

// matches evaluates the match rules. A rule of which a value is absent is left out: it would match by accident.
func (e *evaluation) matches() ([]plan.Match, error) {
	var out []plan.Match
	for _, m := range e.section.match {
		if e.unitOpen && readAbove(expressionsOf(m.pieces)) {
			continue
		}
		filter, whole, err := e.filter(m)
		switch {
		case err != nil && e.noted(err, ""):
			e.blind = true
		case err != nil:
			return nil, err
		case whole:
			out = append(out, plan.Match{Filter: filter, Adopt: m.adopt, ByID: m.byID})
		}
	}
	return out, nil
}

// ByID returns the match rules that ask for the id of an object in IDaaS. They need nothing else of the object, so they can be told
// where the mapping cannot say what the entry should be.
func (s *Set) ByID(in Input) []plan.Match {
	c := s.sections[in.Object.Ref.Kind]
	if c == nil {
		return nil
	}
	e := s.evaluation(c, in)
	var out []plan.Match
	for _, m := range c.match {
		if !m.byID {
			continue
		}
		if filter, whole, err := e.filter(m); err == nil && whole {
			out = append(out, plan.Match{Filter: filter, Adopt: m.adopt, ByID: true})
		}
	}
	return out
}

func (e *evaluation) filter(m matchRule) (filter string, whole bool, err error) {
	var b strings.Builder
	for _, p := range m.pieces {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		values, err := e.values(p.expr, "match")
		if err != nil || len(values) != 1 || strings.TrimSpace(values[0]) == "" {
			return "", false, err
		}
		b.WriteString(escapeFilter(values[0]))
	}
	return b.String(), true, nil
}

package mapping

import (
	"errors"
	"fmt"
	"strings"

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
	// Resolved are the DNs of objects that rules refer to.
	Resolved map[event.Ref]plan.DN
	// Numbers are those allocated for the object, by pool.
	Numbers map[string]int64
	// Owned are the values that we added before to attributes with authority merge, by attribute name in lower case.
	Owned map[string][]string
	// Deleted: the object is gone.
	Deleted bool
}

// Desired evaluates the mapping for one object. It is pure: the same input gives the same result.
//
// Besides an [*EvaluationError] it may return [ErrOutOfScope], [*Skipped], and [*Unresolved] where the caller has to look
// something up and call again.
func (s *Set) Desired(in Input) (Result, error) {
	c := s.sections[in.Object.Ref.Kind]
	if c == nil {
		return Result{}, ErrOutOfScope
	}
	env, err := s.environment(in)
	if err != nil {
		return Result{}, &EvaluationError{File: s.file, Line: c.at.line, Column: c.at.column, Rule: string(c.kind), Err: err}
	}
	e := evaluation{Set: s, section: c, in: in, env: env}
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
	env     map[string]any
	asked   Unresolved
}

func (e *evaluation) desired() plan.Desired {
	return plan.Desired{Object: e.in.Object.Ref, Base: e.base}
}

// removed says what becomes of the entry of an object that is gone. Match rules that need more than the id find nothing,
// as a deletion clears the record.
func (e *evaluation) removed() (Result, error) {
	d := e.desired()
	removal := e.section.removal
	d.Removal = &removal
	var err error
	if d.Match, err = e.matches(); err != nil {
		return Result{}, err
	}
	if e.section.kind == event.KindUser && (removal.Action == plan.RemoveDisable || removal.Action == plan.RemoveMove) {
		d.Account = e.account()
	}
	return Result{Desired: d}, nil
}

func (e *evaluation) wanted() (Result, error) {
	if in, err := e.condition(e.section.scope, "scope"); err != nil || !in {
		return Result{}, errOr(err, ErrOutOfScope)
	}
	d := e.desired()
	d.ObjectClasses = e.section.objectClasses
	dn, missing, err := e.place()
	if err != nil {
		return Result{}, err
	}
	d.DN = dn
	if d.Match, err = e.matches(); err != nil {
		return Result{}, err
	}
	for _, rule := range e.section.attributes {
		if err := e.rule(rule, &d); err != nil {
			return Result{}, err
		}
	}
	if len(e.asked.Objects)+len(e.asked.Numbers) > 0 {
		return Result{}, &e.asked
	}
	if e.section.kind == event.KindUser {
		d.Account = e.account()
	}
	return Result{Desired: d, Missing: missing}, nil
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (e *evaluation) account() *plan.Account {
	l := e.section.lifecycle
	return &plan.Account{Disable: l.disable, Lock: l.lock, Expire: l.expire, State: e.in.Object.Account()}
}

func (s *Set) wrong(ex *expression, rule string, err error) error {
	if errors.Is(err, errSkip) {
		return &Skipped{Rule: rule}
	}
	return &EvaluationError{File: s.file, Line: ex.source.at.line, Column: ex.source.at.column, Rule: rule, Err: err}
}

// condition evaluates a condition; without one it holds.
func (e *evaluation) condition(ex *expression, rule string) (bool, error) {
	if ex == nil {
		return true, nil
	}
	result, err := ex.run(e.env)
	if err != nil {
		return false, e.wrong(ex, e.name(rule), err)
	}
	holds, _ := result.(bool)
	return holds, nil
}

func (e *evaluation) name(rule string) string { return string(e.section.kind) + "." + rule }

// place evaluates the DN. Where a field was never seen that it needs, the DN is empty and the fields are named.
func (e *evaluation) place() (plan.DN, []string, error) {
	t := e.section.dn
	var dn plan.DN
	var missing []string
	for _, rdn := range t.rdns {
		var out plan.RDN
		for _, ava := range rdn {
			value, lacks, err := e.text(ava.pieces, "dn")
			if err != nil {
				return nil, nil, err
			}
			missing = append(missing, lacks...)
			if strings.TrimSpace(value) == "" && len(lacks) == 0 {
				return nil, nil, e.wrongAt(t.source, "dn", fmt.Errorf("%s would be empty, and an entry needs a name", ava.name))
			}
			out = append(out, plan.AVA{Type: ava.name, Value: value})
		}
		dn = append(dn, out)
	}
	switch t.tail {
	case tailBase:
		dn = append(dn, e.base...)
	case tailAbove:
		above, lacks := e.above()
		missing = append(missing, lacks...)
		dn = append(dn, above...)
	case tailLiteral:
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	if len(e.asked.Objects) == 0 && !dn.Below(e.base) {
		return nil, nil, e.wrongAt(t.source, "dn", &plan.OutsideBase{DN: dn, Base: e.base})
	}
	return dn, nil, nil
}

// above returns the DN of the unit above, or asks for it.
func (e *evaluation) above() (plan.DN, []string) {
	if e.in.Above != nil {
		return e.in.Above.DN, nil
	}
	id := e.in.Object.PrimaryUnit()
	if id == "" {
		return nil, []string{aboveName(e.section.kind)}
	}
	e.asked.Objects = append(e.asked.Objects, event.Ref{Kind: event.KindUnit, ID: id})
	return nil, nil
}

func (e *evaluation) wrongAt(at scalar, rule string, err error) error {
	return &EvaluationError{File: e.file, Line: at.at.line, Column: at.at.column, Rule: e.name(rule), Err: err}
}

// text evaluates pieces to one text; missing are the fields without which it cannot be told.
func (e *evaluation) text(pieces []piece, rule string) (text string, missing []string, err error) {
	var b strings.Builder
	for _, p := range pieces {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		values, err := e.values(p.expr, e.name(rule), e.env)
		switch {
		case err != nil:
			return "", nil, err
		case len(values) == 0:
			missing = append(missing, e.unseen(p.expr)...)
		case len(values) > 1:
			return "", nil, e.wrong(p.expr, e.name(rule), fmt.Errorf("it gives %d values where one is needed", len(values)))
		default:
			b.WriteString(values[0])
		}
	}
	return b.String(), missing, nil
}

// unseen returns the fields that an expression reads and of which nothing was ever said.
func (e *evaluation) unseen(ex *expression) []string {
	var out []string
	own := ownName(e.section.kind)
	for _, read := range ex.reads {
		root, field, isField := strings.Cut(read, ".")
		if !isField || field == "dn" || field == "custom" || field == "raw" {
			continue
		}
		switch {
		case root == own:
			if _, seen := e.in.Object.Value(field); !seen {
				out = append(out, read)
			}
		case e.in.Above == nil:
			out = append(out, read)
		default:
			if _, seen := e.in.Above.Object.Value(field); !seen {
				out = append(out, read)
			}
		}
	}
	return out
}

// matches evaluates the match rules. A rule of which a value is absent is left out: it would match by accident.
func (e *evaluation) matches() ([]plan.Match, error) {
	var out []plan.Match
next:
	for _, m := range e.section.match {
		var b strings.Builder
		for _, p := range m.pieces {
			if p.expr == nil {
				b.WriteString(p.literal)
				continue
			}
			values, err := e.values(p.expr, e.name("match"), e.env)
			if err != nil {
				return nil, err
			}
			if len(values) != 1 || strings.TrimSpace(values[0]) == "" {
				continue next
			}
			b.WriteString(escapeFilter(values[0]))
		}
		out = append(out, plan.Match{Filter: b.String(), Adopt: m.adopt})
	}
	return out, nil
}

// rule evaluates the rule of one attribute.
func (e *evaluation) rule(rule attributeRule, d *plan.Desired) error {
	name := e.name("attributes." + rule.name)
	if applies, err := e.condition(rule.when, "attributes."+rule.name+".when"); err != nil || !applies {
		return err
	}
	out := plan.Rule{Attribute: rule.name, Authority: rule.authority, Owned: e.in.Owned[strings.ToLower(rule.name)]}
	switch {
	case rule.isConst:
		out.Values = rule.constant
	case rule.allocate != nil:
		number, ok := e.in.Numbers[rule.allocate.Pool]
		if !ok {
			e.asked.Numbers = append(e.asked.Numbers, *rule.allocate)
			return nil
		}
		out.Values = []string{valueText(number)}
	default:
		values, err := e.values(rule.value, name, e.env)
		if err != nil {
			return err
		}
		if len(values) == 0 && (rule.keepEmpty || len(e.unseen(rule.value)) > 0) {
			return nil
		}
		if rule.reference != "" {
			if values = e.references(rule.reference, values); values == nil {
				return nil
			}
		}
		out.Values = values
	}
	d.Rules = append(d.Rules, out)
	return nil
}

// references turns ids into DNs, or asks for them and returns nil.
func (e *evaluation) references(kind event.Kind, ids []string) []string {
	dns := []string{}
	complete := true
	for _, id := range ids {
		ref := event.Ref{Kind: kind, ID: id}
		dn, ok := e.in.Resolved[ref]
		if !ok {
			e.asked.Objects = append(e.asked.Objects, ref)
			complete = false
			continue
		}
		dns = append(dns, dn.String())
	}
	if !complete {
		return nil
	}
	return dns
}

// values evaluates an expression to the values of an attribute: none for nil and for an empty text.
func (s *Set) values(ex *expression, rule string, env map[string]any) ([]string, error) {
	result, err := ex.run(env)
	if err != nil {
		return nil, s.wrong(ex, rule, err)
	}
	list := toList(result)
	if len(list) > maxList {
		return nil, s.wrong(ex, rule, errTooMany)
	}
	var values []string
	seen := map[string]bool{}
	for _, v := range list {
		switch v.(type) {
		case map[string]any, []any:
			return nil, s.wrong(ex, rule, errors.New("it gives a structure; name the field of it that is meant"))
		}
		text := valueText(v)
		if text == "" || seen[text] {
			continue
		}
		seen[text] = true
		values = append(values, text)
	}
	return values, nil
}

// maxField bounds a single field that an expression may see.
const maxField = 64 << 10

// environment builds what expressions read.
func (s *Set) environment(in Input) (map[string]any, error) {
	env := map[string]any{nameBase: s.base.String()}
	if !in.DN.Empty() {
		env[nameDN] = in.DN.String()
	}
	own, err := fields(in.Object)
	if err != nil {
		return nil, err
	}
	if kind := in.Object.Ref.Kind; kind != event.KindGroup {
		env[aboveName(kind)] = map[string]any{"custom": map[string]any{}, "raw": map[string]any{}}
		if in.Above != nil {
			above, err := fields(in.Above.Object)
			if err != nil {
				return nil, err
			}
			above["dn"] = in.Above.DN.String()
			env[aboveName(kind)] = above
		}
	}
	env[ownName(in.Object.Ref.Kind)] = own
	return env, nil
}

func fields(o event.Object) (map[string]any, error) {
	custom, raw := map[string]any{}, map[string]any{}
	out := map[string]any{"custom": custom, "raw": raw, event.FieldID: o.Ref.ID}
	for name, fact := range o.Facts {
		switch v := fact.Value.(type) {
		case string:
			if len(v) > maxField && !strings.HasPrefix(name, "custom.") && !strings.HasPrefix(name, "raw.") {
				return nil, fmt.Errorf("the field %s has more than %d characters", name, maxField)
			}
		case []any:
			if len(v) > maxList {
				return nil, fmt.Errorf("the field %s has more than %d values", name, maxList)
			}
		}
		if rest, ok := strings.CutPrefix(name, "custom."); ok {
			custom[rest] = fact.Value
		} else if rest, ok := strings.CutPrefix(name, "raw."); ok {
			raw[rest] = fact.Value
		} else {
			out[name] = fact.Value
		}
	}
	return out, nil
}

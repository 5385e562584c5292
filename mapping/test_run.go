package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// TestResult is the result of one test.
type TestResult struct {
	Name string
	// Line is where the test begins in the file.
	Line int
	// Err says what was different, nil if nothing was.
	Err error
}

// RunTests runs the tests of the file. What is written by the server's own means is not seen in them: passwords, and the
// login status where the lifecycle section says auto.
func (s *Set) RunTests() []TestResult {
	out := make([]TestResult, len(s.tests))
	for i, t := range s.tests {
		out[i] = TestResult{Name: t.name, Line: t.at.line, Err: s.runTest(t)}
	}
	return out
}

func (s *Set) runTest(t test) error {
	operations, err := (&trial{Set: s, test: t}).operations()
	if t.expectError != "" {
		return unexpectedError(t.expectError, operations, err)
	}
	if err != nil {
		return err
	}
	ldif, err := ldifOf(operations)
	if err != nil {
		return err
	}
	got, _, err := parseChanges(ldif)
	if err != nil {
		return fmt.Errorf("read what would be written: %w", err)
	}
	if different := difference(t.expect, got); different != "" {
		return errors.New(different)
	}
	return nil
}

// unexpectedError compares an error with the one that a test expects.
func unexpectedError(want string, operations []plan.Operation, err error) error {
	switch {
	case err == nil:
		ldif, err := ldifOf(operations)
		if ldif == "" {
			ldif = "(nothing would be written)"
		}
		return errors.Join(fmt.Errorf("an error with %q is expected, and there is none:\n%s", want, indent(ldif)), err)
	case !strings.Contains(err.Error(), want):
		return fmt.Errorf("an error with %q is expected, and this one came: %w", want, err)
	}
	return nil
}

func ldifOf(operations []plan.Operation) (string, error) {
	var b bytes.Buffer
	err := plan.WriteLDIF(&b, operations...)
	return b.String(), err //nolint:wrapcheck // It says what was tried.
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}

// trial is one run of a test. The test's directory stands for everything that is outside: entries are found in it by the
// match rules, as in a real one.
type trial struct {
	*Set
	test test
}

// operations returns what the event of the test leads to.
func (t *trial) operations() ([]plan.Operation, error) {
	object := t.merged()
	result, err := t.desired(object)
	if err != nil {
		return nil, err
	}
	if len(result.Failed) > 0 {
		return nil, result.Failed[0]
	}
	current, err := t.own(object.Ref.Kind, result.Match)
	if err != nil {
		return nil, err
	}
	desired := result.Desired
	t.express(&desired, current)
	if err := t.possible(object, desired, current, result.Missing); err != nil {
		return nil, err
	}
	if err := t.members(&desired, object, current); err != nil {
		return nil, err
	}
	built, err := plan.Build(current, desired, plan.Policy{Matching: plan.DefaultMatching()})
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return built.Operations, nil
}

// merged returns what is known of the object with the event.
func (t *trial) merged() event.Object {
	ref := event.Ref{Kind: t.test.eventType.Kind(), ID: idOf(t.test.record)}
	change := event.Change{ID: t.test.name, Type: t.test.eventType, Object: ref, Stamp: event.Stamp{Event: 1}, Fields: t.test.record}
	for _, m := range t.test.members {
		change.Members = append(change.Members, event.Member{User: idOf(m), Present: t.test.eventType != event.TypeGroupRemoveUser})
	}
	return event.Merge(event.Object{Ref: ref}, []event.Change{change}).Object
}

func idOf(record event.Values) string {
	id, _ := record[event.FieldID].(string)
	return id
}

// desired evaluates the mapping, and answers what it asks for.
func (t *trial) desired(object event.Object) (Result, error) {
	in := Input{
		Object: object, Numbers: map[string]int64{}, Names: map[string]string{}, Resolved: map[event.Ref]plan.DN{}, Open: map[event.Ref]bool{},
		Deleted: object.Deleted(),
	}
	current, err := t.entryOf(object)
	if err != nil {
		return Result{}, err
	}
	if current != nil {
		in.DN = current.DN
	}
	if in.Above, err = t.above(object); err != nil {
		return Result{}, err
	}
	const questions = 8
	for range questions {
		result, err := t.Desired(in)
		var asked *Unresolved
		if !errors.As(err, &asked) {
			return result, err
		}
		if err := t.answer(&in, asked); err != nil {
			return Result{}, err
		}
	}
	return Result{}, errors.New("the mapping keeps asking for more; a rule of it refers to itself")
}

// above returns the unit above the object: the one of the test, the one in its directory, or the root where the event
// names none.
func (t *trial) above(object event.Object) (*Above, error) {
	id := object.PrimaryUnit()
	switch {
	case !t.ReadsAbove(object.Ref.Kind):
		return nil, nil
	case t.test.above != nil:
		return t.unit(known(event.KindUnit, t.test.above))
	case id == "" || id == event.RootUnitID:
		return t.RootAbove(), nil
	}
	unit := known(event.KindUnit, event.Values{event.FieldID: id})
	entry, err := t.entryOf(unit)
	if err != nil || entry == nil {
		return nil, err
	}
	return &Above{Object: unit, DN: entry.DN}, nil
}

// unit gives the unit of a test its place: where its entry is, or else where the mapping puts it below the root.
func (t *trial) unit(unit event.Object) (*Above, error) {
	if unit.Ref.ID == event.RootUnitID {
		return t.RootAbove(), nil
	}
	dn, err := t.placeOf(unit)
	if err != nil {
		return nil, err
	}
	return &Above{Object: unit, DN: dn}, nil
}

// placeOf returns where another object is: where its entry is found, or else where the mapping puts it.
func (t *trial) placeOf(object event.Object) (plan.DN, error) {
	entry, err := t.entryOf(object)
	switch {
	case err != nil:
		return nil, err
	case entry != nil:
		return entry.DN, nil
	}
	result, err := t.Desired(Input{Object: object, Above: t.RootAbove()})
	var asked *Unresolved
	switch {
	case errors.As(err, &asked), err == nil && len(result.Failed) == 0 && result.DN.Empty():
		return nil, fmt.Errorf("the place of %s cannot be told: add its entry to the directory of the test", object.Ref)
	case err == nil && len(result.Failed) > 0:
		return nil, result.Failed[0]
	}
	return result.DN, err
}

// known makes an object of a record.
func known(kind event.Kind, record event.Values) event.Object {
	o := event.Object{Ref: event.Ref{Kind: kind, ID: idOf(record)}, Existence: event.Existence{Present: true}, Facts: map[string]event.Fact{}}
	for name, value := range record {
		o.Facts[name] = event.Fact{Value: value}
	}
	return o
}

// possible finds out why an entry cannot be where it should.
func (t *trial) possible(object event.Object, desired plan.Desired, current *plan.Entry, missing []string) error {
	switch {
	case desired.Removal != nil:
		return nil
	case current == nil && !object.Exists():
		return fmt.Errorf("%s is not known yet and no entry matches; it waits for its record", object.Ref)
	case current == nil && desired.DN.Empty():
		return fmt.Errorf("no entry matches, and none can be made: %s was never said, and the DN needs it", strings.Join(missing, ", "))
	}
	for _, e := range t.test.directory {
		if e != current && e.DN.Equal(desired.DN) {
			return fmt.Errorf("%s is taken by another entry, which no match rule finds", e.DN)
		}
	}
	return nil
}

// express writes the login status out where the mapping says how.
func (t *trial) express(desired *plan.Desired, current *plan.Entry) {
	account := desired.Account
	if account == nil {
		return
	}
	if desired.Removal != nil {
		account.State.Disabled, account.State.StatusSeen = true, true
		desired.Removal.Rename = nil // nobody has taken the name
	} else {
		desired.DN, _ = account.Place(desired.DN, current, 0)
	}
	desired.Rules = append(desired.Rules, account.Rules(0)...)
}

// members adds the memberships that the event speaks about.
func (t *trial) members(desired *plan.Desired, object event.Object, current *plan.Entry) error {
	rule, ok := t.Members()
	if !ok || object.Ref.Kind != event.KindGroup || desired.Removal != nil || current != nil && len(t.test.members) == 0 {
		return nil
	}
	members := &plan.Members{Attribute: rule.Attribute, Placeholder: rule.Placeholder}
	for _, record := range t.test.members {
		user := known(event.KindUser, record)
		dn, err := t.memberPlace(user)
		if err != nil {
			return err
		}
		value, err := t.MemberValue(user, dn)
		if err != nil {
			return err
		}
		members.Values = append(members.Values, plan.MemberValue{Value: value, Present: object.Members[user.Ref.ID].Present})
	}
	if current != nil {
		members.Others = hasOthers(current.Values(rule.Attribute), members)
	}
	desired.Members = members
	return nil
}

// memberPlace returns the DN of a member, where members are named by it.
func (t *trial) memberPlace(user event.Object) (plan.DN, error) {
	if !t.MembersByDN() {
		return nil, nil
	}
	return t.placeOf(user)
}

// hasOthers reports whether a group has members that the event does not speak about.
func hasOthers(values []string, m *plan.Members) bool {
	matching := plan.DefaultMatching()
	for _, v := range values {
		spoken := matching.Equal(m.Attribute, v, m.Placeholder)
		for _, said := range m.Values {
			spoken = spoken || matching.Equal(m.Attribute, v, said.Value)
		}
		if !spoken {
			return true
		}
	}
	return false
}

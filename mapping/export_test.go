package mapping

import (
	"runtime"

	"github.com/expr-lang/expr/vm"

	"idaas-ldap/event"
)

// Work is what the evaluation of an expression used up.
type Work struct {
	// Metered is what was counted, MaxMetered what may be.
	Metered, MaxMetered int
	// Allocated are the bytes that were allocated on the way.
	Allocated uint64
}

// Evaluate returns the values that an expression in the rules of a user gives for a record.
func Evaluate(source string, record event.Values) ([]string, error) {
	values, _, err := EvaluateMeasured(source, record)
	return values, err
}

// EvaluateMeasured is Evaluate with what it used up. A measurement is only of use where nothing else runs.
func EvaluateMeasured(source string, fields event.Values) ([]string, Work, error) {
	r := newReader("expression", []byte(source))
	ex := r.expression(scalar{text: source, whole: &written{lines: r.lines, at: position{1, 1}, text: source}}, scope{kind: event.KindUser}, forValues)
	if ex == nil {
		r.errors.finish()
		return nil, Work{}, &r.errors
	}
	object := event.Object{Ref: event.Ref{Kind: event.KindUser, ID: "user_1"}, Facts: map[string]event.Fact{}}
	for name, value := range fields {
		object.Facts[name] = event.Fact{Value: value}
	}
	m := &meter{}
	env := environment{meterName: m, nameUser: record(object)}
	var machine vm.VM
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	result, err := ex.run(&machine, env)
	var values []string
	if err == nil {
		values, err = valuesOf(result)
	}
	runtime.ReadMemStats(&after)
	return values, Work{Metered: maxWork - m.left, MaxMetered: maxWork, Allocated: after.TotalAlloc - before.TotalAlloc}, err
}

package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"idaas-ldap/event"
)

// expression is a compiled expression. It never changes.
type expression struct {
	source scalar
	at     position
	// reads are the fields that it reads, as "user.email", "ou.name" or "user.custom.title".
	reads []string
	// readsAbove: it reads the unit above, so that has to be known.
	readsAbove bool
	program    *vm.Program
	// canonical is its text in a form in which expressions that only look different are equal, items that of each item
	// where it is a list.
	canonical string
	items     []string
	// neverEmpty: it gives something for every object, as far as its form tells.
	neverEmpty bool
	// several: it gives a list that may well have more than one value, as far as its type tells.
	several bool
	// record and field say which field it is, where it is nothing but one; program is not needed then.
	record, field string
}

// purpose is what an expression is for.
type purpose int

const (
	forValues    purpose = iota // the values of an attribute
	forText                     // one value in a template
	forCondition                // true or false
)

// Bounds on an expression, far beyond what a rule needs.
const (
	maxSource = 4096
	maxNodes  = 500
	// maxExpressions is how many a file may have: compiling one takes a moment, and a file is compiled at every pause in typing.
	maxExpressions = 2000
)

// expression checks and compiles an expression; nil with problems where something is wrong with it.
func (r *reader) expression(source scalar, in scope, purpose purpose) *expression {
	if r.expressions++; r.expressions > maxExpressions {
		if r.expressions == maxExpressions+1 {
			r.problem(source.at(), "a mapping file has at most %d expressions, and this is one more", maxExpressions)
		}
		return nil
	}
	if strings.TrimSpace(source.text) == "" {
		r.problem(source.at(), "an expression is missing")
		return nil
	}
	if len(source.text) > maxSource {
		r.problem(source.at(), "an expression has at most %d bytes", maxSource)
		return nil
	}
	config := in.config(purpose)
	tree, err := safely(func() (*parser.Tree, error) { return parser.ParseWithConfig(source.text, config) })
	if err != nil {
		r.wrongExpression(source, err)
		return nil
	}
	g := inspect(tree.Node, in)
	for _, p := range g.problems {
		r.report(source.within(p.from), p.hint, "%s", p.message)
	}
	if len(g.problems) > 0 {
		return nil
	}
	if _, err = safely(func() (reflect.Type, error) { return checker.Check(tree, config) }); err != nil {
		r.wrongExpression(source, err)
		return nil
	}
	if message, hint := wrongResult(tree.Node, purpose, config); message != "" {
		r.report(source.at(), hint, "%s", message)
		return nil
	}
	e := &expression{
		source: source, at: source.at(), reads: g.reads, readsAbove: g.readsAbove,
		canonical: tree.Node.String(), neverEmpty: neverEmpty(tree.Node, in),
	}
	e.several = tree.Node.Nature().IsArray()
	if list, ok := tree.Node.(*ast.ArrayNode); ok {
		e.several = len(list.Nodes) > 1
		for _, item := range list.Nodes {
			e.items = append(e.items, item.String())
		}
	}
	if e.record, e.field = plainField(tree.Node, in); e.field != "" {
		return e
	}
	makeTotal(&tree.Node, in)
	if e.program, err = safely(func() (*vm.Program, error) { return compiler.Compile(tree, config) }); err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		r.problem(source.at(), "the expression cannot be compiled: %s", message)
		return nil
	}
	return e
}

// config returns the settings for the compiler: the names that can be read, our own functions, and nothing else.
func (s scope) config(purpose purpose) *conf.Config {
	config := conf.CreateNew()
	expr.Env(s.types())(config)
	expr.DisableAllBuiltins()(config)
	clear(config.Builtins)
	config.MaxNodes = maxNodes
	config.Optimize = false
	config.Functions = checkedFunctions()
	if purpose == forCondition {
		expr.AsBool()(config)
	}
	return config
}

// safely turns a panic of the expression library into an error.
func safely[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the expression cannot be read: %v", p)
		}
	}()
	return f()
}

// plainField recognises an expression that is one field: most rules are.
func plainField(n ast.Node, in scope) (record, field string) {
	member, ok := n.(*ast.MemberNode)
	if !ok {
		return "", ""
	}
	root, isName := member.Node.(*ast.IdentifierNode)
	property, isField := member.Property.(*ast.StringNode)
	if !isName || !isField || !in.isRecord(root.Value) {
		return "", ""
	}
	return root.Value, property.Value
}

// wrongResult finds results that can be no value, where the types tell.
func wrongResult(n ast.Node, purpose purpose, config *conf.Config) (message, hint string) {
	nature := n.Nature()
	if purpose == forCondition || nature.IsUnknown(&config.NtCache) {
		return "", ""
	}
	isList := nature.IsArray()
	if isList {
		element := nature.Elem(&config.NtCache)
		if element.IsMap() {
			return "this gives a list of records, and a value is text", "name the field that is meant, as in map(user.ous, .name)"
		}
	}
	switch {
	case nature.IsMap():
		return "this gives a record, and a value is text", "name the field of it that is meant"
	case isList && purpose == forText:
		return "this gives a list where one value is needed", "take first(...) of it, or join(..., \", \")"
	}
	return "", ""
}

// environment is what an expression reads, and what it may still use up.
type environment map[string]any

func (v environment) meter() *meter {
	m, _ := v[meterName].(*meter)
	return m
}

// failure is an error of an evaluation with the character at which it came up.
type failure struct {
	from int
	err  error
}

func (e *failure) Error() string { return e.err.Error() }

func (e *failure) Unwrap() error { return e.err }

// vmBudget bounds how many list items the machine of an expression may make. Texts are counted by the meter.
const vmBudget = 10 * maxList

// run evaluates an expression. The machine is that of the evaluation and is used again and again.
func (e *expression) run(machine *vm.VM, env environment) (any, error) {
	if e.program == nil {
		record, _ := env[e.record].(map[string]any)
		return record[e.field], nil
	}
	env.meter().refill()
	machine.MemoryBudget = vmBudget
	result, err := machine.Run(e.program, map[string]any(env))
	if err == nil {
		return result, nil
	}
	var wrong *file.Error
	if !errors.As(err, &wrong) {
		return nil, err //nolint:wrapcheck // The caller names the rule.
	}
	if wrong.Prev != nil {
		var own *valueError
		if errors.As(wrong.Prev, &own) {
			return nil, &failure{wrong.From, wrong.Prev}
		}
		// Anything else is a panic inside the machine, for instance on a value of a type that was not expected.
		return nil, &failure{wrong.From, fmt.Errorf("it does not work on this value: %w", wrong.Prev)}
	}
	message, _, _ := strings.Cut(wrong.Message, "\n")
	return nil, &failure{wrong.From, errors.New(message)}
}

// value returns what a fact looks like to expressions: an empty text is nothing, like a field that was never said.
func value(fact event.Fact) any {
	if fact.Value == "" {
		return nil
	}
	return fact.Value
}

package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"idaas-ldap/event"
)

// expression is a compiled expression.
type expression struct {
	source  scalar
	program *vm.Program
	// reads are the facts that it reads, as "user.email" or "ou.name".
	reads []string
	// readsAbove: it reads the unit above, so the unit must be known.
	readsAbove bool
}

// Bounds on an expression; far beyond what a rule needs.
const (
	maxSource = 4096
	maxNodes  = 500
)

// The names under which an expression sees things.
const (
	nameUser   = "user"
	nameUnit   = "ou"
	nameParent = "parent"
	nameGroup  = "group"
	nameDN     = "dn"
	nameBase   = "base"
)

// scopeOf returns the types of everything that expressions of a section may read.
func scopeOf(kind event.Kind) types.Map {
	scope := types.Map{nameDN: types.String, nameBase: types.String}
	switch kind {
	case event.KindUser:
		scope[nameUser] = fieldTypes(event.KindUser, false)
		scope[nameUnit] = fieldTypes(event.KindUnit, true)
	case event.KindUnit:
		scope[nameUnit] = fieldTypes(event.KindUnit, false)
		scope[nameParent] = fieldTypes(event.KindUnit, true)
	case event.KindGroup:
		scope[nameGroup] = fieldTypes(event.KindGroup, false)
	}
	return scope
}

// aboveName is the name under which a section sees the unit above.
func aboveName(kind event.Kind) string {
	if kind == event.KindUser {
		return nameUnit
	}
	return nameParent
}

// ownName is the name under which a section sees its object.
func ownName(kind event.Kind) string {
	if kind == event.KindUnit {
		return nameUnit
	}
	return string(kind)
}

func fieldTypes(kind event.Kind, above bool) types.Map {
	m := types.Map{
		"custom": types.Map{types.Extra: types.String},
		"raw":    types.Map{types.Extra: types.Any},
	}
	for _, f := range event.Fields(kind) {
		switch f.Type {
		case event.TypeBool:
			m[f.Name] = types.Bool
		case event.TypeMillis:
			m[f.Name] = types.Int64
		case event.TypeUnits:
			m[f.Name] = types.Array(types.Map{"id": types.String, "name": types.String, "primary": types.Bool})
		case event.TypeList:
			m[f.Name] = types.Array(types.String)
		default:
			m[f.Name] = types.String
		}
	}
	if above {
		m["dn"] = types.String
	}
	return m
}

// compileExpression checks an expression against a scope; asBool asks for a condition.
func (r *reader) compileExpression(source scalar, kind event.Kind, asBool bool) *expression {
	if len(source.text) > maxSource {
		r.problem(source.at, "an expression has at most %d characters", maxSource)
		return nil
	}
	if strings.TrimSpace(source.text) == "" {
		r.problem(source.at, "an expression is missing")
		return nil
	}
	g := &guard{kind: kind}
	options := []expr.Option{
		expr.Env(scopeOf(kind)), expr.MaxNodes(maxNodes), expr.Optimize(false),
		expr.DisableAllBuiltins(), expr.Patch(g),
	}
	options = append(options, functionOptions()...)
	for _, name := range allowedPredicates {
		options = append(options, expr.EnableBuiltin(name))
	}
	options = append(options, expr.EnableBuiltin("len"))
	if asBool {
		options = append(options, expr.AsBool())
	}
	program, err := compileSafely(source.text, options)
	if len(g.problems) > 0 {
		// What the guard refuses is refused whatever the checker thinks of it.
		for _, p := range g.problems {
			r.problem(source.within(lineColumn(source.text, p.at)), "%s", p.message)
		}
		return nil
	}
	var wrong *file.Error
	switch {
	case errors.As(err, &wrong):
		r.problem(source.within(wrong.Line, wrong.Column), "%s", explainCompile(wrong.Message, kind))
		return nil
	case err != nil:
		r.problem(source.at, "%v", err)
		return nil
	}
	e := &expression{source: source, program: program, reads: g.reads}
	above := aboveName(kind)
	e.readsAbove = kind != event.KindGroup && slices.ContainsFunc(g.reads, func(read string) bool {
		return read == above || strings.HasPrefix(read, above+".")
	})
	return e
}

// compileSafely turns a panic of the compiler, whatever its cause, into an error of the expression.
func compileSafely(source string, options []expr.Option) (program *vm.Program, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the expression cannot be compiled: %v", p)
		}
	}()
	return expr.Compile(source, options...)
}

var unknownName = regexp.MustCompile(`unknown name (\S+)|type .* has no field (\S+)|unknown field (\S+)`)

// explainCompile adds the nearest name to what the checker says of an unknown one.
func explainCompile(message string, kind event.Kind) string {
	message, _, _ = strings.Cut(message, "\n")
	match := unknownName.FindStringSubmatch(message)
	if match == nil {
		return message
	}
	name := match[1] + match[2] + match[3]
	if match[1] != "" {
		return fmt.Sprintf("there is no %s here%s", name, didYouMean(name, append(sortedKeys(scopeOf(kind)), functionNames()...)))
	}
	var fields []string
	for _, k := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		for _, f := range event.Fields(k) {
			fields = append(fields, f.Name)
		}
	}
	return fmt.Sprintf("there is no field %s%s", name, didYouMean(name, fields))
}

func lineColumn(text string, offset int) (line, column int) {
	runes := []rune(text)
	line = 1
	for i := 0; i < offset && i < len(runes); i++ {
		column++
		if runes[i] == '\n' {
			line++
			column = 0
		}
	}
	return line, column
}

// allowedPredicates are the built-ins that take a predicate and cannot make anything grow.
var allowedPredicates = []string{"all", "any", "none", "one", "map", "filter"}

// allowedOperators are the binary operators that an expression may use.
var allowedOperators = []string{
	"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "and", "or", "&&", "||", "in", "??",
	"startsWith", "endsWith", "contains", "matches",
}

// guard looks at every node of an expression. It refuses what could take long or grow, sends '+' through a function that
// bounds its result, makes text operators take an absent value for an empty text, and notes which fields are read.
type guard struct {
	kind     event.Kind
	problems []guardProblem
	reads    []string
}

type guardProblem struct {
	at      int
	message string
}

func (g *guard) refuse(n ast.Node, format string, args ...any) {
	p := guardProblem{n.Location().From, fmt.Sprintf(format, args...)}
	if !slices.Contains(g.problems, p) {
		g.problems = append(g.problems, p)
	}
}

// Visit is called for every node, those below first.
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode, *ast.UnaryNode,
		*ast.ChainNode, *ast.ConditionalNode, *ast.ArrayNode, *ast.PointerNode, *ast.PredicateNode, *ast.VariableDeclaratorNode, *ast.SliceNode:
	case *ast.IdentifierNode:
		g.identifier(n)
	case *ast.MemberNode:
		g.member(n)
	case *ast.BinaryNode:
		g.binary(node, n)
	case *ast.BuiltinNode:
		if n.Name != "len" && !slices.Contains(allowedPredicates, n.Name) {
			g.refuse(n, "there is no function %s here%s", n.Name, didYouMean(n.Name, functionNames()))
		}
		for _, argument := range n.Arguments {
			if holdsPredicate(argument) {
				g.refuse(n, "a loop inside a loop is not allowed: it can take for ever")
			}
		}
	case *ast.CallNode:
		g.call(n)
	default:
		g.refuse(n, "this is not allowed in a mapping")
	}
}

func (g *guard) identifier(n *ast.IdentifierNode) {
	switch n.Value {
	case nameUser, nameUnit, nameParent, nameGroup:
		g.read(n.Value)
	}
}

func (g *guard) read(name string) {
	if !slices.Contains(g.reads, name) {
		g.reads = append(g.reads, name)
	}
}

// member notes reads such as user.email and user.custom.title.
func (g *guard) member(n *ast.MemberNode) {
	property, constant := n.Property.(*ast.StringNode)
	if !constant {
		if _, index := n.Property.(*ast.IntegerNode); !index {
			g.refuse(n, "a name in brackets has to be written out")
		}
		return
	}
	switch below := n.Node.(type) {
	case *ast.IdentifierNode:
		g.read(below.Value + "." + property.Value)
	case *ast.MemberNode:
		root, isRoot := below.Node.(*ast.IdentifierNode)
		part, isPart := below.Property.(*ast.StringNode)
		if isRoot && isPart && (part.Value == "custom" || part.Value == "raw") {
			g.read(root.Value + "." + part.Value + "." + property.Value)
		}
	}
}

func (g *guard) binary(node *ast.Node, n *ast.BinaryNode) {
	switch {
	case !slices.Contains(allowedOperators, n.Operator):
		g.refuse(n, "the operator %s is not allowed in a mapping", n.Operator)
	case n.Operator == "matches":
		pattern, constant := n.Right.(*ast.StringNode)
		if !constant {
			g.refuse(n, "the pattern of 'matches' has to be written out, so that it can be checked now")
			return
		}
		if _, err := regexp.Compile(pattern.Value); err != nil {
			g.refuse(n, "the pattern is wrong: %v", err)
			return
		}
		orEmpty(&n.Left)
	case n.Operator == "startsWith", n.Operator == "endsWith", n.Operator == "contains":
		orEmpty(&n.Left)
	case n.Operator == "+":
		ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: plusFunction}, Arguments: []ast.Node{n.Left, n.Right}})
		(*node).SetLocation(n.Location())
	}
}

// orEmpty makes an operand an empty text where it is absent.
func orEmpty(operand *ast.Node) {
	if b, done := (*operand).(*ast.BinaryNode); done && b.Operator == "??" {
		return
	}
	ast.Patch(operand, &ast.BinaryNode{Operator: "??", Left: *operand, Right: &ast.StringNode{Value: ""}})
}

func (g *guard) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		g.refuse(n, "only the functions of the mapping can be called")
		return
	}
	if callee.Value == plusFunction {
		return
	}
	if !slices.Contains(functionNames(), callee.Value) {
		g.refuse(n, "there is no function %s here%s", callee.Value, didYouMean(callee.Value, functionNames()))
		return
	}
	if callee.Value == "regexReplace" && len(n.Arguments) > 1 {
		pattern, constant := n.Arguments[1].(*ast.StringNode)
		if !constant {
			g.refuse(n, "the pattern of regexReplace has to be written out, so that it can be checked now")
		} else if _, err := regexp.Compile(pattern.Value); err != nil {
			g.refuse(n, "the pattern is wrong: %v", err)
		}
	}
}

// holdsPredicate reports whether a loop stands anywhere in the predicate of another loop.
func holdsPredicate(n ast.Node) bool {
	f := &predicateFinder{}
	if p, ok := n.(*ast.PredicateNode); ok {
		ast.Walk(&p.Node, f)
	}
	return f.found
}

type predicateFinder struct{ found bool }

func (f *predicateFinder) Visit(node *ast.Node) {
	if _, ok := (*node).(*ast.PredicateNode); ok {
		f.found = true
	}
}

// run evaluates an expression.
func (e *expression) run(env map[string]any) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be evaluated: %v", p)
		}
	}()
	machine := vm.VM{MemoryBudget: memoryBudget}
	result, err = machine.Run(e.program, env)
	var wrong *file.Error
	if errors.As(err, &wrong) {
		if wrong.Prev != nil {
			return nil, wrong.Prev
		}
		message, _, _ := strings.Cut(wrong.Message, "\n")
		return nil, errors.New(message)
	}
	return result, err
}

// memoryBudget bounds what the machine of an expression may allocate, in its own units.
const memoryBudget = 100_000

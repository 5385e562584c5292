package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// The guard looks at every part of an expression before anything is done with it. What is not listed here is refused:
// whatever has side effects, depends on the clock or on chance, can take long, or can make something large out of
// something small. What remains is counted while it runs (see meter).

// operators are the binary operators that can be used.
var operators = []string{
	"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "and", "or", "&&", "||", "in", "??",
	"startsWith", "endsWith", "contains", "matches",
}

// guard is the inspection of one expression.
type guard struct {
	scope      scope
	problems   []guardProblem
	reads      []string
	readsAbove bool
	variables  []string
	nodes      int
	inLoop     bool
}

// guardProblem is a problem at a character of the expression.
type guardProblem struct {
	from          int
	message, hint string
}

// inspect looks at an expression as it was parsed.
func inspect(n ast.Node, in scope) *guard {
	g := &guard{scope: in}
	g.node(n)
	return g
}

func (g *guard) refuse(n ast.Node, hint, format string, args ...any) {
	p := guardProblem{n.Location().From, fmt.Sprintf(format, args...), hint}
	if !slices.Contains(g.problems, p) {
		g.problems = append(g.problems, p)
	}
}

// node looks at a node and all below it. The parser shares nodes between branches (as in a ?: b and a < b < c), so a
// small expression can have a walk without end; the count ends it.
func (g *guard) node(n ast.Node) {
	if g.nodes++; g.nodes > maxNodes {
		if g.nodes == maxNodes+1 {
			g.problems = []guardProblem{{0, "the expression is too large", "a rule that needs this much is better made in two attributes"}}
		}
		return
	}
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
	case *ast.IdentifierNode:
		g.identifier(n)
	case *ast.MemberNode:
		g.member(n)
	case *ast.ChainNode:
		g.node(n.Node)
	case *ast.UnaryNode:
		g.node(n.Node)
	case *ast.BinaryNode:
		g.binary(n)
	case *ast.ConditionalNode:
		g.all(n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		g.all(n.Nodes...)
	case *ast.VariableDeclaratorNode:
		g.declaration(n)
	case *ast.BuiltinNode:
		g.loop(n)
	case *ast.PredicateNode:
		g.node(n.Node)
	case *ast.PointerNode:
		if n.Name != "" && n.Name != "index" {
			g.refuse(n, "", "there is no #%s here", n.Name)
		}
	case *ast.CallNode:
		g.call(n)
	case *ast.SliceNode:
		g.refuse(n, "truncate(text, n), first(list) and last(list) do", "parts in brackets are not allowed in a mapping")
	case *ast.MapNode:
		g.refuse(n, "", "braces are not allowed inside an expression: a value is text or a list of texts")
	case *ast.SequenceNode:
		g.refuse(n, "only 'let name = ...;' may stand before it", "an expression is one value")
	default:
		g.refuse(n, "", "this is not allowed in a mapping")
	}
}

func (g *guard) all(nodes ...ast.Node) {
	for _, n := range nodes {
		g.node(n)
	}
}

// identifier is a name that stands alone.
func (g *guard) identifier(n *ast.IdentifierNode) {
	name := n.Value
	switch {
	case slices.Contains(g.variables, name):
	case g.scope.isRecord(name):
		g.refuse(n, "name a field of it, such as "+name+"."+g.scope.fieldNames(name)[0], "%s is a record, and a value is text", name)
	case name == nameDN, name == nameBase:
		g.read(name)
	default:
		g.unknownName(n, name)
	}
}

func (g *guard) unknownName(n ast.Node, name string) {
	if name == nameUnit || name == nameParent {
		g.refuse(n, "the mapping has no organizational_unit section; user.ous holds the units of a user", "nothing is known of %s here", name)
		return
	}
	if name == nameEntry {
		g.refuse(n, "", "nothing can be read of %s here: it holds what unique and allocate rules of this section have decided", name)
		return
	}
	if field := g.fieldOfOwn(name); field != "" {
		g.refuse(n, "did you mean "+field+"?", "there is no %s here", name)
		return
	}
	g.refuse(n, didYouMean(name, append(g.scope.names(), g.variables...)), "there is no %s here", name)
}

// fieldOfOwn recognises a field without its record before it.
func (g *guard) fieldOfOwn(name string) string {
	own := g.scope.own()
	if slices.Contains(g.scope.fieldNames(own), name) {
		return own + "." + name
	}
	return ""
}

func (g *guard) read(name string) {
	if !slices.Contains(g.reads, name) {
		g.reads = append(g.reads, name)
	}
}

// member is a field such as user.email, user.custom.title or .name, or an item such as user.ous[0].
func (g *guard) member(n *ast.MemberNode) {
	if n.Method {
		g.refuse(n, "write it as a function: lower(user.email)", "values have no methods")
		return
	}
	property, isName := n.Property.(*ast.StringNode)
	if !isName {
		g.index(n)
		return
	}
	root, isRoot := n.Node.(*ast.IdentifierNode)
	if isRoot && !slices.Contains(g.variables, root.Value) {
		g.field(n, root, property)
		return
	}
	if record, part, ok := g.openPart(n.Node); ok {
		g.read(record + "." + part + "." + property.Value)
		g.notesAbove(record)
		return
	}
	g.node(n.Node)
}

// openPart recognises user.custom and user.raw, whose fields are not known beforehand.
func (g *guard) openPart(n ast.Node) (record, part string, ok bool) {
	if chain, isChain := n.(*ast.ChainNode); isChain {
		n = chain.Node
	}
	member, isMember := n.(*ast.MemberNode)
	if !isMember {
		return "", "", false
	}
	root, isRoot := member.Node.(*ast.IdentifierNode)
	property, isName := member.Property.(*ast.StringNode)
	if !isRoot || !isName || !g.scope.isRecord(root.Value) || property.Value != nameCustom && property.Value != nameRaw {
		return "", "", false
	}
	return root.Value, property.Value, true
}

// field is a field of the object or of the unit above.
func (g *guard) field(n *ast.MemberNode, root *ast.IdentifierNode, property *ast.StringNode) {
	record, name := root.Value, property.Value
	switch {
	case !g.scope.isRecord(record):
		if record == nameDN || record == nameBase {
			g.refuse(n, "", "%s is a DN as text and has no fields", record)
			return
		}
		g.unknownName(root, record)
	case record != nameEntry && (name == nameCustom || name == nameRaw):
		g.refuse(n, fmt.Sprintf("name a field of it, as in %s.%s.title", record, name), "%s.%s is a record, and a value is text", record, name)
	case !slices.Contains(g.scope.fieldNames(record), name):
		hint := didYouMean(name, g.scope.fieldNames(record))
		if hint == "" && record != nameEntry {
			hint = fmt.Sprintf("fields of your own are %s.custom.%s", record, name)
		}
		g.refuse(property, hint, "%s has no field %s", record, name)
	default:
		g.read(record + "." + name)
		g.notesAbove(record)
	}
}

func (g *guard) notesAbove(record string) {
	if record == g.scope.aboveName() {
		g.readsAbove = true
	}
}

func (g *guard) index(n *ast.MemberNode) {
	property := n.Property
	if minus, ok := property.(*ast.UnaryNode); ok && minus.Operator == "-" {
		property = minus.Node
	}
	if _, ok := property.(*ast.IntegerNode); !ok {
		g.refuse(n, "", "what stands in brackets has to be written out: a name in quotes, or a number")
		return
	}
	g.node(n.Node)
}

func (g *guard) declaration(n *ast.VariableDeclaratorNode) {
	taken := slices.Concat(g.scope.names(), functionNames())
	if strings.HasPrefix(n.Name, hidden) || slices.Contains(taken, n.Name) || slices.Contains(g.variables, n.Name) {
		g.refuse(n, "", "%s is taken; choose another name", n.Name)
	}
	g.node(n.Value)
	g.variables = append(g.variables, n.Name)
	g.node(n.Expr)
	g.variables = g.variables[:len(g.variables)-1]
}

func (g *guard) binary(n *ast.BinaryNode) {
	if !slices.Contains(operators, n.Operator) {
		g.refuse(n, "", "the operator %s is not allowed in a mapping", n.Operator)
	}
	g.node(n.Left)
	if n.Operator == "matches" {
		g.pattern(n.Right, "matches")
		return
	}
	g.node(n.Right)
}

func (g *guard) loop(n *ast.BuiltinNode) {
	if !isLoop(n.Name) {
		g.unknownFunction(n, n.Name)
		return
	}
	if g.inLoop {
		g.refuse(n, "", "a loop inside a loop is not allowed: it could take for ever")
		return
	}
	for i, argument := range n.Arguments {
		g.inLoop = i > 0
		g.node(argument)
	}
	g.inLoop = false
}

// isLoop recognises the built-ins of the expression language that go through a list. No other built-in can be used; all
// other functions are our own.
func isLoop(name string) bool {
	return slices.ContainsFunc(loopFunctions, func(f Function) bool { return f.Name == name })
}

func (g *guard) unknownFunction(n ast.Node, name string) {
	hint, ok := elsewhere[plain(name)]
	if !ok {
		hint = didYouMean(name, functionNames())
	}
	g.refuse(n, hint, "there is no function %s", name)
}

// elsewhere are names that functions have in other products and languages, with what does the same here.
var elsewhere = map[string]string{
	"append": "texts are joined with +", "concat": "texts are joined with +, lists with join(list, separator)",
	"coalesce": "write it as a ?? b", "iif": "write it as condition ? a : b", "if": "write it as condition ? a : b",
	"switch": "write it as condition ? a : b", "ifempty": "write it as a ?? b", "isnull": "write it as user.email == nil",
	"ispresent": "write it as user.email != nil", "isnullorempty": "write it as user.email == nil", "not": "write it as: not condition",
	"mid": "truncate(text, n) takes the first characters", "left": "truncate(text, n) does", "substring": "truncate(text, n) takes the first characters",
	"now": "a mapping knows no clock, so that it gives the same result tomorrow", "today": "a mapping knows no clock, so that it gives the same result tomorrow",
	"random": "a mapping knows no chance, so that it gives the same result twice", "reduce": "map, filter and join do most of it",
	"normalizediacritics": "transliterate(text) does", "stripspaces": "write it as replace(text, \" \", \"\")", "removeaccents": "transliterate(text) does",
	"count": "len(list) does", "size": "len(value) does", "length": "len(value) does",
	"selectuniquevalue": "write a rule with unique, as in { unique: user.username }", "string": "text(value) does", "tostring": "text(value) does",
	"cbin": "base64(text) does", "item": "items of a list are list[0], first(list) and last(list)", "word": "split(text, \" \")[0] is the first word",
	"formatdatetime": "generalizedTime(ms), fileTime(ms) and epochDays(ms) do",
}

func (g *guard) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		g.refuse(n, "write it as a function: lower(user.email)", "values have no methods")
		return
	}
	if !slices.Contains(functionNames(), callee.Value) {
		g.unknownFunction(n, callee.Value)
	}
	for i, argument := range n.Arguments {
		if i == 1 && callee.Value == "regexReplace" {
			g.pattern(argument, callee.Value)
			continue
		}
		g.node(argument)
	}
}

// pattern is a regular expression. It is written out, so that it is checked and compiled when the file is read.
func (g *guard) pattern(n ast.Node, of string) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		g.refuse(n, "", "the pattern of %s has to be written out, so that it can be checked now", of)
		return
	}
	if _, err := compilePattern(text.Value); err != nil {
		g.refuse(n, "", "the pattern of %s is wrong: %v", of, err)
	}
}

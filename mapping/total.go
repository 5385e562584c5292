package mapping

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Expressions are checked by the types that fields have, and then run on people of whom half of that is absent. The
// expression language has errors for most operations on absent values. Here every operation becomes a call of a function
// that is defined on them too: an absent value makes arithmetic, joining and functions absent, conditions false, and
// lists empty.

// hidden begins the names that expressions cannot use.
const hidden = "__"

// Operations that take the place of operators.
const (
	opPlus     = hidden + "plus"
	opNumber   = hidden + "number"
	opEqual    = hidden + "equal"
	opCompare  = hidden + "compare"
	opIn       = hidden + "in"
	opText     = hidden + "text"
	opMatches  = hidden + "matches"
	opTrue     = hidden + "true"
	opList     = hidden + "list"
	opGet      = hidden + "get"
	meterName  = hidden + "meter"
	hiddenName = hidden + "call_"
)

// makeTotal rewrites an expression that the guard and the type checker have passed.
func makeTotal(n *ast.Node, in scope) { ast.Walk(n, &rewriter{scope: in}) }

type rewriter struct{ scope scope }

// Visit is called for every node, those below first. Nodes that are shared are visited more than once, so a node that
// has been rewritten stays as it is.
func (w *rewriter) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		w.binary(node, n)
	case *ast.UnaryNode:
		switch n.Operator {
		case "not", "!":
			truth(&n.Node)
		case "-":
			replace(node, opNumber, &ast.StringNode{Value: "-"}, &ast.IntegerNode{Value: 0}, n.Node)
		}
	case *ast.ConditionalNode:
		truth(&n.Cond)
	case *ast.BuiltinNode:
		w.loop(n)
	case *ast.MemberNode:
		w.member(node, n)
	case *ast.CallNode:
		w.call(node, n)
	}
}

// replace puts a call of one of our functions in the place of a node.
func replace(node *ast.Node, function string, arguments ...ast.Node) {
	all := append([]ast.Node{&ast.IdentifierNode{Value: meterName}}, arguments...)
	ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: all})
}

func (w *rewriter) binary(node *ast.Node, n *ast.BinaryNode) {
	operator := &ast.StringNode{Value: n.Operator}
	switch n.Operator {
	case "and", "or", "&&", "||":
		truth(&n.Left)
		truth(&n.Right)
	case "+":
		replace(node, opPlus, n.Left, n.Right)
	case "-", "*", "/", "%":
		replace(node, opNumber, operator, n.Left, n.Right)
	case "==":
		replace(node, opEqual, n.Left, n.Right)
	case "!=":
		replace(node, opEqual, n.Left, n.Right)
		ast.Patch(node, &ast.UnaryNode{Operator: "not", Node: *node})
	case "<", ">", "<=", ">=":
		replace(node, opCompare, operator, n.Left, n.Right)
	case "in":
		replace(node, opIn, n.Left, n.Right)
	case "startsWith", "endsWith", "contains":
		replace(node, opText, operator, n.Left, n.Right)
	case "matches":
		replace(node, opMatches, n.Left, constantPattern(n.Right))
	}
}

// constantPattern compiles a pattern that the guard has checked.
func constantPattern(n ast.Node) ast.Node {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return n
	}
	p, err := compilePattern(text.Value)
	if err != nil {
		return n
	}
	return &ast.ConstantNode{Value: p}
}

// yieldsTruth are the operations whose result is true or false whatever they are given.
var yieldsTruth = []string{opEqual, opCompare, opIn, opText, opMatches, opTrue}

// truth makes an absent condition false.
func truth(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BoolNode:
		return
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return
		}
	case *ast.BinaryNode:
		if n.Operator != "??" {
			return
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && slices.Contains(yieldsTruth, callee.Value) {
			return
		}
	}
	replace(node, opTrue, *node)
}

// loop makes an absent list empty, and an absent condition in the predicate false.
func (w *rewriter) loop(n *ast.BuiltinNode) {
	if call, ok := n.Arguments[0].(*ast.CallNode); !ok || !isCallOf(call, opList) {
		replace(&n.Arguments[0], opList, n.Arguments[0])
	}
	if p, ok := n.Arguments[1].(*ast.PredicateNode); ok && n.Name != "map" {
		truth(&p.Node)
	}
}

func isCallOf(n *ast.CallNode, function string) bool {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	return ok && callee.Value == function
}

// member makes a field of an absent record and an item beyond the end of a list absent. The records at the root are
// always there.
func (w *rewriter) member(node *ast.Node, n *ast.MemberNode) {
	switch below := n.Node.(type) {
	case *ast.IdentifierNode:
		if w.scope.isRecord(below.Value) {
			return
		}
	case *ast.MemberNode:
		if root, ok := below.Node.(*ast.IdentifierNode); ok && w.scope.isRecord(root.Value) {
			if part, ok := below.Property.(*ast.StringNode); ok && (part.Value == nameCustom || part.Value == nameRaw) {
				return
			}
		}
	}
	replace(node, opGet, n.Node, n.Property)
}

// call hands the meter to a function.
func (w *rewriter) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || strings.HasPrefix(callee.Value, hidden) {
		return
	}
	if callee.Value == "regexReplace" && len(n.Arguments) > 1 {
		n.Arguments[1] = constantPattern(n.Arguments[1])
	}
	replace(node, hiddenName+callee.Value, n.Arguments...)
}

package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse reads the text of the file into the configuration. It reports false where the text is not YAML, and nothing more
// can be said about it.
func (l *loader) parse(text []byte) bool {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.notYAML(err)
		return false
	}
	if len(file.Docs) > 1 {
		l.note(l.at(file.Docs[1].Body), nil, "", "a second document begins here; the configuration is one document")
		return false
	}
	if len(file.Docs) == 1 && file.Docs[0].Body != nil {
		l.decode("", file.Docs[0].Body, reflect.ValueOf(l.config).Elem())
	}
	return true
}

// quoted finds what the parser quotes from the file.
var quoted = regexp.MustCompile(`(?s)".*"`)

func (l *loader) notYAML(err error) {
	var broken yaml.Error
	if !errors.As(err, &broken) || broken.GetToken() == nil {
		l.note(Position{File: l.source.name}, nil, "", "this is not YAML: "+err.Error())
		return
	}
	tk, message := broken.GetToken(), broken.GetMessage()
	if l.source.maySpill() {
		l.source.hideLines(1, len(l.source.lines))
		message = quoted.ReplaceAllString(message, `"`+hiddenMark+`"`)
	}
	position := Position{File: l.source.name, Line: tk.Position.Line, Column: tk.Position.Column}
	l.note(position, nil, "", "this is not YAML: "+message)
}

// decode reads a node into a value and reports what does not fit.
func (l *loader) decode(path string, n ast.Node, into reflect.Value) {
	if isSecret(into.Type()) {
		l.source.hide(n)
	}
	l.origins[path] = origin{position: l.at(n), node: n}
	switch n := n.(type) {
	case *ast.NullNode:
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		l.source.hide(n)
		l.unreadable(path, n, "anchors, aliases and tags are not understood here; write the value itself")
	case *ast.MappingNode:
		if isScalar(into.Type()) || into.Kind() == reflect.Slice {
			l.wrongShape(path, n, into.Type(), "keys with values")
			return
		}
		l.decodeKeys(path, n, into)
	case *ast.SequenceNode:
		if into.Kind() != reflect.Slice {
			l.wrongShape(path, n, into.Type(), "a list")
			return
		}
		l.decodeList(path, n, into)
	default:
		scalar, ok := n.(ast.ScalarNode)
		if !ok || !isScalar(into.Type()) {
			l.wrongShape(path, n, into.Type(), "one value")
			return
		}
		if !isSecret(into.Type()) && swallowed(scalar) {
			l.source.hide(n)
			l.unreadable(path, n, "the value goes on after another key or line; is a comma, a colon or a quote missing?")
			return
		}
		if wrong := setScalar(scalarText(scalar), into); wrong != "" {
			l.unreadable(path, n, wrong)
		}
	}
}

func (l *loader) wrongShape(path string, n ast.Node, want reflect.Type, got string) {
	l.source.hideValues(n)
	l.unreadable(path, n, fmt.Sprintf("expected %s, found %s", expectation(want), got))
}

// swallowed reports whether a scalar seems to have more in it than was meant: the rest of its line after a missing comma,
// or further lines after a missing colon or quote. What it swallowed may be a secret.
func swallowed(n ast.ScalarNode) bool {
	tk := n.GetToken()
	return strings.Contains(tk.Value, ": ") || strings.Contains(strings.TrimSpace(tk.Origin), "\n")
}

// scalarText returns a scalar as it was written, without quotes.
func scalarText(n ast.ScalarNode) string {
	if literal, ok := n.(*ast.LiteralNode); ok {
		return strings.TrimSuffix(literal.Value.Value, "\n")
	}
	return n.GetToken().Value
}

func (l *loader) decodeList(path string, n *ast.SequenceNode, into reflect.Value) {
	into.Set(reflect.MakeSlice(into.Type(), 0, len(n.Values)))
	for i, item := range n.Values {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		into.Set(reflect.Append(into, newItem(into.Type())))
		if _, empty := item.(*ast.NullNode); empty {
			l.unreadable(itemPath, item, "empty; write a value or remove the line")
			continue
		}
		l.decode(itemPath, item, into.Index(i))
	}
}

// newItem returns an item of a list of which nothing is said yet.
func newItem(list reflect.Type) reflect.Value {
	item := reflect.New(list.Elem()).Elem()
	switch item := item.Addr().Interface().(type) {
	case *Application:
		*item = DefaultApplication()
	case *Directory:
		*item = DefaultDirectory()
	case *NotificationReceiver:
		*item = DefaultReceiver()
	}
	return item
}

// plainKey is what a key can look like, also a misspelt one.
var plainKey = regexp.MustCompile(`^[\pL\d_-]{1,32}$`)

// isKey reports whether a key can be meant as one. Text of another form, or without a value and not like any key, may be
// a value that slipped there, even a secret.
func isKey(name string, value ast.Node, in reflect.Type) bool {
	_, empty := value.(*ast.NullNode)
	return plainKey.MatchString(name) && (!empty || nearest(name, fieldNames(in)) != "")
}

func (l *loader) decodeKeys(path string, n *ast.MappingNode, into reflect.Value) {
	seen := map[string]Position{}
	for _, entry := range n.Values {
		key, value := ast.Node(entry.Key), entry.Value
		name, ok := key.(*ast.StringNode)
		if !ok || !isKey(name.Value, value, into.Type()) {
			l.source.hide(key)
			l.source.hide(value)
			l.note(l.at(key), key, path, "a key is one plain word; is a colon or a comma missing here?")
			continue
		}
		if first, twice := seen[name.Value]; twice {
			l.source.hide(value)
			l.note(l.at(key), key, path, fmt.Sprintf("key %q is given twice, first in line %d", name.Value, first.Line))
			continue
		}
		seen[name.Value] = l.at(key)
		field, ok := fieldNamed(into, name.Value)
		if !ok {
			l.source.hide(value)
			l.unknownKey(path, name, into.Type())
			continue
		}
		l.decode(below(path, name.Value), value, field)
	}
}

// unknownKey reports a key that does not exist, and what was probably meant.
func (l *loader) unknownKey(path string, key *ast.StringNode, in reflect.Type) {
	names := fieldNames(in)
	message := fmt.Sprintf("unknown key %q; ", key.Value)
	if near := nearest(key.Value, names); near != "" {
		l.spoilt[below(path, near)] = true
		message += fmt.Sprintf("did you mean %q?", near)
	} else if elsewhere := pathsOf(key.Value, "", reflect.TypeFor[Config]()); len(elsewhere) > 0 {
		message += "it belongs at " + strings.Join(elsewhere, " or ")
	} else {
		message += "known here are " + strings.Join(names, ", ")
	}
	l.note(l.at(key), key, path, message)
}

// pathsOf returns the paths of all keys of a name.
func pathsOf(name, path string, t reflect.Type) []string {
	var found []string
	for i := range fields(t) {
		field := t.Field(i)
		fieldPath := below(path, field.Tag.Get("yaml"))
		if field.Tag.Get("yaml") == name {
			found = append(found, fieldPath)
		}
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			inner, fieldPath = inner.Elem(), fieldPath+"[]"
		}
		if !isScalar(inner) {
			found = append(found, pathsOf(name, fieldPath, inner)...)
		}
	}
	return found
}

// fieldNamed returns the field of a struct for a key.
func fieldNamed(in reflect.Value, key string) (reflect.Value, bool) {
	i := slices.Index(fieldNames(in.Type()), key)
	if i < 0 {
		return reflect.Value{}, false
	}
	return in.Field(i), true
}

// fields returns how many fields of a struct are keys; those that are not come last.
func fields(t reflect.Type) int {
	n := 0
	for n < t.NumField() && t.Field(n).IsExported() {
		n++
	}
	return n
}

// fieldNames returns the keys of a struct in the order of its fields.
func fieldNames(t reflect.Type) []string {
	names := make([]string, fields(t))
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

// below returns the path of a key in the struct at a path.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

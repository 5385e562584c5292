package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// loader is the work on one configuration.
type loader struct {
	source   *source
	config   *Config
	found    []finding
	warnings []Warning
	// origins says by path where a value was given.
	origins map[string]origin
	// spoilt are paths whose value could not be read, so that it is no use to say that it is missing.
	spoilt map[string]bool
}

// finding is a problem whose excerpt is not made yet: what must be hidden in it is known only when all has been read.
type finding struct {
	Problem
	node ast.Node
}

// origin is where a value was given. The node is nil for what the environment says.
type origin struct {
	position Position
	node     ast.Node
}

func newLoader(name string, text []byte) *loader {
	config := Defaults()
	return &loader{
		source:  newSource(name, text),
		config:  &config,
		origins: map[string]origin{},
		spoilt:  map[string]bool{},
	}
}

// at returns the position of a node.
func (l *loader) at(n ast.Node) Position {
	position := Position{File: l.source.name}
	if n != nil {
		position.Line, position.Column = start(n).Position.Line, start(n).Position.Column
	}
	return position
}

// note keeps a problem. The node is the one to be marked in the excerpt, or nil.
func (l *loader) note(at Position, n ast.Node, path, message string) {
	l.found = append(l.found, finding{Problem{Position: at, Path: path, Message: message}, n})
}

// unreadable notes that the value at a path cannot be used.
func (l *loader) unreadable(path string, n ast.Node, message string) {
	l.spoilt[path] = true
	l.note(l.at(n), n, path, message)
}

// wrong notes that the value at a path, or its absence, is wrong. It says nothing where the value could not be read, for
// then the reason is known already.
func (l *loader) wrong(path, format string, args ...any) {
	for p := path; ; p = above(p) {
		if l.spoilt[p] {
			return
		}
		if p == "" {
			break
		}
	}
	given := l.origin(path)
	l.note(given.position, given.node, path, fmt.Sprintf(format, args...))
}

// warn notes a warning about the value at a path.
func (l *loader) warn(path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	l.warnings = append(l.warnings, Warning{l.origin(path).position, message})
}

// origin returns where the value at a path was given, or else what it would be in.
func (l *loader) origin(path string) origin {
	for ; path != ""; path = above(path) {
		if given, ok := l.origins[path]; ok {
			return given
		}
	}
	return origin{position: Position{File: l.source.name}}
}

// problems returns what was found as a [*Problems], or nil.
func (l *loader) problems() error {
	if len(l.found) == 0 {
		return nil
	}
	problems := &Problems{}
	for _, f := range l.found {
		marked := 1
		if f.node != nil {
			marked = width(f.node)
		}
		f.Excerpt = l.source.excerpt(f.Position.Line, f.Position.Column, marked)
		problems.List = append(problems.List, f.Problem)
	}
	problems.sort()
	return problems
}

// above returns the path of what holds the value at a path.
func above(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// places returns where every value was given, and by the empty path the file itself.
func (l *loader) places() map[string]Position {
	out := make(map[string]Position, len(l.origins)+1)
	for path, given := range l.origins {
		out[path] = given.position
	}
	out[""] = Position{File: l.source.name}
	return out
}

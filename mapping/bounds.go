package mapping

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds on a file. They are far beyond any mapping. The YAML parser calls itself for each level, and for each key of a mapping copies all
// that follow, so what it costs grows with the square of their number.
const (
	maxFile    = 1 << 20
	maxLine    = 16 << 10
	maxNesting = 200
	// maxKeys is how many keys may stand below each other, maxItems how many items in one list, or between one pair of brackets.
	maxKeys  = 3000
	maxItems = 20000
)

// acceptable refuses what is no text, what no person has written, and what has a second document, before it is parsed. What names the file.
func (r *reader) acceptable(source []byte, what string) bool {
	if len(source) > maxFile {
		r.problem(position{}, "the file is larger than %d bytes", maxFile)
		return false
	}
	var n nesting
	var l layout
	documents := 0
	for i, line := range r.lines {
		at := position{i + 1, 1}
		switch {
		case !r.isText(line, at):
			return false
		case len(line) > maxLine:
			r.problem(at, "this line is longer than %d bytes", maxLine)
			return false
		case n.exceeds(line):
			r.problem(at, "brackets, lists or keys are nested too deeply here")
			return false
		case l.keysExceed(line):
			r.problem(at, "more than %d keys stand below each other here", maxKeys)
			return false
		case l.itemsExceed() || n.commas > maxItems:
			r.problem(at, "more than %d items stand in one list here", maxItems)
			return false
		}
		if line == "---" || strings.HasPrefix(line, "--- ") {
			documents++
		}
		if documents > 1 {
			r.problem(at, "a second document begins here; %s is one document", what)
			return false
		}
	}
	return true
}

// isText reports whether a line is text in UTF-8, in which no character was lost.
func (r *reader) isText(line string, at position) bool {
	if !utf8.ValidString(line) {
		r.report(at, "save the file in that encoding", "this line is not UTF-8 text")
		return false
	}
	if lost := strings.IndexRune(line, utf8.RuneError); lost >= 0 {
		at.column = utf8.RuneCountInString(line[:lost]) + 1
		r.report(at, "put the right one in its place", "a character was lost here when the file was saved")
		return false
	}
	return true
}

// nesting counts the brackets that are open at the end of a line, and the commas since the first of them was.
type nesting struct{ depth, commas int }

func (n *nesting) exceeds(line string) bool {
	opened := strings.Count(line, "[") + strings.Count(line, "{")
	n.commas += strings.Count(line, ",")
	if n.depth = max(0, n.depth+opened-strings.Count(line, "]")-strings.Count(line, "}")); n.depth == 0 {
		n.commas = 0
	}
	return n.depth > maxNesting || strings.Count(line, "- ")+strings.Count(line, "? ")+opened > maxNesting
}

// layout counts the lines that stand below each other with the same indentation, which are the keys of one mapping or the items of one list.
type layout struct {
	columns []column
	// literal is the indentation of a key whose value is a block of text, which goes on as long as lines are indented more; it counts
	// from 1, zero where there is none.
	literal int
}

// column is how many lines there are with one indentation.
type column struct{ indentation, keys, items int }

// blockOfText recognises a key or item whose value is a block of text (YAML 1.2 section 8.1).
var blockOfText = regexp.MustCompile(`(?:^|: |- )[|>][-+1-9]{0,2} *$`)

func (l *layout) keysExceed(line string) bool {
	rest := strings.TrimLeft(line, " ")
	indentation := len(line) - len(rest)
	if rest == "" || rest[0] == '#' || l.literal > 0 && indentation >= l.literal {
		return false
	}
	l.literal = 0
	if blockOfText.MatchString(rest) && !strings.Contains(rest, "#") {
		l.literal = indentation + 1
	}
	for len(l.columns) > 0 && l.columns[len(l.columns)-1].indentation > indentation {
		l.columns = l.columns[:len(l.columns)-1]
	}
	if len(l.columns) == 0 || l.columns[len(l.columns)-1].indentation < indentation {
		l.columns = append(l.columns, column{indentation: indentation})
	}
	last := &l.columns[len(l.columns)-1]
	if rest == "-" || strings.HasPrefix(rest, "- ") {
		last.items++
	} else {
		last.keys++
	}
	return last.keys > maxKeys
}

func (l *layout) itemsExceed() bool {
	return len(l.columns) > 0 && l.columns[len(l.columns)-1].items > maxItems
}

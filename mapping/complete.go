package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"idaas-ldap/event"
)

// Word is something that may stand at a position of a mapping file.
type Word struct {
	Text string `json:"text"`
	// Kind is key, word, name, field or function.
	Kind string `json:"kind"`
	// Shape shows the arguments of a function; empty for all else. Doc says what it is for.
	Shape string `json:"shape,omitempty"`
	Doc   string `json:"doc,omitempty"`
}

// The kinds of words.
const (
	wordKey      = "key"
	wordFixed    = "word"
	wordName     = "name"
	wordField    = "field"
	wordFunction = "function"
)

// Words returns what may stand at a position of a mapping file, which may be as wrong as it is while somebody writes it. The position is
// counted from 1, in characters. Typed is how many characters before it are the beginning of such a word.
func Words(source string, line, column int) (words []Word, typed int) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source), "\n")
	if line < 1 || line > len(lines) || column < 1 {
		return nil, 0
	}
	letters := []rune(lines[line-1])
	before := string(letters[:min(column-1, len(letters))])
	at := placeIn(lines[:line-1], before)
	if at.comment {
		return nil, 0
	}
	begun := at.text
	all := at.keys()
	if at.isValue {
		all = append(all, at.values()...)
		if expression, ok := at.expression(); ok {
			begun = wordBegun.FindString(expression)
			names := at.names(begun)
			if dot := strings.LastIndexByte(begun, '.'); dot >= 0 {
				all, begun = nil, begun[dot+1:]
			}
			all = append(all, names...)
		}
	}
	for _, w := range all {
		if strings.HasPrefix(strings.ToLower(w.Text), strings.ToLower(begun)) {
			words = append(words, w)
		}
	}
	slices.SortStableFunc(words, func(a, b Word) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	return words, len([]rune(begun))
}

var wordBegun = regexp.MustCompile(`(?:[A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z0-9_]*$`)

// place is where something is written.
type place struct {
	// path are the keys above; text is what is there of the key or the value itself.
	path []string
	text string
	// isKey: it may be a key; isValue: it may be the value of the last key. The first word of an item of a list may be both.
	isKey, isValue bool
	// quote is the quote in which the text stands, zero for none.
	quote   byte
	comment bool
}

var keyLine = regexp.MustCompile(`^( *)((?:- +)*)([A-Za-z0-9_.;-]+):(?: |$)`)

// placeIn finds the keys above by how far lines are indented, and within a line by its braces.
func placeIn(above []string, line string) place {
	rest := strings.TrimLeft(line, " ")
	left := len(line) - len(rest)
	isItem := false
	for strings.HasPrefix(rest, "- ") {
		if !isItem {
			left, isItem = left+1, true // a list may stand as far left as its key
		}
		rest = strings.TrimLeft(rest[1:], " ")
	}
	if rest == "" && !isItem {
		left = len(line)
	}
	p := withinLine(rest)
	if isItem && len(p.path) == 0 {
		p.isValue = true
	}
	var parents []string
	for i := len(above) - 1; i >= 0 && left > 0; i-- {
		found := keyLine.FindStringSubmatch(above[i])
		if found == nil {
			continue
		}
		dash, at := len(found[1]), len(found[1])+len(found[2])
		if at < left {
			parents = append(parents, found[3])
			left = at
		}
		if found[2] != "" && at <= left {
			left = dash + 1
		}
	}
	slices.Reverse(parents)
	p.path = append(parents, p.path...)
	return p
}

// frame is a line, or what stands in braces or brackets within one.
type frame struct {
	open    byte
	key     string
	isValue bool
}

// withinLine finds where the end of a line is in its braces.
func withinLine(rest string) place {
	frames := []frame{{}}
	end := func(text string, quote byte) place {
		p := place{text: text, quote: quote}
		for _, f := range frames {
			if f.isValue {
				p.path = append(p.path, f.key)
			}
		}
		top := frames[len(frames)-1]
		p.isValue = top.isValue || top.open == '['
		p.isKey = !p.isValue && quote == 0
		return p
	}
	for at := 0; ; {
		at += len(rest[at:]) - len(strings.TrimLeft(rest[at:], " "))
		if at == len(rest) {
			return end("", 0)
		}
		top := &frames[len(frames)-1]
		c := rest[at]
		switch {
		case c == '#' && (at == 0 || rest[at-1] == ' '):
			return place{comment: true}
		case c == '{', c == '[':
			frames = append(frames, frame{open: c})
			at++
		case (c == '}' || c == ']') && len(frames) > 1:
			frames = frames[:len(frames)-1]
			at++
		case c == ',' && top.open != 0:
			top.key, top.isValue = "", false
			at++
		case c == '"' || c == '\'':
			closing := quotedEnd(rest, at)
			if closing < 0 {
				return end(rest[at+1:], c)
			}
			at = closing + 1
		default:
			stop, isKey := plainEnd(rest, at, *top)
			if isKey {
				top.key, top.isValue = rest[at:stop], true
				at = stop + 1
				continue
			}
			if stop == len(rest) {
				return end(rest[at:], 0)
			}
			at = stop
		}
	}
}

// quotedEnd returns where a quoted text ends, -1 where it does not.
func quotedEnd(rest string, at int) int {
	for i := at + 1; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && rest[at] == '"':
			i++
		case rest[i] == rest[at]:
			return i
		}
	}
	return -1
}

// plainEnd returns where a text without quotes ends, and whether a colon ends it that makes it a key.
func plainEnd(rest string, at int, in frame) (end int, isKey bool) {
	for i := at; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == ':' && !in.isValue && in.open != '[' && (i+1 == len(rest) || rest[i+1] == ' '):
			return i, true
		case in.open != 0 && strings.IndexByte(",}]", c) >= 0, c == '#' && i > at && rest[i-1] == ' ':
			return i, false
		}
	}
	return len(rest), false
}

// shapes returns what the schema says of the place: alternatives, with those of the items of lists.
func (p place) shapes() []node {
	root := Schema()
	definitions, _ := root["definitions"].(node)
	found := alternatives(definitions, root)
	for _, key := range p.path {
		var below []node
		for _, n := range found {
			properties, _ := n["properties"].(node)
			child, ok := properties[key].(node)
			if !ok {
				child, ok = n["additionalProperties"].(node)
			}
			if ok {
				below = append(below, alternatives(definitions, child)...)
			}
		}
		found = below
	}
	return found
}

func alternatives(definitions, n node) []node {
	if name, ok := n["$ref"].(string); ok {
		n, _ = definitions[strings.TrimPrefix(name, "#/definitions/")].(node)
	}
	out := []node{n}
	choice, _ := n["anyOf"].([]node)
	for _, one := range choice {
		if one["required"] == nil || one["type"] != nil {
			out = append(out, alternatives(definitions, one)...)
		}
	}
	if items, ok := n["items"].(node); ok {
		out = append(out, alternatives(definitions, items)...)
	}
	return out
}

// keys returns the keys that the place may have.
func (p place) keys() []Word {
	if !p.isKey {
		return nil
	}
	var words []Word
	for _, n := range p.shapes() {
		properties, _ := n["properties"].(node)
		for name, child := range properties {
			about, _ := child.(node)
			doc, _ := about["description"].(string)
			if !slices.ContainsFunc(words, func(w Word) bool { return w.Text == name }) {
				words = append(words, Word{Text: name, Kind: wordKey, Doc: doc})
			}
		}
	}
	return words
}

// values returns the words that the place may hold.
func (p place) values() []Word {
	var words []Word
	doc := ""
	for _, n := range p.shapes() {
		if own, ok := n["description"].(string); ok {
			doc = own
		}
		var fixed []string
		switch choice := n["enum"].(type) {
		case []string:
			fixed = choice
		case []any:
			for _, c := range choice {
				if c != nil {
					fixed = append(fixed, fmt.Sprint(c))
				}
			}
		}
		if n["type"] == "boolean" {
			fixed = []string{"true", "false"}
		}
		for _, text := range fixed {
			words = append(words, Word{Text: text, Kind: wordFixed, Doc: doc})
		}
	}
	return words
}

// expression returns the part of the text that is an expression, false where there is none.
func (p place) expression() (string, bool) {
	isExpression, isText := false, false
	for _, n := range p.shapes() {
		doc, _ := n["description"].(string)
		isExpression = isExpression || strings.HasSuffix(doc, expressionNote)
		isText = isText || n["type"] == "string"
	}
	text := p.text
	switch {
	case isExpression:
	case isText && strings.LastIndexByte(text, '{') > strings.LastIndexByte(text, '}'):
		text = text[strings.LastIndexByte(text, '{')+1:]
	default:
		return "", false
	}
	return text, p.quote == '"' || strings.Count(text, `"`)%2 == 0
}

// kind is that of the object that the expressions of the place see, empty where there are none.
func (p place) kind() event.Kind {
	for _, kind := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		if len(p.path) > 0 && p.path[0] == string(kind) {
			if kind == event.KindGroup && len(p.path) > 1 && p.path[1] == "members" {
				return event.KindUser
			}
			return kind
		}
	}
	return ""
}

// names returns what an expression of the place may go on with: fields after a name and a dot, or else names and functions.
func (p place) names(begun string) []Word {
	in := scope{kind: p.kind(), above: true}
	var words []Word
	if name, _, ok := strings.Cut(begun, "."); ok {
		for _, f := range in.fields(name) {
			words = append(words, Word{Text: f.Name, Kind: wordField, Doc: f.Doc})
		}
		if in.isRecord(name) {
			words = append(words, Word{Text: nameCustom, Kind: wordField, Doc: "fields of your own, read as custom.NAME"})
			if name == in.aboveName() {
				words = append(words, Word{Text: nameDN, Kind: wordField, Doc: "the DN of its entry"})
			}
		}
		return words
	}
	if in.kind != "" {
		about := map[string]string{
			in.own(): "what is known of the object", in.aboveName(): "the unit above it", nameDN: "the DN of its entry", nameBase: "the base of the mapping",
		}
		for _, name := range in.names() {
			words = append(words, Word{Text: name, Kind: wordName, Doc: about[name]})
		}
	}
	for _, f := range Functions() {
		words = append(words, Word{Text: f.Name, Kind: wordFunction, Shape: f.Signature, Doc: f.Doc})
	}
	return words
}

package mapping

import (
	"errors"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/file"
)

// wrongExpression reports what the parser or the type checker of the expression language says, in words for someone who
// knows neither.
func (r *reader) wrongExpression(source scalar, err error) {
	var wrong *file.Error
	if !errors.As(err, &wrong) {
		message, hint := explain(err.Error())
		r.report(source.at(), hint, "%s", message)
		return
	}
	message, hint := explain(wrong.Message)
	at := source.within(wrong.From)
	if message == endsEarly && r.commentBegins(source.within(len([]rune(source.text)))) {
		hint = "YAML takes ' #' for the beginning of a comment: put the expression in quotes"
	}
	r.report(at, hint, "%s", message)
}

const endsEarly = "the expression ends too early"

// commentBegins reports whether what follows a position is a comment of YAML.
func (r *reader) commentBegins(at position) bool {
	letters := []rune(r.lines[min(at.line, len(r.lines))-1])
	rest := string(letters[min(at.column-1, len(letters)):])
	return strings.HasPrefix(strings.TrimLeft(rest, " "), "#")
}

var explanations = []struct {
	pattern *regexp.Regexp
	explain func(match []string) (message, hint string)
}{
	{regexp.MustCompile(`^unexpected token EOF|^unexpected end of expression`), func([]string) (string, string) {
		return endsEarly, ""
	}},
	{regexp.MustCompile(`^unexpected token Operator\("="\)`), func([]string) (string, string) {
		return "a single = means nothing", "write == to compare"
	}},
	{regexp.MustCompile(`^unexpected token \w+\((".*")\)`), func(match []string) (string, string) {
		return match[1] + " is not expected here", ""
	}},
	{regexp.MustCompile(`^literal not terminated`), func([]string) (string, string) {
		return "a quote is not closed", ""
	}},
	{regexp.MustCompile(`^invalid (?:integer|float|hex|octal|binary)\S* literal`), func([]string) (string, string) {
		return "a number is malformed or too large", ""
	}},
	{regexp.MustCompile(`coalesce expressions .* cannot be mixed`), func([]string) (string, string) {
		return "?? and another operator stand side by side", "put parentheses around one of them"
	}},
	{regexp.MustCompile(`exceeds maximum allowed nodes`), func([]string) (string, string) {
		return "the expression is too large", "a rule that needs this much is better made in two attributes"
	}},
	{regexp.MustCompile(`^unknown field (\S+)`), func(match []string) (string, string) {
		return "there is no field " + match[1] + " here", didYouMean(match[1], []string{"id", "name", "primary"})
	}},
	{regexp.MustCompile(`^type (\S+) has no field (\S+)`), func(match []string) (string, string) {
		return typeName(match[1]) + " has no field " + match[2], ""
	}},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types? (\S+)(?: and (\S+))?\)`), func(match []string) (string, string) {
		hint := ""
		switch {
		case match[1] == "+":
			hint = "text(x) makes a number text, join(list, \", \") a list"
		case match[1] == "contains" && strings.HasPrefix(match[2], "["):
			hint = "for a list write it as: value in list"
		}
		if match[3] == "" {
			return match[1] + " does not work on " + typeName(match[2]), hint
		}
		return match[1] + " does not work on " + typeName(match[2]) + " and " + typeName(match[3]), hint
	}},
	{regexp.MustCompile(`^cannot use (\S+) as argument \(type (\S+)\) to call (\S+)`), func(match []string) (string, string) {
		return match[3] + " takes " + typeName(match[2]) + " here, and this is " + typeName(match[1]), "it is called as " + signature(match[3])
	}},
	{regexp.MustCompile(`^(too many|not enough) arguments to call (\S+)`), func(match []string) (string, string) {
		return match[1] + " arguments for " + match[2], "it is called as " + signature(match[2])
	}},
	{regexp.MustCompile(`^expected bool, but got (\S+)`), func(match []string) (string, string) {
		return "a condition is true or false, and this is " + typeName(match[1]), "compare it, as in user.status == \"enabled\""
	}},
	{regexp.MustCompile(`^(?:non-bool expression \(type|predicate should return boolean \(got) (\S+?)\)`), func(match []string) (string, string) {
		return "a condition is true or false, and this is " + typeName(match[1]), ""
	}},
	{regexp.MustCompile(`^builtin (\S+) takes only array \(got (\S+?)\)`), func(match []string) (string, string) {
		return match[1] + " goes through a list, and this is " + typeName(match[2]), ""
	}},
	{regexp.MustCompile(`^cannot use (\S+) as type \S+ in array`), func(match []string) (string, string) {
		return "the list never holds " + typeName(match[1]), ""
	}},
}

// explain returns a message of the expression language in other words, or as it is.
func explain(message string) (text, hint string) {
	message, _, _ = strings.Cut(message, "\n")
	for _, e := range explanations {
		if match := e.pattern.FindStringSubmatch(message); match != nil {
			return e.explain(match)
		}
	}
	return message, ""
}

// typeName names a Go type for someone who does not know Go.
func typeName(t string) string {
	switch {
	case t == "string":
		return "text"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "["):
		return "a list"
	case strings.HasPrefix(t, "map"):
		return "a record"
	case t == "nil", t == "interface":
		return "nothing"
	}
	return t
}

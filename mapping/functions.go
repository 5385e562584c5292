package mapping

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Function documents a function that expressions can call.
type Function struct {
	Name string
	// Signature shows the arguments, Doc says what it does.
	Signature string
	Doc       string
	// Example is an expression and Result what it evaluates to, as text; a test runs every one.
	Example string
	Result  string

	types []any
	call  func(args []any) (any, error)
}

// Bounds on what functions return: more than a directory takes, and little enough that nothing grows.
const (
	maxResultText = 16 << 10
	maxList       = 1000
	maxBinary     = 1 << 20
)

// plusFunction is what the operator + becomes.
const plusFunction = "__plus"

var (
	errTooLong  = fmt.Errorf("the result is longer than %d characters", maxResultText)
	errTooMany  = fmt.Errorf("the list has more than %d values", maxList)
	errSkip     = errors.New("skip")
	errNotANumb = errors.New("it is neither text nor a number")
)

// failError is what fail() ends an evaluation with.
type failError struct{ why string }

func (e *failError) Error() string { return e.why }

// Functions returns the functions that expressions can call, in the order in which the documentation lists them.
func Functions() []Function { return functions }

func functionNames() []string {
	names := make([]string, 0, len(functions)+len(allowedPredicates)+1)
	for _, f := range functions {
		names = append(names, f.Name)
	}
	return append(append(names, allowedPredicates...), "len")
}

// functionOptions makes the functions known to the compiler.
func functionOptions() []expr.Option {
	options := []expr.Option{expr.Function(plusFunction, func(args ...any) (any, error) { return plus(args[0], args[1]) }, new(func(any, any) any))}
	for _, f := range functions {
		options = append(options, expr.Function(f.Name, func(args ...any) (any, error) { return f.call(args) }, f.types...))
	}
	return options
}

// onText makes a function of one text; an absent text gives an absent result.
func onText(f func(string) (string, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		s, ok := args[0].(string)
		if !ok {
			return nil, nil
		}
		out, err := f(s)
		if err != nil {
			return nil, err
		}
		return bounded(out)
	}
}

func plainText(f func(string) string) func([]any) (any, error) {
	return onText(func(s string) (string, error) { return f(s), nil })
}

func bounded(s string) (any, error) {
	if len(s) > maxResultText {
		return nil, errTooLong
	}
	return s, nil
}

// emptyIsNothing turns an empty text into an absent one.
func emptyIsNothing(f func([]any) (any, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		out, err := f(args)
		if out == "" {
			return nil, err
		}
		return out, err
	}
}

// plus is the operator +: texts are joined within bounds, numbers added, and nothing plus something is the something.
func plus(a, b any) (any, error) {
	if a == nil || b == nil {
		if a == nil {
			return b, nil
		}
		return a, nil
	}
	x, xIsText := a.(string)
	y, yIsText := b.(string)
	if xIsText || yIsText {
		if !xIsText {
			x = valueText(a)
		}
		if !yIsText {
			y = valueText(b)
		}
		if len(x)+len(y) > maxResultText {
			return nil, errTooLong
		}
		return x + y, nil
	}
	m, mOK := toInt(a)
	n, nOK := toInt(b)
	if !mOK || !nOK {
		return nil, errors.New("+ joins texts and adds numbers, nothing else")
	}
	return m + n, nil
}

func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func toList(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case nil:
		return nil
	}
	return []any{v}
}

// onMillis makes a function of a moment; an absent one, zero and "never" give an absent result.
func onMillis(f func(time.Time) string) func([]any) (any, error) {
	return func(args []any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		ms, ok := toInt(args[0])
		if !ok {
			return nil, errNotANumb
		}
		if ms <= 0 {
			return nil, nil
		}
		return f(time.UnixMilli(ms).UTC()), nil
	}
}

var (
	textToText = []any{new(func(string) string)}
	anyToText  = []any{new(func(any) string)}
)

var functions = []Function{
	{"lower", "lower(text)", "the text in lower case", `lower("First.Last@Example.ORG")`, "first.last@example.org", textToText, plainText(strings.ToLower)},
	{"upper", "upper(text)", "the text in upper case", `upper("de")`, "DE", textToText, plainText(strings.ToUpper)},
	{"trim", "trim(text)", "the text without spaces at its ends", `trim("  Ann ")`, "Ann", textToText, plainText(strings.TrimSpace)},
	{"normalize", "normalize(text)", "the text composed (Unicode NFKC), with single spaces and none at its ends", `normalize(" Ann   Lee ")`, "Ann Lee", textToText, plainText(normalize)},
	{"ascii", "ascii(text)", "the text without accents, and without every character that is not ASCII then", `ascii("Zoë Müller")`, "Zoe Muller", textToText, plainText(ascii)},
	{"slug", "slug(text)", "lower case letters and digits of the text, with single dashes between", `slug("Research & Development")`, "research-development", textToText, plainText(slug)},
	{"truncate", "truncate(text, n)", "the first n characters of the text", `truncate("abcdef", 3)`, "abc", []any{new(func(string, int) string)}, truncate},
	{"familyName", "familyName(name)", "the family name in a shown name: what stands before a comma, the first character or a known double one of a Chinese name, else the last word", `familyName("诸葛亮")`, "诸葛", textToText, emptyIsNothing(plainText(familyName))},
	{"givenName", "givenName(name)", "the rest of a shown name, without the family name", `givenName("Ann Marie Lee")`, "Ann Marie", textToText, emptyIsNothing(plainText(givenName))},
	{"e164", "e164(region, number)", "a phone number in the international form of E.164; absent if there is no number", `e164("86", "139 0000-0000")`, "+8613900000000", []any{new(func(string, string) string)}, e164},
	{"join", "join(list, separator)", "the values of the list as one text; absent ones are left out", `join(["a", "b"], ", ")`, "a, b", []any{new(func(any, string) string)}, join},
	{"split", "split(text, separator)", "the parts of the text between the separators", `join(split("a;b", ";"), "+")`, "a+b", []any{new(func(string, string) []string)}, split},
	{"unique", "unique(list)", "the list with every value once", `join(unique(["a", "b", "a"]), "")`, "ab", []any{new(func(any) []any)}, unique},
	{"first", "first(list)", "the first value of the list; absent if it is empty", `first(["a", "b"])`, "a", []any{new(func(any) any)}, first},
	{"last", "last(list)", "the last value of the list; absent if it is empty", `last(["a", "b"])`, "b", []any{new(func(any) any)}, last},
	{"replace", "replace(text, old, new)", "the text with every old replaced by new", `replace("a.b.c", ".", "-")`, "a-b-c", []any{new(func(string, string, string) string)}, replace},
	{"regexReplace", "regexReplace(text, pattern, new)", "the text with everything that the pattern (RE2) matches replaced; $1 stands for the first group", `regexReplace("ext 42", "[^0-9]", "")`, "42", []any{new(func(string, string, string) string)}, regexReplace},
	{"text", "text(value)", "a number or a truth value as text", `text(42)`, "42", anyToText, toText},
	{"generalizedTime", "generalizedTime(ms)", "a moment in milliseconds as generalized time (RFC 4517); absent for 0 and -1", `generalizedTime(1767225600000)`, "20260101000000Z", anyToText, onMillis(func(t time.Time) string { return t.Format("20060102150405Z") })},
	{"fileTime", "fileTime(ms)", "a moment in milliseconds as Active Directory writes it: 100 ns steps since 1601; absent for 0 and -1", `fileTime(1767225600000)`, "134116992000000000", anyToText, onMillis(fileTime)},
	{"epochDays", "epochDays(ms)", "a moment in milliseconds as days since 1970, for shadowExpire; absent for 0 and -1", `epochDays(1767225600000)`, "20454", anyToText, onMillis(func(t time.Time) string { return strconv.FormatInt(t.Unix()/86400, 10) })},
	{"samAccountName", "samAccountName(name)", "the name as sAMAccountName takes it: ASCII, 20 characters at most, without the characters that are not allowed", `samAccountName("first.last@example.org")`, "first.lastexample.or", textToText, emptyIsNothing(plainText(samAccountName))},
	{"base64", "base64(text)", "the octets that the text encodes, for jpegPhoto and other binary attributes", `base64("aGk=")`, "hi", textToText, decodeBase64},
	{"fail", "fail(why)", "ends the event as failed, with this reason", ``, "", []any{new(func(string) any)}, func(args []any) (any, error) { return nil, &failError{valueText(args[0])} }},
	{"skip", "skip()", "leaves the object alone; the event counts as skipped", ``, "", []any{new(func() any)}, func([]any) (any, error) { return nil, errSkip }},
}

func normalize(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }

func ascii(s string) string {
	// The special letters have no accent that could be taken off.
	s = strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "AE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "œ", "oe", "Œ", "OE").Replace(s)
	out, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), s)
	if err != nil {
		out = s
	}
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return -1
	}, out)
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(ascii(s)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

func truncate(args []any) (any, error) {
	s, ok := args[0].(string)
	n, isNumber := toInt(args[1])
	if !ok || !isNumber {
		return nil, nil
	}
	letters := []rune(s)
	return bounded(string(letters[:min(int64(len(letters)), max(0, n))]))
}

func e164(args []any) (any, error) {
	region, _ := args[0].(string)
	number, _ := args[1].(string)
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	if digits == "" {
		return nil, nil
	}
	region = strings.TrimLeft(strings.TrimPrefix(strings.TrimSpace(region), "+"), "0")
	switch {
	case strings.HasPrefix(strings.TrimSpace(number), "+"):
		return "+" + digits, nil
	case region == "":
		return digits, nil
	}
	return bounded("+" + region + digits)
}

func join(args []any) (any, error) {
	separator := valueText(args[1])
	var parts []string
	size := 0
	for _, v := range toList(args[0]) {
		if v == nil {
			continue
		}
		part := valueText(v)
		if size += len(part) + len(separator); size > maxResultText {
			return nil, errTooLong
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return strings.Join(parts, separator), nil
}

func split(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok || s == "" {
		return nil, nil
	}
	parts := strings.SplitN(s, valueText(args[1]), maxList+1)
	if len(parts) > maxList {
		return nil, errTooMany
	}
	return parts, nil
}

func unique(args []any) (any, error) {
	list := toList(args[0])
	if len(list) > maxList {
		return nil, errTooMany
	}
	var out []any
	seen := map[string]bool{}
	for _, v := range list {
		if v == nil || seen[valueText(v)] {
			continue
		}
		seen[valueText(v)] = true
		out = append(out, v)
	}
	return out, nil
}

func first(args []any) (any, error) {
	if list := toList(args[0]); len(list) > 0 {
		return list[0], nil
	}
	return nil, nil
}

func last(args []any) (any, error) {
	if list := toList(args[0]); len(list) > 0 {
		return list[len(list)-1], nil
	}
	return nil, nil
}

func replace(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return nil, nil
	}
	old, by := valueText(args[1]), valueText(args[2])
	if old == "" {
		return s, nil
	}
	if grown := len(s) + strings.Count(s, old)*(len(by)-len(old)); grown > maxResultText {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, old, by), nil
}

// patterns keeps compiled patterns; they are constants of mapping files, so their number is bounded by those.
type patterns struct {
	mu       sync.Mutex
	compiled map[string]*regexp.Regexp
}

func (p *patterns) get(pattern string) (*regexp.Regexp, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if re, ok := p.compiled[pattern]; ok {
		return re, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	p.compiled[pattern] = re
	return re, nil
}

var compiledPatterns = &patterns{compiled: map[string]*regexp.Regexp{}}

func regexReplace(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return nil, nil
	}
	if len(s) > maxResultText {
		return nil, errTooLong
	}
	re, err := compiledPatterns.get(valueText(args[1]))
	if err != nil {
		return nil, err
	}
	by := valueText(args[2])
	if matches := len(re.FindAllStringIndex(s, -1)); matches*(len(by)+len(s)*strings.Count(by, "$")) > maxBinary {
		return nil, errTooLong
	}
	return bounded(re.ReplaceAllString(s, by))
}

func toText(args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	return valueText(args[0]), nil
}

func fileTime(t time.Time) string {
	const from1601To1970 = 11644473600
	return strconv.FormatInt((t.Unix()+from1601To1970)*10_000_000+int64(t.Nanosecond())/100, 10)
}

func samAccountName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`"/\[]:;|=,+*?<>@`, r) {
			return -1
		}
		return r
	}, ascii(s))
	if len(s) > 20 {
		s = s[:20]
	}
	return strings.TrimRight(s, ".")
}

func decodeBase64(args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok || s == "" {
		return nil, nil
	}
	if len(s) > maxBinary {
		return nil, errors.New("the encoded value is larger than 1 MiB")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return string(raw), nil
}

// valueText writes a value as a directory takes it: TRUE and FALSE (RFC 4517 section 3.3.3), numbers in decimal.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "TRUE"
		}
		return "FALSE"
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// doubleNames are Chinese family names of two characters.
var doubleNames = []string{
	"欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛", "尉迟", "公羊", "赫连", "澹台", "皇甫",
	"宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文", "司徒", "鲜于", "司空", "闾丘", "令狐", "百里", "呼延", "東方", "歐陽", "司馬", "諸葛", "慕容",
}

// splitName takes a shown name apart into family and given name.
func splitName(name string) (family, given string) {
	name = normalize(name)
	if before, after, comma := strings.Cut(name, ","); comma {
		if !isSuffix(after) {
			return strings.TrimSpace(before), strings.TrimSpace(after)
		}
		name = strings.TrimSpace(before)
	}
	if isHan(name) {
		letters := []rune(strings.ReplaceAll(name, " ", ""))
		n := 1
		if len(letters) > 2 && slices.Contains(doubleNames, string(letters[:2])) {
			n = 2
		}
		return string(letters[:min(n, len(letters))]), string(letters[min(n, len(letters)):])
	}
	words := strings.Fields(name)
	if len(words) == 0 {
		return "", ""
	}
	return words[len(words)-1], strings.Join(words[:len(words)-1], " ")
}

// isSuffix reports whether what stands after a comma is a title or generation and no given name.
func isSuffix(s string) bool {
	switch strings.ToLower(strings.Trim(s, " .")) {
	case "jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d", "esq", "mba", "cpa":
		return true
	}
	return false
}

func isHan(s string) bool {
	found := false
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			found = true
		} else if r != ' ' {
			return false
		}
	}
	return found
}

func familyName(name string) string { family, _ := splitName(name); return family }

func givenName(name string) string { _, given := splitName(name); return given }

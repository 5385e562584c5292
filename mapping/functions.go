package mapping

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
)

// Function documents a function that expressions can call.
type Function struct {
	Name string
	// Signature shows the arguments, Doc says what it does. An absent argument gives an absent result where Doc does not
	// say otherwise.
	Signature string
	Doc       string
	// Example is an expression and Result what it evaluates to, as text; a test runs every one. Both are empty for the
	// functions that have no result.
	Example string
	Result  string

	// typed is a Go function type by which calls are checked when the file is read. There is one for each function:
	// with more, the checker would try them all at every level of nested calls.
	typed any
	call  func(m *meter, args []any) (any, error)
}

// Functions returns the functions that expressions can call, in the order in which the documentation lists them.
func Functions() []Function { return slices.Concat(functions, loopFunctions) }

// loopFunctions documents the loops of the expression language, which it checks and runs itself.
var loopFunctions = []Function{
	{Name: "map", Signature: "map(list, f)", Doc: "a list with the result of f for each item; # is the item, .name a field of it", Example: `join(map(["a", "b"], upper(#)), "")`, Result: "AB"},
	{Name: "filter", Signature: "filter(list, condition)", Doc: "the items for which the condition holds", Example: `join(filter(["a1", "b1", "a2"], # startsWith "a"), " ")`, Result: "a1 a2"},
	{Name: "any", Signature: "any(list, condition)", Doc: "whether the condition holds for an item", Example: `any(["a", "b"], # == "b")`, Result: "TRUE"},
	{Name: "all", Signature: "all(list, condition)", Doc: "whether it holds for every item; true for no items", Example: `all(["a", "b"], # == "b")`, Result: "FALSE"},
	{Name: "none", Signature: "none(list, condition)", Doc: "whether it holds for no item", Example: `none(["a", "b"], # == "c")`, Result: "TRUE"},
	{Name: "one", Signature: "one(list, condition)", Doc: "whether it holds for exactly one item", Example: `one(["a", "b", "a"], # == "a")`, Result: "FALSE"},
}

// functionNames returns every name that can be called.
func functionNames() []string {
	names := make([]string, 0, len(functions)+len(loopFunctions))
	for _, f := range Functions() {
		names = append(names, f.Name)
	}
	return names
}

// signature returns how a function is called, empty where there is none of that name.
func signature(name string) string {
	for _, f := range Functions() {
		if f.Name == name {
			return f.Signature
		}
	}
	return ""
}

// checkedFunctions returns what the type checker and the compiler know: every function under its name with its types, and
// every operation under its hidden name. Calls of the former are turned into calls of the latter.
func checkedFunctions() conf.FunctionsTable {
	table := make(conf.FunctionsTable, 2*len(functions)+len(operations))
	for _, f := range functions {
		table[f.Name] = &builtin.Function{Name: f.Name, Types: []reflect.Type{reflect.TypeOf(f.typed).Elem()}}
		table[hiddenName+f.Name] = &builtin.Function{Name: hiddenName + f.Name, Func: metered(f.call)}
	}
	for name, call := range operations {
		table[name] = &builtin.Function{Name: name, Func: metered(call)}
	}
	return table
}

var functions = []Function{
	{"lower", "lower(text)", "the text in lower case", `lower("First.Last@Example.ORG")`, "first.last@example.org", new(func(string) string), onText(strings.ToLower)},
	{"upper", "upper(text)", "the text in upper case", `upper("de")`, "DE", new(func(string) string), onText(strings.ToUpper)},
	{"trim", "trim(text)", "the text without spaces at its ends", `trim("  Ann ")`, "Ann", new(func(string) string), onText(strings.TrimSpace)},
	{"normalize", "normalize(text)", "the text composed (Unicode NFKC), with single spaces and none at its ends", `normalize(" Ａnn   Lee ")`, "Ann Lee", new(func(string) string), onText(normalize)},
	{"transliterate", "transliterate(text)", "the text with plain letters in the place of accented ones, and pinyin in that of Chinese characters; other scripts stay", `transliterate("Zoë Müller 王")`, "Zoe Muller wang", new(func(string) string), onText(transliterate)},
	{"pinyin", "pinyin(text)", "the text with Chinese characters as pinyin syllables, without tones and with spaces between; ü is yu. Each is read by itself, but for the family name where the text looks like a person's name", `pinyin("研发部")`, "yan fa bu", new(func(string) string), onText(pinyinText)},
	{"ascii", "ascii(text)", "the text transliterated, without what is not ASCII then", `ascii("Zoë Müller, Αθήνα")`, "Zoe Muller, ", new(func(string) string), onText(ascii)},
	{"slug", "slug(text)", "the lower case ASCII letters and digits of the text, with single dashes between", `slug("Research & Development")`, "research-development", new(func(string) string), onText(slug)},
	{"truncate", "truncate(text, n)", "the first n characters of the text", `truncate("张三丰", 2)`, "张三", new(func(string, int) string), truncate},
	{"replace", "replace(text, old, new)", "the text with every old replaced by new", `replace("a.b.c", ".", "-")`, "a-b-c", new(func(string, string, string) string), replaceText},
	{"regexReplace", "regexReplace(text, pattern, new)", "the text with everything that the pattern (RE2) matches replaced; $1 stands for the first group", `regexReplace("ext 42", "[^0-9]", "")`, "42", new(func(string, string, string) string), regexReplace},
	{"text", "text(value)", "a number or a truth value as text", `text(42)`, "42", new(func(any) string), asText},
	{"len", "len(value)", "how many characters a text has, or items a list; 0 where it is absent", `len("张三")`, "2", new(func(any) int), length},

	{"familyName", "familyName(name)", "the family name in a shown name: what stands before a comma, the first character or a known double one of a Chinese name, the last part of one with a middle dot, else the last word with what belongs to it. Remarks in brackets are no part of a name", `familyName("诸葛亮")`, "诸葛", new(func(string) string), onText(familyName)},
	{"givenName", "givenName(name)", "the rest of a shown name, without the family name", `givenName("Ludwig van Beethoven")`, "Ludwig", new(func(string) string), onText(givenName)},
	{"pinyinName", "pinyinName(name)", "a Chinese name in Latin letters as in a passport, the family name first and read as a family name, a name with a middle dot in its own order, and no remark in brackets; other names stay", `pinyinName("单雄信")`, "Shan Xiongxin", new(func(string) string), onText(pinyinName)},
	{"e164", "e164(region, number)", "a phone number in international form (E.164); absent where region or number is, or where it cannot be such a number", `e164("86", "139 0000-0000")`, "+8613900000000", new(func(string, string) string), e164},
	{"samAccountName", "samAccountName(name)", "the name as sAMAccountName takes it: ASCII, at most 20 characters, and none of those that are not allowed", `samAccountName("first.last@example.org")`, "first.lastexample.or", new(func(string) string), onText(samAccountName)},
	{"loginName", "loginName(name)", "the name, where it can be that of a login on UNIX: at most 32 letters, digits, dots, dashes, underscores and @, and not root; the event fails with any other", `loginName("ann.lee")`, "ann.lee", new(func(string) string), loginName},

	{"split", "split(text, separator)", "the parts of the text between the separators", `join(split("a;b", ";"), "+")`, "a+b", new(func(string, string) []string), split},
	{"join", "join(list, separator)", "the values of the list as one text; absent ones are left out", `join(["a", "b"], ", ")`, "a, b", new(func(any, string) string), join},
	{"unique", "unique(list)", "the list with every value once", `join(unique(["a", "b", "a"]), "")`, "ab", new(func(any) []any), unique},
	{"first", "first(list)", "the first value of the list", `first(["a", "b"])`, "a", new(func(any) any), first},
	{"last", "last(list)", "the last value of the list", `last(["a", "b"])`, "b", new(func(any) any), last},

	{"generalizedTime", "generalizedTime(ms)", "a moment in milliseconds as generalized time (RFC 4517); absent for 0, for less, and from 9999-12-31 on, which means never", `generalizedTime(1767225600000)`, "20260101000000Z", new(func(any) string), onMillis(generalizedTime)},
	{"fileTime", "fileTime(ms)", "a moment in milliseconds as Active Directory writes it, in 100 ns since 1601; absent for 0, for less, and from 9999-12-31 on, which means never", `fileTime(1767225600000)`, "134116992000000000", new(func(any) string), onMillis(fileTime)},
	{"epochDays", "epochDays(ms)", "a moment in milliseconds as days since 1970, for shadowExpire; absent for 0, for less, and from 9999-12-31 on, which means never", `epochDays(1767225600000)`, "20454", new(func(any) string), onMillis(epochDays)},
	{"base64", "base64(text)", "the octets that the text encodes, for jpegPhoto and other binary attributes", `base64("aGk=")`, "hi", new(func(string) any), decodeBase64},

	{"fail", "fail(why)", "ends the event as failed, with this reason", "", "", new(func(string) any), func(_ *meter, args []any) (any, error) {
		return nil, wrongValue("%s", valueText(args[0]))
	}},
	{"skip", "skip()", "leaves the object alone; the event counts as skipped", "", "", new(func() any), func(*meter, []any) (any, error) { return nil, errSkip }},
}

package mapping_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

// maxAllocated bounds what the evaluation of one expression may allocate, whatever it is and whatever it is given.
const maxAllocated = 48 << 20

// giant is a record as large as a request may be.
func giant() event.Values {
	items := make([]any, 12_000)
	for i := range items {
		items[i] = "group_" + strings.Repeat("x", i%7)
	}
	return event.Values{
		"username": "ann", "displayName": strings.Repeat("a", 1<<20), "description": strings.Repeat("王ß ", 100_000),
		"email": strings.Repeat("a", 60_000), "groups": items, "custom.short": strings.Repeat("ab,", 3000), "raw.many": items[:9000],
		"custom.ligature": strings.Repeat("\ufdfa", 20_000),
	}
}

// Expressions that try to take memory or time without end are refused, or end as errors within the bounds. What counts is
// what is used up, not how long it takes.
func TestHostileExpressionsEndWithinBounds(t *testing.T) {
	record := giant()
	repeat := func(text string, n int) string { return strings.Repeat(text, n) }
	doubling := func(step string) string {
		var b strings.Builder
		b.WriteString("let a0 = user.custom.short; ")
		for i := range 60 {
			b.WriteString(strings.NewReplacer("X", "a"+string(rune('0'+i/10))+string(rune('0'+i%10)), "Y", previous(i)).Replace(step))
		}
		return b.String() + previous(60)
	}
	for name, source := range map[string]string{
		"doubling by +":                    doubling("let X = Y + Y; "),
		"doubling by join":                 doubling(`let X = join([Y, Y], ""); `),
		"doubling by replace":              doubling(`let X = replace(Y, "a", Y); `),
		"doubling by regexReplace":         doubling(`let X = regexReplace(Y, "a", "$0$0"); `),
		"doubling a list":                  doubling("let X = [Y, Y]; "),
		"doubling a list by map":           doubling(`let X = split(join([Y, Y], ","), ","); `),
		"doubling by upper":                doubling("let X = upper(Y) + lower(Y); "),
		"a long chain of +":                "user.email" + repeat(" + user.email", 100),
		"a long chain of variables":        repeat("let a = user.email; ", 1) + "a" + repeat(" + a", 150),
		"repeat":                           `repeat("a", 1000000)`,
		"reduce":                           `reduce(user.groups, #acc + #, "")`,
		"a range":                          `1..1000000000`,
		"map over a range":                 `map(1..1000000000, #)`,
		"a loop in a loop":                 `map(user.groups, map(user.groups, #))`,
		"a loop in a loop behind let":      `let inner = map(user.groups, #); map(user.groups, any(inner, # == ""))`,
		"many loops":                       "[" + strings.TrimSuffix(repeat("map(user.raw.many, # + #), ", 40), ", ") + "]",
		"loops over loops":                 repeat("map(", 90) + "user.raw.many" + repeat(", # + \"a\")", 90),
		"a loop that joins a long text":    `map(user.raw.many, # + user.email)`,
		"a loop with a long body":          "map(user.raw.many, [" + strings.TrimSuffix(repeat("lower(#), ", 150), ", ") + "][0])",
		"a loop with a long ?? chain":      "map(user.raw.many, " + repeat("user.custom.x ?? ", 100) + "#)",
		"a giant join":                     `join(user.groups, user.email)`,
		"a giant join of many":             `join(user.raw.many, user.email)`,
		"a giant split":                    `split(user.displayName, "")`,
		"a giant split and join":           `join(split(user.email, ""), user.email)`,
		"a giant replace":                  `replace(user.email, "a", user.email)`,
		"a giant expansion":                `regexReplace(user.email, "^(.*)$", "` + repeat("$1", 500) + `")`,
		"a pattern with nested repetition": `regexReplace(user.email, "(a*)*b", "")`,
		"a pattern that looks ahead":       `regexReplace(user.email, "(a*b)|a", "x")`,
		"a pattern that looks ahead often": `regexReplace(user.custom.short, "(.*c)|.", "x")`,
		"a large pattern on a long text":   `user.email matches "` + repeat("(a|b|c|d|e)?", 40) + `$"`,
		"a pattern that repeats too much":  `user.email matches "((a{1,30}){1,30}){1,30}"`,
		"a pattern from a field":           `user.email matches user.email`,
		"many patterns":                    `[` + strings.TrimSuffix(repeat(`user.email matches "(a|b)*c$", `, 60), ", ") + `]`,
		"deep parentheses":                 repeat("(", 1500) + "user.email" + repeat(")", 1500),
		"deep calls":                       repeat("lower(", 200) + "user.email" + repeat(")", 200),
		"deep lists":                       repeat("[", 1500) + repeat("]", 1500),
		"deep negation":                    repeat("not ", 400) + "user.emailVerified",
		"deep minus":                       repeat("-", 400) + "1",
		"deep conditions":                  repeat("user.emailVerified ? 1 : ", 90) + "1",
		"short conditions that share":      "user.username" + repeat(" ?: user.username", 40),
		"comparisons that share":           "1" + repeat(" < 1", 40),
		"many values":                      `user.groups`,
		"values that are too long":         `user.displayName + user.displayName`,
		"lists of long values":             "[" + strings.TrimSuffix(repeat("user.displayName, ", 100), ", ") + "]",
		"different long values":            `map(user.raw.many, user.displayName + #)`,
		"a text that grows by composition": `normalize(user.custom.ligature)`,
		"transliteration of a long text":   `transliterate(user.description)`,
		"every function on a long text":    `[lower(user.description), pinyin(user.description), ascii(user.description), slug(user.description), familyName(user.description), samAccountName(user.description), e164(user.description, user.description)]`,
		"comparing lists":                  `user.raw.many == user.raw.many ? "a" : "b"`,
		"looking into a list in a loop":    `map(user.raw.many, # in user.raw.many)`,
		"a huge number":                    repeat("9", 4000),
		"a number that grows":              "9.9" + repeat(" * 1000000000000000000000.5", 150),
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			values, work, err := mapping.EvaluateMeasured(source, record)
			checkBounds(t, values, work, err)
		})
	}
}

func previous(i int) string {
	if i == 0 {
		return "a0"
	}
	i--
	return "a" + string(rune('0'+i/10)) + string(rune('0'+i%10))
}

// checkBounds fails where an evaluation used up more than it may.
func checkBounds(t *testing.T, values []string, work mapping.Work, err error) {
	t.Helper()
	// What is counted last may go beyond the bound by the size of one value, and is then not made.
	if work.Metered > work.MaxMetered+(8<<20) && err == nil {
		t.Errorf("it was counted as %d and may be %d", work.Metered, work.MaxMetered)
	}
	if work.Allocated > maxAllocated && !poolsLeak {
		t.Errorf("it allocated %d bytes and may allocate %d: %v", work.Allocated, maxAllocated, err)
	}
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > work.MaxMetered || len(values) > 10_000 {
		t.Errorf("it gives %d values of %d bytes", len(values), size)
	}
	if err != nil && strings.Contains(err.Error(), "runtime error") {
		t.Errorf("it ends in a panic: %v", err)
	}
}

// Whatever the expression, it is refused or ends within the bounds, and gives the same a second time.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`user.displayName ?? user.username`, `let a = user.email; a + a + a`, `map(user.groups, # + user.email)`, `filter(user.ous, .primary)[0].name`,
		`regexReplace(user.email, "(a|b)*c$", "$1")`, `user.email matches "^a+$" ? skip() : fail("x")`, `join(split(user.email, "a"), "bb")`,
		`user.raw.many | join(",") | truncate(3)`, `-(-9223372036854775807 - 1)`, `1 / 0 + 1 % 0`, `[1, nil, "", [], true][-1]`, `user.custom["x"]?.y ?? "z"`,
		`all(user.groups, # startsWith "g") and none(user.groups, # == "")`, `generalizedTime(user.createTime) + fileTime(1) + epochDays(-1)`, `1 < 2 < 3`,
		`user.emailVerified ?: "x"`, `base64(base64("YQ=="))`, `user.ous[0].id + text(len(user.ous))`, "`raw`", `"\u{10ffff}"`, `not not not true`,
	} {
		f.Add(seed, "Ann 王 <x>", false)
	}
	for _, function := range mapping.Functions() {
		f.Add(function.Example, "é,=+", true)
	}
	large := giant()
	f.Fuzz(func(t *testing.T, source, text string, useGiant bool) {
		record := event.Values{
			"username": text, "displayName": text, "email": text + "@example.org", "emailVerified": true, "createTime": int64(len(text)),
			"groups": []any{text, "g"}, "ous": []any{map[string]any{"id": text, "name": text, "primary": true}}, "custom.x": text, "raw.many": []any{text, 1.5, nil},
		}
		if useGiant {
			record = large
		}
		values, work, err := mapping.EvaluateMeasured(source, record)
		checkBounds(t, values, work, err)
		again, second, errAgain := mapping.EvaluateMeasured(source, record)
		if strings.Join(values, "\x00") != strings.Join(again, "\x00") || work.Metered != second.Metered || (err == nil) != (errAgain == nil) {
			t.Errorf("it gives %q, %v first and %q, %v then", values, err, again, errAgain)
		}
	})
}

// Whatever the file, it is compiled or refused with problems that point into it.
func FuzzCompile(f *testing.F) {
	for _, seed := range readyMappings(f) {
		f.Add(seed)
	}
	for _, seed := range wrongMappings(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		set, err := mapping.Compile("fuzz.yaml", source)
		if err == nil {
			for _, result := range mappingtest.Run(set) {
				_ = result.Err
			}
			return
		}
		var wrong *mapping.Errors
		if !errors.As(err, &wrong) || len(wrong.List) == 0 || len(wrong.List) > 101 {
			t.Fatalf("%T: %v", err, err)
		}
		lines := bytes.Count(source, []byte("\n")) + bytes.Count(source, []byte("\r")) + 1
		for _, p := range wrong.List {
			if p.Line < 0 || p.Line > lines+1 || p.Line > 0 && p.Column < 1 || p.Message == "" {
				t.Errorf("a problem at %d:%d of %d lines: %q", p.Line, p.Column, lines, p.Message)
			}
		}
	})
}

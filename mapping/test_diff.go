package mapping

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"idaas-ldap/plan"
)

// ldifRecord is one change record of LDIF (RFC 2849), in a form in which records that do the same are equal: without
// comments, folding and base64 where text does, and with the attributes in a fixed order.
type ldifRecord []ldifLine

// ldifLine is a line of a record: as it is shown, and as it is compared.
type ldifLine struct{ shown, key string }

// Lines of LDIF that hold no attribute.
const (
	ldifDN         = "dn"
	ldifChangeType = "changetype"
	ldifSeparator  = "-"
)

// Changes are change records of LDIF.
type Changes []ldifRecord

// maxChanges bounds the changes that are compared or shown, in bytes: an edited mapping must not fill the memory of who tries it.
const maxChanges = 16 << 20

// tooLong refuses changes that nobody could read.
func tooLong(operations []plan.Operation) error {
	size := 0
	for _, op := range operations {
		switch op := op.(type) {
		case plan.Add:
			for _, a := range op.Attributes {
				size += bytesOf(a.Values)
			}
		case plan.Modify:
			for _, m := range op.Modifications {
				size += bytesOf(m.Values)
			}
		}
	}
	if size > maxChanges {
		return fmt.Errorf("this would write %d bytes, and at most %d are shown", size, maxChanges)
	}
	return nil
}

func bytesOf(values []string) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}

// ChangesOf returns operations as LDIF has them.
func ChangesOf(operations []plan.Operation) (Changes, error) {
	if err := tooLong(operations); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := plan.WriteLDIF(&b, operations...); err != nil {
		return nil, err //nolint:wrapcheck // It says what was tried.
	}
	return parseChanges(b.String())
}

// parseChanges reads change records. The error is a [*plan.LDIFError].
func parseChanges(text string) (Changes, error) {
	var records Changes
	var record ldifRecord
	flush := func() {
		if len(record) > 0 {
			records = append(records, record.sorted())
		}
		record = nil
	}
	err := plan.ReadLDIF(strings.NewReader(text), func(line plan.LDIFLine) error {
		if line.Name == "" {
			flush()
			return nil
		}
		parsed, err := lineOf(line)
		switch {
		case err != nil:
			return err
		case len(record) == 0 && !strings.HasPrefix(parsed.key, ldifDN+":"):
			return errors.New("a change begins with its dn")
		case len(record) == 1 && !strings.HasPrefix(parsed.key, ldifChangeType+":"):
			return errors.New("the second line of a change is its changetype: add, modify, modrdn or delete")
		}
		record = append(record, parsed)
		return nil
	})
	flush()
	return records, err //nolint:wrapcheck // It names the line.
}

func lineOf(line plan.LDIFLine) (ldifLine, error) {
	if line.Name == ldifSeparator {
		return ldifLine{ldifSeparator, ldifSeparator}, nil
	}
	name, value := line.Name, line.Value
	if !line.Encoded {
		value = strings.TrimRight(value, " ")
	}
	shown := name + ": " + value
	if !readable(value) {
		shown = name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	folded := strings.ToLower(name)
	switch folded {
	case ldifDN, "newsuperior", "newrdn":
		dn, err := plan.ParseDN(value)
		if err != nil {
			return ldifLine{}, fmt.Errorf("%s is no DN: %w", name, reason(err))
		}
		value = lowerTypes(dn).String()
	case "add", "delete", "replace":
		value = strings.ToLower(value)
	}
	return ldifLine{strings.TrimRight(shown, " "), folded + ": " + value}, nil
}

// lowerTypes returns a DN with its attribute types in lower case: the case of values is a difference.
func lowerTypes(dn plan.DN) plan.DN {
	out := make(plan.DN, len(dn))
	for i, rdn := range dn {
		out[i] = slices.Clone(rdn)
		for j := range out[i] {
			out[i][j].Type = strings.ToLower(rdn[j].Type)
		}
	}
	return out
}

// readable reports whether a person sees from a value what it is.
func readable(value string) bool {
	return utf8.ValidString(value) && strings.TrimSpace(value) == value && !strings.ContainsFunc(value, unicode.IsControl)
}

// sorted brings what has no order into a fixed one: the values of an added entry, the parts of a modification.
func (r ldifRecord) sorted() ldifRecord {
	const head = 2
	byKey := func(a, b ldifLine) int { return strings.Compare(a.key, b.key) }
	if len(r) <= head {
		return r
	}
	if r[1].key == ldifChangeType+": add" {
		slices.SortStableFunc(r[head:], byKey)
		return r
	}
	if r[1].key != ldifChangeType+": modify" {
		return r
	}
	var parts []ldifRecord
	part := ldifRecord{}
	for _, line := range r[head:] {
		if line.key != ldifSeparator {
			part = append(part, line)
			continue
		}
		parts = append(parts, part)
		part = ldifRecord{}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	out := slices.Clone(r[:head])
	for _, p := range parts {
		slices.SortStableFunc(p[min(1, len(p)):], byKey)
	}
	slices.SortStableFunc(parts, func(a, b ldifRecord) int { return slices.CompareFunc(a, b, byKey) })
	for _, p := range parts {
		out = append(append(out, p...), ldifLine{ldifSeparator, ldifSeparator})
	}
	return out
}

// Mark tells of which of two texts a line is.
type Mark string

// The marks.
const (
	InBoth   Mark = " "
	InFormer Mark = "-"
	InLatter Mark = "+"
)

// MarkedLine is a line of one of two texts, or of both.
type MarkedLine struct {
	Mark Mark   `json:"mark"`
	Text string `json:"text"`
}

// Marked returns the lines of two lists of changes as one text: what both have stands there once.
func Marked(former, latter Changes) []MarkedLine { return together(linesOf(former), linesOf(latter)) }

// MarkedText returns the lines of two texts as one.
func MarkedText(former, latter string) []MarkedLine {
	lines := func(text string) (out []ldifLine) {
		for line := range strings.SplitSeq(text, "\n") {
			out = append(out, ldifLine{line, line})
		}
		return out
	}
	return together(lines(former), lines(latter))
}

func together(f, l []ldifLine) []MarkedLine {
	var out []MarkedLine
	for len(f) > 0 && len(l) > 0 && f[0].key == l[0].key {
		out = append(out, MarkedLine{InBoth, l[0].shown})
		f, l = f[1:], l[1:]
	}
	alike := 0
	for alike < min(len(f), len(l)) && f[len(f)-1-alike].key == l[len(l)-1-alike].key {
		alike++
	}
	end := l[len(l)-alike:]
	f, l = f[:len(f)-alike], l[:len(l)-alike]
	common := longestCommon(f, l)
	for i, j := 0, 0; i < len(f) || j < len(l); {
		switch {
		case i < len(f) && j < len(l) && f[i].key == l[j].key:
			out = append(out, MarkedLine{InBoth, l[j].shown})
			i++
			j++
		case j == len(l) || i < len(f) && common(i+1, j) >= common(i, j+1):
			out = append(out, MarkedLine{InFormer, f[i].shown})
			i++
		default:
			out = append(out, MarkedLine{InLatter, l[j].shown})
			j++
		}
	}
	for _, line := range end {
		out = append(out, MarkedLine{InBoth, line.shown})
	}
	return out
}

// Difference returns what is expected and what would be written as one text, with - and + where they differ, and nothing
// where they do not.
func Difference(want, got Changes) string {
	if slices.EqualFunc(linesOf(want), linesOf(got), func(a, b ldifLine) bool { return a.key == b.key }) {
		return ""
	}
	var b strings.Builder
	b.WriteString("  what is expected (-) and what would be written (+):\n")
	if len(got) == 0 {
		b.WriteString("  (nothing would be written)\n")
	}
	for _, line := range Marked(want, got) {
		b.WriteString(strings.TrimRight("  "+string(line.Mark)+" "+line.Text, " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// linesOf returns the lines of records with an empty one between them.
func linesOf(records Changes) []ldifLine {
	var out []ldifLine
	for i, r := range records {
		if i > 0 {
			out = append(out, ldifLine{})
		}
		out = append(out, r...)
	}
	return out
}

// longestCommon returns how many lines the rests of two texts have in common. Texts that are too long for a table count
// as having none: they are shown one after the other.
func longestCommon(a, b []ldifLine) func(i, j int) int {
	const most = 1 << 22
	width := len(b) + 1
	if (len(a)+1)*width > most {
		return func(int, int) int { return 0 }
	}
	table := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].key == b[j].key {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	return func(i, j int) int { return int(table[i*width+j]) }
}

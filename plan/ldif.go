package plan

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteLDIF writes operations as LDIF change records (RFC 2849), each followed by an empty line. Where a DN or a value has
// to be encoded, a comment shows it readable. Passwords are never written: a comment stands in their place.
func WriteLDIF(w io.Writer, operations ...Operation) error {
	var b ldifBuilder
	for _, op := range operations {
		b.operation(op)
		b.WriteByte('\n')
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write LDIF: %w", err)
	}
	return nil
}

// WriteEntries writes entries as LDIF content records, each followed by an empty line.
func WriteEntries(w io.Writer, entries ...*Entry) error {
	var b ldifBuilder
	for _, e := range entries {
		b.dn(e.DN)
		for _, a := range e.Attributes {
			b.values(a.Name, a.Values)
		}
		b.WriteByte('\n')
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write LDIF: %w", err)
	}
	return nil
}

type ldifBuilder struct{ strings.Builder }

func (b *ldifBuilder) operation(op Operation) {
	b.dn(op.Target())
	switch op := op.(type) {
	case Add:
		b.line("changetype", "add")
		for _, a := range op.Attributes {
			b.values(a.Name, a.Values)
		}
	case Modify:
		b.line("changetype", "modify")
		for _, m := range op.Modifications {
			b.line(string(m.Type), m.Name)
			b.values(m.Name, m.Values)
			b.WriteString("-\n")
		}
	case ModifyDN:
		b.line("changetype", "modrdn")
		b.readable(op.NewRDN.String())
		b.line("newrdn", op.NewRDN.String())
		deleteOld := "0"
		if op.DeleteOldRDN {
			deleteOld = "1"
		}
		b.line("deleteoldrdn", deleteOld)
		if !op.NewSuperior.Empty() {
			b.readable(op.NewSuperior.String())
			b.line("newsuperior", op.NewSuperior.String())
		}
	case Delete:
		b.line("changetype", "delete")
		if op.Subtree {
			b.comment("with everything below it")
		}
	case SetPassword:
		b.line("changetype", "modify")
		b.comment("the password is set; it is never shown")
	}
}

func (b *ldifBuilder) dn(dn DN) {
	b.readable(dn.String())
	b.line("dn", dn.String())
}

func (b *ldifBuilder) values(name string, values []string) {
	for _, v := range values {
		if IsPassword(name) {
			b.comment(name + ": [secret]")
			continue
		}
		b.readable(v)
		b.line(name, v)
	}
}

// readable writes a comment with the text where its line has to be encoded and a person could read it.
func (b *ldifBuilder) readable(text string) {
	if !isSafe(text) && utf8.ValidString(text) && strings.TrimSpace(text) == text && len(text) < 1024 {
		b.comment(shown(text))
	}
}

// shown escapes what a terminal does not show as it is: control characters, and those that turn the direction of writing.
func shown(text string) string {
	if !strings.ContainsFunc(text, isHidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !isHidden(r) {
			b.WriteRune(r)
			continue
		}
		escaped := strconv.QuoteRuneToASCII(r)
		b.WriteString(escaped[1 : len(escaped)-1])
	}
	return b.String()
}

func isHidden(r rune) bool { return !unicode.IsGraphic(r) }

func (b *ldifBuilder) comment(text string) { b.WriteString("# " + text + "\n") }

func (b *ldifBuilder) line(name, value string) {
	line := name + ": " + value
	if value == "" {
		line = name + ":"
	} else if !isSafe(value) {
		line = name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	const width = 76
	for len(line) > width {
		b.WriteString(line[:width] + "\n")
		line = " " + line[width:]
	}
	b.WriteString(line + "\n")
}

// isSafe reports whether a value may stand in LDIF as it is: SAFE-STRING, no space at the end, and nothing that a terminal obeys.
func isSafe(v string) bool {
	if v == "" {
		return true
	}
	if strings.IndexByte(" :<", v[0]) >= 0 || v[len(v)-1] == ' ' {
		return false
	}
	for i := 0; i < len(v); i++ {
		if c := v[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// IsPassword reports whether the values of an attribute are passwords, clear or hashed.
func IsPassword(name string) bool {
	name, _, _ = strings.Cut(name, ";")
	switch strings.ToLower(name) {
	case "userpassword", "unicodepwd", "authpassword", "sambantpassword", "sambalmpassword", "userpkcs12":
		return true
	}
	return false
}

// Summary says in a few words what a plan does, without any value: for logs and answers.
func (p Plan) Summary() string {
	if p.Empty() {
		return "nothing to write"
	}
	parts := make([]string, len(p.Operations))
	for i, op := range p.Operations {
		parts[i] = op.Verb()
		if modify, ok := op.(Modify); ok {
			for j, m := range modify.Modifications {
				if j == 0 || m.Name != modify.Modifications[j-1].Name {
					parts[i] += " " + m.Name
				}
			}
		}
	}
	return strings.Join(parts, ", ")
}

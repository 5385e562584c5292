package demo

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// page writes the demonstration, in colour on a terminal.
type page struct {
	out    io.Writer
	colour bool
}

// Colours of a terminal (ECMA-48).
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
	blue  = "36"
)

func (p page) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (p page) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// title begins a step.
func (p page) title(day, text string) {
	p.line("")
	p.line("%s %s", p.paint(faint, fmt.Sprintf("%-9s", day)), p.paint(bold, text))
}

// event shows an event with the answer that IDaaS got.
func (p page) event(e idaastest.Event, answer idaastest.Answer) {
	list, result := answer.Of(e.ID)
	p.line("  %s %s", p.paint(blue, "event "), p.paint(blue, e.Type.Short())+p.paint(faint, "  "+subject(e)))
	if answer.Status != 200 {
		p.line("  %s %d %s", p.paint(faint, "answer"), answer.Status, answer.Error)
		return
	}
	text := result.EventCode
	if result.EventCode == "ACCEPTED" {
		text += ": " + result.EventMessage
	}
	p.line("  %s %s", p.paint(faint, "answer"), p.paint(faint, list+", "+text))
}

// subject names what an event is about, for a person.
func subject(e idaastest.Event) string {
	for _, field := range []string{"displayName", "username", "organizationalUnitName", "groupName"} {
		if text, _ := e.BizData[field].(string); text != "" {
			return text
		}
	}
	return e.BizID
}

// writes shows what the directory was told.
func (p page) writes(records []ldaptest.Record) {
	if len(records) == 0 {
		p.line("  %s %s", p.paint(faint, "LDAP  "), p.paint(faint, "nothing to write"))
		return
	}
	for _, r := range records {
		var text bytes.Buffer
		if err := plan.WriteLDIF(&text, operation(r)); err != nil {
			p.line("  LDAP   %s %s", r.Verb, r.DN)
			continue
		}
		for i, line := range strings.Split(unfolded(text.String()), "\n") {
			label := "      "
			if i == 0 {
				label = "LDAP  "
			}
			p.line("  %s %s", p.paint(faint, label), line)
		}
	}
}

// operation turns what the directory has noted into the words of LDIF.
func operation(r ldaptest.Record) plan.Operation {
	dn, err := plan.ParseDN(r.DN)
	if err != nil {
		dn = plan.DN{{{Type: "dn", Value: r.DN}}}
	}
	switch r.Verb {
	case "add":
		return plan.Add{DN: dn, Attributes: r.Attributes}
	case "modify":
		return plan.Modify{DN: dn, Modifications: r.Modifications}
	case "modrdn":
		to, err := plan.ParseDN(r.NewDN)
		if err != nil {
			return plan.Delete{DN: dn}
		}
		op := plan.ModifyDN{DN: dn, NewRDN: to.RDN(), DeleteOldRDN: r.DeleteOldRDN}
		if !to.Parent().Equal(dn.Parent()) {
			op.NewSuperior = to.Parent()
		}
		return op
	case "password":
		return plan.SetPassword{DN: dn}
	default:
		return plan.Delete{DN: dn}
	}
}

// check shows what was looked at and whether it is as it should be.
func (p page) check(err error, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if err == nil {
		p.line("  %s %s", p.paint(green, "ok    "), text)
		return
	}
	p.line("  %s %s: %v", p.paint(red, "FAILED"), text, err)
}

// unfolded joins the lines that LDIF breaks at a fixed width: a page is read, not parsed.
func unfolded(ldif string) string {
	return strings.ReplaceAll(strings.TrimRight(ldif, "\n"), "\n ", "")
}

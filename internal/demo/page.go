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
	names  names
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
	if !p.colour || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (p page) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// day begins a day of the week.
func (p page) day(name string) {
	p.line("")
	p.line("%s", p.paint(faint, name+" "+strings.Repeat("─", pageWidth-len(name)-1)))
}

// title begins a step.
func (p page) title(text string) {
	p.line("")
	p.line("%s", p.paint(bold, text))
}

// cell is one line of a column.
type cell struct{ text, colour string }

// beside writes two columns.
func (p page) beside(left, right []cell) {
	for i := range max(len(left), len(right)) {
		var l, r cell
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		fill := padded(l.text, leftWidth)[len(l.text):]
		p.line("%s", strings.TrimRight("  "+p.paint(l.colour, l.text)+fill+" "+p.paint(faint, "│")+" "+p.paint(r.colour, r.text), " "))
	}
}

// event shows an event and its answer beside what the directory was told.
func (p page) event(e idaastest.Event, answer idaastest.Answer, records []ldaptest.Record) {
	left := []cell{{e.Type.Short(), blue}}
	for _, line := range p.names.describe(e) {
		left = append(left, cell{text: line})
	}
	for _, line := range answered(e, answer) {
		left = append(left, cell{line, faint})
	}
	p.beside(left, told(records))
}

// push shows many events of one request, a line for each, beside what the directory was told.
func (p page) push(events []idaastest.Event, answer idaastest.Answer, records []ldaptest.Record) {
	var left []cell
	for _, e := range events {
		p.names.learn(e)
		_, result := answer.Of(e.ID)
		kind := strings.Replace(e.Type.Short(), "organizational_unit", "ou", 1)
		left = append(left, cell{cut(padded(kind, len("group:push")+1)+p.names[e.BizID], leftWidth-len("UNCHANGED")-1), blue})
		last := &left[len(left)-1]
		last.text = padded(last.text, leftWidth-len("UNCHANGED")) + result.EventCode
	}
	p.beside(left, told(records))
}

// unattended shows what the directory was told without an event of this moment.
func (p page) unattended(what string, records []ldaptest.Record) {
	p.beside([]cell{{what, faint}}, told(records))
}

// answered says what IDaaS was answered about an event.
func answered(e idaastest.Event, answer idaastest.Answer) []string {
	text := fmt.Sprintf("%d %s", answer.Status, answer.Error)
	if list, result := answer.Of(e.ID); list != "" {
		text = list + " " + result.EventCode
		if result.EventCode == "ACCEPTED" || list == "failed" {
			text += ": " + result.EventMessage
		}
	}
	return wrapped("=> "+text, leftWidth, "   ")
}

// told is what the directory was told, as LDIF.
func told(records []ldaptest.Record) []cell {
	if len(records) == 0 {
		return []cell{{"(nothing is written)", faint}}
	}
	var cells []cell
	for i, r := range records {
		if i > 0 {
			cells = append(cells, cell{})
		}
		var text bytes.Buffer
		if err := plan.WriteLDIF(&text, operation(r)); err != nil {
			cells = append(cells, cell{text: r.String()})
			continue
		}
		for _, line := range strings.Split(unfolded(text.String()), "\n") {
			colour := ""
			if strings.HasPrefix(line, "#") {
				colour = faint
			}
			for _, part := range folded(line, rightWidth) {
				cells = append(cells, cell{part, colour})
			}
		}
	}
	return cells
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

// unfolded joins the lines that LDIF breaks at a width of its own.
func unfolded(ldif string) string {
	return strings.ReplaceAll(strings.TrimRight(ldif, "\n"), "\n ", "")
}

// check shows what was looked at and whether it is as it should be.
func (p page) check(err error, format string, args ...any) {
	text, mark, colour := fmt.Sprintf(format, args...), "ok", green
	if err != nil {
		text, mark, colour = fmt.Sprintf("%s: %v", text, err), "FAILED", red
	}
	for i, line := range wrapped(text, pageWidth-len(mark)-3, "") {
		if i > 0 {
			mark = strings.Repeat(" ", len(mark))
		}
		p.line("  %s %s", p.paint(colour, mark), line)
	}
}

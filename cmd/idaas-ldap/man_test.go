package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The manual page has every command and every flag, and is made of known requests and of text in which nothing is one.
func TestManualPage(t *testing.T) {
	code, page, errs := call(t, "man")
	if code != exitDone {
		t.Fatal(errs)
	}
	plain := strings.NewReplacer(`\-`, "-", `\e`, `\`, `\&`, "", `\(dq`, `"`).Replace(page)
	for _, want := range []string{
		`.TH "IDAAS-LDAP" "1"`, `.SH "NAME"`, `.SS "events retry"`, `.SS "plan <event>"`, `.SS "reconcile [<who>]"`, "--config=FILE", "--exit-code", "--output=text|json",
		"--limit=50", `.SH "EXIT STATUS"`, "IDAAS_LDAP_CONFIG", "completion <shell>",
	} {
		if !strings.Contains(plain, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	request := regexp.MustCompile(`^\.(TH|SH|SS|PP|TP|B)( "[^"]*")*$`)
	escape := regexp.MustCompile(`\\(-|e|&|\(dq)`)
	for number, line := range strings.Split(strings.TrimSuffix(page, "\n"), "\n") {
		rest := escape.ReplaceAllString(line, "")
		switch {
		case line == "":
			t.Errorf("line %d is empty", number+1)
		case strings.HasPrefix(line, ".") && !request.MatchString(line):
			t.Errorf("line %d is no request: %s", number+1, line)
		case strings.ContainsAny(rest, `\-`) || strings.HasPrefix(line, "'"):
			t.Errorf("line %d has something that is not escaped: %s", number+1, line)
		}
	}
	if len(strings.Split(page, "\n.TP\n")) < 60 {
		t.Errorf("there are few flags in\n%s", page)
	}
}

func TestRoffEscapes(t *testing.T) {
	var m manual
	m.text(".so /etc/passwd\n'x\nC:\\dir --flag")
	m.request("B", `say "x" \ -y`)
	want := "\\&.so /etc/passwd\n\\&'x\nC:\\edir \\-\\-flag\n.B \"say \\(dqx\\(dq \\e \\-y\"\n"
	if got := m.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The help of every flag and argument is a sentence, and says what holds without a flag that takes a value.
func TestEveryFlagSaysItsDefault(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": "x", "events": eventForms})
	if err != nil {
		t.Fatal(err)
	}
	says := regexp.MustCompile(`(?i)without|otherwise|absent`)
	for _, c := range commandTree(parser.Model.Node, nil) {
		if len(c.path) > 0 && !strings.HasSuffix(c.node.Help, ".") {
			t.Errorf("%v: %q is no sentence", c.path, c.node.Help)
		}
		for _, p := range c.node.Positional {
			if !strings.HasSuffix(p.Help, ".") || !p.Required && !says.MatchString(p.Help) {
				t.Errorf("%v <%s>: %q", c.path, p.Name, p.Help)
			}
		}
		for _, f := range c.node.Flags {
			if !strings.HasSuffix(strings.TrimSuffix(f.Help, "help"), ".") || !f.IsBool() && !says.MatchString(f.Help) {
				t.Errorf("%v --%s: %q says no default", c.path, f.Name, f.Help)
			}
		}
	}
}

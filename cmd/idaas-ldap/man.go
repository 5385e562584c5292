package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Help says how the page is put to use.
func (manCommand) Help() string {
	return "To install it: idaas-ldap man > /usr/local/share/man/man1/idaas-ldap.1"
}

// Run prints the manual page, made from the command line itself.
func (manCommand) Run(t terminal, app *kong.Kong) error {
	page := manual{}
	page.request("TH", "IDAAS-LDAP", "1", "", currentVersion(), "User Commands")
	page.request("SH", "NAME")
	page.text("idaas-ldap - " + lowerFirst(app.Model.Help))
	page.request("SH", "SYNOPSIS")
	page.request("B", "idaas-ldap")
	page.text("COMMAND [FLAG ...]")
	page.request("SH", "COMMANDS")
	for _, c := range commandTree(app.Model.Node, nil)[1:] {
		page.command(c)
	}
	page.request("SH", "ENVIRONMENT")
	page.item(configVariable, "The configuration file, where --config does not name one.")
	page.item("IDAAS_LDAP_...", "Every value of the configuration, by its path, as in IDAAS_LDAP_RECEIVER_LISTEN.")
	page.item("NO_COLOR", "No colours on a terminal.")
	page.request("SH", "FILES")
	page.item("./idaas-ldap.yaml, /etc/idaas-ldap/idaas-ldap.yaml", "The configuration, where nothing names one: the first of these that is there.")
	page.request("SH", "EXIT STATUS")
	page.item("0", "Everything went well.")
	page.item("1", "It ran, and something failed.")
	page.item("64", "Wrong usage.")
	page.item("78", "A wrong configuration, or a file that is named and is wrong or not there.")
	_, err := io.WriteString(t.Out, page.String())
	return err
}

// manual is a page in the language of man(7).
type manual struct{ strings.Builder }

// command describes a command, its argument and its flags.
func (m *manual) command(c completed) {
	usage := strings.Join(c.path, " ")
	for _, p := range c.node.Positional {
		name := "<" + p.Name + ">"
		if !p.Required {
			name = "[" + name + "]"
		}
		usage += " " + name
	}
	m.request("SS", usage)
	m.text(c.node.Help)
	if c.node.Detail != "" {
		m.request("PP")
		m.text(c.node.Detail)
	}
	for _, p := range c.node.Positional {
		m.item("<"+p.Name+">", p.Help)
	}
	for _, f := range c.node.Flags {
		if f.Name != "help" && !f.Hidden {
			m.item(flagForm(f), f.Help)
		}
	}
}

// flagForm is how a flag is written.
func flagForm(f *kong.Flag) string {
	form := "--" + f.Name
	switch {
	case f.IsBool():
		return form
	case f.Enum != "":
		return form + "=" + strings.Join(f.EnumSlice(), "|")
	}
	return form + "=" + cmp.Or(f.PlaceHolder, f.Default, strings.ToUpper(f.Name))
}

// item is a word with what it means.
func (m *manual) item(word, meaning string) {
	m.request("TP")
	m.request("B", word)
	m.text(meaning)
}

// request writes a request with its arguments.
func (m *manual) request(name string, arguments ...string) {
	m.WriteString("." + name)
	for _, a := range arguments {
		fmt.Fprintf(m, " \"%s\"", strings.ReplaceAll(roff(a), "\"", "\\(dq"))
	}
	m.WriteByte('\n')
}

// text writes running text, a line for each of its lines. Nothing in it is a request.
func (m *manual) text(text string) {
	for line := range strings.Lines(text) {
		line = roff(strings.TrimRight(line, "\n"))
		if line == "" {
			m.request("PP")
			continue
		}
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = "\\&" + line
		}
		m.WriteString(line + "\n")
	}
}

// roff escapes what has a meaning in running text.
func roff(text string) string {
	return strings.NewReplacer("\\", "\\e", "-", "\\-").Replace(text)
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }

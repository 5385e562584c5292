package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help says how the script is put to use.
func (completionCommand) Help() string {
	return "In bash: source <(idaas-ldap completion bash)\n\nIn zsh: source <(idaas-ldap completion zsh)\n\nIn fish: idaas-ldap completion fish | source"
}

// Run prints a script that lets a shell complete commands, flags and their values.
func (c completionCommand) Run(t terminal, app *kong.Kong) error {
	commands := commandTree(app.Model.Node, nil)
	if c.Shell == "fish" {
		return writeFish(t.Out, commands)
	}
	return writeBash(t.Out, c.Shell == "zsh", commands)
}

// completed is what can follow one command.
type completed struct {
	// path are the words of the command, none for the program itself.
	path     []string
	node     *kong.Node
	commands []*kong.Node
	flags    []*kong.Flag
	// values are those that the argument can have, none where it can be anything.
	values []string
}

// commandTree lists a command and those below it.
func commandTree(n *kong.Node, path []string) []completed {
	c := completed{path: path, node: n}
	for _, group := range n.AllFlags(true) {
		c.flags = append(c.flags, group...)
	}
	for _, p := range n.Positional {
		c.values = append(c.values, enum(p)...)
	}
	var below []completed
	for _, child := range n.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			c.commands = append(c.commands, child)
			below = append(below, commandTree(child, append(path[:len(path):len(path)], child.Name))...)
		}
	}
	return append([]completed{c}, below...)
}

// enum returns the values that a flag or argument can have, none where it can be anything.
func enum(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// words are all that can follow a command.
func (c completed) words() []string {
	var out []string
	for _, n := range c.commands {
		out = append(out, n.Name)
	}
	out = append(out, c.values...)
	for _, f := range c.flags {
		out = append(out, "--"+f.Name)
	}
	return out
}

// writeBash writes a function for bash; zsh understands it as well when told so. Where nothing is known to follow, the shell
// completes the names of files.
func writeBash(out io.Writer, zsh bool, commands []completed) error {
	var b strings.Builder
	if zsh {
		b.WriteString("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n")
	}
	b.WriteString("_idaas_ldap() {\n\tlocal path= word words= i\n\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tword=${COMP_WORDS[i]}\n\t\tcase \"$path/$word\" in\n")
	for _, c := range commands[1:] {
		fmt.Fprintf(&b, "\t\t/%s) path=$path/$word ;;\n", strings.Join(c.path, "/"))
	}
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$path ${COMP_WORDS[COMP_CWORD-1]}\" in\n")
	for _, c := range commands {
		for _, f := range c.flags {
			if !f.IsBool() {
				fmt.Fprintf(&b, "\t'%s --%s') words='%s' ;;\n", c.key(), f.Name, strings.Join(enum(f.Value), " "))
			}
		}
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "\t'%s '*) words='%s' ;;\n", c.key(), strings.Join(c.words(), " "))
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _idaas_ldap idaas-ldap\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// key is the path of a command as the function keeps it.
func (c completed) key() string {
	if len(c.path) == 0 {
		return ""
	}
	return "/" + strings.Join(c.path, "/")
}

// writeFish writes rules for fish.
func writeFish(out io.Writer, commands []completed) error {
	var b strings.Builder
	rule := func(when, format string, args ...any) {
		fmt.Fprintf(&b, "complete -c idaas-ldap -n '%s' %s\n", when, fmt.Sprintf(format, args...))
	}
	for _, c := range commands {
		when := "true"
		if len(c.path) > 0 {
			seen := make([]string, len(c.path))
			for i, word := range c.path {
				seen[i] = "__fish_seen_subcommand_from " + word
			}
			when = strings.Join(seen, "; and ")
		}
		names := make([]string, len(c.commands))
		for i, n := range c.commands {
			names[i] = n.Name
		}
		for _, n := range c.commands {
			rule(when+"; and not __fish_seen_subcommand_from "+strings.Join(names, " "), "-f -a %s -d %s", n.Name, fishText(n.Help))
		}
		if len(c.values) > 0 {
			rule(when, "-f -a %s", fishText(strings.Join(c.values, " ")))
		}
		for _, f := range c.flags {
			switch values := enum(f.Value); {
			case f.IsBool():
				rule(when, "-l %s -d %s", f.Name, fishText(f.Help))
			case len(values) > 0:
				rule(when, "-l %s -x -a %s -d %s", f.Name, fishText(strings.Join(values, " ")), fishText(f.Help))
			default:
				rule(when, "-l %s -r -d %s", f.Name, fishText(f.Help))
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// fishText puts a text into quotes.
func fishText(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

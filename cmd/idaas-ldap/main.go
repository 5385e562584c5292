// Command idaas-ldap feeds LDAP directories from the account events of Alibaba Cloud IDaaS.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/mapping"
	"idaas-ldap/store"
)

// Exit codes. A program of Go that crashes ends with 2, so that says nothing else.
const (
	exitDone   = 0
	exitFailed = 1  // it ran and something failed
	exitUsage  = 64 // wrong usage (EX_USAGE of sysexits.h)
	exitConfig = 78 // wrong configuration, which does not mend itself (EX_CONFIG)
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ()}
	code := supervised(ctx, t, func(ctx context.Context, t terminal) int { return run(ctx, t, os.Args[1:]) })
	stop()
	os.Exit(code)
}

// terminal is what a command may read from and write to.
type terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
}

// wantsColour reports whether the output goes to a terminal whose user has not switched colours off by NO_COLOR.
func (t terminal) wantsColour() bool {
	off := slices.ContainsFunc(t.Environ, func(v string) bool { return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" })
	return !off && isTerminal(t.Out)
}

// commands is the command line; the texts are its help.
type commands struct {
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	Demo       demoCommand       `cmd:"" help:"Show the whole product on this machine, with nothing to install."`
	Init       initCommand       `cmd:"" help:"Look at a directory, and write a first configuration and mapping for it."`
	Serve      serveCommand      `cmd:"" help:"Run the service."`
	Health     healthCommand     `cmd:"" help:"Ask the service that runs on this machine whether it is ready."`
	Validate   validateCommand   `cmd:"" help:"Check the configuration and its mapping files."`
	Plan       planCommand       `cmd:"" help:"Show as LDIF what an event would write, and write nothing."`
	Explain    explainCommand    `cmd:"" help:"Tell all about one user, unit or group: what is known, wanted, held, and what it waits for."`
	Test       testCommand       `cmd:"" help:"Run the tests inside mapping files."`
	Reconcile  reconcileCommand  `cmd:"" help:"Compare everybody who is known with the directories, and write what differs if asked to."`
	Pull       pullCommand       `cmd:"" help:"Read the organization from IDaaS's own API, and catch up with what was missed if asked to."`
	Events     eventsCommand     `cmd:"" help:"List, show, retry or discard events."`
	Audit      auditCommand      `cmd:"" help:"List what was written to directories, or look whether the audit log is whole."`
	Notify     notifyCommand     `cmd:"" help:"Send a test message to each receiver of notifications."`
	Backup     backupCommand     `cmd:"" help:"Copy the store into a file while the service runs."`
	Restore    restoreCommand    `cmd:"" help:"Put a backup in the place of the store."`
	Store      storeCommand      `cmd:"" help:"Carry the store over to another database."`
	Drain      drainCommand      `cmd:"" help:"Have the instance on this machine hand its directories over to the others, before it is stopped."`
	Doctor     doctorCommand     `cmd:"" help:"Say what of a damaged store can be read, and save that if asked to."`
	Simulate   simulateCommand   `cmd:"" help:"Act as IDaaS: sign, encrypt and send events."`
	Schema     schemaCommand     `cmd:"" help:"Print the JSON Schema of a file, for editors."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
	Man        manCommand        `cmd:"" help:"Print the manual page, for man(1)."`
	Completion completionCommand `cmd:"" help:"Print a script that lets a shell complete commands and flags."`
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, t terminal, args []string) int {
	t.Out, t.Err = screen{t.Out}, screen{t.Err}
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("idaas-ldap"),
		kong.Description("Feeds OpenLDAP, Active Directory and 389 Directory Server from the account events of Alibaba Cloud IDaaS."),
		kong.Writers(t.Out, t.Err),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
		kong.Vars{"version": versionLine(), "events": eventForms},
	)
	if err != nil {
		fmt.Fprintf(t.Err, "idaas-ldap: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited // the help was shown
	}
	if err != nil {
		fmt.Fprintf(t.Err, "idaas-ldap: %v\nidaas-ldap: 'idaas-ldap --help' lists the commands, 'idaas-ldap COMMAND --help' the flags of one\n", err)
		return exitUsage
	}
	return report(t, command.Run())
}

// usageError is wrong usage that only shows when the command runs.
type usageError struct{ error }

// configError is a wrong configuration, or a file that is named and is not there.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// isConfiguration reports whether an error is about the configuration or a file that it names, and whether it says where.
func isConfiguration(err error) (is, located bool) {
	var wrong configError
	var setting *config.Problems
	var rule *mapping.Errors
	var test *reload.TestsFailed
	var place *store.Misconfigured
	located = errors.As(err, &setting) || errors.As(err, &rule) || errors.As(err, &test)
	return located || errors.As(err, &wrong) || errors.As(err, &place), located
}

// errReported ends a command whose failure is on the terminal already.
var errReported = errors.New("reported")

// report prints what went wrong and chooses the exit code.
func report(t terminal, err error) int {
	var usage usageError
	wrong, located := isConfiguration(err)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	case located:
		fmt.Fprintln(t.Err, err)
		return exitConfig
	}
	fmt.Fprintf(t.Err, "idaas-ldap: %v\n", err)
	switch {
	case wrong:
		return exitConfig
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

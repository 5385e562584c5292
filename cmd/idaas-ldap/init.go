package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"idaas-ldap/connector"
	"idaas-ldap/internal/initial"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

type initCommand struct {
	URL              string `name:"url" placeholder:"URL" help:"A server of the directory, such as ldaps://ldap1.example.org; asked for without it."`
	StartTLS         bool   `name:"start-tls" help:"Speak TLS to an ldap:// URL."`
	AllowCleartext   bool   `help:"Try an ldap:// server on another machine without TLS, to see what it is. The service refuses that until the configuration allows it."`
	BindDN           string `name:"bind-dn" placeholder:"DN" help:"The account with which the service logs in; asked for without it."`
	BindPasswordFile string `placeholder:"FILE" type:"path" help:"A file with its password; asked for without it."`
	CAFile           string `name:"ca-file" placeholder:"FILE" type:"path" help:"Whom to trust (PEM); those whom the system trusts otherwise."`
	Base             string `placeholder:"DN" help:"Below which entry everything is; the one that the server names without it, or asked for where it names several."`
	POSIX            bool   `name:"posix" help:"Accounts are for logins to UNIX as well (OpenLDAP)."`
	KeyEndpoint      string `placeholder:"URL" help:"The key endpoint of the application, as the console of IDaaS shows it; asked for without it."`
	Simulated        bool   `help:"Trust 'idaas-ldap simulate' in place of IDaaS, for a trial: its signing key is made, and no key endpoint is asked for."`
	EncryptionKey    string `name:"encryption-key-file" placeholder:"FILE" type:"path" help:"A file with the key that IDaaS encrypts events with, 64 hex digits; one is made without it."`
	CertFile         string `placeholder:"FILE" type:"path" help:"The receiver's certificate (PEM); without it, a proxy on this machine speaks TLS."`
	KeyFile          string `placeholder:"FILE" type:"path" help:"The key of the certificate (PEM); none without one."`
	State            string `default:"data" help:"The folder of the store, relative to that of the configuration; data without it."`
	Folder           string `arg:"" optional:"" default:"." type:"path" help:"The folder to write to, which is made where it is not there; the current one without it."`
}

// Run asks for what is not given, looks at the directory, and writes what a service begins with. Nothing is replaced.
func (c initCommand) Run(ctx context.Context, t terminal) error {
	ask := &questions{terminal: t, reader: bufio.NewReader(t.In), somebody: isTerminal(t.In)}
	if err := c.mayWrite(); err != nil {
		return err
	}
	a := initial.Answers{CAFile: c.CAFile, StartTLS: c.StartTLS, POSIX: c.POSIX, CertFile: c.CertFile, KeyFile: c.KeyFile, State: c.State}
	if (a.CertFile == "") != (a.KeyFile == "") {
		return usageError{errors.New("--cert-file and --key-file go together")}
	}
	if c.Simulated && c.KeyEndpoint != "" {
		return usageError{errors.New("--simulated has no --key-endpoint: either the simulation sends events, or IDaaS")}
	}
	var password secret.Text
	for _, answer := range []func() error{
		func() (err error) { a.KeyEndpoint, err = c.endpoint(ask); return err },
		func() (err error) {
			a.URL, err = ask.text("a server of the directory, such as ldaps://ldap1.example.org", "--url", c.URL)
			return err
		},
		func() (err error) {
			a.BindDN, err = ask.text("the DN of the account with which the service logs in", "--bind-dn", c.BindDN)
			return err
		},
		func() (err error) { password, err = ask.password(c.BindPasswordFile); return err },
	} {
		if err := answer(); err != nil {
			return usageError{err}
		}
	}
	if err := c.look(ctx, t, ask, &a, password); err != nil {
		return err
	}
	files, err := initial.Files(a)
	if err != nil {
		return err //nolint:wrapcheck // It says what is wrong.
	}
	key, err := c.encryptionKey()
	if err != nil {
		return err
	}
	files = append(files,
		initial.File{Name: initial.BindSecret, Content: []byte(password.Reveal() + "\n"), Secret: true},
		initial.File{Name: initial.EncryptionSecret, Content: []byte(key.Reveal() + "\n"), Secret: true})
	if c.Simulated {
		private, text, err := newSigningKey()
		if err != nil {
			return err
		}
		files = append(files,
			initial.File{Name: initial.SimulatedKey, Content: text, Secret: true},
			initial.File{Name: initial.SimulatedKeySet, Content: simulatedTenant(private).JWKS()})
	}
	if err := c.write(files); err != nil {
		return err
	}
	if _, err := loadConfig(filepath.Join(c.Folder, initial.ConfigurationFile), t); err != nil {
		return err
	}
	return c.next(t, a)
}

// endpoint returns the key endpoint, which the simulation has none of.
func (c initCommand) endpoint(ask *questions) (string, error) {
	if c.Simulated {
		return "", nil
	}
	endpoint, err := ask.text("the key endpoint of the application, as the console of IDaaS shows it", "--key-endpoint", c.KeyEndpoint)
	if err == nil {
		_, _, err = initial.Application(endpoint)
	}
	return endpoint, err
}

// mayWrite refuses a folder in which there is something already.
func (c initCommand) mayWrite() error {
	for _, name := range []string{initial.ConfigurationFile, initial.BindSecret, initial.EncryptionSecret, initial.SimulatedKey, initial.SimulatedKeySet, "mappings"} {
		path := filepath.Join(c.Folder, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return usageError{fmt.Errorf("%s is there already, and nothing is replaced: name another folder", path)}
		}
	}
	return nil
}

// lookWithin bounds the look at the directory.
const lookWithin = 30 * time.Second

// look finds out what the directory is.
func (c initCommand) look(ctx context.Context, t terminal, ask *questions, a *initial.Answers, password secret.Text) error {
	trust, err := c.trust()
	if err != nil {
		return err
	}
	base := plan.DN{}
	if c.Base != "" {
		if base, err = plan.ParseDN(c.Base); err != nil {
			return usageError{fmt.Errorf("--base: %w", err)}
		}
	}
	d, err := connector.Open(connector.Config{
		Name: "corp", Type: "auto", URLs: []string{a.URL}, StartTLS: a.StartTLS, AllowCleartext: c.AllowCleartext, BindDN: a.BindDN, LoginKey: "the password",
		Credentials: connector.Fixed(connector.Credentials{TLS: trust, BindPassword: password}),
		Base:        func() plan.DN { return base },
		Connections: 1, Timeout: lookWithin, Log: quietLog(t.Err), Clock: time.Now,
	})
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	profile, err := d.Profile(ctx)
	if err != nil {
		return fmt.Errorf("look at %s: %w", a.URL, err)
	}
	a.Type = profile.Flavour.Name()
	fmt.Fprintf(t.Err, "%s is %s\n", a.URL, strings.TrimSpace(a.Type+" "+profile.Vendor))
	if a.Base = base; base.Empty() {
		suffixes, err := d.Suffixes(ctx)
		if err != nil {
			return fmt.Errorf("look at %s: %w", a.URL, err)
		}
		a.Base, err = ask.base(suffixes)
		if err != nil {
			return usageError{err}
		}
	}
	return nil
}

// trust is whom to trust; nil for those whom the system trusts.
func (c initCommand) trust() (*tls.Config, error) {
	if c.CAFile == "" {
		return nil, nil //nolint:nilnil // As the connector wants it.
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, configError{fmt.Errorf("--ca-file: %w", err)}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, configError{fmt.Errorf("--ca-file: there is no certificate in %s", c.CAFile)}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

// encryptionKey reads the key of the events, or makes one (AES-256).
func (c initCommand) encryptionKey() (secret.Text, error) {
	if c.EncryptionKey == "" {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails
		return secret.New(hex.EncodeToString(raw)), nil
	}
	text, err := os.ReadFile(c.EncryptionKey)
	if err != nil {
		return secret.Text{}, configError{fmt.Errorf("--encryption-key-file: %w", err)}
	}
	return secret.New(strings.TrimSpace(string(text))), nil
}

// write makes the files, all or none.
func (c initCommand) write(files []initial.File) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				_ = os.Remove(path) // what stays is what the error is about
			}
		}
	}()
	for _, f := range files {
		path := filepath.Join(c.Folder, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", f.Name, err)
		}
		mode := fs.FileMode(0o644)
		if f.Secret {
			mode = 0o600
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		made = append(made, path)
		if _, err = file.Write(f.Content); err == nil {
			err = file.Sync()
		}
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	return nil
}

// next says what is to be done now.
func (c initCommand) next(t terminal, a initial.Answers) error {
	path := filepath.Join(c.Folder, initial.ConfigurationFile)
	if c.Simulated {
		_, err := fmt.Fprintf(t.Out, `%[1]s is written, with the mapping, two secrets and the key of the simulation beside it

See whether %[2]s has its rights, run it, and send it events from another terminal:
  idaas-ldap validate --config %[1]s --online --rights
  idaas-ldap serve --config %[1]s
  idaas-ldap simulate --config %[1]s --signing-key %[3]s --people 20
`, path, a.BindDN, filepath.Join(c.Folder, initial.SimulatedKey))
		return err //nolint:wrapcheck // Of the terminal.
	}
	_, application, err := initial.Application(a.KeyEndpoint)
	if err != nil {
		return err //nolint:wrapcheck // It was looked at before.
	}
	scheme := "https://THIS MACHINE:" + initial.Port
	if a.CertFile == "" {
		scheme = "https://YOUR PROXY"
	}
	key := "the key in " + filepath.Join(c.Folder, initial.EncryptionSecret)
	if c.EncryptionKey != "" {
		key = "the key that it shows already"
	}
	_, err = fmt.Fprintf(t.Out, `%[1]s is written, with the mapping and two secrets beside it

Give %[2]s its rights. This names each one that is missing, with the line that grants it:
  idaas-ldap validate --config %[1]s --online --rights

In IDaaS, application %[3]s, account synchronization by event callback:
  receiving URL          %[4]s/accounts/provision
  encryption key         %[5]s
  events                 all of accounts, organizations and groups
  password               synchronize it, if the directory is to have it

Then run it, and press the connection test in IDaaS:
  idaas-ldap serve --config %[1]s
`, path, a.BindDN, application, scheme, key)
	return err //nolint:wrapcheck // Of the terminal.
}

// questions are asked of who sits at a terminal; elsewhere what is missing is wrong usage.
type questions struct {
	terminal
	reader *bufio.Reader
	// somebody sits there.
	somebody bool
}

// text returns what a flag says, or the answer to a question.
func (q *questions) text(what, flag, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if !q.somebody {
		return "", fmt.Errorf("say %s: %s", flag, what)
	}
	for {
		fmt.Fprintf(q.Err, "%s: ", what)
		line, err := q.reader.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			return line, nil
		}
		if err != nil {
			return "", fmt.Errorf("say %s: %w", flag, err)
		}
	}
}

// password reads one from a file, or from the terminal without showing it.
func (q *questions) password(path string) (secret.Text, error) {
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return secret.Text{}, fmt.Errorf("--bind-password-file: %w", err)
		}
		return secret.New(strings.TrimRight(string(text), "\r\n")), nil
	}
	file, ok := q.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return secret.Text{}, errors.New("say --bind-password-file: a file with the password of that account")
	}
	fmt.Fprint(q.Err, "its password, which is not shown: ")
	raw, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(q.Err)
	if err != nil && !errors.Is(err, io.EOF) {
		return secret.Text{}, fmt.Errorf("read the password: %w", err)
	}
	return secret.New(string(raw)), nil
}

// base chooses among the suffixes of a server.
func (q *questions) base(suffixes []plan.DN) (plan.DN, error) {
	if len(suffixes) == 1 {
		return suffixes[0], nil
	}
	names := make([]string, len(suffixes))
	for i, s := range suffixes {
		names[i] = s.String()
	}
	what := "below which entry everything is"
	if len(names) > 0 {
		what += " (the server has " + strings.Join(names, "; ") + ")"
	}
	text, err := q.text(what, "--base", "")
	if err != nil {
		return nil, err
	}
	return plan.ParseDN(text) //nolint:wrapcheck // It says what is wrong.
}

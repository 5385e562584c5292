package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Directory is one configured directory with its mapping.
type Directory struct {
	Name        string
	Config      config.Directory
	Server      *connector.Directory
	Processor   *processor.Processor
	mapping     *reload.File
	fortunes    *fortunes
	credentials *reload.Held[credentials]
	identities  *identities
	atOnce      int // objects worked on; zero for what is usual
}

// Mapping returns the mapping in force.
func (d *Directory) Mapping() *mapping.Set { return d.mapping.Value() }

// OpenDirectories opens the configured directories with their mappings. Everything that is wrong is reported at once.
func OpenDirectories(cfg *config.Config, log logrus.FieldLogger, metrics *telemetry.Metrics) ([]*Directory, error) {
	directories, err := openDirectories(cfg, nil, 0, log, metrics, time.Now)
	if err != nil {
		for _, d := range directories {
			d.Server.Close()
		}
		return nil, err
	}
	return directories, nil
}

// openDirectories returns those that can be opened, and what is wrong with the others. Former are the directories before; so many
// objects of each are worked on at a time, zero for what is usual.
func openDirectories(cfg *config.Config, former []*Directory, atOnce int, log logrus.FieldLogger, metrics *telemetry.Metrics, clock func() time.Time) ([]*Directory, error) {
	var directories []*Directory
	var wrong []error
	for i := range cfg.Directories {
		d, err := openDirectory(cfg, i, named(former, cfg.Directories[i].Name), atOnce, log, metrics, clock)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		directories = append(directories, d)
	}
	return directories, errors.Join(wrong...)
}

// openDirectory connects nothing yet: a directory that is down does not keep the service from starting.
func openDirectory(all *config.Config, i int, former *Directory, atOnce int, log logrus.FieldLogger, metrics *telemetry.Metrics, clock func() time.Time) (*Directory, error) {
	cfg, at := all.Directories[i], fmt.Sprintf("directories[%d]", i)
	d := &Directory{Name: cfg.Name, Config: cfg, atOnce: atOnce, fortunes: &fortunes{clock: clock, since: clock()}, identities: &identities{directory: cfg.Name, met: map[string]string{}}}
	var wrong []error
	var err error
	if d.mapping, err = reload.Load(string(cfg.Mapping), func(r reload.Result) { d.reloaded(r, log, metrics) }); err != nil {
		wrong = append(wrong, located(all, at+".mapping", err))
	}
	var before *reload.Held[credentials]
	if former != nil {
		before = former.credentials
	}
	d.credentials, err = credentialsOf(at, cfg, before, clock, filesReloaded(log, metrics))
	if err != nil {
		wrong = append(wrong, located(all, keyOf(err, at, map[string]config.Path{
			".bind_password_file": cfg.BindPasswordFile, ".tls.ca_file": cfg.TLS.CAFile, ".tls.cert_file": cfg.TLS.CertFile, ".tls.key_file": cfg.TLS.KeyFile,
		}), err))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if d.Server, err = connector.Open(d.connection(cfg.URLs, log, metrics, clock)); err != nil {
		return nil, located(all, at, err)
	}
	d.Processor = processor.New(d.Server, d.Mapping)
	return d, nil
}

// connection says how to reach some of the servers.
func (d *Directory) connection(urls []string, log logrus.FieldLogger, metrics *telemetry.Metrics, clock func() time.Time) connector.Config {
	cfg := d.Config
	return connector.Config{
		Name: cfg.Name, Type: cfg.Type, URLs: urls,
		StartTLS: cfg.StartTLS, AllowCleartext: cfg.AllowCleartext,
		BindDN: cfg.BindDN, External: cfg.SASL == config.SASLExternal, LoginKey: loginKey(d.credentials.What(), cfg),
		Credentials: d.connectWith,
		Base:        func() plan.DN { return d.Mapping().Base() },
		Identities:  d.identities,
		Connections: cfg.Connections, Together: d.atOnce, Timeout: cfg.Timeout,
		Log: log.WithField("directory", cfg.Name), Clock: clock,
		Observe: func(verb string, code uint16, took time.Duration) {
			if metrics != nil {
				metrics.Operation(cfg.Name, verb, connector.CodeName(code), took)
			}
		},
	}
}

// Each calls look with every server of the directory alone, and with the key of the configuration that names it.
func (d *Directory) Each(log logrus.FieldLogger, look func(key string, server *connector.Directory)) error {
	for i, url := range d.Config.URLs {
		server, err := connector.Open(d.connection([]string{url}, log, nil, time.Now))
		if err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		look(fmt.Sprintf("%s.urls[%d]", d.credentials.What(), i), server)
		server.Close()
	}
	return nil
}

// connectWith returns what to open a connection with; anew, after a refused login, it is read from its files.
func (d *Directory) connectWith(anew bool) connector.Credentials {
	if anew {
		d.credentials.Reload()
	}
	return d.credentials.Value().Credentials
}

// objectsAtOnce is how many objects of a directory are worked on at a time. What they wait for at the same moment is done for all
// of them with one search and one commit, so that there are many more than connections.
const objectsAtOnce = 50

// The work on one object takes a few operations as a rule, and some thousand where a unit with many references is renamed. It
// may take so many times the timeout of one operation.
const (
	timeoutsOfWork = 60
	shortestWork   = time.Minute
)

func (d *Directory) route() dispatch.Route {
	return dispatch.Route{
		Directory:    d.Name,
		Applications: d.Config.Applications,
		PasswordSync: d.Config.PasswordSync,
		Workers:      cmp.Or(d.atOnce, objectsAtOnce),
		Processor:    d.Processor,
		Longest:      max(shortestWork, timeoutsOfWork*d.Config.Timeout),
		Check: func(ctx context.Context) error {
			return d.Server.Check(ctx, d.Mapping().Base())
		},
	}
}

// What a state of a directory begins with, or is.
const (
	stateOK      = "ok"
	stateUntried = "not tried yet"
)

// State says how the directory is, for people. The reason is why it is left alone, empty where it is not.
func (d *Directory) State(reason string) string {
	switch {
	case d.Server.LoginRefused() != nil:
		return "refuses our login: " + loginKey(d.credentials.What(), d.Config)
	case d.Server.Another() != nil:
		return "held: " + d.Server.Another().Error()
	case d.Server.ReadOnly() != nil:
		return "read-only"
	case reason != "":
		return "down: " + reason
	case !d.Server.Tried():
		return stateUntried
	}
	return stateOK
}

// loginKey names what the login of a directory rests on.
func loginKey(at string, cfg config.Directory) string {
	switch {
	case cfg.SASL == config.SASLExternal && cfg.TLS.CertFile != "":
		return fmt.Sprintf("%s.tls.cert_file (%s)", at, cfg.TLS.CertFile)
	case cfg.SASL == config.SASLExternal:
		return at + ".sasl"
	case cfg.BindPasswordFile != "":
		return fmt.Sprintf("%s.bind_password_file (%s)", at, cfg.BindPasswordFile)
	default:
		return at + ".bind_password"
	}
}

// located gives what is wrong its place in the configuration, unless it has one in a file of its own.
func located(cfg *config.Config, key string, err error) error {
	var rule *mapping.Errors
	var test *reload.TestsFailed
	var unread *reload.ReadError
	var known *keyError
	switch {
	case errors.As(err, &rule), errors.As(err, &test):
		return err
	case errors.As(err, &known):
		key, err = known.key, known.err
	case errors.As(err, &unread):
		err = fmt.Errorf("cannot read %s: %w", unread.Path, unread.Reason())
	}
	return &config.Problems{List: []config.Problem{cfg.Problem(key, err.Error())}}
}

package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
)

// Directory is one configured directory with its mapping.
type Directory struct {
	Name      string
	Config    config.Directory
	Server    *connector.Directory
	Processor *processor.Processor
	mapping   *reload.File
}

// Mapping returns the mapping in force.
func (d *Directory) Mapping() *mapping.Set { return d.mapping.Set() }

// openDirectory connects nothing yet: a directory that is down does not keep the service from starting.
func openDirectory(cfg config.Directory, log logrus.FieldLogger, metrics *telemetry.Metrics, clock func() time.Time) (*Directory, error) {
	d := &Directory{Name: cfg.Name, Config: cfg}
	var err error
	if d.mapping, err = reload.Load(string(cfg.Mapping), func(r reload.Result) { d.reloaded(r, log, metrics) }); err != nil {
		return nil, err
	}
	tlsConfig, err := clientTLS(cfg.TLS)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", cfg.Name, err)
	}
	d.Server, err = connector.Open(connector.Config{
		Name: cfg.Name, Type: cfg.Type, URLs: cfg.URLs,
		StartTLS: cfg.StartTLS, AllowCleartext: cfg.AllowCleartext,
		BindDN: cfg.BindDN, External: cfg.SASL == config.SASLExternal, LoginKey: loginKey(cfg),
		Credentials: connector.Fixed(connector.Credentials{TLS: tlsConfig, BindPassword: cfg.BindPassword}),
		Connections: cfg.Connections, Timeout: cfg.Timeout,
		Log: log.WithField("directory", cfg.Name), Clock: clock,
		Observe: func(verb string, code uint16, took time.Duration) {
			if metrics != nil {
				metrics.Operation(cfg.Name, verb, connector.CodeName(code), took)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", cfg.Name, err)
	}
	d.Processor = processor.New(d.Server, d.Mapping)
	return d, nil
}

// workersPerConnection is how many objects are worked on for each connection: while one waits for the store, another
// uses the connection.
const workersPerConnection = 4

func (d *Directory) route() dispatch.Route {
	return dispatch.Route{
		Directory:    d.Name,
		Applications: d.Config.Applications,
		PasswordSync: d.Config.PasswordSync,
		Workers:      workersPerConnection * d.Config.Connections,
		Processor:    d.Processor,
		Check: func(ctx context.Context) error {
			return d.Server.Check(ctx, d.Mapping().Base())
		},
	}
}

// loginKey names what the login of a directory rests on, for people.
func loginKey(cfg config.Directory) string {
	switch {
	case cfg.SASL == config.SASLExternal && cfg.TLS.CertFile != "":
		return "tls.cert_file " + string(cfg.TLS.CertFile)
	case cfg.SASL == config.SASLExternal:
		return "sasl: external"
	case cfg.BindPasswordFile != "":
		return "bind_password_file " + string(cfg.BindPasswordFile)
	default:
		return "bind_password"
	}
}

// clientTLS reads the certificates of a directory's TLS settings.
func clientTLS(cfg config.ClientTLS) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(string(cfg.CAFile))
		if err != nil {
			return nil, fmt.Errorf("read tls.ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file %s holds no certificate in PEM form", cfg.CAFile)
		}
	}
	if cfg.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(string(cfg.CertFile), string(cfg.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("read tls.cert_file and tls.key_file: %w", err)
		}
		out.Certificates = []tls.Certificate{certificate}
	}
	return out, nil
}

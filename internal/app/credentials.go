package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
)

// credentials are what connections to a directory are opened with, and the certificates among it.
type credentials struct {
	connector.Credentials
	own *x509.Certificate // what we show, nil for none
	ca  []*x509.Certificate
}

// credentialsOf reads what connections to a directory are opened with. What is wrong with it has the key that names the file.
// Former are those of the directory before, nil where it is new: a certificate that has ended does not follow one that is valid.
func credentialsOf(at string, cfg config.Directory, former *reload.Held[credentials], now func() time.Time, observe func(reload.Result)) (*reload.Held[credentials], error) {
	var paths []string
	name := func(p config.Path) int {
		if p == "" {
			return -1
		}
		paths = append(paths, string(p))
		return len(paths) - 1
	}
	password, ca, cert, key := name(cfg.BindPasswordFile), name(cfg.TLS.CAFile), name(cfg.TLS.CertFile), name(cfg.TLS.KeyFile)
	return reload.Hold(at, paths, func(files [][]byte, before *credentials) (credentials, error) {
		c := credentials{Credentials: connector.Credentials{BindPassword: cfg.BindPassword, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}}
		var err error
		if password >= 0 {
			if c.BindPassword, err = config.SecretIn(files[password]); err != nil {
				return c, &keyError{at + ".bind_password_file", fmt.Errorf("%s %w", cfg.BindPasswordFile, err)}
			}
		}
		if ca >= 0 {
			if c.ca, err = certificatesIn(files[ca]); err != nil {
				return c, &keyError{at + ".tls.ca_file", fmt.Errorf("%s %w", cfg.TLS.CAFile, err)}
			}
			c.TLS.RootCAs = x509.NewCertPool()
			for _, certificate := range c.ca {
				c.TLS.RootCAs.AddCert(certificate)
			}
		}
		if cert >= 0 {
			pair, err := pairIn(files[cert], files[key])
			if err != nil {
				return c, &keyError{at + ".tls.cert_file", fmt.Errorf("%s with %s: %w", cfg.TLS.CertFile, cfg.TLS.KeyFile, err)}
			}
			c.TLS.Certificates, c.own = []tls.Certificate{*pair}, pair.Leaf
			if before == nil && former != nil {
				inForce := former.Value()
				before = &inForce
			}
			if before != nil {
				if err := noWorse(before.own, c.own, now()); err != nil {
					return c, &keyError{at + ".tls.cert_file", fmt.Errorf("%s %w", cfg.TLS.CertFile, err)}
				}
			}
		}
		return c, nil
	}, observe)
}

// keyError is what is wrong with the file that a key of the configuration names.
type keyError struct {
	key string
	err error
}

func (e *keyError) Error() string { return e.key + ": " + e.err.Error() }

func (e *keyError) Unwrap() error { return e.err }

// certificatesIn returns the certificates in a file in PEM form.
func certificatesIn(raw []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("holds a certificate that cannot be read: %w", err)
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, errors.New("holds no certificate in PEM form")
	}
	return found, nil
}

// pairIn returns a certificate with its key.
func pairIn(cert, key []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(cert, key) // with its Leaf
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &pair, nil
}

// noWorse refuses a certificate that is not valid now where the one in force is.
func noWorse(before, after *x509.Certificate, now time.Time) error {
	if why := invalid(after, now); why != "" && (before == nil || invalid(before, now) == "") {
		return errors.New(why)
	}
	return nil
}

// invalid says why a certificate is not valid at a moment; empty where it is.
func invalid(certificate *x509.Certificate, now time.Time) string {
	switch {
	case now.After(certificate.NotAfter):
		return "holds a certificate that has expired on " + certificate.NotAfter.Format(time.DateOnly) + "; renew it"
	case now.Before(certificate.NotBefore):
		return "holds a certificate that is not valid before " + certificate.NotBefore.Format(time.DateTime) + "; is the clock right?"
	}
	return ""
}

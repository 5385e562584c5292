package connector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
)

// Credentials are what a connection is opened with.
type Credentials struct {
	// TLS says whom to trust and which certificate to show; nil for what the system trusts, and no certificate.
	TLS *tls.Config
	// BindPassword belongs to Config.BindDN.
	BindPassword secret.Text
}

// same reports whether a login with either of them would come to the same.
func (c Credentials) same(other Credentials) bool {
	return c.TLS == other.TLS && c.BindPassword.Equal(other.BindPassword)
}

// Fixed hands out credentials that never change, for Config.Credentials.
func Fixed(c Credentials) func(anew bool) Credentials {
	return func(bool) Credentials { return c }
}

// How long nobody logs in after a login was refused. Servers lock an account after a few failures within a window of some
// minutes, so three tries within half an hour are the most that is made.
const (
	firstRefusal   = 5 * time.Minute
	longestRefusal = 30 * time.Minute
)

// refusal is a login that a server has refused.
type refusal struct {
	with  Credentials
	err   error
	until time.Time
	pause time.Duration
}

// LoginRefused returns why the server refuses our login, nil where it does not as far as is known.
func (d *Directory) LoginRefused() error {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	if d.pool.refused == nil {
		return nil
	}
	return d.pool.refused.err
}

// Tried reports whether a connection has been tried at all.
func (d *Directory) Tried() bool {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	return d.pool.tried
}

// LogInAgain ends the pause after a refused login: somebody says that it is worth a try.
func (d *Directory) LogInAgain() {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	if d.pool.refused != nil {
		d.pool.refused.until = time.Time{}
	}
}

// credentials returns what to log in with now, or the refusal of it while that is not worth another try. After a refusal the
// files are read with every call, so that a new password counts however it was noticed.
func (p *pool) credentials() (Credentials, error) {
	p.mu.Lock()
	refused := p.refused
	p.mu.Unlock()
	if refused == nil {
		return p.cfg.Credentials(false), nil
	}
	now := p.cfg.Credentials(true)
	if !now.same(refused.with) {
		return now, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.Clock().Before(refused.until) {
		return now, refused.err
	}
	return now, nil
}

// refuse remembers that a login was refused and returns the error that everybody gets who needs a connection meanwhile.
func (p *pool) refuse(with Credentials, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := &refusal{with: with, pause: firstRefusal}
	if last := p.refused; last != nil && last.with.same(with) {
		next.pause = min(2*last.pause, longestRefusal)
	}
	next.until = p.cfg.Clock().Add(next.pause)
	next.err = fmt.Errorf("the directory refuses our login with %s, which is tried again when that changes, at a SIGHUP, or after %s, so that the account is not locked: %w",
		p.cfg.loginKey(), next.pause, err)
	p.refused = next
	p.cfg.Log.WithField("reason", err.Error()).WithField("setting", p.cfg.loginKey()).Errorf("the directory refuses our login; the next try is in %s, or when the file changes", next.pause)
	return next.err
}

// loginKey names what the login rests on, for people.
func (cfg Config) loginKey() string {
	switch {
	case cfg.LoginKey != "":
		return cfg.LoginKey
	case cfg.External:
		return "tls.cert_file"
	default:
		return "bind_password"
	}
}

// refusesLogin reports whether a server has looked at our name and password and says no, which it may count against us. An
// account that is locked is answered with 49, or by 389 with 19.
func refusesLogin(err error) bool {
	var o *OutcomeError
	return errors.As(err, &o) && o.Verb == VerbBind &&
		(o.Code == ldap.LDAPResultInvalidCredentials || o.Code == ldap.LDAPResultConstraintViolation)
}

func (p *pool) bind(conn *ldap.Conn, with Credentials) error {
	if p.cfg.External {
		return conn.ExternalBind()
	}
	return conn.Bind(p.cfg.BindDN, with.BindPassword.Reveal())
}

func outcomeOfBind(address string, err error, password secret.Text) error {
	err = outcome(VerbBind, nil, err, password)
	var o *OutcomeError
	if errors.As(err, &o) {
		o.InDoubt = false // nothing was written
		switch {
		case refusesLogin(err):
			o.Kind = KindConfiguration
		case o.Kind != KindConfiguration:
			o.Kind = KindUnavailable
		}
	}
	return fmt.Errorf("%s: %w", address, err)
}

// login reports whether somebody can log in, over a connection of its own.
func (p *pool) login(ctx context.Context, dn string, password secret.Text) bool {
	p.mu.Lock()
	address := p.cfg.URLs[max(0, p.current)]
	p.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	raw, err := p.open(ctx, u)
	if err != nil {
		return false
	}
	defer func() { _ = raw.Close() }() // nothing is under way any more
	conn, _, err := p.secure(ctx, raw, u, p.cfg.Credentials(false))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // as above
	return conn.Bind(dn, password.Reveal()) == nil
}

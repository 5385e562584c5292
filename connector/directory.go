package connector

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Observer is told of every operation, for metrics. The code is that of the server, or 200 and above where it did not
// answer.
type Observer func(verb string, code uint16, took time.Duration)

// Config says how to reach a directory.
type Config struct {
	// Name is what the directory is called in the configuration.
	Name string
	// Type is auto, openldap, active-directory, 389ds or generic.
	Type string
	// URLs are ldap://, ldaps:// or ldapi:// URLs of servers that hold the same directory, the preferred one first.
	URLs []string
	// StartTLS protects ldap:// connections; AllowCleartext permits them to be unprotected beyond this machine.
	StartTLS, AllowCleartext bool
	// BindDN is who binds; External binds by SASL EXTERNAL instead (RFC 4513 section 5.2.3).
	BindDN   string
	External bool
	// Credentials is asked before every connection for what to open it with, and has to be quick. With anew, after the server
	// has refused the login with those of before, it reads them from where they are kept. Nil is for none.
	Credentials func(anew bool) Credentials
	// LoginKey is the key of the configuration that holds the password or the certificate, for messages; it may be empty.
	LoginKey string
	// Connections is how many are open at most.
	Connections int
	// Timeout bounds connecting, and every single operation.
	Timeout time.Duration
	Log     logrus.FieldLogger
	Clock   func() time.Time
	// Observe may be nil.
	Observe Observer
}

// Directory is one directory, reached over a few connections. Its methods may be called by many goroutines.
type Directory struct {
	cfg  Config
	pool *pool

	mu        sync.Mutex
	profile   *Profile
	profileAt time.Time
}

// Open checks the configuration; it connects when something is asked for.
func Open(cfg Config) (*Directory, error) {
	if len(cfg.URLs) == 0 {
		return nil, errors.New("urls: at least one server is needed")
	}
	for _, address := range cfg.URLs {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("urls: %w", err)
		}
		switch u.Scheme {
		case "ldaps", "ldapi":
		case "ldap":
			if !cfg.StartTLS && !cfg.AllowCleartext && !isLoopback(u) {
				return nil, fmt.Errorf("urls: %s would send passwords unprotected: use ldaps://, or start_tls: true", address)
			}
		default:
			return nil, fmt.Errorf("urls: %s is neither ldap://, ldaps:// nor ldapi://", address)
		}
	}
	if cfg.Credentials == nil {
		cfg.Credentials = Fixed(Credentials{})
	}
	if cfg.BindDN != "" && cfg.Credentials(false).BindPassword.Empty() && !cfg.External {
		return nil, errors.New("bind_password: it is empty, and a bind without a password would be anonymous")
	}
	if cfg.Connections < 1 {
		cfg.Connections = 1
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, uint16, time.Duration) {}
	}
	return &Directory{cfg: cfg, pool: newPool(cfg)}, nil
}

// Secure reports whether everything that is sent is protected, or stays on this machine by a socket of it.
func (d *Directory) Secure() bool {
	return d.cfg.StartTLS || !slices.ContainsFunc(d.cfg.URLs, func(address string) bool { return strings.HasPrefix(address, "ldap://") })
}

// Close closes the connections that are not in use; the others follow when they are put back.
func (d *Directory) Close() { d.pool.close() }

// do runs one step on a connection and turns its error into an OutcomeError. Where the connection was lost while reading,
// it is read once more on another one: that does no harm, and a server that was restarted answers while one that is down
// shows itself to be.
func (d *Directory) do(ctx context.Context, verb string, dn plan.DN, hide secret.Text, f func(*pooled) error) error {
	err := d.once(ctx, verb, f)
	if verb == verbRead && isLost(err) && ctx.Err() == nil {
		err = d.once(ctx, verb, f)
	}
	var shared *OutcomeError
	if err == nil || errors.As(err, &shared) {
		return err // That there is no connection many are told at the same time, by one error.
	}
	err = outcome(verb, dn, err, hide)
	var refused *OutcomeError
	if errors.As(err, &refused) {
		d.mu.Lock()
		profile := d.profile
		d.mu.Unlock()
		if profile != nil {
			profile.Flavour.Interpret(refused)
		}
	}
	return err
}

func (d *Directory) once(ctx context.Context, verb string, f func(*pooled) error) error {
	start := d.cfg.Clock()
	err := d.pool.use(ctx, f)
	d.cfg.Observe(verb, resultCode(err), d.cfg.Clock().Sub(start))
	return err
}

// isLost reports whether a connection ended without an answer.
func isLost(err error) bool {
	var known *OutcomeError
	return err != nil && !errors.As(err, &known) && resultCode(err) == ldap.ErrorNetwork
}

func resultCode(err error) uint16 {
	var answered *ldap.Error
	var unsent *OutcomeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &unsent):
		return unsent.Code
	case errors.As(err, &answered):
		return answered.ResultCode
	default:
		return ldap.ErrorNetwork
	}
}

// Check binds, with a new try whatever failed before, and looks at the base.
func (d *Directory) Check(ctx context.Context, base plan.DN) error {
	d.pool.reset()
	entry, err := d.Read(ctx, base, []string{"1.1"})
	if err != nil {
		return err
	}
	if entry == nil {
		return &OutcomeError{
			Kind: KindConfiguration, Verb: verbRead, DN: base, Code: ldap.LDAPResultNoSuchObject,
			Message: "the base of the mapping is not there, or the bind account may not see it",
		}
	}
	return nil
}

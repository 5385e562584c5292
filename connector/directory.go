package connector

import (
	"cmp"
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
	"golang.org/x/sync/singleflight"

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
	// Base returns the base of the mapping in force. What is not found counts as not there only where that is to be seen; nil
	// for no such proof.
	Base func() plan.DN
	// Identities remembers which directory this is; nil for nobody but the Directory itself.
	Identities Identities
	// Connections is how many are open at most.
	Connections int
	// Together is how many look-ups are made with one search at most; zero for what is usual.
	Together int
	// Timeout bounds connecting, and every single operation.
	Timeout time.Duration
	Log     logrus.FieldLogger
	Clock   func() time.Time
	// Observe may be nil.
	Observe Observer
}

// Directory is one directory, reached over a few connections. Its methods may be called by many goroutines.
type Directory struct {
	cfg      Config
	pool     *pool
	together together

	mu        sync.Mutex
	profile   *Profile
	profileAt time.Time
	probes    singleflight.Group
	// identities are the stable ids of base entries, by the keys of their DNs.
	identities map[string]string
	// another is why this is not the directory that is known, nil where it is.
	another error
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
	return &Directory{cfg: cfg, pool: newPool(cfg), together: together{most: cmp.Or(cfg.Together, lookupsAtOnce)}, identities: map[string]string{}}, nil
}

// Secure reports whether everything that is sent is protected, or stays on this machine by a socket of it.
func (d *Directory) Secure() bool {
	return d.cfg.StartTLS || !slices.ContainsFunc(d.cfg.URLs, func(address string) bool { return strings.HasPrefix(address, "ldap://") })
}

// Close closes the connections that are not in use; the others follow when they are put back.
func (d *Directory) Close() { d.pool.close() }

// do runs one step on a connection and turns its error into an OutcomeError. Reads belong to ask; a few that are no search of
// entries are made here, and once more where their connection was lost, which does no harm.
func (d *Directory) do(ctx context.Context, verb string, dn plan.DN, hide secret.Text, f func(*pooled) error) error {
	server, err := d.once(ctx, verb, f)
	switch {
	case ctx.Err() != nil:
	case verb == verbRead && isLost(err):
		server, err = d.once(ctx, verb, f)
	case errors.Is(err, errLoginLost):
		d.pool.forget()
		server, err = d.once(ctx, verb, f)
	}
	err = d.interpret(outcome(verb, dn, err, hide))
	if mayBeState(err) {
		return d.pool.reassess(ctx, server, err)
	}
	return err
}

// once makes one step and returns which server it was made on.
func (d *Directory) once(ctx context.Context, verb string, f func(*pooled) error) (server int, err error) {
	start := d.cfg.Clock()
	before := d.pool.inUse()
	err = d.pool.use(ctx, func(conn *pooled) error {
		server = conn.server
		if verb != verbRead && before >= 0 && server != before {
			return elsewhere(&OutcomeError{Verb: verb})
		}
		if err := (asking{Directory: d, ctx: ctx, conn: conn}).identify(); err != nil {
			return err
		}
		err := f(conn)
		if d.lacksLogin(conn, err) {
			conn.spoiled = true
			return fmt.Errorf("%w (%w)", err, errLoginLost)
		}
		return err
	})
	d.cfg.Observe(verb, resultCode(err), d.cfg.Clock().Sub(start))
	return server, err
}

// interpret lets the flavour correct an error, and takes one that is none of the directory's out again. One that has come by way of
// the pool may have been told to many at the same time, so a copy is corrected.
func (d *Directory) interpret(err error) error {
	var own ours
	if errors.As(err, &own) {
		return own.error
	}
	refused, direct := err.(*OutcomeError) //nolint:errorlint // What is wrapped comes from the pool, and says why there is no connection.
	profile := d.known()
	if !direct || profile == nil {
		return err
	}
	corrected := *refused
	profile.Flavour.Interpret(&corrected)
	return &corrected
}

// known returns the profile, nil as long as the server was not asked for it.
func (d *Directory) known() *Profile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.profile
}

// isLost reports whether a connection ended without an answer.
func isLost(err error) bool {
	var known *OutcomeError
	var own ours
	return err != nil && !errors.As(err, &known) && !errors.As(err, &own) && resultCode(err) == ldap.ErrorNetwork
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

// Check binds, with a new try whatever failed before, looks at the base, and whether writes are taken. Of a directory that is
// well but for that, the error is one by [IsReadOnly].
func (d *Directory) Check(ctx context.Context, base plan.DN) error {
	d.pool.reset()
	readOnly := d.pool.assess(ctx)
	if readOnly != nil && !IsReadOnly(readOnly) {
		return readOnly
	}
	if _, err := d.Identity(ctx, base); err != nil {
		return err
	}
	return readOnly
}

package ldaptest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Config says what directory to serve. The zero value with an AdminPassword is a good one.
type Config struct {
	// Suffix is the DN of the topmost entry; "dc=example,dc=org" if empty.
	Suffix string
	// AdminDN may read and write everything, and needs no entry; "cn=admin," and the suffix if empty.
	AdminDN       string
	AdminPassword secret.Text
	// Writers are entries that may read and write everything as well. Everybody else who is bound may read all but passwords, and
	// change the own password; who is not bound reads the root DSE and the schema only.
	Writers []string
	// LDIF is the content to begin with, as for LoadLDIF. If empty the topmost entry is made.
	LDIF string
	// Schema holds definitions beside the built-in ones, each "attributeTypes: ( ... )" or "objectClasses: ( ... )".
	Schema []string
	// Index names attributes that are found quickly by their value, beside the usual ones.
	Index []string

	// Address is an IP address and a port to listen on; "127.0.0.1:0", any free port, if empty. A free port is kept for the server
	// until Close, also while it is down.
	Address string
	// TLS offers StartTLS, and LDAPS on a second port of the same host (SecureURL).
	TLS *tls.Config
	// RequireTLS refuses binds with a password on connections without TLS (13, confidentialityRequired).
	RequireTLS bool

	// NoMemberOf and NoReferences switch off memberOf and the following of references.
	NoMemberOf   bool
	NoReferences bool
	// References names the attributes whose values follow renames and deletes; member, uniqueMember, manager, owner, secretary,
	// seeAlso and roleOccupant if empty.
	References []string
	// Placeholder is the DN that takes the place of the last value of such an attribute when its entry is deleted. If empty the
	// attribute goes, or keeps the value where the entry needs it.
	Placeholder string
	Passwords   PasswordPolicy

	// SizeLimit is the number of entries that a search returns at most, also in pages; 0 is no limit.
	SizeLimit int
	// MaxMessage is the largest message in bytes; 16 MiB if 0.
	MaxMessage int
	// VendorName is what the root DSE says; "idaas-ldap ldaptest" if empty.
	VendorName string

	// Log gets a line for every operation at debug level, without values; nil logs nothing.
	Log logrus.FieldLogger
	// Clock and Rand are the time and the randomness; those of the system if nil.
	Clock func() time.Time
	Rand  io.Reader
}

// PasswordPolicy is what the directory asks of passwords.
type PasswordPolicy = dit.PasswordPolicy

// Server is a directory in memory that listens on a real port.
type Server struct {
	cfg   Config
	admin plan.DN
	// rootDSE and subschema are made once: nothing in them changes.
	rootDSE, subschema *dit.Entry
	// writers are the keys of the DNs that may write.
	writers map[string]bool

	mu      sync.RWMutex // guards dir and journal
	dir     *dit.Directory
	journal []Record

	faultMu sync.RWMutex
	decide  func(Operation) Fault

	netMu       sync.Mutex // guards what follows
	listeners   []net.Listener
	sessions    map[*session]struct{}
	connections int
	closed      bool
	running     sync.WaitGroup
	// address and secureAddress are kept while the server is down, by the reservations.
	address       string
	secureAddress string
	reservations  []*reservation
}

// Start serves a directory until Close.
func Start(cfg Config) (*Server, error) {
	cfg = withDefaults(cfg)
	s := &Server{cfg: cfg, sessions: map[*session]struct{}{}, writers: map[string]bool{}}
	if err := s.build(); err != nil {
		return nil, fmt.Errorf("start directory: %w", err)
	}
	if err := s.open(); err != nil {
		s.Close()
		return nil, fmt.Errorf("start directory: %w", err)
	}
	return s, nil
}

// open finds out where to listen, for as long as the server is there, and listens.
func (s *Server) open() error {
	host, port, err := net.SplitHostPort(s.cfg.Address)
	if err != nil {
		return fmt.Errorf("address %q: %w", s.cfg.Address, err)
	}
	s.address = s.cfg.Address
	if port == "0" {
		if s.address, err = s.reserve(host); err != nil {
			return err
		}
	}
	if s.cfg.TLS != nil {
		if s.secureAddress, err = s.reserve(host); err != nil {
			return err
		}
	}
	return s.Up()
}

func (s *Server) reserve(host string) (address string, err error) {
	r, err := reserve(host)
	if err != nil {
		return "", err
	}
	s.reservations = append(s.reservations, r)
	return r.address, nil
}

func withDefaults(cfg Config) Config {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&cfg.Suffix, "dc=example,dc=org")
	set(&cfg.AdminDN, "cn=admin,"+cfg.Suffix)
	set(&cfg.Address, "127.0.0.1:0")
	set(&cfg.VendorName, "idaas-ldap ldaptest")
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = 16 << 20
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = silent
	}
	return cfg
}

// build makes the directory and its first entries.
func (s *Server) build() error {
	schema, err := dit.ReadSchema(s.cfg.Schema...)
	if err != nil {
		return err //nolint:wrapcheck // It says what was tried.
	}
	if s.dir, err = dit.New(dit.Config{
		Suffix: s.cfg.Suffix, Schema: schema, Index: s.cfg.Index, NoMemberOf: s.cfg.NoMemberOf, NoReferences: s.cfg.NoReferences,
		References: s.cfg.References, Placeholder: s.cfg.Placeholder, Passwords: s.cfg.Passwords, Clock: s.cfg.Clock, Rand: s.cfg.Rand,
	}); err != nil {
		return err //nolint:wrapcheck // It says what cannot be made.
	}
	if s.admin, err = s.dir.ParseDN(s.cfg.AdminDN); err != nil {
		return fmt.Errorf("admin DN %q: %w", s.cfg.AdminDN, err)
	}
	if s.rootDSE, err = s.makeRootDSE(); err != nil {
		return fmt.Errorf("make the root DSE: %w", err)
	}
	if s.subschema, err = s.makeSubschema(); err != nil {
		return fmt.Errorf("make the subschema: %w", err)
	}
	s.writers[s.dir.KeyOf(s.admin)] = true
	for _, w := range s.cfg.Writers {
		dn, err := s.dir.ParseDN(w)
		if err != nil {
			return fmt.Errorf("writer %q: %w", w, err)
		}
		s.writers[s.dir.KeyOf(dn)] = true
	}
	if s.cfg.LDIF != "" {
		return s.LoadLDIF(s.cfg.LDIF)
	}
	return s.dir.MakeSuffix(s.admin)
}

// Up listens again after Down, on the same port and with the same data.
func (s *Server) Up() error {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if len(s.listeners) > 0 {
		return nil
	}
	if err := s.listen(s.address, nil); err != nil {
		return err
	}
	if s.cfg.TLS != nil {
		return s.listen(s.secureAddress, s.cfg.TLS)
	}
	return nil
}

func (s *Server) listen(address string, secure *tls.Config) error {
	var listen net.ListenConfig
	if slices.ContainsFunc(s.reservations, func(r *reservation) bool { return r.address == address }) {
		listen = shared()
	}
	l, err := listen.Listen(context.Background(), "tcp", address) // on an address, so there is no name to wait for
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listeners = append(s.listeners, l)
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		s.accept(l, secure)
	}()
	return nil
}

// Down cuts all connections and refuses new ones. The data and the port stay.
func (s *Server) Down() {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close() // it is only listened on
	}
	s.listeners = nil
	for session := range s.sessions {
		session.cut()
	}
}

// Drop cuts all connections that are there now; new ones are accepted.
func (s *Server) Drop() {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	for session := range s.sessions {
		session.cut()
	}
}

// Close ends the server and waits for all its goroutines.
func (s *Server) Close() {
	s.Down()
	s.netMu.Lock()
	s.closed = true
	for _, r := range s.reservations {
		r.release()
	}
	s.reservations = nil
	s.netMu.Unlock()
	s.running.Wait()
}

// URL returns "ldap://host:port".
func (s *Server) URL() string { return "ldap://" + s.address }

// SecureURL returns "ldaps://host:port" where TLS is configured, and nothing otherwise.
func (s *Server) SecureURL() string {
	if s.secureAddress == "" {
		return ""
	}
	return "ldaps://" + s.secureAddress
}

// Connections returns how many connections there are.
func (s *Server) Connections() int {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	return len(s.sessions)
}

// accept serves the connections of one listener until it is closed.
func (s *Server) accept(l net.Listener, secure *tls.Config) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.cfg.Log.WithError(err).Warn("accept a connection")
			continue
		}
		if secure != nil {
			conn = tls.Server(conn, secure)
		}
		s.serve(conn, secure != nil, l)
	}
}

// serve starts a session unless the server went down in between.
func (s *Server) serve(conn net.Conn, secure bool, from net.Listener) {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	up := false
	for _, l := range s.listeners {
		up = up || l == from
	}
	if !up {
		_ = conn.Close() // nothing was read from it
		return
	}
	s.connections++
	session := newSession(s, conn, secure, s.connections)
	s.sessions[session] = struct{}{}
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		session.run()
		s.netMu.Lock()
		delete(s.sessions, session)
		s.netMu.Unlock()
	}()
}

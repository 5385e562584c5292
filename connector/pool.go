package connector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
)

// pool keeps a fixed number of bound connections to one directory. go-ldap has none of this: it neither redials nor puts
// a deadline on what it sends.
type pool struct {
	cfg   Config
	slots chan struct{} // one for each connection in use

	mu      sync.Mutex
	idle    []*pooled
	closed  bool
	current int       // index of the URL in use: it stays until it fails
	broken  time.Time // until when nobody dials, after all URLs have failed
	pause   time.Duration
	reason  error
}

// pooled is one bound connection.
type pooled struct {
	*ldap.Conn
	secure bool
	since  time.Time
	used   time.Time
}

// How long a connection lives and rests.
const (
	connectionAge  = 30 * time.Minute
	connectionIdle = time.Minute // after which it is tried before it is used
	firstBreak     = time.Second
	longestBreak   = 30 * time.Second
)

func newPool(cfg Config) *pool {
	return &pool{cfg: cfg, slots: make(chan struct{}, cfg.Connections)}
}

// use calls f with a connection. The connection is dropped after every error that is not a result code of the server:
// then nobody knows in which state it is.
func (p *pool) use(ctx context.Context, f func(*pooled) error) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait for a connection: %w", ctx.Err())
	}
	conn, err := p.take(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err = f(conn)
	if !stop() || conn.IsClosing() || !healthy(err) {
		_ = conn.Close()
		if ctx.Err() != nil && err != nil {
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		}
		return err
	}
	p.put(conn)
	return err
}

// healthy reports whether a connection can be used again after an error.
func healthy(err error) bool {
	if err == nil {
		return true
	}
	var unsent *OutcomeError
	if errors.As(err, &unsent) {
		return true
	}
	var answered *ldap.Error
	if !errors.As(err, &answered) {
		return false
	}
	switch answered.ResultCode {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultServerDown, ldap.LDAPResultProtocolError:
		return false
	}
	return answered.ResultCode < ldap.ErrorNetwork
}

// take returns an idle connection that still works, or a new one.
func (p *pool) take(ctx context.Context) (*pooled, error) {
	for {
		conn := p.pop()
		if conn == nil {
			return p.dial(ctx)
		}
		now := p.cfg.Clock()
		if conn.IsClosing() || now.Sub(conn.since) > connectionAge {
			_ = conn.Close()
			continue
		}
		if now.Sub(conn.used) > connectionIdle {
			if _, err := conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"1.1"}, nil)); err != nil {
				_ = conn.Close()
				continue
			}
		}
		return conn, nil
	}
}

func (p *pool) pop() *pooled {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	conn := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return conn
}

func (p *pool) put(conn *pooled) {
	conn.used = p.cfg.Clock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return
	}
	p.idle = append(p.idle, conn)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, conn := range p.idle {
		_ = conn.Close()
	}
	p.idle = nil
}

// dial connects to the first URL that answers, starting with the one that answered last. After all have failed it fails
// at once for a while, so that nobody hammers a server that is coming up.
func (p *pool) dial(ctx context.Context) (*pooled, error) {
	p.mu.Lock()
	start, broken, reason := p.current, p.broken, p.reason
	p.mu.Unlock()
	if wait := broken.Sub(p.cfg.Clock()); wait > 0 {
		return nil, reason
	}
	var errs []error
	for i := range p.cfg.URLs {
		n := (start + i) % len(p.cfg.URLs)
		conn, err := p.connect(ctx, p.cfg.URLs[n])
		if err == nil {
			p.mu.Lock()
			p.current, p.broken, p.pause, p.reason = n, time.Time{}, 0, nil
			p.mu.Unlock()
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, unreachable(fmt.Errorf("%s: %w", p.cfg.URLs[n], ctx.Err()))
		}
		errs = append(errs, err)
	}
	err := errs[0]
	if len(errs) > 1 && asConfiguration(err) == nil {
		err = unreachable(errors.Join(errs...))
	}
	p.mu.Lock()
	p.pause = min(max(firstBreak, 2*p.pause), longestBreak)
	p.broken = p.cfg.Clock().Add(p.pause - time.Duration(rand.Int64N(int64(p.pause)/4))) // Jitter needs no secrecy.
	p.reason = err
	p.mu.Unlock()
	return nil, err
}

// reset lets the next call dial, whatever failed before.
func (p *pool) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = time.Time{}
}

func unreachable(err error) error {
	return &OutcomeError{Kind: KindUnavailable, Verb: "connect", Err: err}
}

func asConfiguration(err error) *OutcomeError {
	var o *OutcomeError
	if errors.As(err, &o) && o.Kind == KindConfiguration {
		return o
	}
	return nil
}

// connect opens one bound connection.
func (p *pool) connect(ctx context.Context, address string) (*pooled, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	raw, err := p.open(ctx, u)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	conn, secure, err := p.secure(ctx, raw, u)
	if err != nil {
		_ = raw.Close()
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	if err := p.bind(conn); err != nil {
		_ = conn.Close()
		return nil, outcomeOfBind(address, err, p.cfg.BindPassword)
	}
	_ = raw.SetDeadline(time.Time{}) // from here on every operation has its own
	now := p.cfg.Clock()
	return &pooled{Conn: conn, secure: secure, since: now, used: now}, nil
}

// login reports whether somebody can log in, over a connection of its own.
func (p *pool) login(ctx context.Context, dn string, password secret.Text) bool {
	p.mu.Lock()
	address := p.cfg.URLs[p.current]
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
	conn, _, err := p.secure(ctx, raw, u)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // as above
	return conn.Bind(dn, password.Reveal()) == nil
}

func outcomeOfBind(address string, err error, password secret.Text) error {
	err = outcome(VerbBind, nil, err, password)
	var o *OutcomeError
	if errors.As(err, &o) {
		o.InDoubt = false // nothing was written
		if o.Kind != KindConfiguration {
			o.Kind = KindUnavailable
		}
	}
	return fmt.Errorf("%s: %w", address, err)
}

// open dials. Everything until the bind has to be done within one timeout.
func (p *pool) open(ctx context.Context, u *url.URL) (net.Conn, error) {
	network, host, port := "tcp", u.Hostname(), u.Port()
	switch {
	case u.Scheme == "ldapi":
		network = "unix"
	case port == "" && u.Scheme == "ldaps":
		port = ldap.DefaultLdapsPort
	case port == "":
		port = ldap.DefaultLdapPort
	}
	target := net.JoinHostPort(host, port)
	if network == "unix" {
		target = u.Path
	}
	dialer := net.Dialer{Timeout: p.cfg.Timeout}
	raw, err := dialer.DialContext(ctx, network, target)
	if err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(deadline(p.cfg.Timeout)); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &timedConn{Conn: raw, timeout: p.cfg.Timeout}, nil
}

// secure adds TLS where it is asked for, and starts the LDAP layer.
func (p *pool) secure(ctx context.Context, raw net.Conn, u *url.URL) (*ldap.Conn, bool, error) {
	config := p.cfg.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	if u.Scheme == "ldaps" {
		protected := tls.Client(raw, config)
		if err := protected.HandshakeContext(ctx); err != nil {
			return nil, false, fmt.Errorf("TLS: %w", err)
		}
		conn := ldap.NewConn(protected, true)
		conn.SetTimeout(p.cfg.Timeout)
		conn.Start()
		return conn, true, nil
	}
	conn := ldap.NewConn(raw, false)
	conn.SetTimeout(p.cfg.Timeout)
	conn.Start()
	if p.cfg.StartTLS && u.Scheme == "ldap" {
		if err := conn.StartTLS(config); err != nil {
			_ = conn.Close() // its goroutine would outlive the socket
			return nil, false, fmt.Errorf("StartTLS: %w", err)
		}
		return conn, true, nil
	}
	return conn, u.Scheme == "ldapi", nil
}

func (p *pool) bind(conn *ldap.Conn) error {
	if p.cfg.External {
		return conn.ExternalBind()
	}
	return conn.Bind(p.cfg.BindDN, p.cfg.BindPassword.Reveal())
}

// timedConn puts a deadline on everything that is sent, which the LDAP library does not.
type timedConn struct {
	net.Conn
	timeout time.Duration
}

func (c *timedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(deadline(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// deadline is a moment for a connection of the operating system, which knows no clock but its own.
func deadline(in time.Duration) time.Time {
	return time.Now().Add(in) //nolint:forbidigo // See above.
}

// isLoopback reports whether a URL points to this machine.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "ldapi" || strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

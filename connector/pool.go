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
)

// pool keeps a fixed number of bound connections to one directory. go-ldap has none of this: it neither redials nor puts
// a deadline on what it sends.
type pool struct {
	cfg   Config
	slots chan struct{} // one for each connection in use
	turn  chan struct{} // held by the one who dials: a password that is wrong is tried once, not by everybody at a time

	mu      sync.Mutex
	idle    []*pooled
	closed  bool
	current int       // index of the URL in use; negative as long as there is none
	home    time.Time // when the URLs before it are tried again
	broken  time.Time // until when nobody dials, after all URLs have failed
	pause   time.Duration
	reason  error
	tried   bool
	refused *refusal // of the last login, nil where it was accepted
	round   int      // counts the times that connections were lost
	// readOnly is why no server takes writes; writable is the index of the URL that is known to take them, or negative.
	readOnly error
	writable int
}

// pooled is one bound connection.
type pooled struct {
	*ldap.Conn
	with   Credentials
	server int // index of its URL
	wire   *timedConn
	secure bool
	// spoiled: nobody is to use it again.
	spoiled bool
	// identified: it leads to the directory that is known.
	identified bool
	since      time.Time
	used       time.Time
	round      int // that of the pool when it was made
}

// How long a connection lives and rests.
const (
	connectionAge  = 30 * time.Minute
	connectionIdle = time.Minute // after which it is tried before it is used
	firstBreak     = time.Second
	longestBreak   = 30 * time.Second
)

func newPool(cfg Config) *pool {
	return &pool{cfg: cfg, slots: make(chan struct{}, cfg.Connections), turn: make(chan struct{}, 1), current: unknownServer, writable: unknownServer}
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
	if err := ctx.Err(); err != nil {
		p.put(conn)
		return fmt.Errorf("use a connection: %w", err) // it took a while to get one
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	conn.allowMore()
	err = f(conn)
	if !stop() || conn.IsClosing() || conn.spoiled || !healthy(err) {
		_ = conn.Close()
		if ctx.Err() != nil && err != nil {
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		}
		if isLost(err) {
			p.lost(conn)
		}
		return err
	}
	p.put(conn)
	return err
}

// lost gives up the connections that were made before one was found to be lost: whatever has cut it has likely cut them, and who
// tries again on another one of them would take a server that was restarted for one that is down.
func (p *pool) lost(conn *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn.round != p.round {
		return
	}
	p.forgetLocked()
}

// healthy reports whether a connection can be used again after an error.
func healthy(err error) bool {
	if err == nil {
		return true
	}
	var unsent *OutcomeError
	var own ours
	if errors.As(err, &unsent) || errors.As(err, &own) {
		return true
	}
	var answered *ldap.Error
	if !errors.As(err, &answered) {
		return false
	}
	switch answered.ResultCode {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultServerDown, ldap.LDAPResultProtocolError,
		ldap.LDAPResultOperationsError:
		return false
	}
	return answered.ResultCode < ldap.ErrorNetwork
}

// take returns an idle connection that still works, or a new one.
func (p *pool) take(ctx context.Context) (*pooled, error) {
	for {
		conn := p.pop()
		if conn == nil || p.mayGoHome() {
			if conn != nil {
				p.put(conn)
			}
			return p.dial(ctx)
		}
		now := p.cfg.Clock()
		if conn.IsClosing() || now.Sub(conn.since) > connectionAge || !p.isCurrent(conn) || !conn.with.same(p.cfg.Credentials(false)) {
			_ = conn.Close()
			continue
		}
		if now.Sub(conn.used) <= connectionIdle || conn.works(ctx) {
			return conn, nil
		}
		_ = conn.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("try a connection that was not used for long: %w", ctx.Err())
		}
	}
}

// works reports whether the server still answers on a connection. It waits no longer than who wants to use it.
func (c *pooled) works(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	_, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
	return stop() && err == nil
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
	if p.closed || conn.round != p.round || conn.server != p.current || len(p.idle) >= p.cfg.Connections {
		_ = conn.Close()
		return
	}
	p.idle = append(p.idle, conn)
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.forget()
}

// forget gives up all connections. What one of them has lost the others may have lost as well.
func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked()
}

func (p *pool) forgetLocked() {
	p.round++
	for _, conn := range p.idle {
		_ = conn.Close()
	}
	p.idle = nil
}

// inUse returns the index of the server in use, negative for none.
func (p *pool) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

func (p *pool) isCurrent(conn *pooled) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return conn.server == p.current
}

// dial opens a connection. After all servers have failed it fails at once for a while, so that nobody hammers one that is
// coming up.
func (p *pool) dial(ctx context.Context) (*pooled, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to connect: %w", ctx.Err())
	}
	return p.dialInTurn(ctx)
}

// dialInTurn is dial for who has the turn already.
func (p *pool) dialInTurn(ctx context.Context) (*pooled, error) {
	p.mu.Lock()
	broken, reason := p.broken, p.reason
	p.mu.Unlock()
	if wait := broken.Sub(p.cfg.Clock()); wait > 0 {
		return nil, reason
	}
	p.mu.Lock()
	p.tried = true
	p.mu.Unlock()
	with, err := p.credentials()
	if err != nil {
		return nil, err
	}
	conn, err := p.dialAny(ctx, with)
	if refusesLogin(err) {
		// They may have been changed in the directory and in their file a moment ago.
		if fresh := p.cfg.Credentials(true); !fresh.same(with) {
			with = fresh
			conn, err = p.dialAny(ctx, with)
		}
		if refusesLogin(err) {
			return nil, p.refuse(with, err)
		}
	}
	return conn, err
}

// pauseAfter keeps everybody from dialing for a while after no server could be used.
func (p *pool) pauseAfter(errs []error) error {
	err := errs[0]
	if len(errs) > 1 && asConfiguration(err) == nil {
		err = unreachable(errors.Join(errs...))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause = min(max(firstBreak, 2*p.pause), longestBreak)
	p.broken = p.cfg.Clock().Add(p.pause - time.Duration(rand.Int64N(int64(p.pause)/4))) // Jitter needs no secrecy.
	p.reason = err
	return err
}

// reset lets the next call dial, the preferred server first, whatever failed before; only a refused login keeps its pause.
func (p *pool) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken, p.home = time.Time{}, time.Time{}
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
func (p *pool) connect(ctx context.Context, server int, with Credentials) (*pooled, error) {
	address := p.cfg.URLs[server]
	u, err := url.Parse(address)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	raw, err := p.open(ctx, u)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	conn, secure, err := p.secure(ctx, raw, u, with)
	if err != nil {
		_ = raw.Close()
		return nil, unreachable(fmt.Errorf("%s: %w", address, err))
	}
	if err := p.bind(conn, with); err != nil {
		_ = conn.Close()
		return nil, outcomeOfBind(address, err, with.BindPassword)
	}
	_ = raw.SetDeadline(time.Time{}) // from here on every operation has its own
	now := p.cfg.Clock()
	return &pooled{Conn: conn, wire: raw, with: with, server: server, secure: secure, since: now, used: now}, nil
}

// open dials. Everything until the bind has to be done within one timeout.
func (p *pool) open(ctx context.Context, u *url.URL) (*timedConn, error) {
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
	return newTimedConn(raw, p.cfg.Timeout), nil
}

// secure adds TLS where it is asked for, and starts the LDAP layer.
func (p *pool) secure(ctx context.Context, raw net.Conn, u *url.URL, with Credentials) (*ldap.Conn, bool, error) {
	config := with.TLS.Clone()
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

// isLoopback reports whether a URL points to this machine.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "ldapi" || strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

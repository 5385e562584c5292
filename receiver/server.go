package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// What is the same for every server: writing leaves room for the wait for results.
const (
	writeBeyondBody = 30 * time.Second
	maxHeaderBytes  = 16 << 10
	shutdownWithin  = 15 * time.Second
)

// What one connection of HTTP/2 may buffer beyond what its requests take for their bodies.
const (
	maxFrame         = 16 << 10
	streamBuffer     = 64 << 10
	connectionBuffer = 128 << 10
)

// ServerConfig says where to listen, and what comes of those who connect.
type ServerConfig struct {
	Listen string
	// Certificate returns the certificate to show, and is asked at each handshake; nil, or a result of nil, for plain HTTP.
	Certificate func() *tls.Certificate
	Handler     http.Handler
	Limits      Limits
	// TrustedProxies are the networks whose connections count in the total only: each speaks for many.
	TrustedProxies []netip.Prefix
	// Log is told of connections that are refused, by the time of Clock.
	Log   logrus.FieldLogger
	Clock func() time.Time
}

// Server serves callbacks until it is told to stop.
type Server struct {
	connections *connections
	tls         *tls.Config // one for all, so that sessions can be taken up again

	mu      sync.Mutex
	cfg     ServerConfig
	serving *http.Server   // of the connections that come
	former  []*http.Server // of those that came when other times were in force
}

// Listen opens the address, so that a wrong one shows at once.
func Listen(ctx context.Context, cfg ServerConfig) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	cfg.Limits = cfg.Limits.complete()
	s := &Server{cfg: cfg, connections: newConnections(listener, cfg.Limits, cfg.TrustedProxies, newRefusals(cfg.Log, cfg.Clock))}
	s.serving = s.newHTTP(cfg.Limits)
	s.tls = &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.config().certificate(), nil },
	}
	return s, nil
}

// certificate returns the certificate to show, nil where plain HTTP is spoken.
func (cfg ServerConfig) certificate() *tls.Certificate {
	if cfg.Certificate == nil {
		return nil
	}
	return cfg.Certificate()
}

// newHTTP returns a server for connections by some limits. What else there is to the configuration is looked up when it is needed.
func (s *Server) newHTTP(limits Limits) *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.config().Handler.ServeHTTP(w, r) }),
		ReadHeaderTimeout: limits.HeaderWithin, ReadTimeout: limits.HeaderWithin + limits.BodyWithin,
		WriteTimeout: limits.HeaderWithin + limits.BodyWithin + writeBeyondBody, IdleTimeout: limits.IdleWithin,
		MaxHeaderBytes: maxHeaderBytes, ConnContext: withConnection, DisableGeneralOptionsHandler: true,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: limits.StreamsPerConnection, MaxReadFrameSize: maxFrame,
			MaxReceiveBufferPerConnection: connectionBuffer, MaxReceiveBufferPerStream: streamBuffer,
		},
		// Failed handshakes and the like are the noise of the Internet.
		ErrorLog: stdlog.New(io.Discard, "", 0),
	}
}

func (s *Server) config() ServerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// Change puts another configuration in force, but for where to listen, and whom the log is. Nobody is cut off: a connection that is
// open keeps the times that were in force when it came, and its next request meets the new handler.
func (s *Server) Change(cfg ServerConfig) {
	cfg.Limits = cfg.Limits.complete()
	s.connections.adjust(cfg.Limits, cfg.TrustedProxies)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.cfg.Limits
	s.cfg = cfg
	if times(before) != times(cfg.Limits) {
		s.former = append(s.former, s.serving)
		s.serving = s.newHTTP(cfg.Limits)
	}
}

// times are those of the limits that belong to a connection.
func times(l Limits) [4]time.Duration {
	return [...]time.Duration{l.HeaderWithin, l.BodyWithin, l.IdleWithin, time.Duration(l.StreamsPerConnection)}
}

// CanListen reports why an address cannot be listened on, nil where it can.
func CanListen(ctx context.Context, address string) error {
	server, err := Listen(ctx, ServerConfig{Listen: address})
	if err != nil {
		return err
	}
	return server.connections.Close() //nolint:wrapcheck // It names the address.
}

// Address returns the address that is listened on.
func (s *Server) Address() net.Addr { return s.connections.Addr() }

// Run serves until ctx ends, then lets requests under way finish.
func (s *Server) Run(ctx context.Context) error {
	over, stop := context.WithCancel(ctx)
	defer stop()
	var closing sync.WaitGroup
	closing.Go(func() {
		<-over.Done()
		_ = s.connections.Close() // which ends accept
	})
	err := s.accept(ctx)
	stop()
	closing.Wait()
	if stopped := s.shutdown(ctx); stopped != nil {
		return fmt.Errorf("stop serving: %w", stopped)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// shutdown lets requests under way finish, on all connections at the same time.
func (s *Server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	s.mu.Lock()
	all := append([]*http.Server{s.serving}, s.former...)
	s.mu.Unlock()
	errs := make([]error, len(all))
	var ended sync.WaitGroup
	for i, server := range all {
		ended.Go(func() {
			if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				errs[i] = err
			}
		})
	}
	ended.Wait()
	return errors.Join(errs...)
}

// How long to wait for the system to have descriptors again.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// accept hands those who come to the server that is in force, until the listener is closed.
func (s *Server) accept(ctx context.Context) error {
	pause := leastPause
	for {
		conn, err := s.connections.Accept()
		if err == nil {
			pause = leastPause
			s.take(conn)
			continue
		}
		if passing, ok := err.(interface{ Temporary() bool }); !ok || !passing.Temporary() {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		pause = min(2*pause, mostPause)
	}
}

// take serves one connection in the background.
func (s *Server) take(conn net.Conn) {
	s.mu.Lock()
	cfg, server := s.cfg, s.serving
	s.mu.Unlock()
	arrived := &arrival{conn: conn, address: s.Address()}
	if cfg.certificate() != nil {
		arrived.conn = tls.Server(conn, s.tls)
	}
	_ = server.Serve(arrived) // It takes the one connection there is, and ends.
	if arrived.conn != nil {
		_ = conn.Close() // The server is stopping.
	}
}

// arrival is a listener to which one connection comes.
type arrival struct {
	conn    net.Conn // nil once it was taken
	address net.Addr
}

// Accept returns the connection.
func (a *arrival) Accept() (net.Conn, error) {
	if a.conn == nil {
		return nil, net.ErrClosed
	}
	conn := a.conn
	a.conn = nil
	return conn, nil
}

// Close does nothing: the address is listened on by somebody else.
func (*arrival) Close() error { return nil }

// Addr returns the address that is listened on.
func (a *arrival) Addr() net.Addr { return a.address }

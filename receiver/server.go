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

// ServerConfig says where to listen.
type ServerConfig struct {
	Listen string
	// Certificate returns the certificate to show, and is asked at each handshake; nil for plain HTTP.
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
	http     *http.Server
	listener net.Listener
}

// Listen opens the address, so that a wrong one shows at once.
func Listen(ctx context.Context, cfg ServerConfig) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	limits := cfg.Limits.complete()
	listener = newConnections(listener, limits, cfg.TrustedProxies, newRefusals(cfg.Log, cfg.Clock))
	if cfg.Certificate != nil {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cfg.Certificate(), nil },
		})
	}
	return &Server{
		listener: listener,
		http: &http.Server{
			Handler: cfg.Handler, ReadHeaderTimeout: limits.HeaderWithin, ReadTimeout: limits.HeaderWithin + limits.BodyWithin,
			WriteTimeout: limits.HeaderWithin + limits.BodyWithin + writeBeyondBody, IdleTimeout: limits.IdleWithin,
			MaxHeaderBytes: maxHeaderBytes, ConnContext: withConnection, DisableGeneralOptionsHandler: true,
			HTTP2: &http.HTTP2Config{
				MaxConcurrentStreams: limits.StreamsPerConnection, MaxReadFrameSize: maxFrame,
				MaxReceiveBufferPerConnection: connectionBuffer, MaxReceiveBufferPerStream: streamBuffer,
			},
			// Failed handshakes and the like are the noise of the Internet.
			ErrorLog: stdlog.New(io.Discard, "", 0),
		},
	}, nil
}

// CanListen reports why an address cannot be listened on, nil where it can.
func CanListen(ctx context.Context, address string) error {
	server, err := Listen(ctx, ServerConfig{Listen: address})
	if err != nil {
		return err
	}
	return server.listener.Close() //nolint:wrapcheck // It names the address.
}

// Address returns the address that is listened on.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then lets requests under way finish.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", served)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

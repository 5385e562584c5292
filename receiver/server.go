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
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Timeouts of the server. Reading is bounded, so that nobody holds connections by being slow; writing leaves room for the
// wait for results.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	shutdownWithin    = 15 * time.Second
)

// ServerConfig says where to listen. Without a certificate plain HTTP is spoken.
type ServerConfig struct {
	Listen            string
	CertFile, KeyFile string
	Handler           http.Handler
	Log               logrus.FieldLogger
	// Clock says when it is time to look whether the certificate has changed.
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
	if cfg.CertFile != "" {
		certificate := &certificateFile{cert: cfg.CertFile, key: cfg.KeyFile, log: cfg.Log, clock: cfg.Clock}
		if err := certificate.load(); err != nil {
			_ = listener.Close()
			return nil, err
		}
		listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get, NextProtos: []string{"h2", "http/1.1"}})
	}
	return &Server{
		listener: listener,
		http: &http.Server{
			Handler: cfg.Handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
			IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
			// Failed handshakes and the like are the noise of the Internet.
			ErrorLog: stdlog.New(io.Discard, "", 0),
		},
	}, nil
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

// certificateFile is a certificate that is read again when its file has changed.
type certificateFile struct {
	cert, key string
	log       logrus.FieldLogger
	clock     func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time
	looked  time.Time
}

// lookEvery is how often the file is looked at.
const lookEvery = 10 * time.Second

func (c *certificateFile) load() error {
	info, err := os.Stat(c.cert)
	if err != nil {
		return fmt.Errorf("read receiver.tls.cert_file: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read receiver.tls.cert_file and key_file: %w", err)
	}
	c.current, c.changed = &pair, info.ModTime()
	return nil
}

func (c *certificateFile) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.clock(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if info, err := os.Stat(c.cert); err == nil && !info.ModTime().Equal(c.changed) {
			if err := c.load(); err != nil {
				c.log.WithError(err).Error("the new certificate cannot be used; the old one stays in force")
			}
		}
	}
	return c.current, nil
}

package config

import (
	"net"
	"net/url"
	"strings"
)

// Syslog is a syslog server.
type Syslog struct {
	// Address is tcp+tls://HOST:PORT, tcp://HOST:PORT, udp://HOST:PORT or unix:///PATH; empty where nothing is forwarded.
	Address string `yaml:"address"`
	// Facility is that of RFC 5424.
	Facility int       `yaml:"facility"`
	TLS      ClientTLS `yaml:"tls"`
}

// The ways to a syslog server.
const (
	SyslogTLS  = "tcp+tls"
	SyslogTCP  = "tcp"
	SyslogUDP  = "udp"
	SyslogUnix = "unix"
)

// Enabled reports whether lines are forwarded.
func (s Syslog) Enabled() bool { return s.Address != "" }

// Target returns the way to the server, and its host and port, or the path of its socket.
func (s Syslog) Target() (network, address string) {
	u, err := url.Parse(s.Address)
	if err != nil {
		return "", ""
	}
	if u.Scheme == SyslogUnix {
		return u.Scheme, u.Path
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{SyslogTLS: "6514", SyslogTCP: "601", SyslogUDP: "514"}[u.Scheme] // RFC 5425, RFC 6587, RFC 5426
	}
	return u.Scheme, net.JoinHostPort(u.Hostname(), port)
}

// mostFacility is the last one of RFC 5424 section 6.2.1.
const mostFacility = 23

func (l *loader) validateSyslog() {
	s := l.config.Audit.Syslog
	if !s.Enabled() {
		if s != Defaults().Audit.Syslog {
			l.wrong("audit.syslog.address", "missing; write it as tcp+tls://HOST:6514")
		}
		return
	}
	u, err := url.Parse(s.Address)
	switch {
	case err == nil && u.User != nil:
		l.hideAt("audit.syslog.address")
		l.wrong("audit.syslog.address", "must not hold a user name or password")
	case err == nil && u.Scheme == SyslogUnix && u.Host == "" && strings.HasPrefix(u.Path, "/"):
	case err != nil || u.Hostname() == "" || u.Scheme != SyslogTLS && u.Scheme != SyslogTCP && u.Scheme != SyslogUDP || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		l.wrong("audit.syslog.address", "not a syslog server; write it as tcp+tls://HOST:6514, tcp://HOST:601, udp://HOST:514 or unix:///dev/log")
	case u.Scheme != SyslogTLS && !isLoopback(u.Hostname()):
		l.warn("audit.syslog.address", "what is written to directories crosses the network unprotected; use tcp+tls://")
	}
	if s.Facility < 0 || s.Facility > mostFacility {
		l.wrong("audit.syslog.facility", "%d is not between 0 and %d", s.Facility, mostFacility)
	}
	l.both("audit.syslog.tls", "cert_file", string(s.TLS.CertFile), "key_file", string(s.TLS.KeyFile))
	if l.config.Audit.File == "" {
		l.wrong("audit.file", "missing; audit.syslog forwards the lines of that file")
	}
}

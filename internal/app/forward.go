package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"

	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/syslog"
	"idaas-ldap/store"
)

// forwardNote is the name under which the store remembers how far a log was forwarded.
func forwardNote(file string) string { return "syslog:" + file }

// openForwarder makes what forwards the audit log from where it was, or from the end of the log on where it never was; nil where nothing is
// forwarded.
func (a *App) openForwarder(ctx context.Context, cfg *config.Config) (*syslog.Forwarder, error) {
	c, t := cfg.Audit.Syslog, a.options.trail
	if t == nil || !c.Enabled() {
		return nil, nil //nolint:nilnil // Nothing is forwarded then.
	}
	if err := maySyslog(cfg); err != nil {
		return nil, err
	}
	position, err := t.forwarded(ctx, a.Store)
	if err != nil {
		return nil, err
	}
	network, address := c.Target()
	forwarder := syslog.New(syslog.Config{
		Network: network, Address: address, TLS: func() (*tls.Config, error) { return syslogTLS(c.TLS) },
		Facility: c.Facility, Host: InstanceName(), Program: "idaas-ldap", Process: os.Getpid(),
		After:    func(seq int64, most int) ([]syslog.Entry, error) { return entriesAfter(t.file, seq, most) },
		Position: position, Remember: func(ctx context.Context, seq int64) error { return rememberForwarded(ctx, a.Store, t.file, seq) },
		Clock: a.clock, Log: a.log,
	})
	t.written = forwarder.Wake
	return forwarder, nil
}

// maySyslog reports what would keep lines from being forwarded, and connects to nobody.
func maySyslog(cfg *config.Config) error {
	if !cfg.Audit.Syslog.Enabled() {
		return nil
	}
	if _, err := syslogTLS(cfg.Audit.Syslog.TLS); err != nil {
		return located(cfg, "audit.syslog.tls", err)
	}
	return nil
}

// forwarded is the last record that was forwarded.
func (t *trail) forwarded(ctx context.Context, s store.Store) (int64, error) {
	end, err := t.log.Sync()
	if err != nil {
		return 0, err //nolint:wrapcheck // It names the file.
	}
	text, err := s.Note(ctx, forwardNote(t.file))
	if err == nil && len(text) == 0 {
		return end.Seq, rememberForwarded(ctx, s, t.file, end.Seq)
	}
	var seq int64
	if err == nil {
		err = json.Unmarshal(text, &seq)
	}
	if err != nil {
		return 0, fmt.Errorf("look how far the audit log was forwarded: %w", err)
	}
	if seq > end.Seq {
		seq = 0 // the log was begun anew
	}
	return seq, nil
}

func rememberForwarded(ctx context.Context, s store.Store, file string, seq int64) error {
	text, err := json.Marshal(seq)
	if err == nil {
		err = s.SetNote(ctx, forwardNote(file), text, "", nil)
	}
	if err != nil {
		return fmt.Errorf("note how far the audit log was forwarded: %w", err)
	}
	return nil
}

// entriesAfter reads lines of the audit log as syslog has them.
func entriesAfter(file string, seq int64, most int) ([]syslog.Entry, error) {
	lines, err := audit.After(file, seq, most)
	entries := make([]syslog.Entry, len(lines))
	for i, l := range lines {
		entries[i] = syslog.Entry{
			Seq: l.Seq, At: l.At, Severity: syslog.Informational, Sort: l.Operation, Text: l.Text,
			Data: [][2]string{{"directory", l.Directory}, {"object", l.Object.String()}, {"dn", l.DN}, {"outcome", string(l.Outcome)}},
		}
		if l.Outcome != audit.Done {
			entries[i].Severity = syslog.Warning
		}
	}
	return entries, err //nolint:wrapcheck // It names the file.
}

// syslogTLS reads what TLS is spoken with from its files.
func syslogTLS(files config.ClientTLS) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if files.CAFile != "" {
		raw, err := os.ReadFile(string(files.CAFile))
		if err != nil {
			return nil, err //nolint:wrapcheck // The error names the path.
		}
		if out.RootCAs, err = poolOf(raw); err != nil {
			return nil, fmt.Errorf("%s %w", files.CAFile, err)
		}
	}
	if files.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(string(files.CertFile), string(files.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("%s with %s: %w", files.CertFile, files.KeyFile, err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

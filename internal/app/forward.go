package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/syslog"
)

// forwardedFile is where it stands how far a log was forwarded. It is beside the log and not in the store, as several instances that share
// a store may each have a log of the same name, and as a store that is restored is older than the log.
func forwardedFile(file string) string { return file + ".forwarded" }

// openForwarder makes what forwards the audit log from where it was, or from the end of the log on where it never was; nil where nothing is
// forwarded.
func (a *App) openForwarder(cfg *config.Config) (*syslog.Forwarder, error) {
	c, t := cfg.Audit.Syslog, a.options.trail
	if t == nil || !c.Enabled() {
		return nil, nil //nolint:nilnil // Nothing is forwarded then.
	}
	if err := maySyslog(cfg); err != nil {
		return nil, err
	}
	position, err := t.forwarded()
	if err != nil {
		return nil, err
	}
	network, address := c.Target()
	forwarder := syslog.New(syslog.Config{
		Network: network, Address: address, TLS: func() (*tls.Config, error) { return syslogTLS(c.TLS) },
		Facility: c.Facility, Host: InstanceName(), Program: "idaas-ldap", Process: os.Getpid(),
		After: func(seq int64, most int) ([]syslog.Entry, error) {
			return entriesAfter(t.file, seq, t.log.Last(), most)
		},
		Position: position, Remember: func(_ context.Context, seq int64) error { return rememberForwarded(t.file, seq) },
		Count: a.metrics.Forwarded, Clock: a.clock, Log: a.log,
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
func (t *trail) forwarded() (int64, error) {
	end, err := t.log.Sync()
	if err != nil {
		return 0, err //nolint:wrapcheck // It names the file.
	}
	text, err := os.ReadFile(forwardedFile(t.file))
	if errors.Is(err, fs.ErrNotExist) {
		return end.Seq, rememberForwarded(t.file, end.Seq)
	}
	var seq int64
	if err == nil {
		seq, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	}
	if err != nil {
		return 0, fmt.Errorf("look in %s how far the audit log was forwarded; write the number of the last line that the syslog server has into it: %w", forwardedFile(t.file), err)
	}
	if seq > end.Seq {
		seq = 0 // the log was begun anew
	}
	return seq, nil
}

// rememberForwarded puts a new file in the place of the former one, so that there is a whole one at each moment.
func rememberForwarded(file string, seq int64) error {
	next := forwardedFile(file) + ".new"
	err := writeSynced(next, strconv.FormatInt(seq, 10)+"\n")
	if err == nil {
		err = os.Rename(next, forwardedFile(file))
	}
	if err != nil {
		return fmt.Errorf("note how far the audit log was forwarded: %w", err)
	}
	return nil
}

func writeSynced(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// entriesAfter reads lines of the audit log as syslog has them.
func entriesAfter(file string, seq, last int64, most int) ([]syslog.Entry, error) {
	lines, err := audit.After(file, seq, last, most)
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

package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"idaas-ldap/internal/telemetry"
)

// When a certificate that ends is spoken of, and how often.
const (
	endsSoon  = 21 * 24 * time.Hour
	warnEvery = 24 * time.Hour
)

// certificate is one in force.
type certificate struct {
	key  string // of the configuration
	file string
	leaf *x509.Certificate
}

// certificates are those of a directory: our own, and of those that it trusts the one that ends last, as a file of them may hold
// old ones too.
func (d *Directory) certificates() []certificate {
	var all []certificate
	c, at := d.credentials.Value(), d.credentials.What()
	if c.own != nil {
		all = append(all, certificate{at + ".tls.cert_file", string(d.Config.TLS.CertFile), c.own})
	}
	var last *x509.Certificate
	for _, ca := range c.ca {
		if last == nil || ca.NotAfter.After(last.NotAfter) {
			last = ca
		}
	}
	if last != nil {
		all = append(all, certificate{at + ".tls.ca_file", string(d.Config.TLS.CAFile), last})
	}
	return all
}

// trouble says what is wrong, or will be soon, with a certificate; empty for nothing.
func (c certificate) trouble(now time.Time) (text string, invalidNow bool) {
	if why := invalid(c.leaf, now); why != "" {
		return c.file + " " + why, true
	}
	if left := c.leaf.NotAfter.Sub(now); left < endsSoon {
		return fmt.Sprintf("%s holds a certificate that ends on %s, in %d days; renew it", c.file, c.leaf.NotAfter.Format(time.DateOnly), int(left.Hours()/24)), false
	}
	return "", false
}

// troubleInChinese says the same in Chinese.
func (c certificate) troubleInChinese(now time.Time) string {
	if invalid(c.leaf, now) != "" {
		return fmt.Sprintf("%s 中的证书现在无效：它从 %s 起到 %s 止有效", c.file, c.leaf.NotBefore.Format(time.DateOnly), c.leaf.NotAfter.Format(time.DateOnly))
	}
	return fmt.Sprintf("%s 中的证书于 %s 到期，还剩 %d 天；请更换", c.file, c.leaf.NotAfter.Format(time.DateOnly), int(c.leaf.NotAfter.Sub(now).Hours()/24))
}

func (s *setup) certificates() []certificate {
	var all []certificate
	if s.certificate != nil {
		all = append(all, certificate{serverTLS + ".cert_file", string(s.cfg.Receiver.TLS.CertFile), s.certificate.Value().Leaf})
	}
	if s.adminCertificate != nil {
		all = append(all, certificate{adminTLS + ".cert_file", string(s.cfg.Admin.TLS.CertFile), s.adminCertificate.Value().Leaf})
	}
	for _, d := range s.directories {
		all = append(all, d.certificates()...)
	}
	return all
}

// watchCertificates speaks of certificates that end, once a day, until ctx ends.
func (a *App) watchCertificates(ctx context.Context) {
	ticker := time.NewTicker(warnEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.lookAtCertificates()
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) lookAtCertificates() {
	for _, c := range a.current.Load().certificates() {
		a.metrics.CertificateEnds(c.key, c.leaf.NotAfter)
		text, invalidNow := c.trouble(a.clock.Now())
		switch entry := a.log.WithField(telemetry.FieldSetting, c.key); {
		case invalidNow:
			entry.Error(text)
		case text != "":
			entry.Warn(text)
		}
	}
}

package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/internal/secret"
)

// Bounds of what can be meant.
const (
	// maxAnswer is below the 10 s after which IDaaS gives up and tries again.
	maxAnswer    = 9 * time.Second
	minBody      = 1 << 10
	maxBody      = 64 << 20
	minRetention = time.Hour
	minAudit     = 64 << 10

	maxBodies       = 1 << 40
	minConnections  = 8
	mostConnections = 1 << 20
	maxStreams      = 1000
	maxRate         = 1 << 30
	minPatience     = time.Second
	maxPatience     = 10 * time.Minute
)

// validate reports everything that is wrong with the configuration as a whole.
func (l *loader) validate() {
	l.validateReceiver()
	l.validateApplications()
	l.validateStore()
	l.validateDirectories()
	l.validateAdmin()
	l.validateAudit()
	l.validateNotifications()
	l.oneOf("log.level", l.config.Log.Level, "debug", "info", "warn", "error")
	l.oneOf("log.format", l.config.Log.Format, "text", "json")
}

func (l *loader) validateReceiver() {
	r := l.config.Receiver
	host := l.listenAddress("receiver.listen", r.Listen)
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "?#:* ") {
		l.wrong("receiver.path", "%q is not the path of a URL; write it as /accounts/provision", r.Path)
	}
	l.both("receiver.tls", "cert_file", string(r.TLS.CertFile), "key_file", string(r.TLS.KeyFile))
	if r.AllowFrom != nil && len(r.AllowFrom) == 0 {
		l.wrong("receiver.allow_from", "an empty list allows nobody; leave the key out to allow any address")
	}
	if r.AnswerWithin < 0 || r.AnswerWithin > maxAnswer {
		l.wrong("receiver.answer_within", "%s is not between 0s and %s; IDaaS gives up after 10 s", r.AnswerWithin, maxAnswer)
	}
	if r.MaxBodyBytes < minBody || r.MaxBodyBytes > maxBody {
		l.wrong("receiver.max_body_bytes", "%d is not between %d and %d", r.MaxBodyBytes, minBody, maxBody)
	}
	l.validateLimits()
	if !r.TLS.Enabled() && !isLoopback(host) && len(r.TrustedProxies) == 0 {
		l.warn("receiver.listen", "events are taken in over plain HTTP; give receiver.tls, or name the proxy that speaks TLS in receiver.trusted_proxies")
	}
}

func (l *loader) validateLimits() {
	r := l.config.Receiver
	number := func(key string, value, least, most int64) {
		if value < least || value > most {
			l.wrong("receiver.limits."+key, "%d is not between %d and %d", value, least, most)
		}
	}
	number("body_bytes", r.Limits.BodyBytes, 2*r.MaxBodyBytes, maxBodies)
	number("connections", int64(r.Limits.Connections), minConnections, mostConnections)
	number("connections_per_address", int64(r.Limits.ConnectionsPerAddress), 1, int64(r.Limits.Connections))
	number("streams_per_connection", int64(r.Limits.StreamsPerConnection), 1, maxStreams)
	number("requests_per_second", int64(r.Limits.RequestsPerSecond), 1, maxRate)
	number("burst", int64(r.Limits.Burst), 1, maxRate)
	for key, value := range map[string]time.Duration{"header_within": r.Limits.HeaderWithin, "body_within": r.Limits.BodyWithin, "idle_within": r.Limits.IdleWithin} {
		if value < minPatience || value > maxPatience {
			l.wrong("receiver.limits."+key, "%s is not between %s and %s", value, minPatience, maxPatience)
		}
	}
}

func (l *loader) validateApplications() {
	if len(l.config.Applications) == 0 {
		l.wrong("applications", "missing; name at least one application of IDaaS, with its id and where its public keys are")
	}
	seen := map[string]bool{}
	for i, a := range l.config.Applications {
		path := fmt.Sprintf("applications[%d]", i)
		switch {
		case a.ID == "":
			l.wrong(path+".id", "missing; it is the id that IDaaS shows for the application, such as app_example")
		case seen[a.ID]:
			l.wrong(path+".id", "%q is given twice; an application has one entry", a.ID)
		}
		seen[a.ID] = true
		switch {
		case a.JWKSURL == "" && a.JWKSFile == "":
			l.wrong(path+".jwks_url", "missing; give the key endpoint that the console of IDaaS shows, or jwks_file")
		case a.JWKSURL != "" && a.JWKSFile != "":
			l.wrong(path+".jwks_file", "give either jwks_url or jwks_file, not both")
		case a.JWKSURL != "":
			l.validateJWKSURL(path+".jwks_url", a.JWKSURL)
		}
		l.validateKeys(path, a)
		l.validatePull(path, a)
	}
}

// Bounds of what is asked of IDaaS.
const (
	minEvery    = time.Hour
	maxRequests = 100
)

func (l *loader) validatePull(application string, a Application) {
	p, path := a.Pull, application+".pull"
	if !p.Enabled() {
		if p != DefaultApplication().Pull {
			l.wrong(path+".endpoint", "missing; give the API of the region, such as https://eiam-developerapi.cn-hangzhou.aliyuncs.com")
		}
		return
	}
	u, err := url.Parse(p.Endpoint)
	switch {
	case err == nil && u.User != nil:
		l.hideAt(path + ".endpoint")
		l.wrong(path+".endpoint", "must not hold a user name or password")
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		l.hideAt(path + ".endpoint")
		l.wrong(path+".endpoint", "not a scheme and a host; write it as https://HOST")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		l.wrong(path+".endpoint", "the client's secret would cross the network in the clear; use https://")
	}
	if a.InstanceID == "" {
		l.wrong(application+".instance_id", "missing; the addresses of the API hold it")
	}
	if p.ClientSecret.Empty() && p.ClientSecretFile == "" {
		l.wrong(path+".client_secret_file", "missing; name a file with the client secret that the console of IDaaS shows for the application")
	}
	if p.Every < minEvery {
		l.wrong(path+".every", "%s is too often for reading everything; give at least %s", p.Every, minEvery)
	}
	if p.RequestsPerSecond < 1 || p.RequestsPerSecond > maxRequests {
		l.wrong(path+".requests_per_second", "%d is not between 1 and %d", p.RequestsPerSecond, maxRequests)
	}
	l.oneOf(path+".at_start", p.AtStart, PullAfterOutage, PullAlways, PullNever)
}

func (l *loader) validateJWKSURL(path, text string) {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		l.hideAt(path)
		l.wrong(path, "must not hold a user name or password")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		l.hideAt(path)
		l.wrong(path, "not a URL; write it as https://HOST/PATH")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		l.wrong(path, "keys that anybody on the way can change prove nothing; use https://")
	}
}

func (l *loader) validateKeys(path string, a Application) {
	list := path + ".encryption_keys"
	if len(a.EncryptionKeyFiles) > 0 {
		list = path + ".encryption_key_files"
	}
	for i, key := range a.EncryptionKeys {
		if err := CheckEncryptionKey(key); err != nil {
			l.wrong(fmt.Sprintf("%s[%d]", list, i), "%v", err)
		}
	}
}

// CheckEncryptionKey says why a text cannot be the key of an application, without the text.
func CheckEncryptionKey(key secret.Text) error {
	bytes, err := hex.DecodeString(key.Reveal())
	if err != nil || len(bytes) != 32 && len(bytes) != 24 && len(bytes) != 16 {
		return errors.New("not an AES key in hexadecimal: 64 digits (or 48, or 32) from 0 to 9 and a to f")
	}
	return nil
}

func (l *loader) validateStore() {
	s := l.config.Store
	if s.KeyFile == "" {
		l.wrong("store.key_file", "missing; name the file that the key of the store is to be kept in")
	}
	if s.Retention < minRetention {
		l.wrong("store.retention", "%s is too short: repeats of an event could not be told; give at least 1h", s.Retention)
	}
	if s.URLFile != "" {
		if _, given := l.origins["store.url"]; given {
			l.hideAt("store.url")
			l.wrong("store.url_file", "give either url or url_file, not both")
			return
		}
		l.config.Store.URL = l.readSecret("store.url_file", s.URLFile).Reveal()
		l.validateStoreURL("store.url_file")
		return
	}
	l.validateStoreURL("store.url")
}

// validateStoreURL looks at the URL that a key gives, and leaves of it in the open what may be printed.
func (l *loader) validateStoreURL(key string) {
	address := l.config.Store.URL
	onServer := isPostgres(address)
	if onServer || !strings.HasPrefix(address, sqliteScheme) {
		l.hideAt(key)
	}
	if !onServer && key != "store.url" {
		l.wrong(key, "the file must hold the URL of a PostgreSQL database; write sqlite:PATH into store.url")
		return
	}
	if err := l.config.Store.at(address); err != nil {
		l.wrong(key, "%v", err)
	} else if onServer && isUnverified(address) {
		l.warn(key, "the database is on another machine, and nobody makes sure which; add sslmode=verify-full, and sslrootcert=FILE where its authority is one of your own")
	}
}

func (l *loader) validateAudit() {
	a := l.config.Audit
	if a.MaxBytes < minAudit {
		l.wrong("audit.max_bytes", "%d is too little for a file; give at least %d", a.MaxBytes, minAudit)
	}
	l.validateSyslog()
	if a.Keep < 0 {
		l.wrong("audit.keep", "%d is no number of files; 0 keeps all", a.Keep)
	}
}

func (l *loader) validateAdmin() {
	a := l.config.Admin
	host := l.listenAddress("admin.listen", a.Listen)
	l.both("admin.tls", "cert_file", string(a.TLS.CertFile), "key_file", string(a.TLS.KeyFile))
	if a.TrustedProxies != nil && len(a.TrustedProxies) == 0 {
		l.wrong("admin.trusted_proxies", "an empty list names no proxy; leave the key out where there is none")
	}
	if isLoopback(host) {
		return
	}
	if a.Token.Empty() && a.TokenFile == "" {
		l.wrong("admin.listen", "beyond loopback a token has to be asked for; give admin.token_file, or listen on 127.0.0.1")
	}
	if !a.TLS.Enabled() && len(a.TrustedProxies) == 0 {
		l.wrong("admin.listen", "beyond loopback the token would cross the network unprotected; give admin.tls, or name the proxy that speaks TLS in admin.trusted_proxies, or listen on 127.0.0.1")
	}
}

// listenAddress checks an address to listen on and returns its host. An address that is wrong counts as loopback, so that
// nothing more is said about it.
func (l *loader) listenAddress(path, address string) (host string) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		l.wrong(path, "%q is not an address to listen on; write it as 0.0.0.0:8443 or [::1]:9090", address)
		return "localhost"
	}
	return host
}

// both reports two keys of which only one is given.
func (l *loader) both(path, a, valueA, b, valueB string) {
	if (valueA == "") == (valueB == "") {
		return
	}
	if valueA == "" {
		a, b = b, a
	}
	l.wrong(below(path, b), "missing; it belongs with %s", a)
}

func (l *loader) oneOf(path, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	message := fmt.Sprintf("%q is none of %s", value, strings.Join(allowed, ", "))
	if near := nearest(value, allowed); near != "" {
		message += fmt.Sprintf("; did you mean %s?", near)
	}
	l.wrong(path, "%s", message)
}

// hideAt keeps the value at a path out of excerpts.
func (l *loader) hideAt(path string) {
	if n := l.origin(path).node; n != nil {
		l.source.hide(n)
	}
}

// isLoopback reports whether a host is this machine and cannot be reached from another one.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxConnections = 64
	maxTimeout     = 5 * time.Minute
)

// directoryName is what may be a name: it is a label of metrics and an argument of commands.
var directoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (l *loader) validateDirectories() {
	if len(l.config.Directories) == 0 {
		l.wrong("directories", "missing; name at least one directory, with its urls, bind_dn and mapping")
	}
	seen, fed := map[string]bool{}, map[string]bool{}
	for i := range l.config.Directories {
		d := &l.config.Directories[i]
		path := fmt.Sprintf("directories[%d]", i)
		switch {
		case d.Name == "":
			l.wrong(path+".name", "missing; give the directory a short name")
		case !directoryName.MatchString(d.Name):
			l.wrong(path+".name", "%q is not a short name of letters, digits, dots, dashes and underscores", d.Name)
		case seen[d.Name]:
			l.wrong(path+".name", "%q is given twice; every directory has its own name", d.Name)
		}
		seen[d.Name] = true
		l.validateDirectory(path, d)
		for _, a := range l.config.Applications {
			fed[a.ID] = fed[a.ID] || d.FedBy(a.ID)
		}
	}
	for i, a := range l.config.Applications {
		if !fed[a.ID] && len(l.config.Directories) > 0 {
			l.warn(fmt.Sprintf("applications[%d]", i), "no directory takes the events of %s; they will be skipped", a.ID)
		}
	}
}

func (l *loader) validateDirectory(path string, d *Directory) {
	l.oneOf(path+".type", d.Type, TypeAuto, TypeOpenLDAP, TypeActiveDirectory, Type389DS, TypeGeneric)
	l.validateURLs(path, d)
	l.both(path+".tls", "cert_file", string(d.TLS.CertFile), "key_file", string(d.TLS.KeyFile))
	l.validateBind(path, d)
	if d.Mapping == "" {
		l.wrong(path+".mapping", "missing; name the mapping file")
	}
	l.validateFeeds(path, d)
	if d.Connections < 1 || d.Connections > maxConnections {
		l.wrong(path+".connections", "%d is not between 1 and %d", d.Connections, maxConnections)
	}
	if d.Timeout <= 0 || d.Timeout > maxTimeout {
		l.wrong(path+".timeout", "%s is not between 1s and %s", d.Timeout, maxTimeout)
	}
}

func (l *loader) validateURLs(path string, d *Directory) {
	if len(d.URLs) == 0 {
		l.wrong(path+".urls", "missing; write it as [ldaps://ldap1.example.org, ldaps://ldap2.example.org]")
	}
	cleartext := false
	for i, text := range d.URLs {
		here := fmt.Sprintf("%s.urls[%d]", path, i)
		if socket, ok := strings.CutPrefix(text, "ldapi://"); ok {
			d.URLs[i] = l.socketURL(here, socket)
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err == nil && u.User != nil:
			l.hideAt(here)
			l.wrong(here, "must not hold a user name or password; they belong in bind_dn and bind_password_file")
		case err != nil || u.Hostname() == "" || u.Scheme != "ldap" && u.Scheme != "ldaps":
			l.hideAt(here)
			l.wrong(here, "not the URL of a directory server; write it as ldaps://HOST, ldap://HOST:PORT or ldapi:///PATH")
		case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
			l.wrong(here, "a server is meant here, without DN, attributes and filter; what is written below which DN stands in the mapping")
		case u.Scheme == "ldap" && !d.StartTLS && !isLoopback(u.Hostname()):
			cleartext = true
			if !d.AllowCleartext {
				l.wrong(here, "passwords would cross the network unprotected; use ldaps://, or start_tls: true (or, if the network is safe, allow_cleartext: true)")
			}
		}
	}
	isPlain := func(u string) bool { return strings.HasPrefix(u, "ldap://") }
	if d.StartTLS && len(d.URLs) > 0 && !slices.ContainsFunc(d.URLs, isPlain) {
		l.wrong(path+".start_tls", "only ldap:// connections can start TLS, and none of the urls is one")
	}
	if (d.Type == TypeActiveDirectory || d.Type == Type389DS) && d.PasswordSync && !d.StartTLS && slices.ContainsFunc(d.URLs, isPlain) {
		l.wrong(path+".urls", "a directory of type %s takes passwords over TLS only; use ldaps://, or start_tls: true (or, without passwords, password_sync: false)", d.Type)
	}
	if cleartext && d.AllowCleartext {
		l.warn(path+".allow_cleartext", "passwords cross the network unprotected")
	}
}

// socketURL returns the URL of a local socket with the path in its place, also where it was written in that of the host,
// with %2F for the slashes, as the OpenLDAP tools have it.
func (l *loader) socketURL(path, socket string) string {
	file, err := url.PathUnescape(socket)
	if err != nil || !strings.HasPrefix(file, "/") {
		l.wrong(path, "not a local socket; write it as ldapi:///var/run/slapd/ldapi")
	}
	return "ldapi://" + file
}

func (l *loader) validateBind(path string, d *Directory) {
	switch d.SASL {
	case "":
		if d.BindDN == "" {
			l.wrong(path+".bind_dn", "missing; name the account that may write (or sasl: external)")
		}
		if d.BindPassword.Empty() && d.BindPasswordFile == "" && !l.spoilt[path+".bind_password"] {
			l.wrong(path+".bind_password_file", "missing; name the file that holds the password of bind_dn (or sasl: external)")
		}
	case SASLExternal:
		if d.BindDN != "" {
			l.wrong(path+".bind_dn", "sasl: external binds as whom the certificate or the socket names; remove bind_dn")
		}
		if !d.BindPassword.Empty() || d.BindPasswordFile != "" {
			name := "bind_password"
			if d.BindPasswordFile != "" {
				name = "bind_password_file"
			}
			l.wrong(path+"."+name, "sasl: external needs no password; remove %s", name)
		}
		local := func(u string) bool { return strings.HasPrefix(u, "ldapi:") }
		if d.TLS.CertFile == "" && slices.ContainsFunc(d.URLs, func(u string) bool { return !local(u) }) {
			l.wrong(path+".tls.cert_file", "missing; sasl: external shows a certificate to the server")
		}
	default:
		l.wrong(path+".sasl", "%q is not supported; the one mechanism is external", d.SASL)
	}
}

func (l *loader) validateFeeds(path string, d *Directory) {
	if d.Applications != nil && len(d.Applications) == 0 {
		l.wrong(path+".applications", "an empty list means that nothing feeds the directory; leave the key out for all applications")
	}
	var known []string
	for _, a := range l.config.Applications {
		known = append(known, a.ID)
	}
	for i, id := range d.Applications {
		if slices.Contains(known, id) {
			continue
		}
		message := fmt.Sprintf("there is no application %q", id)
		if near := nearest(id, known); near != "" {
			message += fmt.Sprintf("; did you mean %q?", near)
		}
		l.wrong(fmt.Sprintf("%s.applications[%d]", path, i), "%s", message)
	}
}

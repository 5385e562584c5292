package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"idaas-ldap/console"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
	"idaas-ldap/receiver"
)

// alive is the one path that is for everybody: it says nothing but that the process runs.
const alive = "/livez"

// guarded lets those in who name us as we are called, and show the token where there is one. A page of a stranger that has its
// name resolved to our address would make a browser ask us under that name (DNS rebinding); so names are looked at even
// where only this machine can connect.
func (a *App) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := a.current.Load()
		guard(in.cfg.Admin, in.adminToken(), next).ServeHTTP(w, r)
	})
}

func guard(cfg config.Admin, token secret.Text, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == alive:
		case !mayConnect(r.RemoteAddr, cfg.TrustedProxies):
			http.Error(w, "only the proxies of admin.trusted_proxies may connect", http.StatusForbidden)
			return
		case !isReadable(r, cfg.TrustedProxies):
			http.Error(w, "what the proxy has written of its caller cannot be read", http.StatusForbidden)
			return
		case !isOurName(r.Host, cfg.Hosts):
			http.Error(w, "this is not a name of this service; ask it by its address, or name it in admin.hosts", http.StatusMisdirectedRequest)
			return
		case console.Asks(r.URL.Path): // for the token, by a page
		case !token.Empty() && !shows(r, token):
			w.Header().Set("WWW-Authenticate", `Bearer realm="idaas-ldap"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="idaas-ldap"`)
			http.Error(w, "show admin.token as a bearer token, or as the password of any user", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mayConnect reports whether whoever connects is this machine, or one of the proxies where some are named: beyond them the token would
// cross the network unprotected.
func mayConnect(peer string, proxies []netip.Prefix) bool {
	if len(proxies) == 0 {
		return true
	}
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	address := at.Addr().Unmap().WithZone("")
	return address.IsLoopback() || slices.ContainsFunc(proxies, func(n netip.Prefix) bool { return n.Contains(address) })
}

// isReadable reports whether it can be told where a request comes from.
func isReadable(r *http.Request, proxies []netip.Prefix) bool {
	_, err := receiver.OriginOf(r, proxies)
	return err == nil
}

// isOurName reports whether a Host header names this service: by an address, which nobody can have resolved to another one, by
// localhost, or by a name of the configuration.
func isOurName(host string, hosts []string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	same := func(known string) bool { return strings.EqualFold(strings.TrimSuffix(name, "."), known) }
	return same("localhost") || slices.ContainsFunc(hosts, same)
}

// shows reports whether a request carries the token, as a bearer token (RFC 6750) or as a password (RFC 7617).
func shows(r *http.Request, token secret.Text) bool {
	if scheme, shown, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return token.Equal(secret.New(strings.TrimSpace(shown)))
	}
	_, password, ok := r.BasicAuth()
	return ok && token.Equal(secret.New(password))
}

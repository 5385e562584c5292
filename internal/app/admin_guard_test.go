package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

func TestTheAdminListenerAsksForNameAndToken(t *testing.T) {
	open := config.Admin{Hosts: []string{"ldap.example.org"}}
	closed := open
	closed.Token = secret.New("c4n4ry")
	behind := closed
	behind.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	from := func(peer string) func(r *http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr = peer
			r.Header.Set("Authorization", "Bearer c4n4ry")
		}
	}
	for _, c := range []struct {
		name   string
		cfg    config.Admin
		path   string
		host   string
		change func(r *http.Request)
		status int
	}{
		{"an address", open, "/metrics", "127.0.0.1:9090", nil, 200},
		{"an address of IPv6", open, "/metrics", "[::1]:9090", nil, 200},
		{"localhost", open, "/metrics", "LocalHost:9090", nil, 200},
		{"a configured name", open, "/metrics", "ldap.example.org.", nil, 200},
		{"the name of a stranger", open, "/metrics", "evil.example.net:9090", nil, 421},
		{"a name that begins like an address", open, "/metrics", "127.0.0.1.evil.example.net", nil, 421},
		{"no name", open, "/metrics", "", nil, 421},
		{"no token", closed, "/readyz", "localhost", nil, 401},
		{"a wrong token", closed, "/readyz", "localhost", func(r *http.Request) { r.Header.Set("Authorization", "Bearer c4n4r") }, 401},
		{"the token", closed, "/readyz", "localhost", func(r *http.Request) { r.Header.Set("Authorization", "bearer c4n4ry") }, 200},
		{"the token as a password", closed, "/metrics", "localhost", func(r *http.Request) { r.SetBasicAuth("ann", "c4n4ry") }, 200},
		{"the console asks by itself", closed, "/console/held", "localhost", nil, 200},
		{"the console for a stranger's name", closed, "/console/held", "evil.example.net", nil, 421},
		{"the console beside the proxy", behind, "/console/held", "localhost", from("192.0.2.1:1"), 403},
		{"what is called almost so", closed, "/consoles", "localhost", nil, 401},
		{"the token as a user", closed, "/metrics", "localhost", func(r *http.Request) { r.SetBasicAuth("c4n4ry", "") }, 401},
		{"the token for a stranger's name", closed, "/readyz", "evil.example.net", func(r *http.Request) { r.Header.Set("Authorization", "Bearer c4n4ry") }, 421},
		{"whether it is alive", closed, "/livez", "whatever", nil, 200},
		{"the proxy", behind, "/metrics", "localhost", from("10.0.0.7:1"), 200},
		{"the proxy without the token", behind, "/metrics", "localhost", func(r *http.Request) { r.RemoteAddr = "10.0.0.7:1" }, 401},
		{"this machine beside the proxy", behind, "/metrics", "localhost", from("[::1]:1"), 200},
		{"the proxy as IPv6 writes it", behind, "/metrics", "localhost", from("[::ffff:10.0.0.7]:1"), 200},
		{"somebody beside the proxy", behind, "/metrics", "localhost", from("192.0.2.1:1"), 403},
		{"a caller that the proxy does not name", behind, "/metrics", "localhost", func(r *http.Request) {
			from("10.0.0.7:1")(r)
			r.Header.Set("X-Forwarded-For", "nobody")
		}, 403},
		{"nobody knows who", behind, "/metrics", "localhost", from("@"), 403},
		{"somebody asks whether it is alive", behind, "/livez", "localhost", from("192.0.2.1:1"), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := guard(c.cfg, c.cfg.Token, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
			request := httptest.NewRequest(http.MethodGet, c.path, nil)
			request.Host = c.host
			if c.change != nil {
				c.change(request)
			}
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			if answer.Code != c.status {
				t.Errorf("answered with %d %s; want %d", answer.Code, answer.Body, c.status)
			}
			if answer.Code == http.StatusUnauthorized && answer.Header().Get("WWW-Authenticate") == "" {
				t.Error("it does not say what is asked for")
			}
		})
	}
}

func TestTheBoundOfMemoryGrowsWithWhatIsInUse(t *testing.T) {
	for live, want := range map[int64]int64{0: memoryUsual, 20 << 20: memoryUsual, 400 << 20: 516 << 20} {
		if got := memoryBound(live); got != want {
			t.Errorf("with %d MiB in use the bound is %d MiB; want %d", live>>20, got>>20, want>>20)
		}
	}
}

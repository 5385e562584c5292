package app_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// live is a stage with events on their way: the receiver speaks plain HTTP, and trusts a simulated IDaaS.
type live struct {
	*stage
	tenant *idaastest.Tenant
	sent   int
	header withHeader
}

// withHeader sends requests with more headers.
type withHeader http.Header

// RoundTrip sends a request.
func (h withHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	maps.Copy(r.Header, http.Header(h))
	return http.DefaultTransport.RoundTrip(r)
}

func newLive(t *testing.T) *live {
	t.Helper()
	l := &live{stage: newStage(t)}
	var err error
	if l.tenant, err = idaastest.NewTenant(time.Now); err != nil {
		t.Fatal(err)
	}
	l.write("jwks.json", string(l.tenant.JWKS()))
	l.write("encryption.secret", l.tenant.EncryptionKey.Reveal())
	l.edit("  tls: { cert_file: server.crt, key_file: server.key }\n", "")
	l.edit("id: app_example", "id: "+l.tenant.Application)
	l.edit(accountDN, adminDN)
	l.write("bind.secret", "admin")
	l.edit("    jwks_file: jwks.json\n", "    jwks_file: jwks.json\n    encryption_key_files: [encryption.secret]\n")
	return l
}

// edit changes the configuration file.
func (s *stage) edit(old, replacement string) {
	s.Helper()
	raw, err := os.ReadFile(s.path("idaas-ldap.yaml"))
	if err != nil {
		s.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		s.Fatalf("the configuration has no %q:\n%s", old, raw)
	}
	s.write("idaas-ldap.yaml", strings.Replace(string(raw), old, replacement, 1))
}

// within makes another test the one that fails, until the returned function is called.
func (l *live) within(t *testing.T) (ended func()) {
	t.Helper()
	before := l.stage.T
	l.stage.T = t
	return func() { l.stage.T = before }
}

// send has a new user made, and returns the answer.
func (l *live) send() (idaastest.Answer, idaastest.Event) {
	l.Helper()
	l.sent++
	e := l.tenant.CreateUser(idaastest.User{ID: l.tenant.NewUserID(), Username: fmt.Sprint("user", l.sent), DisplayName: "Ann Lee"}, "")
	client := &idaastest.Client{Tenant: l.tenant, URL: "http://" + l.app.Address().String() + "/accounts/provision", AnswerWithin: time.Minute, HTTP: &http.Client{Transport: l.header}}
	answer, err := client.Send(context.Background(), e)
	if err != nil {
		l.Fatal(err)
	}
	return answer, e
}

// status has a new user made, and returns the status and the outcome.
func (l *live) status() string {
	l.Helper()
	answer, e := l.send()
	list, result := answer.Of(e.ID)
	return strings.TrimSpace(fmt.Sprint(answer.Status, " ", list, " ", result.EventCode))
}

// A change of any part of the configuration counts from SIGHUP on, and so does taking it back.
func TestEveryPartOfTheConfigurationIsReadAgain(t *testing.T) {
	l := newLive(t)
	l.run()
	const good, admin = "200 success APPLIED", "200"
	adminStatus := func() string {
		response, err := http.Get("http://" + l.app.AdminAddress().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // nothing of it is read
		return fmt.Sprint(response.StatusCode)
	}
	if got := l.status(); got != good {
		t.Fatalf("at first an event is answered with %s", got)
	}
	l.write("another.secret", strings.Repeat("ab", 32))
	l.write("token.secret", "c4n4ry")
	mapping, err := os.ReadFile(l.path("mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules, _, _ := strings.Cut(string(mapping), "\ntests:")
	l.write("closed.yaml", strings.Replace(rules, `startsWith "svc-"`, `startsWith "user"`, 1))
	for _, c := range []struct{ what, old, replacement, event, admin string }{
		{"the allow list", "  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:0\n  allow_from: [192.0.2.0/24]\n", "403", admin},
		{"the path", "  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:0\n  path: /elsewhere\n", "404", admin},
		{"the largest body", "  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:0\n  max_body_bytes: 1024\n", "413", admin},
		{"the application", "id: " + l.tenant.Application, "id: app_other", "401", admin},
		{"the instance", "id: " + l.tenant.Application, "id: " + l.tenant.Application + "\n    instance_id: idaas_other", "401", admin},
		{"the encryption key", "[encryption.secret]", "[another.secret]", "401", admin},
		{"who feeds", "    timeout: 1m\n", "    timeout: 1m\n    applications: [app_b]\n", "200 skipped SWITCHED_OFF", admin},
		{"the mapping", "mapping: mapping.yaml", "mapping: closed.yaml", "200 skipped OUT_OF_SCOPE", admin},
		{"the token", "127.0.0.1:0\" }", "127.0.0.1:0\", token_file: token.secret }", good, "401"},
	} {
		t.Run(c.what, func(t *testing.T) {
			defer l.within(t)()
			before, err := os.ReadFile(l.path("idaas-ldap.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if c.what == "who feeds" {
				l.edit("store:\n", "  - { id: app_b, jwks_file: jwks.json }\nstore:\n")
			}
			l.edit(c.old, c.replacement)
			l.reload()
			if got := l.status(); got != c.event {
				t.Errorf("an event is answered with %s, want %s; the log says\n%s", got, c.event, l.log)
			}
			if got := adminStatus(); got != c.admin {
				t.Errorf("the metrics are answered with %s, want %s", got, c.admin)
			}
			l.write("idaas-ldap.yaml", string(before))
			l.reload()
			if got := l.status(); got != good || adminStatus() != admin {
				t.Errorf("taken back, an event is answered with %s", got)
			}
		})
	}
	l.edit("admin:", "log: { level: error, format: json }\nadmin:")
	l.reload()
	before := l.log.String()
	l.status()
	if said := strings.TrimPrefix(l.log.String(), before); strings.Contains(said, "level=info") || strings.Contains(said, `"level":"info"`) {
		t.Errorf("with the level of error the log says %s", said)
	}
}

// What cannot change while the service runs stays as it was and is said; all the rest of the same file is in force.
func TestWhatTakesARestart(t *testing.T) {
	l := newLive(t)
	l.edit("admin: { listen: \"127.0.0.1:0\" }", "admin: { listen: \"127.0.0.1:0\", token_file: token.secret }")
	l.write("token.secret", "c4n4ry")
	l.run()
	page := func(path string) (int, string) {
		request, err := http.NewRequest(http.MethodGet, "http://"+l.app.AdminAddress().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("", "c4n4ry")
		return l.do(request)
	}
	l.edit("  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:1\n  allow_from: [192.0.2.0/24]\n")
	l.edit("data/store.db", "data/other.db")
	l.edit("data/store.key", "data/other.key")
	l.edit("admin: { listen: \"127.0.0.1:0\", token_file: token.secret }", "admin: { listen: \"127.0.0.1:2\" }")
	l.reload()
	if got := l.status(); got != "403" {
		t.Errorf("an event is answered with %s", got)
	}
	if _, err := os.Stat(l.path("data/other.db")); !os.IsNotExist(err) {
		t.Errorf("the other store: %v", err)
	}
	if response, err := http.Get("http://" + l.app.AdminAddress().String() + "/readyz"); err != nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token, on an address that stays: %v %v", response, err)
	}
	status, body := page("/readyz")
	if status != http.StatusOK {
		t.Errorf("/readyz answers %d %s", status, body)
	}
	for _, want := range []string{
		"ok, but for what takes a restart", "idaas-ldap.yaml:2:11: receiver.listen: an address takes a restart; until then it is 127.0.0.1:0",
		"store.url: the store takes a restart; until then it is sqlite:" + l.path("data/store.db"), "admin.listen: an address takes a restart",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/readyz lacks %q: %s", want, body)
		}
		if _, after, _ := strings.Cut(want, ".yaml:2:11: "); !strings.Contains(l.log.String(), after) {
			t.Errorf("the log lacks %q", after)
		}
	}
	if _, metrics := page("/metrics"); !strings.Contains(metrics, "idaas_ldap_config_last_reload_successful 1") {
		t.Error("the metric says that the configuration is refused")
	}
}

// do sends a request and returns the status and the body of the answer.
func (s *stage) do(request *http.Request) (int, string) {
	s.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// A configuration that is wrong anywhere changes nothing at all, not even where it is good.
func TestAWrongConfigurationChangesNothing(t *testing.T) {
	l := newLive(t)
	l.run()
	before, err := os.ReadFile(l.path("idaas-ldap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	expired := l.issuer.issue(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	l.put("expired", expired)
	l.write("bad.secret", "not a key")
	for what, c := range map[string]struct{ old, replacement, want string }{
		"a key that there is not":  {"receiver:", "directory:\nreceiver:", "directory"},
		"an encryption key":        {"[encryption.secret]", "[bad.secret]", "not an AES key"},
		"a file that is not there": {"mapping: mapping.yaml", "mapping: nowhere.yaml", "nowhere.yaml"},
		"a key set":                {"jwks_file: jwks.json", "jwks_file: ca.pem", "ca.pem"},
		"an expired certificate":   {"cert_file: client.crt\n      key_file: client.key", "cert_file: expired.crt\n      key_file: expired.key", "has expired on"},
		"another expired one":      {"  path: /elsewhere\n", "  path: /elsewhere\n  tls: { cert_file: nowhere.crt, key_file: expired.key }\n", "nowhere.crt"},
		"a token":                  {"127.0.0.1:0\" }", "127.0.0.1:0\", token_file: nowhere }", "token_file"},
	} {
		t.Run(what, func(t *testing.T) {
			defer l.within(t)()
			l.edit("  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:0\n  path: /elsewhere\n")
			l.edit(c.old, c.replacement)
			l.reload()
			if got := l.status(); got != "200 success APPLIED" {
				t.Errorf("an event is answered with %s", got)
			}
			if r := l.readiness(); !strings.HasPrefix(r.Configuration, "refused, everything is in force as before: ") || !strings.Contains(r.Configuration, c.want) || !r.Ready {
				t.Errorf("/readyz says %+v", r)
			}
			if !strings.Contains(l.page("/metrics"), "idaas_ldap_config_last_reload_successful 0") {
				t.Error("the metric says that all is well")
			}
			if !strings.Contains(l.log.String(), "everything stays in force as it was") {
				t.Error("the log does not say so")
			}
			l.write("idaas-ldap.yaml", string(before))
			l.reload()
			if r := l.readiness(); r.Configuration != "ok" || !strings.Contains(l.page("/metrics"), "idaas_ldap_config_last_reload_successful 1") {
				t.Errorf("mended, /readyz says %+v", r)
			}
		})
	}
}

// The keys that events are encrypted with, and the token of the admin listener, are read when their files change.
func TestKeysAndTokenAreReadWhenTheyChange(t *testing.T) {
	l := newLive(t)
	l.edit("127.0.0.1:0\" }", "127.0.0.1:0\", token_file: token.secret }")
	l.write("token.secret", "first")
	l.run()
	page := func(token, path string) (int, string) {
		request, err := http.NewRequest(http.MethodGet, "http://"+l.app.AdminAddress().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		return l.do(request)
	}
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(3 * time.Minute); !is(); {
			if time.Now().After(deadline) {
				t.Fatalf("%s; the log says\n%s", what, l.log)
			}
		}
	}
	l.write("token.secret", "second")
	await("the new token does not count", func() bool { status, _ := page("second", "/metrics"); return status == http.StatusOK })
	if status, _ := page("first", "/metrics"); status != http.StatusUnauthorized {
		t.Errorf("the former token is answered with %d", status)
	}
	good := l.tenant.EncryptionKey.Reveal()
	l.write("encryption.secret", strings.Repeat("ab", 32))
	await("the new key does not count", func() bool { return l.status() == "401" })
	l.write("encryption.secret", good+"\n")
	await("the former key does not count again", func() bool { return l.status() == "200 success APPLIED" })
	l.write("encryption.secret", hex.EncodeToString([]byte("too short")))
	l.write("token.secret", "")
	refused := func(key string) func() bool {
		return func() bool {
			_, body := page("second", "/readyz")
			_, metrics := page("second", "/metrics")
			return strings.Contains(body, key+`":"refused, the one from before is in force: `) && strings.Contains(metrics, `file_last_reload_successful{key="`+key+`"} 0`)
		}
	}
	await("a bad token is not refused", refused("admin.token_file"))
	await("a bad key is not refused", refused("applications[0].encryption_key_files"))
	if got := l.status(); got != "200 success APPLIED" {
		t.Errorf("with a bad key in the file an event is answered with %s", got)
	}
	if text := l.log.String(); strings.Contains(text, good) || !strings.Contains(text, "encryption.secret holds not an AES key") {
		t.Errorf("the log says\n%s", text)
	}
}

// Beyond loopback the admin listener speaks TLS, with the certificate that is in force.
func TestTheAdminListenerSpeaksTLS(t *testing.T) {
	l := newLive(t)
	l.edit("admin: { listen: \"127.0.0.1:0\" }", "admin: { listen: \"0.0.0.0:0\", token_file: token.secret, tls: { cert_file: server.crt, key_file: server.key } }")
	l.write("token.secret", "c4n4ry")
	l.run()
	trusted := x509.NewCertPool()
	trusted.AddCert(l.issuer.cert)
	serial := func() string {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}}
		_, port, _ := net.SplitHostPort(l.app.AdminAddress().String()) // It is an address.
		request, err := http.NewRequest(http.MethodGet, "https://127.0.0.1:"+port+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("", "c4n4ry")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), `certificate_end_timestamp_seconds{key="admin.tls.cert_file"}`) {
			t.Errorf("answered with %d, %v", response.StatusCode, err)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	l.put("server", l.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)))
	l.reload()
	if after := serial(); after == before {
		t.Errorf("the certificate is still number %s", after)
	}
}

// Events that come without pause meet twenty configurations, and each is answered and applied.
func TestNoEventIsLostByAReload(t *testing.T) {
	l := newLive(t)
	l.edit("    timeout: 1m\n", "    timeout: 1m\n  - name: lab\n    urls: ["+fmt.Sprintf("%q", l.server.SecureURL())+"]\n    tls: { ca_file: ca.pem }\n    bind_dn: "+adminDN+"\n    bind_password_file: bind.secret\n    mapping: lab.yaml\n")
	lab, err := os.ReadFile(l.path("mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	l.write("lab.yaml", strings.ReplaceAll(string(lab), "ou=people,", "ou=groups,"))
	l.run()
	whole, err := os.ReadFile(l.path("idaas-ldap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alone := string(whole)
	alone = alone[:strings.Index(alone, "  - name: lab")] + alone[strings.Index(alone, "admin:"):]
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-over:
				return
			default:
			}
			answer, e := l.send()
			if list, result := answer.Of(e.ID); answer.Status != http.StatusOK || list != "success" {
				l.Errorf("an event is answered with %d %s %+v", answer.Status, list, result)
			}
		}
	}()
	for i := range 20 {
		text := string(whole)
		if i%2 == 0 {
			text = alone
		}
		text = strings.Replace(text, "  listen: 127.0.0.1:0\n", fmt.Sprintf("  listen: 127.0.0.1:0\n  limits: { idle_within: %ds, connections: %d, connections_per_address: 50 }\n", i+90, 100+i), 1)
		l.write("idaas-ldap.yaml", text)
		l.reload()
		if r := l.readiness(); r.Configuration != "ok" || (r.Directories["lab"] == "") != (i%2 == 0) {
			t.Fatalf("reload %d: %+v", i, r)
		}
	}
	close(over)
	<-ended
	open := func() (n int64) {
		for _, d := range []string{"corp", "lab"} {
			counts, err := l.app.Store.Counts(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			n += counts[event.Pending] + counts[event.Waiting]
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); open() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d events are open", open())
		}
	}
	done, err := l.app.Store.Events(t.Context(), store.Filter{Directory: "corp", States: []event.State{event.Done}, Limit: 1000})
	if err != nil || len(done) != l.sent {
		t.Errorf("%d of %d events are applied: %v", len(done), l.sent, err)
	}
	if !strings.Contains(l.log.String(), "the directory is not in the configuration any more") {
		t.Error("the log does not say that a directory has gone")
	}
}

package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A password that is changed in the directory and in its file needs nobody: the file is read when the login is refused.
func TestAChangedPasswordIsTakenUp(t *testing.T) {
	s := newStage(t)
	s.run()
	if got := s.readiness().Directories["corp"]; got != "not tried yet" {
		t.Errorf("at first the directory is %q", got)
	}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if got := s.readiness().Directories["corp"]; got != "ok" {
		t.Errorf("the directory is %q", got)
	}
	s.changePassword("second")
	s.write("bind.secret", "\ufeffsecond\r\n") // as an editor of another system writes it
	s.reload()                                 // which also gives up the connections of before
	if err := s.check(); err != nil {
		t.Errorf("with the new password: %v", err)
	}
	s.changePassword("third")
	s.write("bind.secret", "second-and-a-half")
	s.reload()
	if err := s.check(); err == nil {
		t.Fatal("a wrong password is accepted")
	}
	r := s.readiness()
	if got := r.Directories["corp"]; got != "refuses our login: directories[0].bind_password_file ("+s.path("bind.secret")+")" {
		t.Errorf("the directory is %q", got)
	}
	if !r.Ready {
		t.Error("an outage of a directory makes the service unready")
	}
	if text := s.log.String(); !strings.Contains(text, "the directory refuses our login") || !strings.Contains(text, "bind.secret") || strings.Contains(text, "second-and-a-half") {
		t.Errorf("the log says\n%s", text)
	}
	s.write("bind.secret", "third")
	if err := s.check(); err != nil { // without a reload: the file is read before the next try
		t.Errorf("with the third password: %v", err)
	}
}

// What is wrong leaves everything in force as it was, and shows.
func TestABadFileLeavesTheOldInForce(t *testing.T) {
	s := newStage(t)
	s.run()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	good := "first\n"
	mended := func() {
		t.Helper()
		s.write("bind.secret", good)
		s.write("ca.pem", string(s.issuer.pem))
		s.reload()
		if r := s.readiness(); r.Configuration != "ok" || r.Files["directories[0]"] != "ok" {
			t.Errorf("mended, /readyz says %+v", r)
		}
	}
	for name, c := range map[string]struct {
		spoil func()
		want  string
	}{
		"an empty password": {func() { s.write("bind.secret", "") }, "bind_password_file: " + s.path("bind.secret") + " is empty"},
		"no authority":      {func() { s.write("ca.pem", "<html>") }, "tls.ca_file: " + s.path("ca.pem") + " holds no certificate"},
		"a key of another certificate": {func() {
			s.write("client.key", string(s.issuer.issue(time.Now(), time.Now().Add(time.Hour)).key))
		}, "tls.cert_file: " + s.path("client.crt") + " with " + s.path("client.key") + ": private key does not match"},
		"an expired certificate": {func() {
			s.put("client", s.issuer.issue(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
		}, "has expired on"},
	} {
		t.Run(name, func(t *testing.T) {
			c.spoil()
			s.reload()
			r := s.readiness()
			if !strings.Contains(r.Configuration, c.want) || !strings.Contains(r.Files["directories[0]"], c.want) {
				t.Errorf("/readyz says %+v", r)
			}
			metrics := s.page("/metrics")
			for _, line := range []string{`idaas_ldap_file_last_reload_successful{key="directories[0]"} 0`, "idaas_ldap_config_last_reload_successful 0"} {
				if !strings.Contains(metrics, line) {
					t.Errorf("the metrics lack %s", line)
				}
			}
			if !strings.Contains(s.log.String(), "what was in force stays") {
				t.Error("the log does not say so")
			}
			if err := s.check(); err != nil {
				t.Errorf("with what was in force: %v", err)
			}
			s.put("client", s.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)))
			mended()
		})
	}
	s.app.Reload(t.Context(), nil, errors.New("idaas-ldap.yaml:1:1: this is not YAML"))
	if got := s.readiness().Configuration; !strings.Contains(got, "this is not YAML") {
		t.Errorf("with a wrong configuration file /readyz says %q", got)
	}
}

// Certificates that end are spoken of in time.
func TestCertificatesThatEndAreShown(t *testing.T) {
	s := newStage(t)
	end := time.Now().Add(20 * 24 * time.Hour)
	s.put("client", s.issuer.issue(time.Now().Add(-time.Hour), end))
	s.run()
	want := s.path("client.crt") + " holds a certificate that ends on " + end.UTC().Format(time.DateOnly) + ", in 19 days; renew it"
	if got := s.readiness().Certificates; len(got) != 1 || got["directories[0].tls.cert_file"] != want {
		t.Errorf("/readyz says %v; want %q", got, want)
	}
	if !strings.Contains(s.page("/metrics"), `idaas_ldap_certificate_end_timestamp_seconds{key="directories[0].tls.ca_file"}`) {
		t.Error("the metrics lack the end of the authority")
	}
	if !strings.Contains(s.log.String(), "in 19 days; renew it") {
		t.Error("the log does not warn")
	}
}

package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	keys := []string{"name", "urls", "bind_dn", "bind_password", "bind_password_file", "timeout", "tls"}
	for name, want := range map[string]string{
		"naem":             "name",
		"url":              "urls",
		"bindDN":           "bind_dn",
		"bind-password":    "bind_password",
		"bind_pasword":     "bind_password",
		"bind_passwd_file": "bind_password_file",
		"time_out":         "timeout",
		"TLS":              "tls",
		"retention":        "",
		"":                 "",
	} {
		if got := nearest(name, keys); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) {
			t.Errorf("from %q to %q it is %d, back %d", a, b, d, distance(b, a))
		}
		if (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Errorf("from %q to %q it is %d", a, b, d)
		}
	})
}

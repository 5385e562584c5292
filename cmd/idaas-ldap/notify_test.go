package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestNotifyTriesEachReceiver(t *testing.T) {
	var requests atomic.Int64
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1); strings.HasPrefix(r.URL.Path, "/no") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hooks.Close()
	write := func(receivers string) string {
		path := filepath.Join(t.TempDir(), "idaas-ldap.yaml")
		text := `applications: [{ id: app_example, jwks_file: jwks.json }]
directories: [{ name: corp, urls: [ldaps://ldap.example.org], bind_dn: "cn=p", bind_password: p, mapping: m.yaml }]
` + receivers
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := `{ name: good, webhook: { form: slack, url: "` + hooks.URL + `/yes" } }`
	bad := `{ name: bad, webhook: { url: "` + hooks.URL + `/no-c4n4ry" } }`
	for name, tt := range map[string]struct {
		receivers, out, err string
		args                []string
		code                int
		requests            int64
	}{
		"all good":      {receivers: "notifications: { receivers: [" + good + "] }", out: "good: the message was taken\n", requests: 1},
		"one refuses":   {receivers: "notifications: { receivers: [" + bad + ", " + good + "] }", out: "good: the message was taken\n", err: "the answer is 403 Forbidden", code: exitFailed, requests: 2},
		"one of them":   {receivers: "notifications: { receivers: [" + bad + ", " + good + "] }", args: []string{"--receiver", "good"}, out: "good: the message was taken\n", requests: 1},
		"no such one":   {receivers: "notifications: { receivers: [" + good + "] }", args: []string{"--receiver", "god"}, err: "did you mean good?", code: exitUsage},
		"nobody":        {err: "no notifications.receivers", code: exitConfig},
		"a wrong file":  {receivers: "notifications: { receivers: [{ name: x, webhook: { url_file: none } }] }", err: "notifications.receivers[0].webhook.url_file", code: exitConfig},
		"a wrong shape": {receivers: "notifications: [x]", err: "expected keys with values, found a list", code: exitConfig},
	} {
		t.Run(name, func(t *testing.T) {
			requests.Store(0)
			var out, errs bytes.Buffer
			code := run(t.Context(), terminal{Out: &out, Err: &errs}, append([]string{"notify", "--config", write(tt.receivers)}, tt.args...))
			if code != tt.code || out.String() != tt.out || !strings.Contains(errs.String(), tt.err) || requests.Load() != tt.requests || strings.Contains(errs.String(), "c4n4ry") {
				t.Errorf("exit code %d, %d requests, %q and %q", code, requests.Load(), out.String(), errs.String())
			}
		})
	}
}

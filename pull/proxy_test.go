package pull_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

// asksOnly is the argument of the process that only asks.
const asksOnly = "asks-only"

// A proxy that the environment names is asked for the way to the API, and not where the environment excepts the API. The environment is
// read once in a process, so each is tried in one of its own.
func TestAProxyOfTheEnvironmentIsUsed(t *testing.T) {
	const host = "192.0.2.1" // where nobody is (RFC 5737)
	if flag.Arg(0) == asksOnly {
		client, err := pull.NewClient(pull.Config{
			Endpoint: "https://" + host, Instance: "i", Application: "a", Secret: func() secret.Text { return secret.New(canary) }, RequestsPerSecond: 5, Clock: time.Now, Rand: random(),
		})
		if err != nil {
			t.Fatal(err)
		}
		patience := time.Minute
		if flag.Arg(1) != "" {
			patience = time.Second // Nobody answers, and that is long enough to ask a proxy.
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		t.Log(client.Try(ctx).Wrong)
		return
	}
	t.Parallel()
	for except, want := range map[string][]string{"": {"CONNECT " + host + ":443"}, "192.0.2.0/24": nil} {
		var mu sync.Mutex
		var asked []string
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, r.Method+" "+r.Host)
			http.Error(w, "no way", http.StatusTeapot)
		}))
		program := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$", asksOnly, except)
		program.Env = []string{"HTTPS_PROXY=" + proxy.URL, "NO_PROXY=" + except}
		out, err := program.CombinedOutput()
		proxy.Close()
		mu.Lock()
		if err != nil || !slices.Equal(asked, want) || strings.Contains(string(out), "teapot") != (want != nil) || strings.Contains(string(out), canary) {
			t.Errorf("except %q: the proxy was asked for %q; want %q; %v, %s", except, asked, want, err, out)
		}
		mu.Unlock()
	}
}

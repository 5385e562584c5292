package config_test

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

var update = flag.Bool("update", false, "write the expected messages of testdata/wrong anew")

// equal compares secrets by what they hold and addresses by what they mean.
var equal = cmp.Options{
	cmp.Comparer(secret.Text.Equal),
	cmpopts.IgnoreUnexported(config.Config{}, config.Store{}),
	cmpopts.EquateComparable(netip.Prefix{}),
}

func load(t *testing.T, path string, environ ...string) *config.Config {
	t.Helper()
	c, _, err := config.Load(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadReadsEverything(t *testing.T) {
	want := config.Defaults()
	want.Receiver.Listen = "127.0.0.1:8443"
	want.Receiver.TLS = config.ServerTLS{CertFile: "testdata/tls.crt", KeyFile: "/etc/ssl/tls.key"}
	want.Receiver.AllowFrom = []netip.Prefix{
		netip.MustParsePrefix("112.124.239.96/27"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("192.0.2.1/32"),
	}
	want.Receiver.AnswerWithin = 5 * time.Second
	want.Applications = []config.Application{
		{
			ID: "app_one", InstanceID: "idaas_example", JWKSURL: "https://keys.example.org/jwks",
			EncryptionKeys: []secret.Text{
				secret.New("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
				secret.New("00010203040506070809000102030405"),
			},
			Pull: config.Pull{
				Endpoint: "https://api.example.org", ClientID: "app_other", ClientSecret: secret.New("c4n4ry-client"), Every: 12 * time.Hour, AtStart: config.PullAlways, RequestsPerSecond: 2,
			},
		},
		{ID: "app_two", JWKSFile: "testdata/jwks.json", Pull: config.DefaultApplication().Pull},
	}
	want.Store = config.Store{URL: "sqlite:testdata/events.db", KeyFile: "testdata/data/store.key", Retention: 48 * time.Hour}
	want.Directories = []config.Directory{
		{
			Name: "corp", Type: config.TypeOpenLDAP,
			URLs: []string{"ldap://ldap1.example.org", "ldap://127.0.0.1:1389"}, StartTLS: true,
			BindDN: "cn=provisioner,dc=example,dc=org", BindPassword: secret.New("c4n4ry-bind"),
			Mapping: "testdata/mappings/openldap.yaml", Applications: []string{"app_one"},
			PasswordSync: false, Connections: 8, Timeout: 3 * time.Second,
		},
		{
			Name: "local", Type: config.TypeAuto, URLs: []string{"ldapi:///var/run/slapd/ldapi"}, SASL: config.SASLExternal,
			Mapping: "/etc/idaas-ldap/local.yaml", PasswordSync: true, Connections: 4, Timeout: 10 * time.Second,
		},
	}
	want.Admin.Listen = "[::1]:9090"
	want.Log = config.Log{Level: "debug", Format: "json"}
	want.Audit.File = "testdata/audit.log"
	want.Audit.Syslog = config.Syslog{Address: "tcp+tls://syslog.example.org", Facility: 10, TLS: config.ClientTLS{CAFile: "testdata/ca.pem"}}
	want.Notifications.Every, want.Notifications.Names = 2*time.Hour, false
	want.Notifications.Receivers = []config.NotificationReceiver{
		{Name: "oncall", Webhook: config.Webhook{Form: config.WebhookFeishu, URL: secret.New("https://robot.example.org/c4n4ry"), Secret: secret.New("c4n4ry-sign")}},
		{Name: "ops", Webhook: config.Webhook{Form: config.WebhookGeneric}, Mail: config.Mail{Server: "smtp://mail.example.org", From: "robot@example.org", To: []string{"ops@example.org"}}},
	}

	got := load(t, "testdata/valid.yaml")
	if diff := cmp.Diff(&want, got, equal); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, want := got.Store.SQLite(), config.Path("testdata/events.db"); got != want {
		t.Errorf("the database is at %s, want %s", got, want)
	}
}

func TestFedBy(t *testing.T) {
	c := load(t, "testdata/valid.yaml")
	for _, tt := range []struct {
		directory   int
		application string
		want        bool
	}{
		{0, "app_one", true},
		{0, "app_two", false},
		{1, "app_one", true},
		{1, "app_two", true},
	} {
		if got := c.Directories[tt.directory].FedBy(tt.application); got != tt.want {
			t.Errorf("directory %d is fed by %s: %t, want %t", tt.directory, tt.application, got, tt.want)
		}
	}
}

// A file that says only what must be said gets the documented defaults.
func TestDefaults(t *testing.T) {
	c := load(t, "testdata/minimal.yaml")
	d := c.Directories[0]
	got := []any{
		c.Receiver.Listen, c.Receiver.Path, c.Receiver.AnswerWithin, c.Receiver.MaxBodyBytes, c.Receiver.TLS.Enabled(),
		c.Store.URL, c.Store.KeyFile, c.Store.Retention,
		d.Type, d.StartTLS, d.AllowCleartext, d.PasswordSync, d.Connections, d.Timeout,
		c.Admin.Listen, c.Log.Level, c.Log.Format,
	}
	want := []any{
		"0.0.0.0:8443", "/accounts/provision", 8 * time.Second, int64(4194304), false,
		"sqlite:testdata/data/idaas-ldap.db", config.Path("testdata/data/store.key"), 720 * time.Hour,
		"auto", false, false, true, 4, 10 * time.Second,
		"127.0.0.1:9090", "info", "text",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The example that is handed out is a good configuration, and what it calls the defaults are the defaults.
func TestExample(t *testing.T) {
	folder := t.TempDir()
	example, err := os.ReadFile("../../configs/idaas-ldap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, folder, "idaas-ldap.yaml", string(example), 0o600)
	write(t, folder, "encryption.secret", strings.Repeat("0f", 32)+"\n", 0o600)
	write(t, folder, "bind.secret", "hidden\n", 0o600)

	c, warnings, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	want := load(t, "testdata/minimal.yaml")
	ignore := cmp.Options{
		equal,
		cmpopts.IgnoreFields(config.Config{}, "Applications"),
		cmpopts.IgnoreFields(config.Receiver{}, "TLS", "AllowFrom", "TrustedProxies"),
		cmpopts.IgnoreFields(config.Store{}, "URL", "KeyFile"),
		cmpopts.IgnoreFields(config.Directory{}, "Name", "URLs", "TLS", "BindDN", "BindPassword", "BindPasswordFile", "Mapping", "Applications"),
	}
	if diff := cmp.Diff(want, c, ignore); diff != "" {
		t.Errorf("the example differs from the defaults (-default +example)\n%s", diff)
	}
}

// Every testdata/wrong/*.yaml is refused with the messages in the .txt beside it. Lines "#env NAME=VALUE" at the top of
// a file are its environment.
func TestWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = config.Load(file, environOf(string(text)))
			var problems *config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "c4n4ry") {
				t.Errorf("a secret is in the message:\n%s", got)
			}
			expected := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(expected, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func environOf(text string) (environ []string) {
	for line := range strings.Lines(text) {
		if entry, ok := strings.CutPrefix(line, "#env "); ok {
			environ = append(environ, strings.TrimSuffix(entry, "\n"))
		}
	}
	return environ
}

func TestLoadNeedsTheFile(t *testing.T) {
	_, _, err := config.Load("testdata/absent.yaml", nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "testdata/absent.yaml") {
		t.Errorf("got %v, want an error that names the missing file", err)
	}
	large := write(t, t.TempDir(), "large.yaml", strings.Repeat("# nothing\n", 200_000), 0o600)
	if _, _, err := config.Load(large, nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v, want a refusal of a file that is too large", err)
	}
}

// write makes a file and returns its path. The mode is set whatever the umask says.
func write(t *testing.T, folder, name, text string, mode os.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// A store on a server may have a password in its URL, which is nowhere to be seen.
func TestTheStoreMayBeOnAServer(t *testing.T) {
	const whole = "postgres://idaas:c4n4ry@127.0.0.1:5432/idaas"
	folder := t.TempDir()
	write(t, folder, "store.url", whole+"\n", 0o600)
	for name, c := range map[string]struct{ store, want string }{
		"in the file":           {`{ url: "` + whole + `", retention: 48h }`, ""},
		"in a file of its own":  {"{ url_file: store.url, retention: 48h }", ""},
		"both":                  {`{ url: "sqlite:a.db", url_file: store.url }`, "give either url or url_file, not both"},
		"without a database":    {`{ url: "postgres://idaas:c4n4ry@127.0.0.1" }`, "a host and a database must be in it"},
		"unreadable":            {`{ url: "postgres://idaas:c4n4ry@[/idaas" }`, "a host and a database must be in it"},
		"a file of something":   {"{ url_file: c.yaml }", "more than one line"},
		"a file with a path":    {"{ url_file: path }", "write sqlite:PATH into store.url"},
		"there is no such file": {"{ url_file: none }", "cannot read the secret"},
	} {
		write(t, folder, "path", "sqlite:a.db", 0o600)
		text := strings.Replace(secretive, `{ url: "sqlite:a.db", retention: 48h }`, c.store, 1)
		cfg, _, err := config.Load(write(t, folder, "c.yaml", text, 0o600), nil)
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "c4n4ry@") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case cfg.Store.Postgres().Reveal() != whole || cfg.Store.URL != "postgres://127.0.0.1:5432/idaas" || strings.Contains(fmt.Sprintf("%+v %#v", cfg, cfg), "c4n4ry@"):
			t.Errorf("%s: %+v", name, cfg.Store)
		}
	}
	for address, warned := range map[string]bool{
		"postgres://u@db.example.org/idaas": true, "postgres://u@db.example.org/idaas?sslmode=verify-full": false,
		"postgres://u@/idaas?host=/run/postgresql": false, "postgresql://u@[::1]/idaas": false,
	} {
		text := strings.Replace(secretive, "sqlite:a.db", address, 1)
		_, warnings, err := config.Load(write(t, folder, "c.yaml", text, 0o600), nil)
		if err != nil || slices.ContainsFunc(warnings, func(w config.Warning) bool { return strings.Contains(w.String(), "verify-full") }) != warned {
			t.Errorf("%s: %v %v", address, warnings, err)
		}
	}
}

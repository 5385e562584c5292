package demo

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/sirupsen/logrus"

	"idaas-ldap/configs"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

// The names of the demonstration's directory.
const (
	suffix        = "dc=example,dc=org"
	adminDN       = "cn=admin," + suffix
	adminPassword = "demo-admin"
	clientSecret  = "CSdemo"
)

const startContent = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=example,dc=org
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
`

// stage is everything that the week is played on.
type stage struct {
	directory *ldaptest.Server
	tenant    *idaastest.Tenant
	live      *idaastest.Live // what IDaaS says when it is asked
	client    *idaastest.Client
	app       *app.App
	admin     string
	folder    string
	close     []func()
}

// build makes the directory, IDaaS and the product, and starts them.
func build(ctx context.Context) (*stage, error) {
	s := &stage{}
	if err := s.build(ctx); err != nil {
		s.tearDown()
		return nil, err
	}
	return s, nil
}

func (s *stage) build(ctx context.Context) error {
	var err error
	if s.folder, err = os.MkdirTemp("", "idaas-ldap-demo-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	s.close = append(s.close, func() { _ = os.RemoveAll(s.folder) })
	s.directory, err = ldaptest.Start(ldaptest.Config{
		AdminDN: adminDN, AdminPassword: secret.New(adminPassword), LDIF: startContent, Placeholder: "cn=nobody," + suffix,
	})
	if err != nil {
		return fmt.Errorf("start the directory: %w", err)
	}
	s.close = append(s.close, s.directory.Close)
	clock := newClock()
	if s.tenant, err = idaastest.NewTenant(clock.Now); err != nil {
		return fmt.Errorf("make the IDaaS: %w", err)
	}
	keys := s.tenant.ServeJWKS()
	s.close = append(s.close, keys.Close)
	s.live = s.tenant.Live(idaastest.Organization{})
	api := httptest.NewServer(idaastest.NewAPI(s.live, secret.New(clientSecret)))
	s.close = append(s.close, api.Close)
	cfg, err := s.configure(keys.URL, api.URL)
	if err != nil {
		return err
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	if s.app, err = app.Open(ctx, cfg, log, "demo"); err != nil {
		return fmt.Errorf("start the product: %w", err)
	}
	s.run(ctx)
	s.client = &idaastest.Client{Tenant: s.tenant, URL: "http://" + s.app.Address().String() + cfg.Receiver.Path}
	s.admin = "http://" + s.app.AdminAddress().String()
	return nil
}

// configure writes the files that an administrator would write, and reads them as the service does.
func (s *stage) configure(jwks, api string) (*config.Config, error) {
	text := fmt.Sprintf(`receiver: { listen: "127.0.0.1:0" }
applications:
  - id: %s
    instance_id: %s
    jwks_url: %s
    encryption_keys: [%q]
    pull: { endpoint: %q, client_secret: %q, at_start: never, requests_per_second: 100 }
store: { url: "sqlite:store.db", key_file: store.key }
directories:
  - name: demo
    urls: [%q]
    bind_dn: %q
    bind_password: %q
    mapping: openldap.yaml
admin: { listen: "127.0.0.1:0" }
`, s.tenant.Application, s.tenant.Instance, jwks, s.tenant.EncryptionKey.Reveal(), api, clientSecret, s.directory.URL(), adminDN, adminPassword)
	path := filepath.Join(s.folder, "idaas-ldap.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, "openldap.yaml"), configs.OpenLDAP, 0o600); err != nil {
		return nil, fmt.Errorf("write the mapping: %w", err)
	}
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return cfg, nil
}

// run serves until the stage is torn down.
func (s *stage) run(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.app.Run(ctx) // what went wrong shows in the next step
	}()
	s.close = append(s.close, func() {
		stop()
		<-done
	})
}

func (s *stage) tearDown() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}

// settled waits until no event is pending or waiting.
func (s *stage) settled(ctx context.Context) error {
	for {
		open, err := s.app.Store.Events(ctx, store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 1})
		if err != nil {
			return fmt.Errorf("look at the store: %w", err)
		}
		if len(open) == 0 {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("an event is still %s: %s", open[0].Outcome.State, open[0].Outcome.Message)
		}
	}
}

// catchUp has the service read everything from IDaaS, as 'idaas-ldap pull --apply' does, and waits for the end of it.
func (s *stage) catchUp(ctx context.Context) error {
	before, err := pull.StatusOf(ctx, s.app.Store, s.tenant.Application)
	if err == nil {
		err = pull.Ask(ctx, s.app.Store, s.tenant.Application, pull.Request{At: 1})
	}
	for err == nil {
		var status pull.Status
		if status, err = pull.StatusOf(ctx, s.app.Store, s.tenant.Application); err != nil {
			break
		}
		if status.Tried > before.Tried {
			return only(status.Last.Problem == "")
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return fmt.Errorf("ask IDaaS for everything: %w", err)
}

// bind tries to log in as a user would.
func (s *stage) bind(dn, password string) error {
	conn, err := ldap.DialURL(s.directory.URL())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }() // it only served the bind
	if err := conn.Bind(dn, password); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// clock gives every event of the simulated IDaaS a moment of its own, so that their order is never in doubt.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Add(-time.Minute)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

package processor_test

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"idaas-ldap/processor"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// world is a stage on a real server. Its time begins at the real one, which is the server's.
type world struct {
	*stage
	access ldaptest.Access
	dir    *connector.Directory
	clock  *steady
	// file and edits are what the mapping was made of.
	file  string
	edits []string
}

// over says how a directory is reached.
type over int

const (
	ldaps over = iota
	startTLS
	plainLDAP
)

func (o over) String() string { return []string{"ldaps", "StartTLS", "plain"}[o] }

// dial returns a directory that finds out itself what kind of server it speaks to.
func dial(t *testing.T, a ldaptest.Access, how over, clock *steady) *connector.Directory {
	t.Helper()
	url := a.URL
	if how == ldaps {
		url = a.TLSURL
	}
	return openDirectory(t, connector.Config{
		Type: "auto", URLs: []string{url}, StartTLS: how == startTLS, Connections: 2, Timeout: time.Minute,
		BindDN: a.BindDN, Credentials: connector.Fixed(connector.Credentials{TLS: trusting(t, a), BindPassword: secret.New(a.Password)}), Clock: clock.Now,
		Base: func() plan.DN { return plan.MustParseDN(suffix) },
	})
}

func trusting(t *testing.T, a ldaptest.Access) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	return config
}

// enter makes a world of a directory and a ready mapping, with edits of it in pairs of old and new text.
func enter(t *testing.T, a ldaptest.Access, how over, file string, edits ...string) *world {
	t.Helper()
	clock := newSteady()
	dir := dial(t, a, how, clock)
	w := &world{stage: newStage(t, dir, mappingOf(t, file, edits)), access: a, dir: dir, clock: clock, file: file, edits: edits}
	w.at = time.Now().UnixMilli()
	return w
}

// in is the same world for a part of a test.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	part, acts := *w, *w.stage
	part.stage, acts.T = &acts, t
	t.Cleanup(func() { w.at = acts.at })
	return &part
}

// maps goes on with more edits of the mapping.
func (w *world) maps(edits ...string) {
	w.Helper()
	set := mappingOf(w.T, w.file, append(slices.Clone(w.edits), edits...))
	w.processor = processor.New(w.dir, func() *mapping.Set { return set })
}

// again says the same at a later time.
func (w *world) again(c event.Change) event.Change {
	w.at++
	c.Stamp.Event = event.Millis(w.at)
	return c
}

// dn is where the entry of an object is.
func (w *world) dn(ref event.Ref) plan.DN { return w.memory.objects[ref].DN }

// must processes and expects a code.
func (w *world) must(code event.Code, ref event.Ref, changes ...event.Change) processor.Result {
	w.Helper()
	result := w.process(ref, changes...)
	if o := result.Outcome; o.Code != code {
		w.Fatalf("%s: %s %s: %s; want %s", ref, o.State, o.Code, o.Message, code)
	}
	return result
}

// record is a full record of a user.
func record(name string, more event.Values) event.Values {
	fields := event.Values{
		"username": name, "displayName": "Ann Lee", "email": name + "@example.org",
		"primaryOuId": event.RootUnitID, "status": event.StatusEnabled,
	}
	maps.Copy(fields, more)
	return fields
}

// create makes a user, with a password unless it is empty.
func (w *world) create(ref event.Ref, name, password string, more event.Values) processor.Result {
	w.Helper()
	c := w.say(event.TypeUserCreate, ref, record(name, more))
	c.Password = secretText(password)
	return w.must(event.CodeApplied, ref, c)
}

// password sends a password of its own.
func (w *world) password(ref event.Ref, password string) processor.Result {
	w.Helper()
	c := w.say(event.TypeUserUpdatePassword, ref, nil)
	c.Password = secretText(password)
	return w.process(ref, c)
}

func secretText(text string) secret.Text { return secret.New(text) }

// secretOf is the outcome of the password where it differs from that of the object, nil otherwise.
func secretOf(r processor.Result) *event.Outcome {
	if o, differs := r.Facets[event.FacetSecret]; differs {
		return &o
	}
	return nil
}

// quiet fails the test where anything is left to be written for an object.
func (w *world) quiet(ref event.Ref) {
	w.Helper()
	if result := w.process(ref); len(result.Operations) > 0 {
		w.Fatalf("%s: what was written is written again: %s", ref, plan.Plan{Operations: result.Operations}.Summary())
	}
}

// bind tries to log in as a user would.
func (w *world) bind(dn plan.DN, password string) error {
	w.Helper()
	conn, err := ldap.DialURL(w.access.TLSURL, ldap.DialWithTLSConfig(trusting(w.T, w.access)))
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	return conn.Bind(dn.String(), password)
}

// guesses tries to log in with a wrong password, which the server has to refuse: a try that it does not answer is not counted.
func (w *world) guesses(ref event.Ref) {
	w.Helper()
	for range 10 {
		err := w.bind(w.dn(ref), "wrong")
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation) {
			return
		}
		w.Logf("a wrong password is answered with %v", err)
	}
	w.Fatal("the server does not refuse a wrong password")
}

// login checks whether a user can log in.
func (w *world) login(ref event.Ref, password string, want bool) {
	w.Helper()
	err := w.bind(w.dn(ref), password)
	if err != nil && !ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation) {
		w.Fatalf("log in as %s: %v", ref, err)
	}
	if got := err == nil; got != want {
		w.Fatalf("%s can log in: %t (%v); want %t", ref, got, err, want)
	}
}

// asAdmin runs something with a connection of the administrator.
func (w *world) asAdmin(f func(*ldap.Conn) error) {
	w.Helper()
	conn, err := ldap.DialURL(w.access.TLSURL, ldap.DialWithTLSConfig(trusting(w.T, w.access)))
	if err == nil {
		defer conn.Close()
		err = conn.Bind(w.access.AdminDN, w.access.Password)
	}
	if err == nil {
		err = f(conn)
	}
	if err != nil {
		w.Fatalf("as the administrator: %v", err)
	}
}

// replace gives an attribute of an entry other values, as an administrator.
func (w *world) replace(dn plan.DN, attribute string, values ...string) {
	w.Helper()
	w.asAdmin(func(conn *ldap.Conn) error {
		request := ldap.NewModifyRequest(dn.String(), nil)
		request.Replace(attribute, values)
		return conn.Modify(request)
	})
}

// values reads an attribute of an entry, as an administrator.
func (w *world) values(dn plan.DN, attribute string) []string {
	w.Helper()
	var out []string
	w.asAdmin(func(conn *ldap.Conn) error {
		result, err := conn.Search(ldap.NewSearchRequest(dn.String(), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{attribute}, nil))
		if err == nil {
			out = result.Entries[0].GetEqualFoldAttributeValues(attribute)
		}
		return err
	})
	return out
}

func (w *world) wantValues(dn plan.DN, attribute string, want ...string) {
	w.Helper()
	got := w.values(dn, attribute)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Fatalf("%s of %s is %q; want %q", attribute, dn, got, want)
	}
}

package connector_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// copies are servers that hold the same directory, and switches for what goes wrong with them.
type copies struct {
	servers []*ldaptest.Server
	clock   *steady
	d       *connector.Directory

	mu     sync.Mutex
	faults []ldaptest.Fault // of all writes, by server
	writes []int            // that were made, by server
}

func newCopies(t *testing.T, n int) *copies {
	t.Helper()
	c := &copies{clock: newSteady(), faults: make([]ldaptest.Fault, n), writes: make([]int, n)}
	var urls []string
	for i := range n {
		server, err := ldaptest.Start(ldaptest.Config{
			AdminDN: adminDN, AdminPassword: secret.New(password),
			LDIF: strings.Replace(start, "o: Example\n", "o: Example\nentryUUID: 6c6f6f6b-0000-4000-8000-000000000001\n", 1),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault { return c.decide(i, op) })
		c.servers, urls = append(c.servers, server), append(urls, server.URL())
	}
	c.d = openDirectory(t, connector.Config{URLs: urls, Connections: 2, Clock: c.clock.Now, Base: func() plan.DN { return baseDN }})
	return c
}

func (c *copies) decide(server int, op ldaptest.Operation) ldaptest.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains([]string{"add", "modify", "modrdn", "delete", "password"}, op.Verb) {
		return ldaptest.Fault{}
	}
	if !strings.HasPrefix(op.DN, "ou=idaas-ldap-tries") {
		c.writes[server]++
	}
	return c.faults[server]
}

// set says what goes wrong with the writes on a server.
func (c *copies) set(server int, fault ldaptest.Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[server] = fault
}

// written returns on which servers writes were tried since it was asked last.
func (c *copies) written() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := slices.Clone(c.writes)
	clear(c.writes)
	return was
}

var touchPeople = plan.Modify{DN: plan.MustParseDN(people), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description", Values: []string{"x"}}}}

// roles are all ways in which servers say that they take no writes.
var roles = map[string]ldaptest.Fault{
	"slapd, read-only":            {Code: ldap.LDAPResultUnwillingToPerform, Message: "operation restricted"},
	"slapd, without updateref":    {Code: ldap.LDAPResultUnwillingToPerform, Message: "shadow context; no update referral"},
	"389, read-only":              {Code: ldap.LDAPResultUnwillingToPerform, Message: "database is read-only"},
	"a referral":                  {Code: ldap.LDAPResultReferral, Refer: []string{"ldap://writable.example.org/" + suffix}},
	"busy":                        {Code: ldap.LDAPResultBusy},
	"unavailable":                 {Code: ldap.LDAPResultUnavailable},
	"Active Directory, read-only": {Code: ldap.LDAPResultReferral, Message: "0000202B: RefErr: DSID-0310082F, data 0, 1 access points", Refer: []string{"ldap://dc1.example.org/"}},
}

// The next server that takes writes is used, for everything, and the one before it again when it takes them.
func TestTheNextServerThatTakesWritesIsUsed(t *testing.T) {
	for name, fault := range roles {
		c := newCopies(t, 3)
		c.set(0, fault)
		c.set(1, fault)
		if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{0, 0, 1}) {
			t.Fatalf("%s from the start: %v", name, err)
		}
		c.set(1, ldaptest.Fault{})
		c.set(2, fault)
		// What was planned on the one server is not written to the other.
		wantKind(t, c.d.Apply(t.Context(), touchPeople), connector.KindElsewhere)
		c.written()
		if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{0, 1, 0}) {
			t.Errorf("%s meanwhile: %v", name, err)
		}
		c.set(0, ldaptest.Fault{})
		if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{0, 1, 0}) {
			t.Errorf("%s, at once: %v", name, err)
		}
		c.clock.pass(time.Minute)
		if err := read(t, c.d); err != nil {
			t.Error(err)
		}
		if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{1, 0, 0}) {
			t.Errorf("%s, after a while: %v", name, err)
		}
	}
}

// Where no server takes writes that is said, for whatever is written; what is read is read, and nothing is concluded from
// what is not found.
func TestNoServerTakesWrites(t *testing.T) {
	for name, fault := range roles {
		c := newCopies(t, 2)
		if err := c.d.Apply(t.Context(), person(annDN.String())); err != nil {
			t.Fatal(err)
		}
		c.servers[1].Down()
		c.set(0, fault)
		kind := connector.KindReadOnly
		if fault.Code == ldap.LDAPResultBusy || fault.Code == ldap.LDAPResultUnavailable {
			kind = connector.KindUnavailable
		}
		for _, op := range []plan.Operation{touchPeople, person("uid=new," + people), plan.Delete{DN: annDN}, plan.ModifyDN{DN: annDN, NewRDN: plan.RDN{{Type: "uid", Value: "x"}}}, plan.SetPassword{DN: annDN, Password: secret.New("correct horse")}} {
			o := failure(t, c.d.Apply(t.Context(), op), kind)
			if len(fault.Refer) > 0 && !strings.Contains(o.Error(), fault.Refer[0]) {
				t.Errorf("%s: it does not say where to: %v", name, o)
			}
		}
		wantKind(t, c.d.Check(t.Context(), baseDN), kind)
		if kind == connector.KindReadOnly {
			if c.d.ReadOnly() == nil || !connector.IsReadOnly(c.d.ReadOnly()) {
				t.Errorf("%s: nobody says so", name)
			}
			if found, err := c.d.Read(t.Context(), annDN, nil); err != nil || found == nil {
				t.Errorf("%s: what is there is not read: %v", name, err)
			}
			_, err := c.d.Read(t.Context(), plan.MustParseDN("uid=none,"+people), nil)
			wantKind(t, err, connector.KindReadOnly)
		}
		c.set(0, ldaptest.Fault{})
		if err := c.d.Check(t.Context(), baseDN); err != nil || c.d.ReadOnly() != nil {
			t.Errorf("%s is over: %v, %v", name, err, c.d.ReadOnly())
		}
		c.written()
		if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{1, 0}) {
			t.Errorf("%s is over: %v", name, err)
		}
	}
}

// A server that takes writes and refuses only one of them so is not given up for it.
func TestAnEntryThatIsBusy(t *testing.T) {
	for name, fault := range roles {
		c := newCopies(t, 2)
		if err := read(t, c.d); err != nil {
			t.Fatal(err)
		}
		c.servers[0].Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb == "modify" && op.DN == people {
				return fault
			}
			return ldaptest.Fault{}
		})
		wantKind(t, c.d.Apply(t.Context(), touchPeople), connector.KindRetry)
		if c.d.ReadOnly() != nil {
			t.Errorf("%s: %v", name, c.d.ReadOnly())
		}
		if err := c.d.Apply(t.Context(), person(annDN.String())); err != nil || len(c.servers[0].Journal()) != 1 {
			t.Errorf("%s: another entry: %v", name, err)
		}
	}
}

// A write that has to change servers, as the one that was read from is down, is looked at again first.
func TestAWriteIsNotTakenToAnotherServer(t *testing.T) {
	c := newCopies(t, 2)
	if err := read(t, c.d); err != nil {
		t.Fatal(err)
	}
	c.servers[0].Down()
	c.clock.pass(2 * time.Minute) // so the connection is tried before it is used
	wantKind(t, c.d.Apply(t.Context(), touchPeople), connector.KindElsewhere)
	if err := c.d.Apply(t.Context(), touchPeople); err != nil || !slices.Equal(c.written(), []int{0, 1}) {
		t.Error(err)
	}
}

func TestAPasswordIsRefusedOnlyWhereTheServerSaysSo(t *testing.T) {
	server, d := opened(t, ldaptest.Config{})
	for _, c := range []struct {
		code    uint16
		message string
		want    connector.Kind
	}{
		{ldap.LDAPResultUnwillingToPerform, "operation restricted", connector.KindReadOnly},
		{ldap.LDAPResultUnwillingToPerform, "", connector.KindRefused},
		{ldap.LDAPResultUnwillingToPerform, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0", connector.KindPasswordRefused},
		{ldap.LDAPResultConstraintViolation, "Password fails quality checking policy", connector.KindPasswordRefused},
	} {
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb != "password" {
				return ldaptest.Fault{}
			}
			return ldaptest.Fault{Code: c.code, Message: c.message}
		})
		wantKind(t, d.Apply(t.Context(), plan.SetPassword{DN: annDN, Password: secret.New("correct horse")}), c.want)
	}
}

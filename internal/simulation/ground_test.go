package simulation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/store"
)

// ground is what all simulations have in common.
type ground struct {
	wide, narrow *mapping.Set
	schema       *dit.Schema
	seal         *store.Seal
	empty        []byte // a store in which nothing has happened
	// plant, if set, returns what is wrong on purpose with the store of one world.
	plant func() func(*storeOf) store.Store
	// told, if set, is told of everything that happens.
	told func(string)
}

// atFirst is what the directory holds at first.
const atFirst = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

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

func newGround(t *testing.T) *ground {
	t.Helper()
	// Little is alive, and much of what is made is not for long.
	usual := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	g := &ground{
		wide:   mappingWith(t, "{ max: 100000, percent: 100, window: 1ms }"),
		narrow: mappingWith(t, fmt.Sprintf("{ max: %d, percent: 100, window: 8760h }", deletions)),
	}
	var err error
	if g.schema, err = dit.ReadSchema(); err != nil {
		t.Fatal(err)
	}
	if g.seal, err = store.NewSeal(secret.New(strings.Repeat("01", 32))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := g.openStore(path)
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		g.empty, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// mappingWith is the ready mapping for OpenLDAP with another guard for deletions, and with those that do without one letting everything pass: a
// company of a dozen people changes a great deal in percent.
func mappingWith(t *testing.T, deletes string) *mapping.Set {
	t.Helper()
	const file = "openldap.yaml"
	source, err := os.ReadFile("../../configs/mappings/" + file)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(source), "\nguards:")
	text += "\nguards:\n  deletes: " + deletes + "\n  disables: { max: 100000, percent: 100, window: 1ms }\n  vanished: { max: 1, percent: 100, window: 8760h }\n"
	set, err := mapping.Compile(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (g *ground) openStore(path string) (*store.SQLite, error) {
	return store.OpenSQLite(context.Background(), store.SQLiteConfig{Path: path, Seal: g.seal, Simulated: true})
}

func (g *ground) copyStore(path string) error { return os.WriteFile(path, g.empty, 0o600) }

// directory makes one that has a password policy with a history, and does not follow references.
func (g *ground) directory(seed uint64) (*memdir.Directory, error) {
	d, err := memdir.New(memdir.Config{
		Kind: connector.OpenLDAP, Schema: g.schema, Suffix: suffix, Clock: time.Now, Passwords: dit.PasswordPolicy{History: 3},
		Rand: rand.NewChaCha8([32]byte{byte(seed)}),
	})
	if err == nil {
		err = d.LoadLDIF(atFirst)
	}
	return d, err
}

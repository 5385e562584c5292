package dispatch_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"idaas-ldap/memdir"
	"idaas-ldap/plan"
)

// looked is a directory in memory that tells somebody of every operation that was done: with the entry and all below it as they
// were before, and the entry as it is after a modify.
type looked struct {
	*memdir.Directory
	told func(op plan.Operation, before []*plan.Entry, after *plan.Entry)

	mu sync.Mutex // one operation at a time, so that what is seen before it is what it meets
}

func newLooked(t *testing.T, kind string, told func(plan.Operation, []*plan.Entry, *plan.Entry)) *looked {
	t.Helper()
	schema, err := memdir.Schema(kind)
	if err != nil {
		t.Fatal(err)
	}
	d, err := memdir.New(memdir.Config{Kind: kind, Schema: schema, Suffix: "dc=example,dc=org", Clock: time.Now, Rand: rand.NewChaCha8([32]byte{})})
	if err == nil {
		err = d.LoadLDIF(`dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit

dn: ou=leavers,dc=example,dc=org
objectClass: organizationalUnit
`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &looked{Directory: d, told: told}
}

func (l *looked) Apply(ctx context.Context, op plan.Operation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.Below(op.Target())
	if err := l.Directory.Apply(ctx, op); err != nil {
		return err //nolint:wrapcheck // The processor is to see it as it is.
	}
	var after *plan.Entry
	if now := l.Below(op.Target()); len(now) > 0 {
		after = now[0]
	}
	l.told(op, before, after)
	return nil
}

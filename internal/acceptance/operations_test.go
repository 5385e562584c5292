package acceptance_test

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// operations counts what the product asks of a directory.
type operations struct {
	mu   sync.Mutex
	made map[string]int
}

func (o *operations) count(op ldaptest.Operation) ldaptest.Fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	// What is asked about the server, at whatever time, is none.
	if strings.HasPrefix(op.BoundAs, "cn=connector,") && strings.HasSuffix(op.DN, testBase) {
		o.made[op.Verb]++
	}
	return ldaptest.Fault{}
}

// in returns what was asked while work went on.
func (o *operations) in(work func()) map[string]int {
	o.mu.Lock()
	o.made = map[string]int{}
	o.mu.Unlock()
	work()
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.made)
}

// What is asked of the directory for one person is counted, however many are there. Many at a time take less; see package connector.
func TestEmbeddedOperationsForOnePerson(t *testing.T) {
	server := startEmbedded(t)
	p := startProductWith(t, setup{atOnce: oneAtOnce, directories: []configured{{name: "corp", dir: embeddedDirectory(server), connections: 1}}})
	seen := &operations{made: map[string]int{}}
	server.Fault(seen.count)
	person := func(name string) idaastest.User {
		return idaastest.User{ID: p.tenant.NewUserID(), Username: name, DisplayName: "Ann Lee", Email: name + "@example.org"}
	}
	for _, others := range []string{"nobody else", "a thousand"} {
		if others == "a thousand" {
			events := idaastest.Generate(5, 1000, 0).Push(p.tenant)[:1000]
			for len(events) > 0 {
				p.send(events[:100]...)
				events = events[100:]
			}
			if bad := p.settle(); len(bad) > 0 {
				t.Fatalf("%+v", bad[0])
			}
		}
		p.apply(event.CodeApplied, p.tenant.CreateUser(person("first."+others[:1]), "")) // what is asked once is asked for
		ann := person("ann." + others[:1])
		did := map[string]map[string]int{}
		did["a new person"] = seen.in(func() { p.apply(event.CodeApplied, p.tenant.CreateUser(ann, "")) })
		did["the same again"] = seen.in(func() { p.apply(event.CodeUnchanged, p.tenant.UserEvent(event.TypeUserPush, ann)) })
		ann.Email = "ann.lee@example.org"
		did["another address"] = seen.in(func() { p.apply(event.CodeApplied, p.tenant.UserEvent(event.TypeUserUpdateInfo, ann)) })
		did["a deletion"] = seen.in(func() { p.apply(event.CodeApplied, p.tenant.DeleteUser(ann.ID)) })
		want := map[string]map[string]int{
			"a new person":    {"search": 3, "add": 1}, // by the rules, the base, and the new id
			"the same again":  {"search": 1},
			"another address": {"search": 1, "modify": 1},
			"a deletion":      {"search": 3, "delete": 1}, // the entry, what refers to it, and the base
		}
		if diff := cmp.Diff(want, did); diff != "" {
			t.Errorf("with %s there (-want +made):\n%s", others, diff)
		}
	}
}

package connector_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
)

// That there is no connection many are told at the same time. What one of them is told does not change by the telling: it
// neither grows, nor do two write it at once.
func TestOneErrorForManyStaysAsItIs(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Type: connector.DS389, Connections: 8})
	if _, err := d.Profile(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb != "bind" {
			return ldaptest.Fault{}
		}
		return ldaptest.Fault{Code: ldap.LDAPResultOperationsError, Message: "not now"}
	})
	server.Drop()
	_ = d.Apply(t.Context(), person(annDN.String())) // This one loses its connection.
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			var told *connector.OutcomeError
			if err := d.Apply(t.Context(), person(annDN.String())); !errors.As(err, &told) {
				t.Errorf("it is %v", err)
			} else if told.Message != "not now" {
				t.Errorf("the server's words are %q", told.Message)
			}
		})
	}
	wg.Wait()
}

package ldaptest_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"idaas-ldap/ldaptest"
)

// Who connects to a server that is down is refused, and nobody else gets its port meanwhile.
func TestAServerThatIsDownKeepsItsPort(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	address := strings.TrimPrefix(s.URL(), "ldap://")
	before := dial(t, s.URL())
	s.Down()
	if _, err := before.WhoAmI(nil); err == nil {
		t.Error("a connection from before still works")
	}
	if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection is %v, %v; want it to be refused", conn, err)
	}
	if other, err := net.Listen("tcp", address); err == nil {
		t.Errorf("somebody else listens on %s", other.Addr())
		_ = other.Close()
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if found := search(t, dial(t, s.URL()), "(uid=*)"); names(found) != "ann bob" {
		t.Errorf("afterwards there are %q", names(found))
	}
}

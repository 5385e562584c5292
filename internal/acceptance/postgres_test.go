package acceptance_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"idaas-ldap/ldaptest"
)

var (
	storesOn   = flag.String("stores-on", "", "the address of a PostgreSQL server for tests, on which the stores are; files if absent")
	instances  = flag.Int("instances", 1, "how many instances share a store")
	onlyAtOnce = flag.Int("at-once", 0, "how many objects are worked on at a time in every test; zero for what each says")
	everything = flag.Bool("everything", false, "try on PostgreSQL all that is tried with a store in a file")
)

// stores is the server that the stores are on, nil where they are files.
var stores = sync.OnceValue(func() *ldaptest.PostgresServer {
	if *storesOn == "" {
		return nil
	}
	return &ldaptest.PostgresServer{Address: *storesOn}
})

// storeURL returns where a new store is made.
func storeURL(tb testing.TB) string {
	tb.Helper()
	if server := stores(); server != nil {
		return server.Schema(tb)
	}
	return "sqlite:store.db"
}

// inTurn sends each request to another instance.
type inTurn struct {
	addresses []string
	next      atomic.Int64
}

// RoundTrip sends a request.
func (i *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = i.addresses[int(i.next.Add(1))%len(i.addresses)]
	return http.DefaultTransport.RoundTrip(r)
}

// carried is what is tried on PostgreSQL in every run, with one instance and with three: all rows (once each, with encrypted events and with
// others), random sequences with and without trouble, guards, comparing, reloading, and what time does.
const carried = "^TestEmbedded(Life|NamesChangePlaces|EverybodyIsCompared|ADirectoryThatIsDownHoldsUpNoOther|Nobody.*NewMapping|ABadMapping.*|Any.*|Locks.*|Leavers.*|WhatTime.*|WhatIsWrong.*)$"

// Everything is with one instance and with three as it is with a store in a file.
func TestPostgresCarriesTheProduct(t *testing.T) {
	t.Parallel()
	server := ldaptest.StartPostgres(t, "CREATE ROLE "+ldaptest.PostgresUser+" LOGIN PASSWORD '"+ldaptest.PostgresPassword+"'",
		"CREATE DATABASE "+ldaptest.PostgresDatabase+" OWNER "+ldaptest.PostgresUser)
	for n, round := range map[int]string{1: "encrypted", 3: "unencrypted"} {
		tests, checks, seed := carried+"|^TestEmbeddedEvents$/^"+round+"$", "5", "1"
		if *everything {
			tests, checks, seed = "^TestEmbedded", "100", "0" // another one each time
		}
		t.Run(fmt.Sprintf("instances=%d", n), func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+tests, "-test.count=1", "-test.v="+strconv.FormatBool(testing.Verbose()),
				"-rapid.checks="+checks, "-rapid.seed="+seed, "-stores-on="+server.Address, "-instances="+strconv.Itoa(n))
			said, err := run.CombinedOutput()
			if err != nil {
				t.Errorf("%v", err)
			}
			t.Logf("%s", said)
		})
	}
}

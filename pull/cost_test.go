//go:build !race

package pull_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

// The memory for a round does not grow with the number of accounts, and its requests are those that are documented.
func TestTheCostOfARoundIsAsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/pull.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []crowd{{units: 50, usersOf: 20, groups: 20, membersOf: 50}, {units: 1000, usersOf: 100, groups: 100, membersOf: 400}} {
		synctest.Test(t, func(t *testing.T) {
			p := newProduct(t, idaastest.NewTenantWithKey(nil, time.Now).Live(idaastest.Organization{}), false)
			defer p.stop()
			c := &size
			c.Store = p.store
			round := p.round()
			round.API, err = pull.NewClient(pull.Config{
				Endpoint: "https://api.example.org", Instance: "i", Application: "a", Secret: func() secret.Text { return secret.New(canary) },
				RequestsPerSecond: 5, Transport: c, Clock: time.Now, Rand: random(),
			})
			if err != nil {
				t.Fatal(err)
			}
			round.Known = c
			base, most, told := heap(), uint64(0), 0
			round.Told = func(pull.Progress) {
				if told++; told%500 == 0 {
					most = max(most, heap())
				}
			}
			progress, err := round.Run(t.Context())
			if err != nil || progress.Users != c.units*c.usersOf || len(p.said) > 0 {
				t.Fatalf("%v, %+v, said %d", err, progress, len(p.said))
			}
			row := fmt.Sprintf("| %s | %s | %d with %d members | %s |", thousands(progress.Users), thousands(c.units), c.groups, c.membersOf, thousands(progress.Requests-c.tokens))
			if !strings.Contains(string(page), row) {
				t.Errorf("docs/pull.md lacks the line %s", row)
			}
			if grown := int64(most) - int64(base); grown > 32<<20 {
				t.Errorf("the memory grew by %d MiB", grown>>20)
			}
		})
	}
}

// thousands writes a number as people do.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

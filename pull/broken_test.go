package pull_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

// A round that is broken off at any request, or while anything is being said, goes on where it was when it is started again. Nobody is
// deleted before the end of it, and what was read is not read again.
func TestARoundThatIsBrokenOffGoesOn(t *testing.T) {
	total := 0
	var want map[string]string // how the directory is where nobody was ever told of anything else
	for at := 0; at <= total; at++ {
		synctest.Test(t, func(t *testing.T) {
			p := newProduct(t, idaastest.NewTenantWithKey(nil, time.Now).Live(idaastest.Organization{}), false)
			defer p.stop()
			for _, e := range small().Push(p.api.Tenant) {
				p.take(e)
			}
			org := small()
			org.Users[0].DisplayName, org.Users[1].Unit = "Ann Smith", "ou_3"
			org.Users, org.Groups = org.Users[:2], append(org.Groups, idaastest.Group{ID: "group_2", Name: "Ops"})
			org.Members = map[string][]string{"group_1": {"user_1"}, "group_2": {"user_2"}}
			p.pass(10 * time.Minute)
			p.api.Live = p.api.Tenant.Live(org)
			p.pass(10 * time.Minute)
			ctx, cancel := context.WithCancel(t.Context())
			p.api.Before = func(n int, _ http.ResponseWriter, _ *http.Request) bool {
				if n == at {
					cancel()
					panic(http.ErrAbortHandler)
				}
				return false
			}
			progress, err := p.round().Run(ctx)
			cancel()
			if (err != nil) != (at > 0) {
				t.Fatalf("broken off at %d: %v", at, err)
			}
			if at == 0 {
				total = progress.Requests
			} else {
				progress, err = p.round().Run(t.Context())
			}
			// A new client needs a token and looks at the scope; the request that broke off is sent again, and a unit or a group from its start.
			if err != nil || progress.Absent != 1 || progress.Stage != pull.StageDone || progress.Problem != "" || progress.Requests > total+7 {
				t.Errorf("broken off at %d of %d: %v, %+v", at, total, err, progress)
			}
			p.pass(time.Hour)
			if want == nil {
				fresh := newProduct(t, p.api.Live, false)
				defer fresh.stop()
				fresh.take(org.Push(p.api.Tenant)...)
				fresh.pass(time.Hour)
				want = fresh.stands()
			}
			if diff := cmp.Diff(want, p.stands()); diff != "" {
				t.Errorf("broken off at %d: the directory is not as IDaaS is (-IDaaS +directory):\n%s", at, diff)
			}
			for i, c := range p.said {
				if c.Type == event.TypePullAbsent && i < len(p.said)-1 {
					t.Errorf("broken off at %d: %s was said before everything was read", at, c.ID)
				}
			}
		})
	}
	if total < 15 {
		t.Errorf("a round takes %d requests", total)
	}
}

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

func isToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") }

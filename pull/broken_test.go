package pull_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
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

func isToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") }

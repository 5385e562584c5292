package pull_test

import (
	"context"
	"errors"
	"fmt"
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

// A process that is killed at any request, or before anything that it notes is written, leaves a round that goes on where it was when it is
// started again. Nobody is deleted before the end of it, and what was read is not read again.
func TestARoundThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	requests, writes := 0, 0
	var want map[string]string
	synctest.Test(t, func(t *testing.T) {
		p, org := changedCompany(t)
		defer p.stop()
		store := &brokenStore{Store: p.store}
		round := p.round()
		round.Known, round.Rounds = store, store
		progress, err := round.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		requests, writes = progress.Requests, store.writes
		p.pass(time.Hour)
		want = p.stands()
		fresh := newProduct(t, p.api.Live, false) // which was never told of anything else
		defer fresh.stop()
		fresh.take(org.Push(p.api.Tenant)...)
		fresh.pass(time.Hour)
		if diff := cmp.Diff(fresh.stands(), want); diff != "" {
			t.Errorf("the directory is not as IDaaS is (-IDaaS +directory):\n%s", diff)
		}
	})
	if requests < 15 || writes < 10 {
		t.Fatalf("a round takes %d requests and %d writes", requests, writes)
	}
	for at := 1; at <= requests; at++ {
		t.Run(fmt.Sprint("request ", at), func(t *testing.T) { t.Parallel(); breakOff(t, at, 0, requests, want) })
	}
	for at := 1; at <= writes; at++ {
		t.Run(fmt.Sprint("write ", at), func(t *testing.T) { t.Parallel(); breakOff(t, 0, at, requests, want) })
	}
}

// changedCompany is a company of which all was told, and in which everything has changed since.
func changedCompany(t *testing.T) (*product, idaastest.Organization) {
	t.Helper()
	p := newProduct(t, idaastest.NewTenantWithKey(nil, time.Now).Live(idaastest.Organization{}), false)
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
	return p, org
}

// breakOff kills a round at a request, or before a write, and starts it again.
func breakOff(t *testing.T, request, write, requests int, want map[string]string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, _ := changedCompany(t)
		defer p.stop()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		killed := &brokenStore{Store: p.store, last: write}
		round := p.round()
		round.Known, round.Rounds = killed, killed
		p.api.Before = func(n int, _ http.ResponseWriter, _ *http.Request) bool {
			if n == request {
				killed.set(errors.New("killed"))
				cancel()
				panic(http.ErrAbortHandler)
			}
			return false
		}
		if _, err := round.Run(ctx); err == nil {
			t.Fatal("it was not broken off")
		}
		for i, c := range p.said {
			if c.Type == event.TypePullAbsent && (i < len(p.said)-1 || len(p.said) < 5) {
				t.Errorf("%s was said before everything was read", c.ID)
			}
		}
		progress, err := p.round().Run(t.Context())
		// A new client needs a token and looks at the scope; the request that broke off is sent again, and a unit or a group from its start.
		if err != nil || progress.Absent > 1 || progress.Stage != pull.StageDone || progress.Problem != "" || progress.Requests > requests+7 {
			t.Errorf("of %d requests: %v, %+v", requests, err, progress)
		}
		p.pass(time.Hour)
		if diff := cmp.Diff(want, p.stands()); diff != "" {
			t.Errorf("the directory is not as IDaaS is (-IDaaS +directory):\n%s", diff)
		}
	})
}

func isToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") }

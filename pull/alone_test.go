package pull_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
)

// joined tells of a group without saying that bob has joined it.
func (p *product) joined() {
	p.Helper()
	p.live.Join("group_1", "user_2")
	p.take(p.live.PutGroup(event.TypeGroupUpdate, idaastest.Group{ID: "group_1", Name: "Vpn"}))
}

// wantJoined fails the test unless that was read, or was not.
func (p *product) wantJoined(want bool, when string) {
	p.Helper()
	if got := slices.Contains(p.summary(), "own:pull group_1 user_2:true"); got != want || p.api.Requests()["users"] != 0 {
		p.Errorf("%s: read is %v; want %v; said %v with %v", when, got, want, p.summary(), p.api.Requests())
	}
}

// A group that is to be read alone is read also where the service ends before that, be it before the schedule was told of the event.
func TestAGroupIsReadAloneAfterARestart(t *testing.T) {
	for _, told := range []bool{true, false} {
		inProduct(t, small(), true, func(p *product) {
			s, stop := p.schedule(pull.Never, &rounds{})
			p.pass(20 * time.Second)
			p.joined()
			if told {
				s.Read("group_1", event.Millis(time.Now().UnixMilli()))
			}
			p.pass(time.Second)
			stop()
			p.wantJoined(false, "before the restart")
			p.pass(20 * time.Second)
			_, stop = p.schedule(pull.Never, &rounds{})
			p.pass(10 * time.Second)
			stop()
			p.wantJoined(true, "after the restart")
			if n := p.api.Requests()["members"]; n != 1 {
				p.Errorf("the members were asked for %d times", n)
			}
		})
	}
}

// A group that cannot be read is read again after a pause, also where the service is started anew long after the event; one that nobody
// may read is not.
func TestAGroupThatCannotBeReadIsReadAgain(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		refuse := func(status int, code string) {
			p.api.Change(func(a *idaastest.API) {
				a.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if !strings.Contains(r.URL.Path, "/groups/") {
						return false
					}
					problem(status, code)(w)
					return true
				}
			})
		}
		refuse(http.StatusForbidden, "application_api_disabled")
		s, stop := p.schedule(pull.Never, &rounds{})
		p.pass(20 * time.Second)
		p.joined()
		s.Read("group_1", event.Millis(time.Now().UnixMilli()))
		p.pass(10 * time.Minute)
		stop()
		p.wantJoined(false, "while the API is switched off")
		p.api.Change(func(a *idaastest.API) { a.Before = nil })
		s, stop = p.schedule(pull.Never, &rounds{})
		p.pass(10 * time.Second)
		p.wantJoined(true, "when it is open again")
		refuse(http.StatusForbidden, "permission_denied")
		s.Read("group_1", event.Millis(time.Now().UnixMilli()))
		p.pass(10 * time.Second)
		p.api.Change(func(a *idaastest.API) { a.Before = nil })
		before := p.api.Requests()
		p.pass(30 * time.Minute)
		stop()
		if got := p.api.Requests(); got["members"] != before["members"] || got["token"] != before["token"] {
			p.Errorf("a group that nobody may read is read again: %v, before %v", got, before)
		}
	})
}

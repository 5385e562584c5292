package pull_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/pull"
)

// to makes the answers to the requests that a text is in another one.
func to(part string, answer func(w http.ResponseWriter, r *http.Request)) func(p *product) {
	return func(p *product) {
		p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.RequestURI(), part) {
				return false
			}
			answer(w, r)
			return true
		}
	}
}

func with(status int, header, value, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

const (
	usersOfOne = "/users?organizationalUnitId=ou_1&"
	scopeOfAll = `{"organizationalUnitIds":["ou_root"]}`
)

func says(body string) func(http.ResponseWriter, *http.Request) { return with(200, "", "", body) }

// Whatever an API answers that is out of its mind, or half dead, nobody is deleted and nobody is taken out of a group. Where the round
// cannot come to its end it says whom it has asked, for what, and what was wrong; and when the API is itself again the round goes on, and the
// next one mends what was believed.
func TestAnAPIOutOfItsMindDeletesNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unkind func(p *product)
		ends   bool     // the round comes to its end
		says   []string // its error, or why absence proves nothing
	}{
		"a page for people":                    {to("provisioningScope", with(200, "Content-Type", "text/html", "<html>Welcome</html>")), false, []string{"read the synchronization scope from api.example.org", "not the JSON"}},
		"JSON by another name":                 {to("provisioningScope", with(200, "Content-Type", "image/png", scopeOfAll)), true, nil},
		"an answer that breaks off":            {to(usersOfOne, says(`{"totalCount":1,"data":[{"userId":"user_1","usern`)), false, []string{"list the users of unit ou_1 from api.example.org", "not the JSON"}},
		"an answer of another sort":            {to(usersOfOne, says(`[1,2]`)), false, []string{"list the users of unit ou_1 from api.example.org", "not the JSON"}},
		"nothing":                              {to(usersOfOne, says(``)), false, []string{"list the users of unit ou_1 from api.example.org", "not the JSON"}},
		"null":                                 {to(usersOfOne, says(`null`)), true, []string{"what is in unit ou_1 changed"}},
		"lists without a list":                 {to("?", says(`{}`)), true, []string{"what is in unit ou_root changed"}},
		"members without a list":               {to("listUsersForGroup", says(`{"maxResults":100}`)), true, nil},
		"an error that calls itself a success": {to("listUsersForGroup", says(`{"error":"InternalError","error_description":"try later","request_id":"R1"}`)), false, []string{"list the members of group group_1 from api.example.org", "IDaaS answers 200 InternalError: try later (request R1)"}},
		"such a one of the gateway":            {to("/groups?", says(`{"Code":"ServiceUnavailable","Message":"try later"}`)), false, []string{"list the groups from api.example.org", "200 ServiceUnavailable"}},
		"an id on two pages":                   {to(usersOfOne, says(`{"totalCount":2,"data":[{"userId":"user_1","username":"ann","displayName":"Ann Lee"}]}`)), true, []string{"what is in unit ou_1 changed"}},
		"a count that shrinks": {func(p *product) {
			n := 9
			to(usersOfOne, func(w http.ResponseWriter, _ *http.Request) {
				n--
				fmt.Fprintf(w, `{"totalCount":%d,"data":[{"userId":"user_1","username":"ann","displayName":"Ann Lee"}]}`, max(n, 0))
			})(p)
		}, true, []string{"what is in unit ou_1 changed"}},
		"a token without an end":             {to("/token", says(`{"access_token":"AT1","token_type":"Bearer"}`)), false, []string{"from api.example.org", "invalid_token"}}, // The simulation does not know it.
		"a token without a token":            {to("/token", says(`{"expires_in":1200}`)), false, []string{"read the synchronization scope from api.example.org: ask for a token", "holds none"}},
		"a token of a megabyte":              {to("/token", says(`{"access_token":"`+strings.Repeat("A", 1<<20)+`"}`)), false, []string{"ask for a token", "1048576 bytes"}},
		"a clock a year ahead":               {to("provisioningScope", with(200, "Date", "Mon, 01 Jan 2001 00:00:00 GMT", scopeOfAll)), false, []string{"read the synchronization scope from api.example.org", "2001-01-01", "set the clock"}},
		"a clock a year behind":              {to(usersOfOne, with(200, "Date", "Fri, 01 Jan 1999 00:00:00 GMT", `{"totalCount":0,"data":[]}`)), false, []string{"list the users of unit ou_1 from api.example.org", "set the clock"}},
		"throttled for ever":                 {to("/groups?", with(429, "Retry-After", "60", "")), false, []string{"list the groups from api.example.org", "IDaaS answers 429"}},
		"throttled with a status of its own": {to("/groups?", with(403, "", "", `{"Code":"Throttling.Api","Message":"slow down"}`)), false, []string{"list the groups from api.example.org", "403 Throttling.Api"}},
		"units below each other": {to("parentId=ou_", func(w http.ResponseWriter, r *http.Request) {
			below := map[string]string{event.RootUnitID: "ou_1", "ou_1": "ou_3", "ou_3": "ou_1"}
			parent := r.URL.Query().Get("parentId")
			if at := below[parent]; at != "" {
				fmt.Fprintf(w, `{"totalCount":1,"data":[{"organizationalUnitId":%q,"organizationalUnitName":"Unit","parentId":%q}]}`, at, parent)
				return
			}
			fmt.Fprint(w, `{"totalCount":0,"data":[]}`)
		}), true, nil},
		"a unit below itself": {to("parentId=ou_3", says(`{"totalCount":1,"data":[{"organizationalUnitId":"ou_3","organizationalUnitName":"Office","parentId":"ou_3"}]}`)), true, nil},
		"a tree without an end": {to("parentId=", func(w http.ResponseWriter, r *http.Request) {
			parent := r.URL.Query().Get("parentId")
			fmt.Fprintf(w, `{"totalCount":1,"data":[{"organizationalUnitId":%q,"organizationalUnitName":"Deep","parentId":%q}]}`, fmt.Sprintf("ou_deep_%d", p36(parent)), parent)
		}), false, []string{"list the units below ou_deep_", "api.example.org has named more than 30 units"}},
		"users in a unit that there is not": {to("/users", func(w http.ResponseWriter, r *http.Request) {
			id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			user := `{"userId":%q,"username":%q,"displayName":"A Stranger","primaryOrganizationalUnitId":"ou_404","organizationalUnits":[{"organizationalUnitId":"ou_404","primary":true}]}`
			if id == "users" {
				id, user = "user_3", `{"totalCount":1,"data":[`+user+`]}`
			}
			fmt.Fprintf(w, user, id, id)
		}), true, nil},
		"an answer about somebody else": {to("/users", func(w http.ResponseWriter, r *http.Request) {
			user := `{"userId":"user_3","username":"eve","displayName":"Eve Stranger"}`
			if !strings.Contains(r.URL.Path, "/users/") {
				user = strings.Replace(`{"totalCount":1,"data":[`+user+`]}`, "user_3", "user_2", 1)
			}
			fmt.Fprint(w, user)
		}), false, []string{"read user user_2 from api.example.org: the answer is about user user_3"}},
		"a name of 70,000 characters": {to("/users", func(w http.ResponseWriter, r *http.Request) {
			name := strings.Repeat("x", 70_000)
			if strings.Contains(r.URL.Path, "/users/user_3") {
				fmt.Fprintf(w, `{"userId":"user_3","username":"eve","displayName":%q,"primaryOrganizationalUnitId":"ou_3"}`, name)
				return
			}
			if r.URL.Query().Get("organizationalUnitId") == "ou_3" {
				fmt.Fprintf(w, `{"totalCount":1,"data":[{"userId":"user_3","username":"eve","displayName":%q}]}`, name)
				return
			}
			problem(503, "ServiceUnavailable")(w)
		}), false, []string{"from api.example.org", "503 ServiceUnavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inProduct(t, small(), false, func(p *product) {
				before := p.stands()
				c.unkind(p)
				round := p.round()
				round.MostUnits = 30
				progress, err := round.Run(p.Context())
				if (err == nil) != c.ends {
					p.Errorf("the round ends with %v: %+v", err, progress)
				}
				told := strings.Join(progress.Unproven, "; ") + progress.Problem
				for _, part := range c.says {
					if !strings.Contains(told, part) {
						p.Errorf("%q does not say %q", told, part)
					}
				}
				if strings.Contains(told, "\n") || strings.Contains(told, canary) || len(told) > 10_000 {
					p.Errorf("it tells %q", told)
				}
				if len(progress.Lost) > 20 || len(progress.Unproven) > 20 {
					p.Errorf("it notes more and more: %+v", progress)
				}
				p.nobodyGone(before, progress)
				p.api.Before = nil
				p.pass(time.Hour)
				for range 2 { // the rest of the round, and the next one
					round := p.round()
					round.MostUnits = 30
					if _, err := round.Run(p.Context()); err != nil {
						p.Error(err)
					}
					p.pass(time.Hour)
				}
				if diff := cmp.Diff(before, p.stands()); diff != "" || len(p.unsettled()) > 0 {
					p.Errorf("the directory is not as IDaaS is (-IDaaS +directory):\n%s\n%+v wait", diff, p.unsettled())
				}
			})
		})
	}
}

// p36 is the number at the end of an id, and one more.
func p36(id string) int {
	n := 0
	_, _ = fmt.Sscanf(id, "ou_deep_%d", &n)
	return n + 1
}

// nobodyGone fails the test where anybody is not in the directory any more, or not in the group.
func (p *product) nobodyGone(before map[string]string, progress pull.Progress) {
	p.Helper()
	p.pass(10 * time.Minute)
	var users, members int
	for dn, entry := range p.stands() {
		if strings.HasPrefix(dn, "uid=") {
			users++
		}
		if strings.HasPrefix(dn, "cn=Vpn,") {
			members = strings.Count(entry, "uid=")
		}
	}
	if progress.Absent > 0 || len(p.stands()) < len(before) || users != 3 || members != 2 {
		p.Errorf("somebody is gone: %d users, %d members; said %v", users, members, p.summary())
	}
}

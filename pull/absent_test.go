package pull_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

// Leavers are deleted, and units and groups that are gone.
func TestWhoeverIsProvenToBeGoneIsDeleted(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.live.DeleteUser("user_2")
		p.live.DeleteUnit("ou_2")
		p.live.DeleteGroup("group_1")
		p.pass(10 * time.Minute)
		start := time.Now()
		progress := p.catchUp()
		p.wantSaid("own:pull_absent user_2", "own:pull_absent ou_2", "own:pull_absent group_1")
		if got := p.api.Requests(); got["user"] != 2 || got["unit"] != 2 || got["group"] != 2 || progress.Absent != 3 || progress.Finished.Time().Sub(start) < time.Minute {
			p.Errorf("asked %v, %+v", got, progress)
		}
		if stands := p.stands(); len(stands) != 7 {
			p.Errorf("the directory holds %v", stands)
		}
	})
}

// An event whose object was never told of waits for its record. A round brings that in where IDaaS knows the object, and ends the waiting
// where it is proven that there is none; where that is open the event goes on waiting.
func TestWhatWaitsForARecordIsSettled(t *testing.T) {
	for _, told := range []bool{true, false} {
		inProduct(t, small(), false, func(p *product) {
			c := &company{live: p.live, serial: 100}
			p.take(c.do(deed{What: "guest", M: 1})...)
			p.take(c.do(deed{What: "guest", M: 2})...)
			p.api.Denied = []string{"groups"}
			p.pass(10 * time.Minute)
			if open := p.unsettled(); len(open) != 2 {
				p.Fatalf("%+v wait before the round", open)
			}
			p.catchUp()
			if open := p.unsettled(); len(open) != 1 || open[0].Object.Kind != event.KindGroup {
				p.Errorf("%+v wait after a round that may not read groups", open)
			}
			p.api.Denied = nil
			p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if told || !strings.Contains(r.URL.Path, "/groups/group_01") {
					return false
				}
				problem(http.StatusNotFound, "EntityNotExist.Group")(w)
				return true
			}
			progress := p.catchUp()
			if open := p.unsettled(); (len(open) == 0) != told || (progress.Unlisted == 0) != told || len(p.stands()) != 10 {
				p.Errorf("told %v: %+v wait after the round: %+v; said %v", told, open, progress, p.summary())
			}
		})
	}
	inProduct(t, small(), false, func(p *product) { // who is hidden from the lists
		p.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_4", Username: "kim", DisplayName: "Kim Lee", Unit: "ou_1"})
		p.take(p.live.PutUser(event.TypeUserUpdatePrimaryOU, idaastest.User{ID: "user_4", Username: "kim", DisplayName: "Kim Lee", Unit: "ou_3"}))
		p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("organizationalUnitId") != "ou_3" {
				return false
			}
			fmt.Fprint(w, `{"totalCount":1,"data":[{"userId":"user_3","username":"eve"}]}`)
			return true
		}
		p.catchUp()
		if p.stands()["uid=kim,ou=Office,ou=people,dc=example,dc=org"] == "" || len(p.unsettled()) > 0 {
			p.Errorf("kim is not there; said %v", p.summary())
		}
	})
}

// Absence that is not proven deletes nobody, and the round says why.
func TestAbsenceThatIsNotProvenDeletesNobody(t *testing.T) {
	missing := func(p *product) {
		p.live.DeleteUser("user_2")
		p.live.DeleteUser("user_1")
	}
	for name, c := range map[string]struct {
		unkind   func(p *product)
		says     string
		unlisted int
	}{
		"a narrower scope": {func(p *product) {
			p.catchUp()
			p.api.ScopeUnits = []string{"ou_3"}
		}, "--new-scope", 5},
		"an empty scope": {func(p *product) { p.api.ScopeUnits = nil }, "names no unit", 7},
		"a scope that changes meanwhile": {func(p *product) {
			p.api.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("organizationalUnitId") == "ou_2" {
					p.api.ScopeUnits = []string{event.RootUnitID, "ou_1"}
				}
				return false
			}
			missing(p)
		}, "changed while it was read", 2},
		"a unit that cannot be read": {func(p *product) {
			p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("organizationalUnitId") != "ou_2" {
					return false
				}
				problem(400, "OrganizationUnitIdNotInScopes")(w)
				return true
			}
			missing(p)
		}, "unit ou_2 cannot be read", 2},
		"lists that never hold still": {func(p *product) {
			n := 0
			p.api.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("organizationalUnitId") != "ou_3" {
					return false
				}
				if n++; n%2 == 1 {
					p.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_x", Username: "x", Unit: "ou_3"})
				} else {
					p.live.DeleteUser("user_x")
				}
				return false
			}
			p.api.PageSize = 1
			missing(p)
		}, "changed all the time", 2},
		"a gateway that answers 404": {func(p *product) {
			p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/users/") {
					return false
				}
				http.Error(w, "<html>not found</html>", http.StatusNotFound)
				return true
			}
			missing(p)
		}, "IDaaS answers 404", -1},
		"who is back when asked again": {func(p *product) {
			asked := map[string]int{}
			missing(p)
			p.api.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; strings.HasPrefix(id, "user_") {
					if asked[id]++; asked[id] == 2 {
						p.live.PutUser(event.TypeUserCreate, idaastest.User{ID: id, Username: id, Unit: "ou_3"})
					}
				}
				return false
			}
		}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			inProduct(t, small(), false, func(p *product) {
				c.unkind(p)
				progress, err := p.round().Run(p.Context())
				told := strings.Join(progress.Unproven, "; ") + progress.Problem
				if (err != nil) != (c.unlisted < 0) || !strings.Contains(told, c.says) || progress.Absent > 0 || c.unlisted >= 0 && progress.Unlisted != c.unlisted {
					p.Errorf("%v, %+v", err, progress)
				}
				p.pass(time.Hour)
				for _, dn := range []string{"uid=ann,ou=Lab,ou=people,dc=example,dc=org", "uid=bob,ou=Inner lab,ou=Lab,ou=people,dc=example,dc=org"} {
					if p.stands()[dn] == "" {
						p.Errorf("%s is gone; said %v", dn, p.summary())
					}
				}
			})
		})
	}
}

// A narrower scope holds until a person says that it is meant; a wider one is nobody's harm.
func TestANarrowerScopeWaitsForAPerson(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.api.ScopeUnits = []string{"ou_1", "ou_3"}
		p.api.ScopeGroups = []string{"group_1"}
		p.catchUp()
		p.api.ScopeUnits = []string{"ou_3"}
		for range 2 {
			if progress := p.catchUp(); len(progress.Unproven) != 1 || progress.Absent > 0 {
				p.Errorf("%+v", progress)
			}
		}
		round := p.round()
		round.NewScope = true
		progress, err := round.Run(p.Context())
		if err != nil || len(progress.Unproven) > 0 || progress.Absent != 2 || progress.Unlisted != 2 {
			p.Errorf("%v, %+v", err, progress) // of the units nobody can tell whether they are gone or outside
		}
		p.wantSaid("own:pull_absent user_1", "own:pull_absent user_2")
		p.pass(time.Minute)
		p.api.ScopeUnits = []string{"ou_1", "ou_3"}
		if progress := p.catchUp(); len(progress.Unproven) > 0 {
			p.Errorf("%+v", progress)
		}
		p.pass(time.Hour)
		if p.stands()["uid=ann,ou=Lab,ou=people,dc=example,dc=org"] == "" {
			p.Errorf("ann is not back: %+v\n%+v", p.said, p.outcomes)
		}
	})
}

// Who is outside the scope and can still be read, or of whom nobody can tell, is left alone.
func TestWhoIsOutsideTheScopeIsLeftAlone(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		inProduct(t, small(), false, func(p *product) {
			p.api.ScopeUnits, p.api.Outside = []string{"ou_1"}, status
			progress := p.catchUp()
			if progress.Absent > 0 || p.stands()["uid=eve,ou=Office,ou=people,dc=example,dc=org"] == "" {
				p.Errorf("%+v, said %v", progress, p.summary())
			}
		})
	}
}

// A leaver is deleted only where no other application of the same instance may know better.
func TestAnotherApplicationOfTheInstanceMayKnowBetter(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.live.DeleteUser("user_2")
		round := p.round()
		round.Feeds[0].Alone = false
		progress, err := round.Run(p.Context())
		if err != nil || progress.Absent > 0 || progress.Unlisted != 1 {
			p.Errorf("%v, %+v", err, progress)
		}
	})
}

// What is proven for one directory is not said to another one of which that is not so: the word goes to all that the application feeds.
func TestAnotherApplicationMayKnowBetterInOneDirectory(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		const lab = "lab"
		in := func(ref string) store.NewEvent {
			return store.NewEvent{
				Application: "app_other", Instance: p.api.Tenant.Instance, Targets: []store.Target{{Directory: lab}},
				Change: event.Change{ID: ref, Type: event.TypeUserCreate, Object: event.Ref{Kind: event.KindUser, ID: ref}, Stamp: event.Stamp{Event: 1}},
			}
		}
		if _, err := p.store.Accept(p.Context(), event.Millis(time.Now().UnixMilli()), []store.NewEvent{in("user_2")}); err != nil {
			p.Fatal(err)
		}
		p.live.DeleteUser("user_2")
		p.live.DeleteUser("user_3")
		round := p.round()
		round.Feeds = append(round.Feeds, pull.Feed{Directory: lab})
		progress, err := round.Run(p.Context())
		if err != nil || progress.Unlisted == 0 {
			p.Errorf("%v, %+v", err, progress)
		}
		for _, said := range p.summary() {
			if strings.HasPrefix(said, "own:pull_absent") && said != "own:pull_absent user_3" {
				p.Errorf("it is said: %s", said)
			}
		}
		if progress.Absent != 1 {
			p.Errorf("%+v", progress)
		}
	})
}

// What a guard holds is said once, not by each round.
func TestWhatAGuardHoldsIsSaidOnce(t *testing.T) {
	org := idaastest.Generate(3, 30, 0)
	org.Groups, org.Members = nil, nil
	inProduct(t, org, true, func(p *product) {
		for i := range 6 {
			p.live.DeleteUser(org.Users[i].ID)
		}
		p.pass(10 * time.Minute)
		for range 2 {
			if progress := p.catchUp(); progress.Stage != pull.StageDone {
				p.Errorf("%+v", progress)
			}
		}
		counts, err := p.store.Counts(p.Context(), corp)
		if err != nil || counts[event.Held] != 5 { // five percent of thirty, at least one, is one
			p.Errorf("%v held, %v; %v", counts, err, p.outcomes)
		}
	})
}

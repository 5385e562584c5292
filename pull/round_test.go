package pull_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
)

// inProduct runs a test on a product that knows everything of an organization, and was told of it ten minutes ago.
func inProduct(t *testing.T, org idaastest.Organization, guarded bool, test func(p *product)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tenant := idaastest.NewTenantWithKey(nil, time.Now)
		live := tenant.Live(idaastest.Organization{})
		p := newProduct(t, live, guarded)
		defer p.stop()
		for _, unit := range org.Units {
			p.take(live.PutUnit(event.TypeUnitPush, unit))
		}
		for _, user := range org.Users {
			p.take(live.PutUser(event.TypeUserPush, user))
		}
		for _, group := range org.Groups {
			p.take(live.PutGroup(event.TypeGroupPush, group))
			if members := org.Members[group.ID]; len(members) > 0 {
				p.take(live.Join(group.ID, members...), live.PutGroup(event.TypeGroupPush, group))
			}
		}
		p.pass(10 * time.Minute)
		test(p)
	})
}

// small is a company of three people.
func small() idaastest.Organization {
	return idaastest.Organization{
		Units: []idaastest.Unit{{ID: "ou_1", Name: "Lab"}, {ID: "ou_2", Name: "Inner lab", Parent: "ou_1"}, {ID: "ou_3", Name: "Office"}},
		Users: []idaastest.User{
			{ID: "user_1", Username: "ann", DisplayName: "Ann Lee", Unit: "ou_1"}, {ID: "user_2", Username: "bob", DisplayName: "Bob Lee", Unit: "ou_2"}, {ID: "user_3", Username: "eve", DisplayName: "Eve Lee", Unit: "ou_3"},
		},
		Groups: []idaastest.Group{{ID: "group_1", Name: "Vpn"}}, Members: map[string][]string{"group_1": {"user_1", "user_3"}},
	}
}

// summary is what a round has said, in words.
func (p *product) summary() []string {
	out := []string{}
	for _, c := range p.said {
		words := []string{string(c.Type), c.Object.ID}
		for name := range c.Fields {
			if name != event.FieldID && !strings.HasSuffix(name, "Time") {
				words = append(words, fmt.Sprintf("%s=%v", name, c.Fields[name]))
			}
		}
		slices.Sort(words[2:])
		for _, m := range c.Members {
			words = append(words, fmt.Sprintf("%s:%v", m.User, m.Present))
		}
		out = append(out, strings.Join(words, " "))
	}
	slices.Sort(out)
	return out
}

func (p *product) wantSaid(want ...string) {
	p.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), p.summary()); diff != "" {
		p.Errorf("not said what there is to say (-want +got):\n%s", diff)
	}
}

// Where nothing was missed nothing is said, whichever way IDaaS writes numbers and what is empty, and nobody is asked for alone.
func TestARoundWithNothingMissedSaysNothing(t *testing.T) {
	org := idaastest.Generate(3, 25, 4)
	for name, unkind := range map[string]func(*idaastest.API){
		"as it comes": func(*idaastest.API) {}, "texts": func(a *idaastest.API) { a.Texts = true }, "null": func(a *idaastest.API) { a.Empty = idaastest.Null{} }, "left out": func(a *idaastest.API) { a.Empty = nil },
	} {
		t.Run(name, func(t *testing.T) {
			inProduct(t, org, true, func(p *product) {
				unkind(p.api)
				written := len(p.directory.Written())
				progress := p.catchUp()
				if n := len(p.directory.Written()) - written; n > 0 || len(p.said) > 0 || p.api.Requests()["user"] > 0 {
					p.Errorf("it wrote %d times, asked for %d alone and said %v", n, p.api.Requests()["user"], p.summary())
				}
				if progress.Units != 4 || progress.Users != 25 || progress.Groups != len(org.Groups) || progress.Stage != pull.StageDone || progress.Finished == 0 {
					p.Errorf("the round is %+v", progress)
				}
				status, err := pull.StatusOf(p.Context(), p.store, p.api.Tenant.Application)
				if err != nil || status.Succeeded != progress.Finished || !status.Scope.Equal(pull.Scope{Units: []string{event.RootUnitID}}) {
					p.Errorf("the status is %+v, %v", status, err)
				}
			})
		})
	}
}

// What is news is said, and nothing else; a move shows in the lists also where it does not move the time of the record.
func TestARoundSaysWhatWasMissed(t *testing.T) {
	for _, still := range []bool{false, true} {
		inProduct(t, small(), true, func(p *product) {
			p.live.StillTime = still
			p.live.PutUser(event.TypeUserUpdatePrimaryOU, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Ann Lee", Unit: "ou_3"})
			p.live.PutUser(event.TypeUserDisable, idaastest.User{ID: "user_2", Username: "bob", DisplayName: "Bob Lee", Unit: "ou_2", Status: event.StatusDisabled})
			p.live.PutUnit(event.TypeUnitUpdate, idaastest.Unit{ID: "ou_2", Name: "Inmost lab", Parent: "ou_1"})
			p.live.Leave("group_1", "user_3")
			p.live.Join("group_1", "user_2")
			p.pass(10 * time.Minute)
			p.catchUp()
			want := []string{
				"own:pull user_1 ous=[map[id:ou_3 primary:true]] primaryOuId=ou_3", "own:pull user_2 status=disabled", "own:pull ou_2 name=Inmost lab", "own:pull group_1 user_2:true user_3:false",
			}
			if !still {
				want = append(want, "own:pull group_1") // its time has moved
			}
			p.wantSaid(want...)
		})
	}
}

// A change that shows in no list is found by a full round.
func TestAFullRoundAsksForEverybodyAlone(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		p.live.StillTime = true
		p.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Ann Lee", Unit: "ou_1", Custom: map[string]string{"title": "Dr."}})
		p.pass(10 * time.Minute)
		p.catchUp()
		p.wantSaid()
		round := p.round()
		round.Full = true
		if _, err := round.Run(p.Context()); err != nil {
			p.Fatal(err)
		}
		p.wantSaid("own:pull user_1 custom.title=Dr.")
		if got := p.api.Requests()["user"]; got != 3 {
			p.Errorf("%d were asked for alone", got)
		}
	})
}

// A callback that comes while the round is under way and says something newer is not contradicted by what the round has read before.
func TestACallbackMeanwhileWins(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		p.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Missed", Unit: "ou_1"})
		p.pass(10 * time.Minute)
		round := p.round()
		say := round.Say
		round.Say = func(ctx context.Context, changes []event.Change) error {
			if len(changes) > 0 && changes[0].Object.ID == "user_1" {
				p.take(p.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Newest", Unit: "ou_1"}))
			}
			return say(ctx, changes)
		}
		if _, err := round.Run(p.Context()); err != nil {
			p.Fatal(err)
		}
		p.pass(time.Hour)
		if got := p.stands()["uid=ann,ou=Lab,ou=people,dc=example,dc=org"]; !strings.Contains(got, "displayname[Newest]") {
			p.Errorf("the entry is\n%s\nsaid %v %v", got, p.summary(), p.outcomes)
		}
	})
}

// What was told of within the last minutes is not undone by an API that does not show it yet.
func TestWhatIsNotShownYetIsNotUndone(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		p.live.StillTime = true
		p.take(p.api.Tenant.MoveUser(idaastest.User{ID: "user_1", Username: "ann", Unit: "ou_3"}), p.api.Tenant.Membership(event.TypeGroupAddUser, "group_1", "user_2"))
		p.take(p.api.Tenant.UserEvent(event.TypeUserCreate, idaastest.User{ID: "user_4", Username: "new", DisplayName: "New", Unit: "ou_1"}))
		p.pass(time.Minute)
		written := len(p.directory.Written())
		p.catchUp()
		if n := len(p.directory.Written()) - written; n > 0 {
			p.Errorf("it wrote %d times: %v %v", n, p.summary(), p.outcomes)
		}
		p.catchUp() // now it counts
		p.pass(time.Hour)
		stands := p.stands()
		if stands["uid=ann,ou=Lab,ou=people,dc=example,dc=org"] == "" || stands["uid=new,ou=Lab,ou=people,dc=example,dc=org"] != "" {
			p.Errorf("the directory is %v", stands)
		}
	})
}

// Without the right to read groups they stay as they are, and everything else is caught up.
func TestWithoutTheRightToReadGroupsTheyStay(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.api.Denied = []string{"groups"}
		p.live.DeleteUser("user_2")
		progress := p.catchUp()
		p.wantSaid("own:pull_absent user_2")
		if !strings.Contains(progress.NoGroups, "permission_denied") || progress.Unlisted != 1 {
			p.Errorf("%+v", progress)
		}
	})
}

// Users who are in the scope by nothing but a group are read one by one.
func TestUsersOfAGroupInTheScopeAreRead(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.api.ScopeUnits, p.api.ScopeGroups, p.api.Outside = []string{"ou_1"}, []string{"group_1"}, http.StatusOK
		p.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_3", Username: "eve", DisplayName: "Eve Smith", Unit: "ou_3"})
		p.pass(10 * time.Minute)
		p.catchUp()
		p.wantSaid("own:pull user_3 displayName=Eve Smith")
	})
}

// One group is read because an event about it does not say who is in it.
func TestOneGroupIsReadAlone(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.take(p.live.Join("group_1", "user_2"))
		p.pass(time.Minute)
		left := p.live.Leave("group_1", "user_2")
		p.pass(time.Second)
		for range 2 {
			if err := p.round().Group(p.Context(), "group_1", event.Millis(left.Time.UnixMilli())); err != nil {
				p.Fatal(err)
			}
			p.pass(time.Minute)
		}
		p.wantSaid("own:pull group_1", "own:pull group_1 user_2:false")
		if err := p.round().Group(p.Context(), "group_9", 1); err != nil {
			p.Errorf("a group that is gone: %v", err)
		}
		if got := p.stands()["cn=Vpn,ou=groups,dc=example,dc=org"]; strings.Contains(got, "uid=bob") || !strings.Contains(got, "uid=ann") {
			p.Errorf("the group is %s", got)
		}
	})
}

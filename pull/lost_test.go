package pull_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
)

func TestMain(m *testing.M) {
	// A check is some days of a company. Who wants more of them says -rapid.checks.
	if err := flag.Set("rapid.checks", "8"); err != nil {
		panic(err)
	}
	if flag.Parse(); flag.Arg(0) == asksOnly {
		m.Run() // It may leave a connection that is still being made.
		return
	}
	goleak.VerifyTestMain(m)
}

func mustDocument(t *testing.T, tenant *idaastest.Tenant, events []idaastest.Event) []byte {
	t.Helper()
	document, err := json.Marshal(tenant.Document(events))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// deed is something that happens in a company. What n and m mean depends on what it is.
type deed struct {
	What string
	N, M int
	Lost bool
}

func drawDeed(t *rapid.T) deed {
	return deed{
		What: rapid.SampledFrom([]string{
			"hire", "hire", "hire", "rename", "rename", "call", "move", "move", "disable", "enable", "lock", "unlock", "leave", "leave",
			"unit", "unit", "rename unit", "move unit", "close unit", "group", "rename group", "end group", "join", "join", "quit", "guest", "hour",
		}).Draw(t, "what"),
		N: rapid.IntRange(0, 7).Draw(t, "n"), M: rapid.IntRange(0, 7).Draw(t, "m"), Lost: rapid.IntRange(0, 2).Draw(t, "lost") == 0,
	}
}

// company is an organization to which deeds are done. Names are unique at IDaaS, and may go from one to another.
type company struct {
	live   *idaastest.Live
	serial int
}

// do does a deed and returns the event that tells of it; none where it cannot be done.
func (c *company) do(d deed) []idaastest.Event {
	org := c.live.Organization()
	c.serial++
	id := fmt.Sprintf("%04d", c.serial)
	switch d.What {
	case "hire":
		name := c.freeName(org, d.M)
		return one(c.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_" + id, Username: name, DisplayName: "Ann Lee", Unit: c.unit(org, d.N)}))
	case "unit":
		if len(org.Units) > 5 {
			return nil
		}
		return one(c.live.PutUnit(event.TypeUnitCreate, idaastest.Unit{ID: "ou_" + id, Name: "unit " + id, Parent: c.unit(org, d.N)}))
	case "group":
		return one(c.live.PutGroup(event.TypeGroupCreate, idaastest.Group{ID: "group_" + id, Name: "group " + id}))
	case "guest":
		return c.guest(org, d, id)
	case "rename unit", "move unit", "close unit":
		return c.toUnit(org, d, id)
	case "rename group", "end group", "join", "quit":
		return c.toGroup(org, d, id)
	}
	if len(org.Users) == 0 {
		return nil
	}
	return c.toUser(org, d, org.Users[d.N%len(org.Users)])
}

// guest makes an object and ends it again, and returns neither of the two events, but the one of what happened to it in between.
func (c *company) guest(org idaastest.Organization, d deed, id string) []idaastest.Event {
	if user := (idaastest.User{ID: "user_" + id, Username: c.freeName(org, d.N), Unit: event.RootUnitID}); d.M%3 < 2 {
		c.live.PutUser(event.TypeUserCreate, user)
		defer c.live.DeleteUser(user.ID)
		if d.M%3 == 0 {
			user.Unit = c.unit(org, d.N)
			return one(c.live.PutUser(event.TypeUserUpdatePrimaryOU, user))
		}
		user.Status = event.StatusDisabled
		return one(c.live.PutUser(event.TypeUserDisable, user))
	}
	if len(org.Users) == 0 {
		return nil
	}
	group := "group_" + id
	c.live.PutGroup(event.TypeGroupCreate, idaastest.Group{ID: group, Name: "group " + id})
	defer c.live.DeleteGroup(group)
	return one(c.live.Join(group, org.Users[d.N%len(org.Users)].ID))
}

func one(e idaastest.Event) []idaastest.Event { return []idaastest.Event{e} }

// freeName is a user name that nobody has now.
func (c *company) freeName(org idaastest.Organization, n int) string {
	for {
		name := fmt.Sprintf("name%d", n)
		if !slices.ContainsFunc(org.Users, func(u idaastest.User) bool { return u.Username == name }) {
			return name
		}
		n++
	}
}

func (c *company) unit(org idaastest.Organization, n int) string {
	if n %= len(org.Units) + 1; n > 0 {
		return org.Units[n-1].ID
	}
	return event.RootUnitID
}

func (c *company) toUser(org idaastest.Organization, d deed, u idaastest.User) []idaastest.Event {
	kind := event.TypeUserUpdateInfo
	switch d.What {
	case "rename":
		u.Username = c.freeName(org, d.M)
	case "call":
		u.PhoneRegion, u.PhoneNumber, u.PhoneVerified = "86", fmt.Sprintf("1390000000%d", d.M), true
	case "move":
		u.Unit, kind = c.unit(org, d.M), event.TypeUserUpdatePrimaryOU
	case "disable":
		u.Status, kind = event.StatusDisabled, event.TypeUserDisable
	case "enable":
		u.Status, kind = event.StatusEnabled, event.TypeUserEnable
	case "lock":
		u.LockExpireTime, kind = int64(event.LockedForever), event.TypeUserLock
	case "unlock":
		u.LockExpireTime, kind = 0, event.TypeUserUnlock
	case "leave":
		return one(c.live.DeleteUser(u.ID))
	default:
		return nil
	}
	return one(c.live.PutUser(kind, u))
}

func (c *company) toUnit(org idaastest.Organization, d deed, id string) []idaastest.Event {
	if len(org.Units) == 0 {
		return nil
	}
	u := org.Units[d.N%len(org.Units)]
	switch d.What {
	case "rename unit":
		u.Name = "unit " + id
		return one(c.live.PutUnit(event.TypeUnitUpdate, u))
	case "move unit":
		parent := c.unit(org, d.M)
		for at := parent; at != event.RootUnitID && at != ""; {
			if at == u.ID {
				return nil // below itself
			}
			i := slices.IndexFunc(org.Units, func(x idaastest.Unit) bool { return x.ID == at })
			at = org.Units[i].Parent
		}
		u.Parent = parent
		return one(c.live.PutUnit(event.TypeUnitUpdateParent, u))
	}
	if slices.ContainsFunc(org.Users, func(x idaastest.User) bool { return x.Unit == u.ID }) || slices.ContainsFunc(org.Units, func(x idaastest.Unit) bool { return x.Parent == u.ID }) {
		return nil
	}
	return one(c.live.DeleteUnit(u.ID))
}

func (c *company) toGroup(org idaastest.Organization, d deed, id string) []idaastest.Event {
	if len(org.Groups) == 0 {
		return nil
	}
	g := org.Groups[d.N%len(org.Groups)]
	switch d.What {
	case "rename group":
		g.Name = "group " + id
		return one(c.live.PutGroup(event.TypeGroupUpdate, g))
	case "end group":
		return one(c.live.DeleteGroup(g.ID))
	}
	if len(org.Users) == 0 {
		return nil
	}
	user := org.Users[d.M%len(org.Users)].ID
	if d.What == "join" {
		return one(c.live.Join(g.ID, user))
	}
	return one(c.live.Leave(g.ID, user))
}

// Whatever happens in a company, and whatever of it is lost, whole hours among it: after one round the directory is as if it had been told
// of nothing but how IDaaS is, or after the next one where something happens while the first one reads. One more round finds nothing and
// writes nothing.
func TestARoundCatchesUpWithEverythingThatWasLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		deeds := rapid.SliceOfN(rapid.Custom(drawDeed), 1, 40).Draw(rt, "deeds")
		meanwhile := rapid.SliceOfN(rapid.Custom(drawDeed), 0, 6).Draw(rt, "meanwhile")
		still := rapid.Bool().Draw(rt, "still")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = loseAndCatchUp(t, deeds, meanwhile, still) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// catchUpWhile does a deed before every second request of a round, and where there was any it makes another round when they are over.
func (p *product) catchUpWhile(c *company, deeds []deed) pull.Progress {
	p.Helper()
	if len(deeds) == 0 {
		return p.catchUp()
	}
	left := deeds
	p.api.Before = func(n int, _ http.ResponseWriter, _ *http.Request) bool {
		if n%2 == 0 && len(left) > 0 {
			d := left[0]
			left = left[1:]
			for _, e := range c.do(d) {
				if !d.Lost {
					p.take(e)
				}
			}
		}
		return false
	}
	p.catchUp()
	p.api.Before = nil
	p.pass(10 * time.Minute)
	return p.catchUp()
}

func loseAndCatchUp(t *testing.T, deeds, meanwhile []deed, still bool) string {
	t.Helper()
	tenant := idaastest.NewTenantWithKey(nil, time.Now)
	live := tenant.Live(idaastest.Organization{})
	live.StillTime = still
	c := &company{live: live}
	p := newProduct(t, live, false)
	defer p.stop()
	away := false
	for _, d := range deeds {
		p.pass(time.Second)
		if d.What == "hour" {
			p.pass(time.Hour)
			away = d.N < 3
		}
		for _, e := range c.do(d) {
			if !d.Lost && !away {
				p.take(e)
			}
		}
	}
	p.pass(10 * time.Minute)
	first := p.catchUpWhile(c, meanwhile)
	if open := p.unsettled(); len(open) > 0 {
		return fmt.Sprintf("%d events wait after the round, the first %s of %s: %s", len(open), open[0].Type, open[0].Object, open[0].Outcome.Message)
	}
	fresh := newProduct(t, live, false)
	defer fresh.stop()
	fresh.take(live.Organization().Push(tenant)...)
	fresh.pass(time.Hour)
	if diff := cmp.Diff(fresh.stands(), p.stands()); diff != "" {
		return fmt.Sprintf("the directory is not as IDaaS is (-IDaaS +directory):\n%s\nsaid: %+v\n%+v\n%+v", diff, p.said, p.outcomes, first)
	}
	written, said := len(p.directory.Written()), len(p.said)
	second := p.catchUp()
	if n := len(p.directory.Written()) - written; n > 0 || len(p.said) > said || second.Unlisted > 0 {
		return fmt.Sprintf("the second round wrote %d times and said %+v: %+v", n, p.said[said:], second)
	}
	return ""
}

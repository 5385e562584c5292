package pull_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
	"idaas-ldap/pull"
)

// What was lost is caught up on slapd as it is in memory: the directory is then as another one that was told of nothing but how IDaaS is, and
// a second round writes nothing.
func TestOpenLDAPCatchesUpWithEverythingThatWasLost(t *testing.T) {
	for _, seed := range []uint64{8, 9, 11} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { loseOnSlapd(t, seed) })
	}
}

func loseOnSlapd(t *testing.T, seed uint64) {
	t.Helper()
	server, fresh := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true}), ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	var at atomic.Int64 // the time at IDaaS, which ends before now
	at.Store(time.Now().Add(-24 * time.Hour).UnixMilli())
	tenant := idaastest.NewTenantWithKey(nil, func() time.Time { return time.UnixMilli(at.Load()) })
	live := tenant.Live(idaastest.Organization{})
	c := &company{live: live}
	p := startProduct(t, live, false, slapdTarget(t, server))
	random := rand.New(rand.NewPCG(seed, seed))
	kinds := []string{
		"hire", "hire", "hire", "hire", "rename", "call", "move", "move", "disable", "enable", "lock", "unlock", "leave", "unit", "unit", "rename unit", "move unit",
		"close unit", "group", "rename group", "end group", "join", "join", "quit", "guest",
	}
	for i := range 250 {
		at.Add(time.Minute.Milliseconds())
		d := deed{What: kinds[random.IntN(len(kinds))], N: random.IntN(100), M: random.IntN(100), Lost: random.IntN(3) == 0}
		for _, e := range c.do(d) {
			if !d.Lost && i/40%3 != 2 { // every third stretch of forty minutes is lost
				p.take(e)
			}
		}
	}
	at.Add(time.Hour.Milliseconds())
	if progress := p.roundInTime(); progress.Changed < 10 || progress.Absent < 2 {
		t.Errorf("too little was lost: %s", progress)
	}
	other := startProduct(t, live, false, slapdTarget(t, fresh))
	other.take(live.Organization().Push(tenant)...)
	other.rest()
	if diff := cmp.Diff(standsOn(t, fresh), standsOn(t, server)); diff != "" {
		t.Fatalf("the directory is not as IDaaS is (-IDaaS +directory):\n%s", diff)
	}
	at.Add(time.Hour.Milliseconds())
	written, said := len(server.Writes(t)), len(p.said)
	if progress := p.roundInTime(); len(server.Writes(t)) > written || len(p.said) > said || progress.Unlisted > 0 {
		t.Errorf("the second round wrote %v and said %v: %s", server.Writes(t)[written:], p.said[said:], progress)
	}
	keeper := idaastest.User{ID: "user_keeper", Username: "keeper", DisplayName: "Kim Lee"}
	p.take(live.PutUser(event.TypeUserCreate, keeper), tenant.UpdatePassword(keeper, "c4n4ry-Old-1"))
	p.rest()
	at.Add(time.Minute.Milliseconds())
	keeper.DisplayName = "Kim Smith"
	live.PutUser(event.TypeUserUpdateInfo, keeper)
	at.Add(time.Hour.Milliseconds())
	progress := p.roundInTime()
	const dn = "uid=keeper,ou=people,dc=example,dc=org"
	if entry := standsOn(t, server)[dn]; progress.Changed != 1 || !strings.Contains(entry, "displayname: Kim Smith") {
		t.Errorf("what was lost of keeper is not caught up: %s\n%s", progress, entry)
	}
	conn, err := ldap.DialURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(dn, "c4n4ry-Old-1"); err != nil {
		t.Errorf("with the password of before the round: %v", err)
	}
}

// slapdTarget connects to a server.
func slapdTarget(t *testing.T, server *ldaptest.Slapd) *connector.Directory {
	t.Helper()
	log := logrus.New()
	log.SetOutput(t.Output())
	directory, err := connector.Open(connector.Config{
		Name: corp, Type: connector.OpenLDAP, URLs: []string{server.URL}, BindDN: server.BindDN,
		Credentials: func(bool) connector.Credentials {
			return connector.Credentials{BindPassword: secret.New(server.Password)}
		},
		Base:        func() plan.DN { return plan.MustParseDN("dc=example,dc=org") },
		Connections: 4, Timeout: time.Minute, Log: log, Clock: time.Now, Observe: func(string, uint16, time.Duration) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.Close)
	return directory
}

// roundInTime makes a round in the time of the machine, and waits until it is dealt with.
func (p *product) roundInTime() pull.Progress {
	p.Helper()
	round := p.round()
	round.Pause = 0
	progress, err := round.Run(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	p.rest()
	return progress
}

// rest waits until nothing is left to do.
func (p *product) rest() {
	p.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; <-time.After(20 * time.Millisecond) {
		open := p.unsettled()
		if len(open) == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("%s of %s does not settle: %s", open[0].Type, open[0].Object, open[0].Outcome.Message)
		}
	}
}

// standsOn is what a server holds, but for what it adds by itself.
func standsOn(t *testing.T, server *ldaptest.Slapd) map[string]string {
	t.Helper()
	conn, err := ldap.DialURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(server.AdminDN, server.Password); err != nil {
		t.Fatal(err)
	}
	found, err := conn.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"*", "pwdAccountLockedTime"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range found.Entries {
		var lines []string
		for _, a := range e.Attributes {
			values := slices.Sorted(slices.Values(a.Values))
			if strings.EqualFold(a.Name, "pwdAccountLockedTime") {
				values = []string{"locked"} // when somebody was locked out is when it was heard of
			}
			if !strings.EqualFold(a.Name, "userPassword") {
				lines = append(lines, strings.ToLower(a.Name)+": "+strings.Join(values, " | "))
			}
		}
		slices.Sort(lines)
		out[e.DN] = strings.Join(lines, "\n")
	}
	return out
}

package acceptance_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

var (
	campaignTime    = flag.Duration("campaign", 0, "how long the campaign goes on; zero for one round")
	campaignSeed    = flag.Uint64("campaign-seed", 1, "what the campaign draws its choices from")
	campaignProgram = flag.String("campaign-program", "", "the absolute path of the product that the campaign kills; this test binary if empty")
)

// The product is killed again and again, at some operation in the directory, before it is done or after it and before its answer is seen,
// while IDaaS sends and repeats what happens in a company and the directory is in trouble. After each round the directory is what the
// model says: nothing is lost, nothing was done twice, and nothing out of order.
func TestEmbeddedCampaign(t *testing.T) {
	c := newCampaign(t, *campaignSeed)
	started := time.Now()
	for round := uint64(0); round == 0 || time.Since(started) < *campaignTime; round++ {
		err := c.round(round)
		c.done.rounds++
		if err != nil || !c.done.isClean() {
			t.Errorf("round %d: %v", round, err)
			break
		}
	}
	if c.done.kills == 0 || c.done.faults == 0 {
		t.Error("nothing was killed, or nothing went wrong: that proves nothing")
	}
	t.Logf("campaign: seed=%d seconds=%.0f %s", *campaignSeed, time.Since(started).Seconds(), &c.done)
}

// campaign is the product as a process, and a directory that is in trouble.
type campaign struct {
	*product

	process *process
	server  *ldaptest.Server

	turning sync.Mutex // held while the weather changes
	mu      sync.Mutex // guards what follows
	random  *rand.Rand
	stormy  bool
	sky     trial
	thaw    chan struct{} // closed when a frozen directory goes on
	// nextKill is after how many operations in a storm the product is killed.
	nextKill int
	done     tally
}

// trial is what is wrong with the directory for a while.
type trial int

const (
	// windy: connections are cut before and after an operation, and the server is busy now and then.
	windy trial = iota
	stopped
	frozen
	readOnly
	wrongLogin
	trials
)

func newCampaign(t *testing.T, seed uint64) *campaign {
	t.Helper()
	c := &campaign{server: startEmbedded(t), random: rand.New(rand.NewPCG(seed, 11)), nextKill: 40}
	c.product = makeProduct(t, setup{answerWithin: 100 * time.Millisecond, directories: []configured{{name: "corp", dir: embeddedDirectory(c.server)}}})
	c.feed.through = c.post
	c.process = startProcess(t, *campaignProgram, c.config, c.tenant)
	opened, err := app.OpenStore(t.Context(), c.load(), store.ToRead)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	c.app = &app.App{Store: opened}
	c.server.Fault(c.fault)
	c.feed.send(t, c.otherEvents()...)
	if bad := c.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	return c
}

// round lets things happen in a company of its own, delivers them in the storm, and looks at the directory afterwards.
func (c *campaign) round(n uint64) error {
	c.t.Helper()
	choose := seeded{rand.New(rand.NewPCG(c.draw(1<<30), n))}
	company := newCompany(choose, c.tenant, c.clock.Now, size{users: 30, units: 8, groups: 5}, fmt.Sprintf("%04d", n))
	company.grow(250)
	about := numberAddresses(company.events)
	c.done.events += len(company.events)
	s := &sequence{product: c.product, tb: c.t, events: company.events, end: theEnd(company.events)}
	before := c.dir.tree(c.t)
	s.others = c.dir.stands(c.t)
	c.server.ClearJournal()
	d := deliver(choose, company.events, disorder{late: 40, unordered: 40, twice: 10, together: 6, parallel: 4})
	for _, w := range d.waves {
		if w.back != "" {
			c.applied(c.t, w.back)
		}
		if err := c.storms(w, d.parallel); err != nil {
			return err
		}
	}
	settled := s.settles(s.events, s.end.waits)
	c.done.count(s, c.server.Journal(), about)
	for _, check := range []func() error{
		func() error { return settled },
		func() error { return s.stands(s.end) },
		func() error { return s.logIns(s.end) },
		func() error { return s.pushWritesNothing(s.end) },
		func() error { return s.leavesNothing(s.end, before) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// storms delivers a part of what happens while the directory is in trouble and the product is killed.
func (c *campaign) storms(w wave, parallel int) error {
	c.t.Helper()
	c.mu.Lock()
	c.stormy = true
	c.mu.Unlock()
	err := w.send(c.t, c.feed, parallel)
	if calmed := c.calms(); err == nil {
		err = calmed
	}
	return err
}

func (c *campaign) draw(n int) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(c.random.IntN(n))
}

// post sends a request, and changes the weather now and then.
func (c *campaign) post(request []idaastest.Event) (idaastest.Answer, error) {
	if c.draw(12) == 0 {
		c.turns(trial(c.draw(int(trials))))
	}
	answer, sent, err := c.process.post(request)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.requests += sent
	return answer, err
}

// turns changes the weather, in a storm only.
func (c *campaign) turns(to trial) {
	c.turning.Lock()
	defer c.turning.Unlock()
	c.mu.Lock()
	from, stormy := c.sky, c.stormy
	if stormy && from != to {
		if c.sky = to; from == frozen {
			close(c.thaw)
		}
		if to == frozen {
			c.thaw = make(chan struct{})
		}
		c.done.faults++
	}
	c.mu.Unlock()
	if !stormy || from == to {
		return
	}
	if to == stopped {
		c.dir.close()
		c.server.Down()
	} else if err := c.server.Up(); err != nil {
		c.t.Errorf("the directory does not come back: %v", err)
	}
	if to == wrongLogin {
		c.dir.close()
		c.server.Drop()
	}
	if from == wrongLogin {
		c.kills() // The pauses after a refused login are minutes, for all who are not started anew.
	}
}

// kills kills the product.
func (c *campaign) kills() {
	if c.process.kill() {
		c.mu.Lock()
		c.done.kills++
		c.mu.Unlock()
	}
}

// calms ends the storm, and waits until the product runs.
func (c *campaign) calms() error {
	c.turns(windy)
	c.mu.Lock()
	c.stormy = false
	c.mu.Unlock()
	return c.process.awaits()
}

// fault decides what happens to an operation of the product.
func (c *campaign) fault(op ldaptest.Operation) ldaptest.Fault {
	if !strings.HasPrefix(cmp.Or(op.BoundAs, op.DN), "cn=connector,") {
		return ldaptest.Fault{}
	}
	c.mu.Lock()
	f, wrong := c.strikes(op)
	if wrong {
		c.done.faults++
	}
	c.mu.Unlock()
	return f
}

func (c *campaign) strikes(op ldaptest.Operation) (f ldaptest.Fault, wrong bool) {
	if !c.stormy {
		return f, false
	}
	if c.nextKill--; c.nextKill == 0 {
		c.nextKill = 40 + c.random.IntN(160)
		if c.process.kill() {
			c.done.kills++
		}
		before := c.random.IntN(2) == 0
		return ldaptest.Fault{DropBefore: before, DropAfter: !before}, true
	}
	writes := slices.Contains([]string{"add", "modify", "modrdn", "delete", "password"}, op.Verb)
	switch {
	case c.sky == frozen:
		return ldaptest.Fault{Wait: c.thaw}, true
	case c.sky == readOnly && writes:
		return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "shadow context; no update referral"}, true
	case c.sky == wrongLogin && op.Verb == "bind":
		return ldaptest.Fault{Code: ldap.LDAPResultInvalidCredentials}, true
	}
	switch c.random.IntN(40) {
	case 0:
		return ldaptest.Fault{DropBefore: true}, true
	case 1:
		return ldaptest.Fault{DropAfter: true}, true
	case 2:
		return ldaptest.Fault{Code: ldap.LDAPResultBusy}, true
	}
	return f, false
}

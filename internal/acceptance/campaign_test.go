//go:build linux

package acceptance_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/internal/app"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

var (
	campaignTime    = flag.Duration("campaign", 0, "how long the campaign goes on; zero for one short round")
	campaignSeed    = flag.Uint64("campaign-seed", 1, "what the campaign draws its choices from")
	campaignRound   = flag.Uint64("campaign-round", 0, "the round that the campaign begins with")
	campaignProgram = flag.String("campaign-program", "", "the absolute path of the product that the campaign kills; this test binary if empty, whose clock can be put off")
)

// The product is killed again and again, at some operation in the directory, before it is done or after it and before its answer is seen,
// while IDaaS sends and repeats what happens in a company, and the directory, the disk and the clock are in trouble. After each round the
// directory is what the model says: nothing is lost, nothing was done twice, and nothing out of order.
func TestEmbeddedCampaign(t *testing.T) {
	c := newCampaign(t, 1, nil)
	c.kinds = append(c.kinds, diskFull)
	if *campaignProgram == "" {
		c.kinds = append(c.kinds, ahead, behind)
	}
	c.fight("file")
}

// Three instances share a PostgreSQL server that is killed as well. In a long campaign one of them is halted now and then until another has
// its lease, and goes on.
func TestPostgresCampaign(t *testing.T) {
	database := ldaptest.StartPostgres(t, "CREATE ROLE "+ldaptest.PostgresUser+" LOGIN PASSWORD '"+ldaptest.PostgresPassword+"'",
		"CREATE DATABASE "+ldaptest.PostgresDatabase+" OWNER "+ldaptest.PostgresUser)
	c := newCampaign(t, 3, database)
	c.kinds = append(c.kinds, databaseKilled)
	if *campaignTime > 0 {
		c.kinds = append(c.kinds, halted) // which takes as long as a lease
	}
	c.fight("postgres")
}

// campaign is the product as processes, with a directory and a database that are in trouble.
type campaign struct {
	*product

	processes []*process
	server    *ldaptest.Server
	database  *ldaptest.PostgresServer // nil for a file
	kinds     []trial                  // what goes wrong

	turning sync.Mutex // held while the weather changes
	halted  *process
	reopens bool // the database was away

	mu         sync.Mutex // guards what follows
	plan       schedule
	stormy     bool
	sky        trial
	thaw       chan struct{} // closed when a frozen directory goes on
	requests   int           // in storms of this round
	operations int
	refused    int // since the weather changed
	done       tally
}

func newCampaign(t *testing.T, processes int, database *ldaptest.PostgresServer) *campaign {
	t.Helper()
	c := &campaign{server: startEmbedded(t), database: database, kinds: []trial{windy, windy, down, frozen, readOnly, wrongLogin}}
	// An answer that a kill has kept from us makes a deletion look as if somebody else had done it.
	guard := edit{"guards:", "guards:\n  vanished: { max: 100000, percent: 100, window: 1ms }"}
	s := setup{answerWithin: 100 * time.Millisecond, directories: []configured{{name: "corp", dir: embeddedDirectory(c.server), edits: []edit{guard}}}}
	if database != nil {
		s.store = database.URL()
	}
	c.product = makeProduct(t, s)
	c.feed.through = c.post
	for i := range processes {
		p := &process{launched: i, program: *campaignProgram, config: c.config, tenant: c.tenant, patient: database != nil, buried: c.bury}
		p.run(t)
		c.processes = append(c.processes, p)
	}
	c.reopens = true
	if err := c.look(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.app.Store.Close() }) // it was only read from
	c.server.Fault(c.fault)
	c.feed.send(t, c.otherEvents()...)
	if bad := c.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	return c
}

// look opens the store to see what becomes of events, anew where the database was away.
func (c *campaign) look() error {
	if !c.reopens {
		return nil
	}
	c.reopens = false
	opened, err := app.OpenStore(c.t.Context(), c.load(), store.ToRead)
	if err != nil {
		return fmt.Errorf("look into the store: %w", err)
	}
	if c.app != nil {
		_ = c.app.Store.Close() // its connections are gone
	}
	c.app = &app.App{Store: opened}
	return nil
}

// bury ends the leases of an instance that is dead, so that nobody has to wait for their end. While the database is away they run out.
func (c *campaign) bury(pid int) {
	if c.database == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.database.Try(ctx, ldaptest.PostgresDatabase, fmt.Sprintf("UPDATE lease SET until = 0 WHERE owner LIKE 'process %d on %%'", pid))
}

// fight goes through rounds until the time is over or something is wrong.
func (c *campaign) fight(name string) {
	c.t.Helper()
	started := time.Now()
	for round := *campaignRound; round == *campaignRound || time.Since(started) < *campaignTime; round++ {
		err := c.round(round)
		c.done.rounds++
		if err != nil || !c.done.isClean() {
			c.t.Errorf("round %d: %v\nbegin with it by: go test ./internal/acceptance -run '^%s$' -campaign %s -campaign-seed %d -campaign-round %d\nwhat went wrong before:\n%sthe product says: %s",
				round, err, c.t.Name(), min(*campaignTime, time.Second), *campaignSeed, round, c.plan.until(c.requests, c.operations), c.saved())
			break
		}
	}
	if c.done.kills == 0 || c.done.faults == [trials]int{} {
		c.t.Error("nothing was killed, or nothing went wrong: that proves nothing")
	}
	c.t.Logf("campaign: seed=%d seconds=%.0f %s", *campaignSeed, time.Since(started).Seconds(), &c.done)
	if *update && *campaignTime > 0 && !c.t.Failed() {
		writeFigures(c.t, name, figures(time.Now(), time.Since(started), *campaignSeed, len(c.processes), &c.done))
	}
}

// saved keeps what the product has said in files, and returns where.
func (c *campaign) saved() string {
	var paths []string
	for i, p := range c.processes {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("campaign-%d-%d.log", os.Getpid(), i))
		if err := os.WriteFile(path, p.log.Bytes(), 0o600); err != nil {
			return err.Error()
		}
		paths = append(paths, path)
	}
	return strings.Join(paths, " ")
}

// size returns how many events a round has. A short one with several processes has few.
func (c *campaign) size() int {
	switch {
	case *campaignTime > 0:
		return 250
	case c.database != nil:
		return 60
	}
	return 120
}

// round lets things happen in a company of its own, delivers them in the storm, and looks at the directory afterwards.
func (c *campaign) round(n uint64) error {
	c.t.Helper()
	choose := seeded{rand.New(rand.NewPCG(*campaignSeed, n))} // Made-up people need no secrecy.
	c.mu.Lock()
	c.plan, c.requests, c.operations = newSchedule(*campaignSeed, n, c.kinds, len(c.processes)), 0, 0
	c.mu.Unlock()
	company := newCompany(choose, c.tenant, c.clock.Now, size{users: 30, units: 8, groups: 5}, fmt.Sprintf("%04d", n))
	company.grow(c.size())
	about := numberAddresses(company.events)
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
	c.tallied(func(t *tally) { t.events += len(company.events) })
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
	return errors.Join(err, c.calms())
}

// What goes wrong, and when, follows from the seed.
func TestTheScheduleFollowsFromTheSeed(t *testing.T) {
	kinds := []trial{windy, down, frozen}
	one, again, other := newSchedule(1, 2, kinds, 3), newSchedule(1, 2, kinds, 3), newSchedule(1, 3, kinds, 3)
	if one.until(mostRequests, mostOperations) != again.until(mostRequests, mostOperations) || one.draw(7, 1000) != again.draw(7, 1000) {
		t.Error("the same seed gives another schedule")
	}
	if one.until(mostRequests, mostOperations) == other.until(mostRequests, mostOperations) {
		t.Error("another round has the same schedule")
	}
	said := one.until(200, 200)
	for _, kind := range kinds {
		if !strings.Contains(said, kind.String()) {
			t.Errorf("%s is not in the first of it:\n%s", kind, said)
		}
	}
	if slices.Max(slices.Collect(maps.Values(one.kills))) > 2 {
		t.Error("somebody is killed who is not there")
	}
}

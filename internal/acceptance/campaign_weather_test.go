//go:build linux

package acceptance_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// trial is what is wrong for a while, or with one operation.
type trial int

const (
	// windy: connections are cut before and after an operation, and the server is busy now and then.
	windy trial = iota
	down
	frozen
	readOnly
	wrongLogin
	diskFull
	databaseKilled
	halted // an instance, beyond its lease
	ahead
	behind
	// With one operation.
	cutBefore
	cutAfter
	busy
	trials
)

// String names a trial in the figures.
func (t trial) String() string {
	return [trials]string{
		"windy", "directory stopped", "directory frozen", "directory read-only", "login refused", "disk full", "database killed", "instance halted",
		"clock put forward", "clock put back", "connection cut before an operation", "connection cut after an operation", "busy",
	}[t]
}

// clockStep is how far the clock is put forward or back. IDaaS is a minute behind, so that nothing comes from what is still to be.
const clockStep = 45 * time.Second

// schedule is what goes wrong in a round and when. It follows from the seed and the number of the round.
type schedule struct {
	seed, round uint64
	// weather is what begins before a request, and kills are whom an operation in the directory is the last of, each by its number.
	weather map[int]trial
	kills   map[int]int
}

// Longer than any round.
const (
	mostRequests   = 5_000
	mostOperations = 50_000
)

func newSchedule(seed, round uint64, kinds []trial, processes int) schedule {
	random := rand.New(rand.NewPCG(^seed, round)) // It is no secret what goes wrong.
	s := schedule{seed: seed, round: round, weather: map[int]trial{}, kills: map[int]int{}}
	var bag []trial
	for at := 3; at < mostRequests; at += 4 + random.IntN(12) {
		if len(bag) == 0 {
			bag = slices.Clone(kinds)
			random.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		s.weather[at], bag = bag[0], bag[1:]
	}
	for at := 40; at < mostOperations; at += 40 + random.IntN(160) {
		s.kills[at] = random.IntN(processes)
	}
	return s
}

// draw returns a number below n that belongs to an operation.
func (s schedule) draw(operation, n int) int {
	return rand.New(rand.NewPCG(s.seed<<20^s.round, uint64(operation))).IntN(n)
}

// until tells what has gone wrong before a request and an operation.
func (s schedule) until(request, operation int) string {
	var b strings.Builder
	for _, at := range slices.Sorted(maps.Keys(s.weather)) {
		if at < request {
			fmt.Fprintf(&b, "before request %d: %s\n", at, s.weather[at])
		}
	}
	for _, at := range slices.Sorted(maps.Keys(s.kills)) {
		if at <= operation {
			fmt.Fprintf(&b, "at operation %d: instance %d is killed\n", at, s.kills[at])
		}
	}
	return b.String()
}

// post sends a request again and again until it is answered with 200, as IDaaS does, whatever dies meanwhile. In a storm the weather may
// change before.
func (c *campaign) post(request []idaastest.Event) (answer idaastest.Answer, err error) {
	c.mu.Lock()
	n := c.requests
	to, changes := c.plan.weather[n]
	changes = changes && c.stormy
	if c.stormy {
		c.requests++
	}
	c.mu.Unlock()
	if changes {
		c.turns(to)
	}
	for deadline, nobody := time.Now().Add(settleWithin), 0; ; n++ {
		client, broken := c.processes[n%len(c.processes)].ready()
		if broken != nil {
			return answer, broken
		}
		if client == nil {
			if <-time.After(5 * time.Millisecond); nobody%100 == 99 {
				c.refuses() // None starts where the database is away.
			}
			nobody++
		} else {
			c.tallied(func(t *tally) { t.requests++ })
			answer, err = client.Send(c.t.Context(), request...)
			if err == nil && answer.Status != http.StatusServiceUnavailable {
				return answer, nil
			}
			c.refuses()
		}
		if time.Now().After(deadline) {
			return answer, fmt.Errorf("no answer with 200 comes; the last is %+v, %w", answer, err)
		}
	}
}

// refuses counts a request that was not taken in. Where that is for a trial that keeps everybody from sending, it ends after some.
func (c *campaign) refuses() {
	const most = 8
	c.mu.Lock()
	c.refused++
	ends := c.refused >= most && (c.sky == diskFull || c.sky == databaseKilled)
	c.mu.Unlock()
	if ends {
		c.turns(windy)
	}
}

func (c *campaign) tallied(change func(*tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.done)
}

// turns changes the weather, in a storm only.
func (c *campaign) turns(to trial) {
	c.turning.Lock()
	defer c.turning.Unlock()
	c.mu.Lock()
	from, stormy := c.sky, c.stormy
	if stormy && from != to {
		if c.sky, c.refused = to, 0; from == frozen {
			close(c.thaw)
		}
		if to == frozen {
			c.thaw = make(chan struct{})
		}
		if to != windy {
			c.done.faults[to]++
		}
	}
	c.mu.Unlock()
	if stormy && from != to {
		c.ends(from)
		c.begins(to)
	}
}

func (c *campaign) begins(to trial) {
	switch to {
	case down:
		c.dir.close()
		c.server.Down()
	case wrongLogin:
		c.dir.close()
		c.server.Drop()
	case diskFull:
		c.fill(true)
	case databaseKilled:
		c.database.Kill()
	case halted:
		i := max(0, slices.IndexFunc(c.processes, (*process).leads))
		c.halted = c.processes[i]
		c.halted.halt()
	case ahead:
		c.step(clockStep)
	case behind:
		c.step(-clockStep)
	}
}

func (c *campaign) ends(from trial) {
	switch from {
	case down:
		if err := c.server.Up(); err != nil {
			c.t.Errorf("the directory does not come back: %v", err)
		}
	case wrongLogin:
		for i := range c.processes {
			c.kills(i) // The pauses after a refused login are minutes, for all who are not started anew.
		}
	case diskFull:
		c.fill(false)
	case databaseKilled:
		c.database.Start(c.t)
		c.reopens = true
	case halted:
		c.awaitSuccessor()
		c.halted.resume()
	case ahead, behind:
		c.step(0)
	}
}

func (c *campaign) fill(full bool) {
	for _, p := range c.processes {
		if err := p.fill(full); err != nil {
			c.t.Errorf("limit what the product writes: %v", err)
		}
	}
}

func (c *campaign) step(off time.Duration) {
	for _, p := range c.processes {
		p.step(off)
	}
}

// awaitSuccessor waits until another instance works on the directory than the one that is halted, unless that is killed.
func (c *campaign) awaitSuccessor() {
	leads := func(p *process) bool { return p != c.halted && p.leads() }
	for deadline := time.Now().Add(settleWithin); c.halted.isHalted() && !slices.ContainsFunc(c.processes, leads); <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Error("nobody takes over from the instance that is halted")
			return
		}
	}
}

// kills kills an instance of the product.
func (c *campaign) kills(i int) {
	if c.processes[i].kill() {
		c.tallied(func(t *tally) { t.kills++ })
	}
}

// calms ends the storm, and waits until the product runs.
func (c *campaign) calms() error {
	c.turns(windy)
	c.mu.Lock()
	c.stormy = false
	c.mu.Unlock()
	for _, p := range c.processes {
		if err := p.awaits(); err != nil {
			return err
		}
	}
	return c.look()
}

// fault decides what happens to an operation of the product.
func (c *campaign) fault(op ldaptest.Operation) (f ldaptest.Fault) {
	if !strings.HasPrefix(cmp.Or(op.BoundAs, op.DN), "cn=connector,") {
		return f
	}
	c.mu.Lock()
	if !c.stormy {
		c.mu.Unlock()
		return f
	}
	c.operations++
	n, sky, thaw := c.operations, c.sky, c.thaw
	c.mu.Unlock()
	writes := slices.Contains([]string{"add", "modify", "modrdn", "delete", "password"}, op.Verb)
	who, kills := c.plan.kills[n]
	struck := windy
	switch draw := c.plan.draw(n, 40); {
	case kills:
		c.kills(who)
		return ldaptest.Fault{DropBefore: draw%2 == 0, DropAfter: draw%2 == 1}
	case sky == frozen:
		return ldaptest.Fault{Wait: thaw}
	case sky == readOnly && writes:
		return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "shadow context; no update referral"}
	case sky == wrongLogin && op.Verb == "bind":
		return ldaptest.Fault{Code: ldap.LDAPResultInvalidCredentials}
	case draw == 0:
		f, struck = ldaptest.Fault{DropBefore: true}, cutBefore
	case draw == 1:
		f, struck = ldaptest.Fault{DropAfter: true}, cutAfter
	case draw == 2:
		f, struck = ldaptest.Fault{Code: ldap.LDAPResultBusy}, busy
	}
	if struck != windy {
		c.tallied(func(t *tally) { t.faults[struck]++ })
	}
	return f
}

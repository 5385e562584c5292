package pull_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
)

// When the next round is due differs from one service to another, evenly over a tenth of the time between two.
func TestRoundsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProduct(t, idaastest.NewTenantWithKey(nil, time.Now).Live(idaastest.Organization{}), false)
		defer p.stop()
		log := logrus.New()
		log.SetOutput(t.Output())
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // it plans, and ends
		const schedules = 200
		tenths := make([]int, 10)
		for i := range uint64(schedules) {
			seen := &rounds{}
			s := &pull.Schedule{
				Round: p.round, Rounds: p.store, Application: "app", Every: 24 * time.Hour, Clock: dispatch.SystemClock{}, Rand: rand.New(rand.NewPCG(i, 1)), Log: log, Observer: seen,
			}
			s.Run(ctx)
			part := float64(time.Until(seen.next)) / float64(24*time.Hour)
			if part < 0.95 || part >= 1.05 {
				t.Fatalf("the next round is after %v of the time", part)
			}
			tenths[int((part-0.95)*100)]++
		}
		for i, n := range tenths {
			if n < 5 || n > 40 {
				t.Errorf("%d of %d are in part %d of ten: %v", n, schedules, i, tenths)
			}
		}
	})
}

// When everything was read for the last time is known after a restart.
func TestTheLastSuccessIsKeptOverARestart(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		finished := p.catchUp().Finished
		seen := &rounds{}
		_, stop := p.schedule(pull.Never, seen)
		p.pass(time.Second)
		stop()
		if got := event.Millis(seen.succeeded.UnixMilli()); got != finished || !seen.next.After(time.Now()) {
			p.Errorf("the last round ended well at %s; want %s; the next one is due at %s", got, finished, seen.next)
		}
	})
}

// What is to be read at the start is read when the store can be written, if it cannot be at first.
func TestTheStartIsNotLostWhereTheStoreCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		start  pull.Start
		broken time.Duration
		rounds int
	}{{pull.Always, 10 * time.Second, 1}, {pull.Always, 10 * time.Minute, 1}, {pull.AfterOutage, 10 * time.Second, 0}, {pull.AfterOutage, 10 * time.Minute, 1}, {pull.Never, 10 * time.Second, 0}, {pull.Never, 10 * time.Minute, 1}} {
		inProduct(t, idaastest.Organization{}, true, func(p *product) {
			_, stop := p.schedule(pull.Never, &rounds{})
			p.pass(time.Second)
			stop()
			seen, broken := &rounds{}, &brokenStore{Store: p.store}
			broken.set(errors.New("the disk is full"))
			_, stop = p.scheduleOn(broken, c.start, seen)
			p.pass(c.broken)
			p.want(seen, 0, "while the store is broken")
			broken.set(nil)
			p.pass(time.Minute)
			stop()
			p.want(seen, c.rounds, "when it is mended")
		})
	}
}

// What was lost is read also where the service ends again before it has been, be it that nothing was asked yet or that the API did not answer.
func TestAnOutageIsNotForgotten(t *testing.T) {
	for _, c := range []struct {
		closed bool
		runs   time.Duration
		rounds int
	}{{false, time.Second, 0}, {true, 10 * time.Second, 1}} {
		inProduct(t, small(), true, func(p *product) {
			seen := &rounds{}
			_, stop := p.schedule(pull.Never, seen)
			p.pass(time.Second)
			stop()
			p.pass(2 * time.Minute)
			p.api.Change(func(a *idaastest.API) { a.Closed = c.closed })
			_, stop = p.schedule(pull.AfterOutage, seen)
			p.pass(c.runs)
			stop()
			p.want(seen, c.rounds, "before the restart")
			p.api.Change(func(a *idaastest.API) { a.Closed = false })
			for range 2 {
				p.pass(10 * time.Second)
				_, stop = p.schedule(pull.AfterOutage, seen)
				p.pass(10 * time.Second)
				stop()
				p.want(seen, c.rounds+1, "after a restart")
			}
			if seen.bad != c.rounds {
				p.Errorf("%d stopped", seen.bad)
			}
		})
	}
}

package pull_test

import (
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/pull"
)

// setClock is the clock of the bubble as somebody has set it.
type setClock struct{ ahead atomic.Int64 }

func (c *setClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())).Round(0) }

func (c *setClock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	timer := time.NewTimer(moment.Sub(c.Now()))
	return timer.C, func() { timer.Stop() }
}

// A clock that was ahead has put off the next round, which does not wait until it shows the same again.
func TestAClockThatIsSetBackPutsOffNoRound(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		inProduct(t, small(), true, func(p *product) {
			seen, clock := &rounds{}, &setClock{}
			clock.ahead.Store(int64(30 * 24 * time.Hour))
			p.clock = clock
			_, stop := p.schedule(pull.AfterOutage, seen)
			p.pass(10 * time.Second)
			p.want(seen, 1, "at the first start")
			if restarts {
				stop()
			}
			clock.ahead.Store(0)
			if restarts {
				_, stop = p.schedule(pull.AfterOutage, seen)
			}
			p.pass(3 * time.Hour)
			if n := seen.count(); n < 2 || n > 3 {
				t.Errorf("three hours after the clock was set back there were %d rounds (restarted: %t)", n, restarts)
			}
			stop()
		})
	}
}
